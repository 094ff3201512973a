"""PostgreSQL and Redis by environment variables alone: the same work, the same words."""

import os
import time
from datetime import UTC, datetime

import pytest

from demo.registry import running
from demo.world import World
from tests.running.installation import CONNECT, OnPostgresql, compare, kill
from tests.simulators import servers


@pytest.mark.network
def test_the_sample_world_is_judged_alike_on_postgresql_and_redis(tmp_path):
    if lacking := servers.missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not installed: {', '.join(lacking)}")
    world = World.build(tmp_path / "sample" / "registry", datetime.now(UTC))
    world.write(tmp_path / "sample" / "files")
    with (
        servers.postgresql() as database,
        servers.redis() as broker,
        running(tmp_path / "sample" / "registry") as registry,
    ):
        installation = OnPostgresql(tmp_path, database, broker)
        installation.run("-c", CONNECT, str(tmp_path / "sample"), registry.address)
        processes = [installation.beat(), installation.worker(), installation.worker()]
        try:
            deadline = time.monotonic() + 120
            while not installation.rests():
                assert time.monotonic() < deadline, "the sample world was not judged in time"
                time.sleep(0.5)
        finally:
            for process in processes:
                kill(process)
        compare(installation, world)
