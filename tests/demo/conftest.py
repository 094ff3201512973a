import httpx
import pytest

from demo.registry import DemoRegistry


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
