"""Pages of one artifact: answered at once, re-checking, checked now; and what vanished, for reviewers to see."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries import tasks
from registries.events import EventKind
from registries.models import Event, Listing, Registry, Repository, Survey
from registries.oci.digest import Digest
from tests.dashboard.rows import make_artifact, make_person, make_repository
from tests.simulators.images import MANIFEST, descriptor

pytestmark = pytest.mark.django_db
OLD = timedelta(hours=3)


@pytest.fixture
def artifact():
    row = make_artifact(make_repository(), listed_at=None)
    later = timezone.now() + timedelta(days=1)
    Listing.objects.create(
        repository=row.repository, subject=row.manifest_id, source="api", complete=True,
        checked_at=timezone.now() - OLD, due_at=later,
    )  # fmt: skip
    Repository.objects.update(due_at=later)
    return row


@pytest.fixture
def reviewer(client, artifact):
    client.force_login(make_person(everything=False, repositories=[artifact.repository]))
    return client


def url(name, row):
    return reverse(name, args=[row.repository_id, row.manifest_id])


@pytest.mark.parametrize("name", ["artifact", "artifact_tree", "api_artifact_trust", "api_artifact_signatures"])
def test_looking_at_an_older_listing_makes_it_due(reviewer, artifact, name):
    assert reviewer.get(url(name, artifact)).status_code == 200
    assert Listing.objects.get().due_at <= timezone.now()
    assert Repository.objects.get().due_at <= timezone.now()


def test_the_page_says_that_it_is_checked_again_and_is_loaded_anew_when_it_was(reviewer, artifact):
    assert "Re-checking" in reviewer.get(url("artifact", artifact)).content.decode()
    waiting = reviewer.get(url("artifact_check", artifact), headers={"HX-Request": "true"})
    assert "Re-checking" in waiting.content.decode()
    assert "HX-Refresh" not in waiting.headers
    Listing.objects.update(checked_at=timezone.now(), due_at=timezone.now() + timedelta(minutes=5))
    done = reviewer.get(url("artifact_check", artifact), headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"
    assert "Re-checking" not in reviewer.get(url("artifact", artifact)).content.decode()


def test_no_page_promises_a_check_of_a_registry_that_failed(reviewer, artifact):
    Repository.objects.update(last_error="unreachable")
    assert "Re-checking" not in reviewer.get(url("artifact", artifact)).content.decode()


def test_check_now_reads_the_layout_at_once(client, settings, tmp_path):
    settings.LAYOUT_ROOT = str(tmp_path)
    blobs = tmp_path / "shop" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def manifest(**fields):
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(b"{}"), "layers": [], **fields}
        ).encode()
        (blobs / Digest.of(content).encoded).write_bytes(content)
        return content

    def write(*entries):
        (tmp_path / "shop" / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))

    (tmp_path / "shop" / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    image = manifest()
    write(descriptor(image))
    registry = Registry.objects.create(
        source="layout", address="shop", reference_name="r.test", repository_patterns=["shop"]
    )
    Survey.objects.create(registry=registry, due_at=timezone.now())
    tasks.survey_registry(registry.pk)
    tasks.index_repository(Repository.objects.get().pk)
    sbom = manifest(subject=descriptor(image), artifactType="application/spdx+json")
    write(descriptor(image), descriptor(sbom))
    client.force_login(make_person("adam", Role.ADMIN))
    where = reverse("artifact_check", args=[Repository.objects.get().pk, Digest.of(image)])
    answer = client.post(where)
    assert answer.status_code == 302
    assert Listing.objects.get(subject=Digest.of(image)).digests == [str(Digest.of(sbom))]


def test_check_now_of_what_one_may_not_see_does_not_exist(reviewer, artifact):
    foreign = make_artifact(make_repository("secret/app"))
    assert reviewer.post(url("artifact_check", foreign)).status_code == 404


def test_activity_shows_what_vanished_where_the_reader_may_look(reviewer, artifact):
    secret = make_repository("secret/app")
    for repository, tag in ((artifact.repository, "mine"), (secret, "of-elsewhere")):
        Event.objects.create(
            repository=repository,
            kind=EventKind.TAG_MOVED_BACK,
            digest=artifact.manifest_id,
            thing=tag,
            at=timezone.now(),
        )
    Event.objects.create(
        repository=artifact.repository, kind=EventKind.SIGNATURE_WITHDRAWN, digest=artifact.manifest_id,
        thing="sha256:" + "0" * 64, at=timezone.now(),
    )  # fmt: skip
    page = reviewer.get(reverse("activity")).content.decode()
    assert "Tag moved back" in page and "mine" in page and "Signature withdrawn" in page
    assert "of-elsewhere" not in page


def test_the_name_of_a_tag_that_vanished_is_text(reviewer, artifact):
    Event.objects.create(
        repository=artifact.repository, kind=EventKind.TAG_GONE, digest=artifact.manifest_id,
        thing="<script>alert(1)</script>", at=timezone.now(),
    )  # fmt: skip
    assert "<script>alert" not in reviewer.get(reverse("activity")).content.decode()
