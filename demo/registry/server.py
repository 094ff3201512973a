"""The registry in a process of its own: gunicorn with threads, kept connections, on a loopback port."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from demo.registry.app import DemoRegistry

READY = "demo registry ready at "


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn, configured from here alone; the registry is opened in the worker."""

    def __init__(self, root: Path, address: str, **options: Any) -> None:
        self._root, self._address, self._options = root, address, options
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": self._address,
            "workers": 1,
            "worker_class": "gthread",
            "threads": 16,
            "keepalive": 60,
            "loglevel": "warning",
            "when_ready": _print_address,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> DemoRegistry:
        return DemoRegistry(self._root, **self._options)


def _print_address(arbiter: Any) -> None:
    host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
    sys.stdout.write(f"{READY}http://{host}:{port}\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """A registry that runs in another process."""

    address: str  # "127.0.0.1:41234"
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://{self.address}"


@contextmanager
def running(root: Path, *arguments: str) -> Iterator[RunningRegistry]:
    """Serve a registry directory on a free loopback port until the block ends."""
    command = [sys.executable, "-m", "demo.registry", "--root", str(root), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(READY):
                raise RuntimeError(f"the registry did not start: {line!r}")
            yield RunningRegistry(line.removeprefix(READY).strip().removeprefix("http://"), process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
