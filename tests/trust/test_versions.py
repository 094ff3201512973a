"""A newer examiner or judge: what an older one left behind is not green until it was looked at again."""

import pytest

from registries.models import Content
from tests.trust.seeding import HOUR, NOW, Place, publish
from trust import revisions
from trust.models import ArtifactStatus, Judgement, Signature, Verdict
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    publish()
    return Place()


def examined_by(version):
    """As a program would have left it that examined by another version."""
    for model in (Signature, ArtifactStatus, Judgement):
        model.objects.update(evidence_version=version)


def judged_by(version):
    for model in (Verdict, ArtifactStatus, Judgement):
        model.objects.update(judge_version=version)


def fooled(place):
    """An image whose signature is broken, and of which an earlier version believed that it is sound."""
    image, good = place.signed("release", defects=["signature changed"]), place.signed("release")
    place.judge()
    believed = Signature.objects.get(subject=good.digest)
    Signature.objects.filter(subject=image.digest).update(
        evidence=believed.evidence, chain=believed.chain, fault_code="", fault=""
    )
    ArtifactStatus.objects.filter(manifest=image).update(
        word="verified", reason="verified", green_until=NOW + HOUR, chain=believed.chain
    )
    return image


def green_now():
    rows = ArtifactStatus.objects.with_word_at(revisions.active_number(), NOW)
    return rows.filter(word_now__in=("verified", "verified_with_exceptions"))


@pytest.mark.parametrize("version", [EVIDENCE_VERSION - 1, EVIDENCE_VERSION + 1])
def test_evidence_of_another_version_is_green_nowhere_and_examined_again_in_the_background(place, version):
    """From the stored bytes: the tests open no socket. A newer version than ours is another one too."""
    image = fooled(place)
    assert place.word_now(image) == "verified"
    examined_by(version)
    assert place.word_now(image) == "stale"
    assert not green_now().exists()
    assert place.spot(image).verdict.word == "failed"
    assert place.judge()
    assert place.word_now(image) == place.spot(image).verdict.word == "failed"
    assert set(Signature.objects.values_list("evidence_version", flat=True)) == {EVIDENCE_VERSION}
    assert not place.judge()


def test_one_artifact_that_is_asked_for_is_examined_on_the_spot_and_nothing_is_written(place):
    image = place.signed("release")
    place.judge()
    Signature.objects.update(evidence={}, chain=None)
    examined_by(EVIDENCE_VERSION - 1)
    found = place.spot(image)
    assert (found.verdict.word, found.verdict.signer) == ("verified", "release-signer 03")
    assert found.signatures[0].evidence.chain[0].common_name == "release-signer 03"
    assert Signature.objects.get().evidence == {}
    assert place.word_now(image) == "stale"


def test_evidence_of_another_version_without_its_bytes_is_unknown_and_not_believed(place):
    image = place.signed("release")
    place.judge()
    examined_by(EVIDENCE_VERSION - 1)
    Content.objects.filter(digest=Signature.objects.get().envelope).delete()
    assert (place.spot(image).verdict.word, place.spot(image).verdict.reason) == ("unknown", "envelope_missing")
    place.judge()
    assert place.word_now(image) == "unknown"


@pytest.mark.parametrize("version", [JUDGE_VERSION - 1, JUDGE_VERSION + 1])
def test_a_verdict_of_another_version_is_green_nowhere_and_judged_again_in_the_background(place, version):
    image = place.signed("stranger")
    place.judge()
    ArtifactStatus.objects.update(word="verified", reason="verified", green_until=NOW + HOUR)
    Verdict.objects.update(word="verified", reason="verified")
    examined = set(Signature.objects.values_list("examined_at", "evidence_version"))
    assert place.word_now(image) == "verified"
    judged_by(version)
    assert place.word_now(image) == "stale"
    assert not green_now().exists()
    assert place.spot(image).verdict.word == "untrusted"
    assert place.judge()
    assert place.word_now(image) == "untrusted"
    assert set(Verdict.objects.values_list("word", "judge_version")) == {("untrusted", JUDGE_VERSION)}
    assert set(Signature.objects.values_list("examined_at", "evidence_version")) == examined  # the bytes did not change
    assert not place.judge()


def test_what_an_index_of_an_older_verdict_covered_is_covered_no_more(place):
    child = place.image(is_artifact=False)
    index = place.index(child)
    place.list(index, place.sign(index))
    place.list(child)
    place.judge()
    assert place.status(child).covered_by == index.digest
    judged_by(JUDGE_VERSION - 1)
    rows = ArtifactStatus.objects.with_word_at(revisions.active_number(), NOW)
    assert place.word_now(index) == "stale"
    assert not rows.filter(manifest=child, word_now__in=("verified", "verified_with_exceptions")).exists()
    place.judge()
    assert place.word_now(index) == "verified"
