"""Debian's PostgreSQL and Redis on free loopback ports, for as long as a block runs.

python -m tests.simulators.servers COMMAND …     runs a command with SIGNBOARD_DATABASE_URL set to a fresh PostgreSQL
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def missing():
    """What has to be installed first; empty if nothing."""
    found = {"postgresql": bool(INSTALLED), "redis-server": bool(shutil.which("redis-server"))}
    return [name for name, there in found.items() if not there]


@contextmanager
def postgresql():
    """The database URL of an empty cluster."""
    binaries, port = INSTALLED[-1].parent, free_port()
    with tempfile.TemporaryDirectory(prefix="signboard-postgresql-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        as_user = {}
        if os.geteuid() == 0:  # initdb refuses root
            shutil.chown(folder, "postgres")
            shutil.chown(data, "postgres")
            as_user = {"user": "postgres", "cwd": folder}
        quiet = {"check": True, "stdout": subprocess.DEVNULL, **as_user}
        subprocess.run([binaries / "initdb", "-D", data, "-A", "trust", "-U", "signboard"], **quiet)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=1GB -c max_wal_size=8GB"
        log = Path(folder) / "log"
        subprocess.run([binaries / "pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start"], **quiet)
        try:
            yield f"postgres://signboard@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **quiet)


@contextmanager
def redis():
    """The broker URL of an empty Redis."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, "redis-server does not answer"
                    time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


if __name__ == "__main__":
    with postgresql() as url:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "SIGNBOARD_DATABASE_URL": url}).returncode)
