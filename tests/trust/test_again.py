"""Judging again after another revision: once a question, by sets, and with the rows that judging anew would have left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registries.leases import Lease, take
from registries.models import Fault, Listing, Presence, Repository
from tests.trust.seeding import DAY, HOUR, NOW, Place, pki, publish, statement
from trust import remembering, verification
from trust.models import ArtifactStatus, Judgement, Signature, StatusChange, TrustRevision, Verdict
from trust.notary.judge import judge
from trust.rulings import Rulings

pytestmark = pytest.mark.django_db

SBOM = "application/spdx+json"
REVISIONS = {
    "another name": [statement("renamed")],
    "another store": [statement(stores=["ca:partner"], identities=["*"])],
    "another level": [statement(level="permissive")],
    "any identity": [statement(stores=["ca:acme", "ca:partner"], identities=["*"])],
    "skip": [statement(level="skip")],
    "no statement": [statement(scopes=["registry.acme.example/other"])],
    "revocation logged": [statement(level="strict", override={"revocation": "log"})],
    "revocation skipped": [statement(level="strict", override={"revocation": "skip"})],
}


@pytest.fixture(autouse=True)
def nothing_remembered():
    remembering.forget()
    yield
    remembering.forget()


@pytest.fixture
def place():
    return Place()


def fill(place):
    """One of all that there is, most of it twice."""
    for _ in range(2):
        place.signed("release", tag=f"release-{place.number}")
        place.signed("release", "stranger")
        place.signed("stranger", "release", envelope_format="cose")
        place.signed("stranger")
        place.signed("partner")
        place.signed("build")
        place.signed("ocsp")
        place.signed("expired", signing_time=NOW - 100 * DAY)
        place.signed("release", expiry=NOW + HOUR)
        place.signed("release", expiry=NOW - HOUR)
        place.signed("release", defects=["payload changed"])
        place.signed("release", envelope_kept=False)
        place.signed("release", layers=2)
        place.list(place.image())
        place.image()
        incomplete, limited, faulty, moved = (place.image() for _ in range(4))
        place.list(incomplete, place.sign(incomplete, "stranger"), complete=False, error="timeout")
        place.list(limited, place.sign(limited, "stranger"), complete=False, error_code="limit")
        place.list(moved, place.sign(moved, over=limited))
        place.list(faulty)
        Fault.objects.create(
            repository=place.repository, digest="sha256:" + "a" * 63 + str(place.number % 10), subject=faulty.digest,
            code="digest_mismatch", message="the manifest has another digest", seen_at=NOW,
        )  # fmt: skip
        gone, old = place.signed("release"), place.signed("release")
        Presence.objects.filter(manifest=gone).update(until=NOW)
        Listing.objects.filter(subject=old.digest).update(checked_at=NOW - HOUR)
        child = place.image(is_artifact=False)
        index = place.index(child, tag=f"index-{place.number}")
        sbom = place.attach(index, SBOM, str(place.number))
        place.list(child)
        place.list(index, place.sign(index), sbom)
        place.list(sbom, place.sign(sbom, "partner"))
        place.signed("release", "release", tag=f"withdrawn-{place.number}")
        place.list(withdrawn := place.signed("release"))
        assert withdrawn


def rows():
    """All that judging writes, without the keys that a database gives."""
    changes = StatusChange.objects.order_by("at", "status__manifest")
    fields = ("status__repository", "status__manifest", "before", "after", "reason", "cause", "revision", "at")
    return (
        list(ArtifactStatus.objects.order_by("repository", "manifest").values()),
        list(Verdict.objects.order_by("repository", "signature").values()),
        sorted(changes.values_list(*fields), key=str),
        list(Judgement.objects.values("generation", "revision", "judged_at", "due_at")),
    )


def back_to(before):
    for model, values in before:
        model.objects.all().delete()
        model.objects.bulk_create(model(**each) for each in values)


def kept():
    return [(model, list(model.objects.values())) for model in (ArtifactStatus, Verdict, StatusChange)]


def judged_both_ways(place, at, monkeypatch):
    """The rows after judging by sets, and after judging all anew from the same rows."""
    before, work = kept(), Judgement.objects.values().get()
    with monkeypatch.context() as patch:
        patch.delattr("trust.verification._judge_anew")
        assert place.judge(at)
    by_sets = rows()
    back_to(before)
    Judgement.objects.update(**work)
    with monkeypatch.context() as patch:
        patch.setattr("trust.again._holds_as_judged", lambda *_: False)
        assert place.judge(at)
    return by_sets, rows()


@pytest.mark.parametrize("change", REVISIONS)
def test_another_revision_leaves_the_rows_that_judging_anew_would_leave(place, change, monkeypatch):
    publish()
    fill(place)
    place.judge()
    publish(*REVISIONS[change])
    by_sets, anew = judged_both_ways(place, NOW + timedelta(minutes=1), monkeypatch)
    assert by_sets == anew
    assert len(by_sets[0]) > 40
