"""What most tests of this room begin with."""

import pytest

from tests.simulators.revocation import RevocationHost
from tests.trust.seeding import Place


@pytest.fixture
def place():
    return Place()


@pytest.fixture
def host():
    """Where answers about revocation come from."""
    return RevocationHost()


@pytest.fixture
def send(host):
    with host.transport() as transport:
        yield transport
