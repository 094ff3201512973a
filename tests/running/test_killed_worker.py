"""A worker killed with -9 at any moment: the next one finishes the work, nothing is lost, nothing counts twice."""

import os
import random
import time
from datetime import UTC, datetime

import pytest

from demo.registry import running
from demo.world import World
from tests.running.installation import CONNECT, Installation, compare, kill


def check(folder, kills, seed):
    chance = random.Random(seed)
    world = World.build(folder / "sample" / "registry", datetime.now(UTC))
    world.write(folder / "sample" / "files")
    installation = Installation(folder)
    with running(folder / "sample" / "registry") as registry:
        installation.run("-c", CONNECT, str(folder / "sample"), registry.address)
        beat = installation.beat()
        try:
            for _ in range(kills):
                worker = installation.worker()
                time.sleep(chance.uniform(1.2, 3.0))  # a worker needs a second to begin
                kill(worker)
            worker = installation.worker()
            deadline = time.monotonic() + 60
            while not installation.rests():
                assert time.monotonic() < deadline, "the work did not resume"
                assert worker.poll() is None, "the worker ended by itself"
                time.sleep(0.5)
            kill(worker)
        finally:
            kill(beat)
    compare(installation, world)


@pytest.mark.network
def test_work_resumes_after_kill_9_with_nothing_lost_and_nothing_twice(tmp_path):
    check(tmp_path, kills=4, seed=int(time.time()))


@pytest.mark.soak
def test_work_resumes_after_many_kills(tmp_path):
    seed = int(os.environ.get("SIGNBOARD_SOAK_SEED", "1"))
    for round_ in range(5):
        folder = tmp_path / str(round_)
        folder.mkdir()
        check(folder, kills=20, seed=seed + round_)
        print(f"kill -9: round {round_ + 1} of 5, 20 kills, seed {seed + round_}: nothing lost, nothing twice")
