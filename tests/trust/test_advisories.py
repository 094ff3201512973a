"""What went wrong elsewhere between a registry and a verdict, tried here: each test is named after its advisory."""

import pytest

from registries.models import Listing, Tag
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement
from trust import evidence as stored
from trust.models import ArtifactStatus, Signature
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db
GREEN = ("verified", "verified_with_exceptions")


@pytest.mark.parametrize(
    "artifact_type", ["application/spdx+json", "application/vnd.dev.cosign.artifact.sig.v1+json", "application/x"]
)
def test_cve_2022_35929_nothing_of_the_kind_that_was_asked_for_is_no_success(place, artifact_type):
    publish()
    image = place.image()
    place.list(image, place.attach(image, artifact_type))
    place.judge()
    assert place.word_now(image) == place.spot(image).verdict.word == "unsigned"
    assert not place.spot(image).notation.verified


def test_cve_2023_33958_no_more_signatures_are_examined_than_were_listed(place):
    """Past the limit of the listing the word is unknown: neither green nor failed."""
    publish()
    image = place.image()
    junk = [place.attach_envelope(image, b'{"junk":%d}' % n, "application/jose+json") for n in range(30)]
    place.list(image, *junk[:10], complete=False, error_code="limit")
    found = place.spot(image)
    assert (found.verdict.word, found.verdict.reason, len(found.signatures)) == ("unknown", "limit", 10)


def test_cve_2023_33958_junk_takes_no_green_away(place):
    publish()
    image = place.image()
    junk = [place.attach_envelope(image, b'{"junk":%d}' % n, "application/jose+json") for n in range(120)]
    place.list(image, *junk, place.sign(image), complete=False, error_code="limit")
    place.judge()
    assert place.word_now(image) == "verified"
    assert not place.spot(image).notation.verified  # it would have stopped at a hundred


def test_cve_2023_33959_a_signature_of_other_bytes_is_not_one_of_these(place):
    publish()
    image, other = place.image(), place.image()
    place.list(image, place.sign(image, over=other))
    place.judge()
    assert place.word_now(image) == place.spot(image).verdict.word == "failed"


def test_cve_2024_23332_a_tag_that_moves_back_to_an_old_signed_artifact_is_marked(place):
    publish()
    old, new = place.signed("release", tag="latest"), place.signed("release")
    tag = Tag.objects.get()
    tag.moves.create(before=None, after=old.digest, at=NOW - 2 * DAY)
    tag.moves.create(before=old.digest, after=new.digest, at=NOW - DAY)
    tag.moves.create(before=new.digest, after=old.digest, at=NOW)
    place.judge()
    assert place.status(old).tag_moved_back
    assert not place.status(new).tag_moved_back


def test_cve_2024_23332_what_a_permissive_statement_lets_pass_is_never_plainly_verified(place):
    publish(statement(level="permissive"))
    image = place.signed("release", expiry=NOW - HOUR)
    place.judge()
    assert place.word_now(image) == place.spot(image).verdict.word == "verified_with_exceptions"
    assert place.spot(image).verdict.reason == "expiry_logged"


def test_cve_2026_39395_a_malformed_envelope_is_failed_and_never_verified(place):
    publish()
    image = place.image()
    for number, content in enumerate((b"", b"{}", b"null", b'{"payload":"e30"}', b"\xd2\x84")):
        media_type = "application/cose" if number == 4 else "application/jose+json"
        place.list(image, place.attach_envelope(image, content, media_type))
        place.judge()
        assert place.word_now(image) == place.spot(image).verdict.word == "failed"


def test_cve_2022_36056_evidence_of_one_signature_does_not_serve_another(place):
    """Good bytes of a signature of ours, under a manifest that attaches them to somebody else's image."""
    publish()
    good = place.signed("release")
    place.judge()
    row = Signature.objects.get(subject=good.digest)
    image = place.image()
    content = bytes(stored.contents([row.envelope])[row.envelope])
    place.list(image, place.attach_envelope(image, content, row.media_type))
    place.judge()
    assert (place.word_now(good), place.word_now(image)) == ("verified", "failed")


def test_cve_2022_47633_what_was_verified_is_the_digest_and_not_the_tag(place):
    """The tag moves after verifying: its new artifact has its own word, and inherits nothing."""
    publish()
    image = place.signed("release", tag="1.0")
    place.judge()
    other = place.image()
    place.list(other)
    Tag.objects.update(digest=other.digest)
    place.changed()
    place.judge()
    assert (place.word_now(image), place.word_now(other)) == ("verified", "unsigned")
    assert place.spot(other).verdict.word == "unsigned"


def test_cve_2020_15163_an_envelope_that_was_refused_once_is_not_trusted_for_being_known(place):
    publish()
    image = place.signed("release", defects=["signature changed"])
    for _ in range(3):
        place.judge(must_be_due=False)
        assert place.status(image).word == place.spot(image).verdict.word == "failed"


def test_cve_2024_39897_what_one_repository_gave_opens_nothing_in_another(place):
    """The same digests, known and verified in another repository, and never given by this one."""
    publish()
    image = place.signed("release")
    place.judge()
    thief = Place("thief/app")
    thief.repository.refresh_from_db()
    Listing.objects.create(
        repository=thief.repository,
        subject=image.digest,
        source="api",
        complete=True,
        digests=Listing.objects.get(subject=image.digest).digests,
        checked_at=NOW,
    )
    thief.changed()
    thief.judge()
    assert not ArtifactStatus.objects.filter(repository=thief.repository, word__in=GREEN).exists()
    with pytest.raises(type(image).DoesNotExist):
        thief.spot(image)


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_sigstore_python_4_5_0_no_error_but_ours_leaves_a_worker(place, form):
    """Every kind of damage to an envelope, through the whole of examining, storing and judging."""
    publish()
    image = place.image()
    good = place.sign(image, envelope_format=form)
    row_of = stored.examine_manifests([good])[0]
    content = bytes(stored.contents([row_of.envelope.digest])[row_of.envelope.digest])
    signatures = [
        place.attach_envelope(
            image, content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :], row_of.envelope.media_type
        )
        for at in range(0, len(content), 97)
    ]
    place.list(image, *signatures)
    place.judge()
    assert place.spot(image).verdict.word in Word
    assert Signature.objects.count() == len(signatures) + 1  # the good one is not listed
    assert place.status(image).word not in GREEN
