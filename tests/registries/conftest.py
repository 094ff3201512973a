"""A registry in memory, connected, and the acts of the tests upon it."""

from datetime import UTC, datetime, timedelta

import pytest

from demo.registry import DemoRegistry
from registries import connections, credentials, indexing, leases
from registries.models import Fault, Listing, Presence, Registry, Repository
from registries.oci.digest import Digest
from tests.simulators.fleet import Fleet
from tests.simulators.images import Author
from tests.simulators.registry_profiles import imitating
from tests.simulators.registry_quirks import Quirks

HOUR = timedelta(hours=1)


class Bench:
    """One repository of one registry, and what an index of it leaves behind."""

    def __init__(self, app, profile=None):
        self.demo = app
        self.quirks = Quirks(imitating(profile, app) if profile else app)
        self.author = Author(app)
        address = f"registry{Registry.objects.count() or ''}.test"
        self.registry = Registry.objects.create(address=address, reference_name=address, plain_http=True)
        for name, password in (profile.credentials if profile else {}).items():
            self.registry.username = name
            self.registry.sealed_password = credentials.seal(credentials.READING, self.registry, password)
            self.registry.save()
        self.repository = Repository.objects.create(registry=self.registry, name="team/app")
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.requests = {}

    def take(self):
        return leases.take(Repository.objects.all(), self.repository.pk)

    def index(self, *, lease=None, everything=True, after=HOUR, **caps):
        """Index once, an hour after the last time; answers the requests it took. `everything`: due or not."""
        self.at += after
        if everything and lease is None and not self.repository.cycle_began_at:
            Repository.objects.filter(pk=self.repository.pk).ask_now(self.at)
        lease = lease or self.take()
        with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
            indexing.index_repository(
                lease.row, source, lease, caps=indexing.Caps(**{"delay": 0, **caps}), now=lambda: self.at
            )
            self.requests = dict(source.requests)
        self.repository = Repository.objects.get(pk=self.repository.pk)
        return self.requests

    def listing(self, content):
        return Listing.objects.get(repository=self.repository, subject=Digest.of(content))

    def referrers(self, content):
        return self.listing(content).digests

    def fault(self, thing):
        name = Digest.of(thing) if isinstance(thing, bytes) else thing
        return Fault.objects.get(repository=self.repository, digest=str(name))

    def faults(self):
        return sorted(Fault.objects.filter(repository=self.repository).values_list("code", flat=True))

    def present(self):
        return set(Presence.objects.filter(repository=self.repository).current().values_list("manifest_id", flat=True))

    def artifacts(self):
        rows = Presence.objects.filter(repository=self.repository, is_artifact=True).current()
        return set(rows.values_list("manifest_id", flat=True))


@pytest.fixture
def make_bench(db, tmp_path):
    made = []

    def make(profile=None, **options):
        app = DemoRegistry(tmp_path / f"registry{len(made)}", **(profile.options if profile else {}), **options)
        made.append(app)
        return Bench(app, profile)

    yield make
    for app in made:
        app.close()


@pytest.fixture
def bench(make_bench):
    return make_bench()


@pytest.fixture
def old(make_bench):
    """A registry without the referrers API."""
    return make_bench(referrers_api=False)


@pytest.fixture
def make_fleet(db, tmp_path):
    made = []

    def make(**options):
        fleet = Fleet(tmp_path / f"fleet{len(made)}", **options)
        made.append(fleet.demo)
        return fleet

    yield make
    for demo in made:
        demo.close()
