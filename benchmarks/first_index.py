"""Signboard's first index of a registry by a worker as `make up` starts it; prints what it took as JSON.

python -m benchmarks.first_index ADDRESS THREADS < names of repositories
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings

from benchmarks.fleet import settings_for

NUDGED_EVERY = 2.0  # seconds: the sweep's
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def main(address: str, threads: int, names: list[str]) -> dict[str, Any]:
    from django.core.management import call_command

    from dashboard.management.commands import up
    from registries import tasks
    from registries.models import Registry, Repository, Survey

    call_command("migrate", verbosity=0)
    call_command("flush", interactive=False, verbosity=0)  # a PostgreSQL server may have served another run
    registry = Registry.objects.create(
        address=address,
        reference_name=address,
        plain_http=True,
        allowed_networks=["127.0.0.0/8"],
        repository_patterns=names,
    )
    Survey.objects.create(registry=registry, due_at=None)
    for name in ("messages", "control"):
        (settings.DATA_DIR / "queue" / name).mkdir(parents=True)
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}  # of a worker that runs as root
    worker = next(child for child in up.children("127.0.0.1", 0, threads, environment) if child.name == "worker")
    command = [*worker.command, "--queues", "indexing"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            tasks.index_repository.delay(0)  # no such row: once the message is gone, the worker is up
            _wait_for_no_message(process)
            began, used = time.monotonic(), _processor_seconds(process.pid)
            Survey.objects.filter(registry=registry).update(due_at="2026-01-01T00:00Z")
            tasks.survey_registry(registry.pk)
            nudged = time.monotonic()
            while Repository.objects.filter(indexed_at=None).exists():
                assert process.poll() is None, "the worker ended"
                time.sleep(0.1)
                if time.monotonic() - nudged > NUDGED_EVERY:
                    tasks.nudge_indexing()
                    nudged = time.monotonic()
            seconds, used = time.monotonic() - began, _processor_seconds(process.pid) - used
            memory = _memory(process.pid)
        finally:
            process.terminate()
    return {"seconds": seconds, "processor": used, "memory": memory, "requests": _requests(), "rows": _rows()}


def _wait_for_no_message(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while list((settings.DATA_DIR / "queue" / "messages").glob("*.msg")):
        assert process.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker takes no message"
        time.sleep(0.05)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def _memory(pid: int) -> int:
    """The most MiB that it held."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) // 1024


def _requests() -> dict[str, int]:
    from registries.models import Repository

    counted: Counter[str] = Counter()
    for requests in Repository.objects.values_list("requests", flat=True):
        counted.update(requests)
    return dict(counted)


def _rows() -> dict[str, int]:
    """What is stored now, and whether it is all there was."""
    from registries.models import Content, Fault, Listing, Presence

    return {
        "manifests": Presence.objects.current().count(),
        "complete_lists": Listing.objects.filter(complete=True).count(),
        "contents": Content.objects.count(),
        "faults": Fault.objects.count(),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings_for(Path(folder))
        json.dump(main(sys.argv[1], int(sys.argv[2]), sys.stdin.read().split()), sys.stdout)
