from datetime import UTC, datetime

import httpx
import pytest

from demo.pki import Pki
from demo.registry import DemoRegistry
from demo.world import World


@pytest.fixture
def serve(tmp_path):
    """Open registries on a directory of this test; each comes with a client that reaches it without a socket."""
    opened = []

    def open_registry(directory="registry", **options):
        registry = DemoRegistry(tmp_path / directory, **options)
        client = httpx.Client(transport=httpx.WSGITransport(app=registry), base_url="http://registry.example")
        opened.append((registry, client))
        return registry, client

    yield open_registry
    for registry, client in opened:
        client.close()
        registry.close()


NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture(scope="session")
def pki():
    return Pki.build(NOW)


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The sample world in a registry that nobody writes to: (world, registry)."""
    registry = DemoRegistry(tmp_path_factory.mktemp("sample"), read_only=True)
    yield World.build(registry, NOW), registry
    registry.close()
