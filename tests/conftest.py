"""What every test stands on: no socket is opened unless the test says so."""

import os
import socket

import pytest

from registries.nudging import Nudges


@pytest.fixture(autouse=True)
def no_network(request, monkeypatch):
    """A test that connects anywhere fails, unless it is marked `network`, `interop`, `browser` or `soak`."""
    if any(request.node.get_closest_marker(name) for name in ("network", "interop", "browser", "soak")):
        return
    real = socket.socket.connect

    def refuse(self, address):
        if self.family == socket.AF_UNIX or request.config.getoption("--reuse-db", default=None) == "never":
            return real(self, address)
        raise AssertionError(f"this test opened a socket to {address}; mark it `network` if it must")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def nothing_is_sent_yet(monkeypatch):
    """What a process remembers of its messages, with keys that the next test's rows may have again."""
    from registries import tasks  # Django's models: only after the settings are there
    from trust import tasks as trust_tasks

    for place, names in (
        (tasks, ("_SURVEYS", "_REFERRERS_TAGS", "_INDEXES")),
        (trust_tasks, ("_SOURCES", "_JUDGEMENTS")),
    ):
        for name in names:
            monkeypatch.setattr(place, name, Nudges())


@pytest.fixture
def soak_seed():
    """Where a long test begins its chance from: given by whoever repeats it, and printed for them."""
    seed = int(os.environ.get("SIGNBOARD_SOAK_SEED", "1"))
    print(f"seed {seed}")
    return seed
