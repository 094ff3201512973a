"""Timestamps' authorities can be revoked too: who is asked about them, and which words rest on that."""

from datetime import timedelta

import pytest
from cryptography.x509 import ExtendedKeyUsageOID, ReasonFlags

from demo.pki import ACME, make_signer
from demo.timestamping import timestamps
from tests.simulators.revocation import entry, make_crl, make_ocsp
from tests.trust.revoking import away, collect
from tests.trust.seeding import DAY, HOUR, NOW, pki, publish, statement, store_files
from trust.crl_import import import_crl
from trust.models import ArtifactStatus, Chain, Judgement, RevocationSource, StatusChange, Verdict
from trust.notary.certificates import Certificate

pytestmark = pytest.mark.django_db

OCSP, CRL = "http://ocsp.tsa.example/1", "http://crl.tsa.example/1.crl"
INSTANT = timedelta(microseconds=1)
STORES = ("ca:acme", "tsa:acme")
TIMESTAMPED = statement(stores=STORES)


def authority(**sources):
    """One more timestamp authority below the sample world's root, which names these sources."""
    return make_signer(
        {**ACME, "CN": "Acme TSA 2"},
        NOW - 300 * DAY,
        NOW + 3000 * DAY,
        issuer=pki().timestamp_root,
        purposes=[ExtendedKeyUsageOID.TIME_STAMPING],
        only_these_purposes=True,
        **sources,
    )


def asked():
    return authority(ocsp=OCSP)


def stamp(tsa=None):
    return timestamps(tsa or asked(), NOW - DAY)


def ocsp_answer(status="good", *, at=NOW, lasts=DAY):
    chain = tuple(map(Certificate.parse, asked().ders))
    return make_ocsp(
        chain,
        status,
        this_update=at,
        next_update=at + lasts,
        revoked_at=at,
        reason=ReasonFlags.key_compromise,
        issuer_key=pki().timestamp_root.key,
    )


def standing():
    return Chain.objects.values_list("standing", "standing_until").get(of_authority=True)


def stamped(place, send, **options):
    """An image whose word rests on a timestamp, judged by the answers that are to be had."""
    image = place.signed("release", timestamp_token=stamp(), **options)
    place.judge()
    collect(send)
    place.judge()
    return image


def test_the_authority_of_a_timestamp_is_asked_about(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer())
    image = place.signed("release", timestamp_token=stamp())
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("unknown", "tsa_revocation_not_evaluated")
    collect(send)
    assert standing() == ("good", NOW + DAY)
    assert place.judge()  # the answer made it due
    assert place.word_now(image) == place.spot(image).verdict.word == "verified"
    assert place.spot(image).verdict.stands_until == NOW + DAY


@pytest.mark.parametrize(
    ("status", "word", "reason"),
    [("revoked", "untrusted", "tsa_revoked"), ("unknown", "unknown", "tsa_revocation_unknown")],
)
@pytest.mark.parametrize("override", [{}, {"override": {"revocation": "skip"}}])
def test_a_timestamp_whose_authority_is_not_known_to_be_good_is_not_believed_whatever_the_statement_says_of_revocation(
    place, send, host, status, word, reason, override
):
    publish(statement(stores=STORES, **override))
    host.put(OCSP, ocsp_answer(status))
    image = stamped(place, send)
    assert standing() == (status, None)
    assert (place.status(image).word, place.status(image).reason) == (word, reason)
    spot = place.spot(image)
    assert (spot.verdict.word, spot.verdict.reason, spot.notation.verified) == (word, reason, False)


def test_a_revocation_of_the_authority_takes_green_away_at_once(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer())
    image = stamped(place, send)
    assert place.word_now(image) == "verified"
    later = NOW + timedelta(minutes=30)
    host.put(OCSP, ocsp_answer("revoked", at=later))
    RevocationSource.objects.update(due_at=later, ask_again_at=later)
    collect(send, later)
    assert place.word_now(image, later) == "stale"  # at once, before anybody judged it again
    assert place.judge(later)
    assert (place.status(image).word, place.status(image).reason) == ("untrusted", "tsa_revoked")


def test_a_green_word_ends_at_the_instant_at_which_the_answer_about_the_authority_runs_out(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer(lasts=timedelta(minutes=20)))
    image = stamped(place, send)
    end = NOW + timedelta(minutes=20)
    assert place.word_now(image, end - INSTANT) == place.spot(image, end - INSTANT).verdict.word == "verified"
    assert place.word_now(image, end) == place.spot(image, end).verdict.word == "stale"
    assert place.spot(image, end + INSTANT).verdict.word == "unknown"
    assert ArtifactStatus.objects.with_word_at(1, NOW).get(manifest=image).holds_until == end
    (signature,) = place.spot(image, end).signatures
    assert signature.outcome.word == "stale"


