"""Nudges: what is due is claimed and done, what is not is left alone."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.celery import app
from registries import tasks
from registries.models import Registry, Repository, Survey, Tag
from registries.oci.digest import Digest
from tests.simulators.images import MANIFEST, descriptor


@pytest.fixture
def layout(db, tmp_path, settings):
    """A layout directory with one image under the tag 1.0 and an untagged one, connected and due."""
    settings.LAYOUT_ROOT = str(tmp_path)
    blobs = tmp_path / "shop" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content):
        (blobs / Digest.of(content).encoded).write_bytes(content)
        return content

    def image(name):
        config = descriptor(blob(b'{"name":"%s"}' % name), "application/vnd.oci.image.config.v1+json")
        return blob(json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).encode())

    tagged, untagged = image(b"tagged"), image(b"untagged")
    entries = [descriptor(tagged, annotations={"org.opencontainers.image.ref.name": "1.0"}), descriptor(untagged)]
    (tmp_path / "shop" / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    (tmp_path / "shop" / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    registry = Registry.objects.create(
        source=Registry.Source.LAYOUT, address="shop", reference_name="r.test", repository_patterns=["web/shop"]
    )
    Survey.objects.create(registry=registry, due_at=timezone.now())
    return registry


@pytest.fixture
def nudges():
    """The messages sent so far, each told once."""
    with app.connection_for_read() as connection:
        queues = [connection.SimpleQueue(name) for name in ("celery", "indexing")]

        def told():
            found = []
            for queue in queues:
                while queue.qsize():
                    message = queue.get_nowait()
                    message.ack()
                    found.append((message.headers["task"].rpartition(".")[2], message.payload[0][0]))
            return found

        told()
        yield told
        told()


def test_a_survey_and_an_index_of_a_layout_run_through(layout, nudges):
    tasks.survey_registry(layout.pk)
    repository = Repository.objects.get()
    assert repository.reference == "r.test/web/shop"
    assert nudges() == [("index_repository", repository.pk)]
    tasks.index_repository(repository.pk)
    assert Tag.objects.get().name == "1.0"
    assert repository.presences.filter(is_artifact=True).count() == 2
    assert set(repository.listings.values_list("source", "complete")) == {("layout", True)}
    repository.refresh_from_db()
    assert (repository.last_error, repository.leased_until, repository.requests) == ("", None, {})


def test_what_is_not_due_is_left_alone(layout, nudges):
    Survey.objects.update(due_at=timezone.now() + timedelta(hours=1))
    tasks.survey_registry(layout.pk)
    assert Repository.objects.count() == 0
    repository = Repository.objects.create(registry=layout, name="web/shop", due_at=None)
    tasks.index_repository(repository.pk)
    assert Tag.objects.count() == 0


def test_what_another_worker_holds_is_left_alone(layout, nudges):
    now = timezone.now()
    held = Repository.objects.create(
        registry=layout, name="web/shop", due_at=now, leased_until=now + timedelta(minutes=1)
    )
    tasks.index_repository(held.pk)
    tasks.nudge_due()
    assert Tag.objects.count() == 0
    assert ("index_repository", held.pk) not in nudges()


def test_a_connection_that_cannot_be_opened_is_given_back_with_its_reason(layout, nudges, settings):
    settings.LAYOUT_ROOT = ""
    tasks.survey_registry(layout.pk)
    row = Survey.objects.get()
    assert "switched off" in row.last_error
    assert row.due_at > timezone.now()
    repository = Repository.objects.create(registry=layout, name="web/shop", due_at=timezone.now())
    tasks.index_repository(repository.pk)
    repository.refresh_from_db()
    assert "switched off" in repository.last_error
    assert repository.leased_until is None


def test_a_layout_that_is_no_layout_is_given_back_with_its_reason(layout, nudges, tmp_path):
    (tmp_path / "shop" / "index.json").write_text("[" * 100_000)
    repository = Repository.objects.create(registry=layout, name="web/shop", due_at=timezone.now())
    tasks.index_repository(repository.pk)
    repository.refresh_from_db()
    assert "index.json" in repository.last_error


def test_one_message_is_sent_for_each_row_that_is_due_and_few_at_a_time(layout, nudges):
    now = timezone.now()
    rows = [
        Repository(registry=layout, name=f"r{number}", due_at=now - timedelta(minutes=number)) for number in range(60)
    ]
    Repository.objects.bulk_create(rows)
    Repository.objects.create(registry=layout, name="later", due_at=now + timedelta(hours=1))
    tasks.nudge_due()
    survey, *indexes = nudges()
    assert survey == ("survey_registry", layout.pk)
    assert len(indexes) == tasks.NUDGES
    assert indexes[0] == ("index_repository", Repository.objects.get(name="r59").pk)


def test_a_registry_that_is_gone_is_no_error(db, nudges):
    tasks.survey_registry(12345)
    tasks.index_repository(12345)
    assert nudges() == []
