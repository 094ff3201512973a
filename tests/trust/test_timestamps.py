"""Timestamps in the database: the evidence comes back as it was, and a verdict that rests on one outlives certificates."""

from datetime import timedelta

import pytest

from demo.signing import make_envelope
from demo.timestamping import make_token, timestamps
from tests.trust.seeding import DAY, NOW, pki, publish, statement
from trust import evidence
from trust.evidence_json import from_json, thumbprints, to_json
from trust.models import Certificate, Signature
from trust.notary.evidence import examine
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db

TARGET = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + "a" * 64, "size": 7}
TIMESTAMPED = statement(stores=("ca:acme", "tsa:acme"))


def stamp(at=NOW - DAY):
    return timestamps(pki().timestamper, at)


def examined(token, envelope_format="jws"):
    content = make_envelope(envelope_format, TARGET, pki()["release"], signing_time=NOW - DAY, timestamp_token=token)
    return examine(content, {"jws": "application/jose+json", "cose": "application/cose"}[envelope_format])


@pytest.mark.parametrize("envelope_format", ["jws", "cose"])
@pytest.mark.parametrize("token", [stamp(), make_token(pki().timestamper, b"another", NOW), b"junk"])
def test_evidence_of_a_timestamp_comes_back_as_it_was(envelope_format, token):
    found = examined(token, envelope_format)
    assert found.timestamp is not None
    known = {one.thumbprint: one for one in (*found.chain, *found.timestamp.certificates)}
    assert set(thumbprints(to_json(found))) == set(known)
    assert from_json(to_json(found), known) == found


def test_the_authoritys_certificates_are_kept_like_all_others_and_shared(place, django_assert_num_queries):
    for _ in range(3):
        place.signed("release", timestamp_token=stamp())
    evidence.examine_missing(place.repository)
    authority = Certificate.objects.get(common_name="Acme TSA 1")
    rows = list(Signature.objects.all())
    with django_assert_num_queries(1):
        found = evidence.evidence_of(rows)
    assert {one.timestamp.signers[0].certificate.thumbprint for one in found} == {authority.thumbprint}


def test_evidence_that_was_written_before_timestamps_were_examined_is_read_without(place):
    place.signed("release", timestamp_token=stamp())
    evidence.examine_missing(place.repository)
    row = Signature.objects.get()
    del row.evidence["timestamp"]
    (found,) = evidence.evidence_of([row])
    assert found.timestamp is None
    assert found.unverified_timestamp_token


def test_a_timestamped_artifact_is_verified_in_lists_and_on_the_spot(place):
    publish(TIMESTAMPED)
    image = place.signed("release", timestamp_token=stamp())
    evidence.examine_missing(place.repository)
    place.judge()
    assert place.status(image).word == place.spot(image).verdict.word == Word.verified
    (judged,) = place.spot(image).signatures
    assert judged.outcome.authentic_time.source == "tsa"


def test_a_timestamped_signature_stays_good_when_its_certificate_expires(place):
    publish(statement(stores=("ca:acme", "tsa:acme"), verifyTimestamp="afterCertExpiry"))
    stamped = place.signed("release", timestamp_token=stamp())
    bare = place.signed("release")
    evidence.examine_missing(place.repository)
    place.judge()
    expired = NOW + 400 * DAY
    for listing in place.repository.listings.all():
        listing.checked_at = expired
        listing.save()
    assert place.spot(stamped, expired).verdict.word is Word.verified
    assert place.spot(bare, expired).verdict.reason == "timestamp_missing"


def test_of_two_signatures_with_the_same_token_only_the_one_it_was_made_for_is_good(place):
    publish(TIMESTAMPED)
    image = place.image()
    tokens = []

    def keep(signature):
        tokens.append(stamp()(signature))
        return tokens[0]

    signatures = [place.sign(image, timestamp_token=keep, signing_time=NOW - age) for age in (DAY, timedelta(hours=30))]
    place.list(image, *signatures)
    evidence.examine_missing(place.repository)
    reasons = [signature.outcome.reason for signature in place.spot(image).signatures]
    assert sorted(reasons) == ["timestamp_imprint", "verified"]
    place.judge()
    assert sorted(place.repository.verdicts.values_list("reason", flat=True)) == ["timestamp_imprint", "verified"]
