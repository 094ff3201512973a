"""One command, all processes: starts children, restarts the dead, ends with all of them or not at all."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STOP_WITHIN = 20.0  # seconds until a child that does not end is killed
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0  # seconds before a dead child is started again
STEADY_AFTER = 30.0  # seconds alive after which its deaths are forgotten
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A program that should always run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait: float = FIRST_WAIT
    start_at: float = field(default=0.0)

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            list(self.command), env=dict(self.environment), start_new_session=True, preexec_fn=_end_with_parent
        )
        self.started_at = now

    def mourn(self, now: float, log: "Log") -> None:
        """The child died: its group (an orphaned grandchild) is killed, and a later start is arranged."""
        assert self.process is not None
        code, pid = self.process.returncode, self.process.pid
        _signal_group(pid, signal.SIGKILL)
        self.wait = FIRST_WAIT if now - self.started_at > STEADY_AFTER else min(self.wait * 2, LONGEST_WAIT)
        self.start_at, self.process = now + self.wait, None
        log(f"{self.name} ended ({_ending(code)}); starting it again in {self.wait:.1f} s")


def free_port(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class Log:
    """Lines on standard error, named after who speaks."""

    def __call__(self, line: str) -> None:
        print(f"signboard: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a terminal is its place


def _end_with_parent() -> None:
    """In the child: be ended by the kernel when the supervisor dies, even by kill -9 (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return  # nobody left


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit {code}"


def supervise(children: Sequence[Child]) -> None:
    """Run until SIGTERM or SIGINT; returns when every child has ended."""
    log, stopping = Log(), False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while not stopping:
        now = time.monotonic()
        for child in children:
            if child.process is None and now >= child.start_at:
                child.start(now)
            elif child.process is not None and child.process.poll() is not None:
                child.mourn(now, log)
        time.sleep(0.1)
    _stop(children, log)


def _stop(children: Sequence[Child], log: Log) -> None:
    """SIGTERM to each child's main process, in reverse order; SIGKILL to the group of any that outlasts the deadline."""
    running = [child for child in reversed(children) if child.process is not None]
    for child in running:
        assert child.process is not None
        child.process.terminate()
    deadline = time.monotonic() + STOP_WITHIN
    for child in running:
        assert child.process is not None
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log(f"{child.name} did not end in {STOP_WITHIN:.0f} s; killed")
        _signal_group(child.process.pid, signal.SIGKILL)
        child.process.wait()