def test_a_renewed_answer_changes_the_row_of_the_authoritys_chain_and_nothing_else(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer())
    images = [place.signed("release", timestamp_token=stamp()) for _ in range(3)]
    place.judge()
    collect(send)
    place.judge()
    assert {place.word_now(image) for image in images} == {"verified"}
    assert len(host.log) == 1
    judged = (ArtifactStatus, Verdict, StatusChange, Judgement)
    before = [list(model.objects.order_by("pk").values()) for model in judged]
    others = list(Chain.objects.filter(of_authority=False).values())
    later = NOW + 13 * HOUR
    host.put(OCSP, ocsp_answer(at=later))
    collect(send, later)
    assert standing() == ("good", later + DAY)
    assert [list(model.objects.order_by("pk").values()) for model in judged] == before
    assert list(Chain.objects.filter(of_authority=False).values()) == others


def test_an_authority_that_leads_to_no_root_of_the_statements_tsa_stores_is_not_asked_about(place, send, host):
    publish(statement(stores=("ca:acme",)))
    image = place.signed("release", timestamp_token=stamp())
    place.judge()
    assert collect(send) == 0
    assert host.log == []
    assert not Chain.objects.filter(of_authority=True).exists()
    assert place.word_now(image) == "verified"


def test_an_authority_that_is_trusted_no_more_is_asked_about_no_more(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer())
    image = stamped(place, send)
    publish(statement(), files=store_files("ca:acme"))
    collect(send)
    assert standing() == ("not_evaluated", None)
    assert place.word_now(image) == "stale"
    assert place.judge()
    assert place.word_now(image) == "verified"  # which asks for no timestamp, and so rests on none
    host.log.clear()
    collect(send, NOW + 13 * HOUR)
    assert host.log == []


def test_an_authority_without_sources_can_not_be_revoked_and_has_no_row(place):
    publish(TIMESTAMPED)
    image = place.signed("release", timestamp_token=timestamps(pki().timestamper, NOW - DAY))
    place.judge()
    assert place.word_now(image) == "verified"
    assert not Chain.objects.filter(of_authority=True).exists()


@pytest.mark.parametrize("status", ["revoked", "unknown"])
def test_a_word_that_does_not_rest_on_the_timestamp_stays_green(place, send, host, status):
    publish(statement(stores=STORES, verifyTimestamp="afterCertExpiry"))
    host.put(OCSP, ocsp_answer(status))
    image = stamped(place, send)
    assert standing() == (status, None)
    assert place.word_now(image) == place.spot(image).verdict.word == "verified"


def test_a_word_begins_to_rest_on_the_authority_when_the_certificate_expires(place, send, host):
    """Until then the list would not see that the authority was lost, so it may not show green longer."""
    publish(statement(stores=STORES, verifyTimestamp="afterCertExpiry"))
    host.put(OCSP, ocsp_answer(lasts=1000 * DAY))
    image = stamped(place, send)
    signatures = place.spot(image).signatures
    expiry = min(one.not_after for one in signatures[0].evidence.chain)
    place.list(image, *[one.manifest for one in signatures], at=expiry - HOUR)
    place.judge(expiry - HOUR)
    assert (place.word_now(image, expiry - HOUR), place.status(image).tsa_rests) == ("verified", False)
    assert place.word_now(image, expiry) == "stale"
    assert place.judge(expiry + HOUR / 2)  # it was due
    assert (place.word_now(image, expiry + HOUR / 2), place.status(image).tsa_rests) == ("verified", True)


def test_a_logged_timestamp_takes_no_green_away(place, send, host):
    publish(statement(stores=STORES, level="permissive"))
    host.put(OCSP, ocsp_answer("revoked"))
    image = stamped(place, send)
    assert place.word_now(image) == place.spot(image).verdict.word == "verified_with_exceptions"


def test_an_imported_crl_answers_for_the_authority(place):
    publish(TIMESTAMPED)
    tsa = authority(crl=CRL)
    image = place.signed("release", timestamp_token=stamp(tsa))
    place.judge()
    content = make_crl(
        entry(tsa.certificate.serial_number, "keyCompromise", at=NOW),
        issuer=tsa.certificate.issuer,
        key=pki().timestamp_root.key,
        this_update=NOW,
        next_update=NOW + DAY,
        number=1,
    )
    (found,) = import_crl(content, at=NOW)
    assert (found.url, found.certificates) == (CRL, 1)
    assert standing() == ("revoked", None)
    place.judge()
    assert place.status(image).reason == "tsa_revoked"


def test_a_failed_renewal_takes_nothing_away_while_the_last_answer_holds(place, send, host):
    publish(TIMESTAMPED)
    host.put(OCSP, ocsp_answer())
    image = stamped(place, send)
    later = NOW + timedelta(minutes=30)
    RevocationSource.objects.update(due_at=later, ask_again_at=later)
    collect(away, later)
    assert place.word_now(image, later) == place.spot(image, later).verdict.word == "verified"
