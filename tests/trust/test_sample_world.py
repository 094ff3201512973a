"""The sample world, indexed and judged from end to end: every artifact reads as its makers say it must."""

from datetime import UTC, datetime

import pytest

from demo.registry import DemoRegistry
from demo.world import World
from registries import connections, indexing
from registries.leases import take
from registries.models import Presence, Registry, Repository
from registries.oci.digest import Digest
from tests.simulators.wsgi import WSGIWire
from trust import revisions, verification
from trust.models import ArtifactStatus, Judgement

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=[True, False], ids=["referrers API", "referrers tags"])
def filled(request, tmp_path_factory):
    app = DemoRegistry(tmp_path_factory.mktemp("world"), referrers_api=request.param)
    yield app, World.build(app, NOW)
    app.close()


@pytest.fixture
def world(filled):
    """The world, connected, trusted, indexed and judged."""
    app, world = filled
    files = {
        (*store.split(":"), name): content
        for store, names in world.trust_stores.items()
        for name, content in names.items()
    }
    revisions.publish(world.policy, files, author=None, reason="sample", based_on=None, at=NOW)
    registry = Registry.objects.create(address="registry.test", reference_name=world.reference_name, plain_http=True)
    for name in sorted({expectation.repository for expectation in world.expectations}):
        repository = Repository.objects.create(registry=registry, name=name)
        lease = take(Repository.objects.all(), repository.pk)
        with connections.open_source(registry, wire=WSGIWire(app)) as source:
            indexing.index_repository(lease.row, source, lease, now=lambda: NOW)
    verification.ensure_judgements()
    for row in Judgement.objects.order_by("pk"):
        verification.judge_repository(take(Judgement.objects.all(), row.pk), NOW)
    return world


def test_every_artifact_reads_as_it_must_in_lists_and_on_the_spot(world):
    rows = {
        (row.repository.name, str(row.manifest_id)): row
        for row in ArtifactStatus.objects.with_word_at(1, NOW).select_related("repository__registry")
    }
    wrong = []
    for expected in world.expectations:
        row = rows[expected.repository, expected.digest]
        spot = verification.judge_artifact(row.repository, Digest.parse(expected.digest), NOW).verdict
        for word, reason in ((row.word_now, row.reason), (spot.word, spot.reason)):
            if word != expected.word or (expected.reason and reason != expected.reason):
                wrong.append(
                    f"{expected.repository} {expected.tags} ({expected.shows}): {word} {reason}, not {expected.word} {expected.reason}"
                )
    assert wrong == []
    assert len(world.expectations) > 60


def test_everything_that_is_tagged_is_an_artifact_with_a_status(world):
    here = set(Presence.objects.current().filter(is_artifact=True).values_list("repository_id", "manifest_id"))
    listed = set(ArtifactStatus.objects.artifacts().values_list("repository_id", "manifest_id"))
    assert here - listed == set()
    assert len(listed) > 60
