"""One artifact judged on the spot: no network, no writes, few queries."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registries.models import Content, Fault, Manifest, Served
from tests.trust.seeding import HOUR, NOW, Place, publish, statement
from trust.models import ArtifactStatus, Judgement, Signature, Verdict
from trust.verification import judge_artifact

pytestmark = pytest.mark.django_db


def test_the_answer_holds_everything_a_page_shows(place):
    revision = publish()
    image = place.signed("stranger", "release", "build")
    place.judge()
    found = place.spot(image)
    assert (found.verdict.word, found.verdict.signer, found.verdict.deciding) == ("verified", "release-signer 03", 0)
    assert [signature.outcome.word for signature in found.signatures] == ["verified", "untrusted", "untrusted"]
    assert found.signatures[0].evidence.chain[0].common_name == "release-signer 03"
    assert found.signatures[0].manifest.subject == image.digest
    assert found.signatures[0].row.chain.standing == "no_source"
    assert (found.choice.code, found.level, found.revision, found.at) == ("wildcard", "strict", revision, NOW)
    assert (found.listing.complete, found.notation.verified) == (True, True)
    assert (
        found.signatures[0].outcome.result("identity").seen == "CN=release-signer 03,OU=Release,O=Acme GmbH,ST=BE,C=DE"
    )


def test_an_annotation_that_names_other_certificates_is_noted_and_changes_no_word(place):
    publish()
    image = place.image("1.0")
    sound = place.sign(image)
    envelope = bytes(Content.objects.get(digest=envelope_of(sound)).content)
    copied = place.attach_envelope(image, envelope, "application/jose+json", thumbprints=["00"])
    place.list(image, copied, sound)
    found = place.spot(image)
    notes = {one.manifest.digest: [note.code for note in one.outcome.notes] for one in found.signatures}
    assert "thumbprint_mismatch" in notes[copied.digest]
    assert "thumbprint_mismatch" not in notes[sound.digest]
    assert [one.outcome.word for one in found.signatures] == ["verified", "verified"]


def envelope_of(manifest):
    content = bytes(Content.objects.get(digest=manifest.digest).content)
    return json.loads(content)["layers"][0]["digest"]


def test_it_needs_no_job_to_have_run_before(place):
    publish()
    image = place.signed("release")
    assert place.spot(image).verdict.word == "verified"
    assert not Signature.objects.exists()
    assert not ArtifactStatus.objects.exists()


def test_old_evidence_is_not_believed(place):
    publish()
    image = place.signed("release", defects=["signature changed"])
    good = place.signed("release")
    place.judge()
    fields = Signature.objects.get(subject=good.digest).evidence
    chain = Signature.objects.get(subject=good.digest).chain
    Signature.objects.filter(subject=image.digest).update(evidence=fields, chain=chain, evidence_version=0)
    assert place.spot(image).verdict.word == "failed"


def test_it_writes_nothing(place):
    publish()
    image = place.signed("release", "stranger")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        place.spot(image)
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert not Verdict.objects.exists()
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("state", ["judged", "never examined", "half examined", "old evidence", "none good"])
@pytest.mark.parametrize("count", [1, 12])
def test_six_queries_whatever_the_number_of_signatures(place, state, count, django_assert_max_num_queries):
    publish()
    image = place.image()
    signers = ["stranger" if state == "none good" else "release"] * count
    signatures = [place.sign(image, signer, expiry=NOW + HOUR * (n + 9)) for n, signer in enumerate(signers)]
    place.list(image, *signatures)
    if state != "never examined":
        place.judge()
    if state == "old evidence":
        Signature.objects.update(evidence_version=0)
    if state == "half examined":
        place.list(image, *signatures, place.sign(image, "build"))
    repository = place.repository
    place.spot(image)  # the revision's material is parsed once a process
    with django_assert_max_num_queries(6):
        found = judge_artifact(repository, image.digest, NOW)
    assert found.verdict.word == ("untrusted" if state == "none good" else "verified")


def test_signatures_of_other_repositories_do_not_count(place):
    publish()
    other = Place("mirror/api")
    for each in (place, other):
        image = each.image(seed="same")
    signature = other.sign(image)
    other.list(image, signature)
    place.list(image)
    assert (place.spot(image).verdict.word, other.spot(image).verdict.word) == ("unsigned", "verified")


def test_a_digest_of_another_repository_opens_nothing(place):
    image = Place("secret/thing").image()
    with pytest.raises(Manifest.DoesNotExist):
        place.spot(image)


def test_a_good_signature_of_many_decides_and_comes_first(place):
    publish()
    image = place.image()
    signatures = [place.sign(image, "stranger", expiry=NOW + HOUR * (n + 1)) for n in range(150)]
    place.list(image, *signatures, place.sign(image))
    found = place.spot(image)
    assert (found.verdict.word, len(found.signatures), found.signatures[0].outcome.word) == (
        "verified",
        151,
        "verified",
    )
    assert not found.notation.verified  # it gives up after a hundred


def test_a_signature_without_evidence_still_has_an_outcome(place):
    publish()
    image = place.signed("release", envelope_kept=False)
    (signature,) = place.spot(image).signatures
    assert (signature.evidence, signature.fault.reason) == (None, "envelope_missing")
    assert (signature.outcome.word, signature.outcome.statement, signature.outcome.results) == (
        "unknown",
        "release",
        (),
    )


def test_under_skip_nothing_is_called_failed(place):
    publish(statement(level="skip"))
    image = place.signed("release", layers=2)
    found = place.spot(image)
    assert (found.verdict.word, found.signatures[0].outcome.word) == ("not_checked", "not_checked")
    assert found.notation.skipped


def test_an_artifact_that_the_registry_does_not_give_is_unknown_with_the_cause(place):
    publish()
    image = place.image()
    Content.objects.filter(digest=image.pk).delete()
    Served.objects.filter(digest=image.pk).delete()
    Manifest.objects.update(media_type="", kind="other", size=0)
    Fault.objects.create(
        repository=place.repository,
        digest=str(image.digest),
        code="not_found",
        message="the registry answered 404",
        seen_at=NOW,
    )
    place.judge()
    status, spot = place.status(image), place.spot(image).verdict
    assert (status.word, status.reason) == (spot.word, spot.reason) == ("unknown", "manifest_missing")
    assert status.message == spot.message
    assert "The registry answered 404." in status.message


def test_stale_says_what_it_was_and_why(place):
    publish()
    image = place.signed("release")
    verdict = place.spot(image, NOW + 72 * HOUR).verdict
    assert (verdict.word, verdict.reason) == ("stale", "listing_old")
    assert verdict.message.startswith("It was verified; the registry was last asked")
