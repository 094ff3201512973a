"""A small real OCI registry (distribution specification 1.1) for the sample world and for tests; not a product."""

from demo.registry.app import DemoRegistry
from demo.registry.auth import Basic, Bearer
from demo.registry.server import RunningRegistry, running
from demo.registry.store import Store, StoreError

__all__ = ["Basic", "Bearer", "DemoRegistry", "RunningRegistry", "Store", "StoreError", "running"]
