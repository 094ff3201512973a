"""PostgreSQL and Redis, two workers on one fleet, one of them killed with -9 in the middle, again and again."""

import json
import os
import random
import time
from datetime import UTC, datetime

import pytest

from demo.registry import DemoRegistry, running
from demo.world import World
from tests.running.installation import CONNECT, OnPostgresql, compare, kill
from tests.simulators import servers
from tests.simulators.images import Author, digest_of

FLEET = 12  # repositories beside the sample world, so that two workers always have something to do
INDEX_AGAIN = (
    "UPDATE registries_repository SET due_at = now(), tags_due_at = now(), asked_at = now(), cycle_began_at = NULL"
)


def add_fleet(root):
    """Images with referrers in repositories of their own; answers what is listed of each."""
    registry = DemoRegistry(root)
    listed = {}
    with registry.batch():
        for number in range(FLEET):
            author = Author(registry, f"fleet/app-{number}")
            for tag in range(6):
                image = author.image(f"{number} {tag}", tags=f"1.{tag}")
                referrers = [author.referrer(image, b'{"%d": %d}' % (number, n)) for n in range(3)]
                listed[author.repository, digest_of(image)] = {digest_of(content) for content in referrers}
    registry.close()
    return listed


def compare_fleet(installation, listed):
    """Every image with its referrers, once, complete, and unsigned as they all are."""
    rows = installation.ask(
        "SELECT r.name, l.subject, l.complete, l.digests, s.word FROM registries_listing l"
        " JOIN registries_repository r ON r.id = l.repository_id"
        " JOIN trust_artifactstatus s ON s.repository_id = r.id AND s.manifest_id = l.subject AND s.is_artifact"
        " WHERE r.name LIKE 'fleet/%'"
    )
    assert len(rows) == len(listed)
    for name, subject, complete, digests, word in rows:
        found = json.loads(digests) if isinstance(digests, str) else digests
        assert (complete, set(found), len(found), word) == (True, listed[name, subject], 3, "unsigned")


def check(folder, kills, seed):
    if lacking := servers.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not installed: {', '.join(lacking)}")
    chance = random.Random(seed)
    root = folder / "sample" / "registry"
    world = World.build(root, datetime.now(UTC))
    world.write(folder / "sample" / "files")
    listed = add_fleet(root)
    with servers.postgresql() as database, servers.redis() as broker, running(root) as registry:
        installation = OnPostgresql(folder, database, broker)
        installation.run("-c", CONNECT, str(folder / "sample"), registry.address)
        beat, workers = installation.beat(), [installation.worker(), installation.worker()]
        try:
            for _ in range(kills):
                time.sleep(chance.uniform(1.5, 4.0))  # a worker needs a second to begin
                victim = chance.randrange(2)
                kill(workers[victim])
                workers[victim] = installation.worker()
                if chance.random() < 0.5 and installation.rests():
                    installation.tell(INDEX_AGAIN)
            deadline = time.monotonic() + 120
            while not installation.rests():
                assert time.monotonic() < deadline, "the work did not resume"
                time.sleep(0.5)
        finally:
            for process in (beat, *workers):
                kill(process)
        compare(installation, world)
        compare_fleet(installation, listed)
        fences = installation.ask("SELECT sum(fence), max(fence) FROM registries_repository")
    return fences[0]


@pytest.mark.network
def test_two_workers_of_which_one_is_killed_lose_nothing_and_say_nothing_false(tmp_path):
    claims, _ = check(tmp_path, kills=3, seed=int(time.time()))
    assert claims > FLEET


@pytest.mark.soak
def test_two_workers_of_which_one_is_killed_again_and_again(tmp_path, soak_seed):
    for round_ in range(3):
        folder = tmp_path / str(round_)
        folder.mkdir()
        claims, most = check(folder, kills=25, seed=soak_seed + round_)
        print(
            f"two workers: round {round_ + 1} of 3, 25 kills, seed {soak_seed + round_}: {claims} claims, at most {most} of one"
        )
