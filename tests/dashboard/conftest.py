"""What tests of pages have in common: a clock that the sample authorities share with the pages, and somebody who reads."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.dashboard.rows import make_person
from tests.trust import seeding


@pytest.fixture
def ago():
    """How long before the test its samples begin."""
    return timedelta(0)


@pytest.fixture
def now(monkeypatch, ago):
    """The sample authorities are as old as the seeding's clock; pages ask the real one."""
    moment = timezone.now().replace(microsecond=0) - ago
    monkeypatch.setattr(seeding, "NOW", moment)
    seeding.pki.cache_clear()
    yield moment
    seeding.pki.cache_clear()


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client
