"""One command runs all processes: a dead one comes back, and none outlives the command."""

import os
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import os, sys
from dashboard.supervisor import Child, supervise
folder = sys.argv[1]
code = "import os, sys, time; open(sys.argv[1] + '/' + str(os.getpid()), 'w').close(); time.sleep(600)"
command = [sys.executable, "-c", code, folder]
supervise([Child("one", command, os.environ), Child("two", command, os.environ)])
"""


def wait_for(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervisor(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def pids(folder):
    return {int(path.name) for path in folder.iterdir()}


def test_a_killed_child_is_started_again(supervisor, tmp_path):
    victim = min(pids(tmp_path))
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(pids(tmp_path)) == 3)
    assert len([pid for pid in pids(tmp_path) if alive(pid)]) == 2


def test_sigterm_ends_every_child_before_the_command(supervisor, tmp_path):
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert not [pid for pid in pids(tmp_path) if alive(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_no_child_outlives_a_supervisor_that_was_killed(supervisor, tmp_path):
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: not [pid for pid in pids(tmp_path) if alive(pid)])
