"""The judge: each test is a rule of the verification procedure, over evidence that nobody had to sign."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from tests.trust.notary.synthetic import (
    BROKEN,
    DAY,
    LEAF,
    NOW,
    OTHER_ROOT,
    OTHER_TARGET,
    ROOT,
    STORES,
    SUBJECT,
    TARGET,
    TOO_LARGE,
    certificate,
    evidence,
    judge_with,
    level,
    skip_statement,
    statement,
    store,
)
from trust.notary.evidence import Attribute, Scheme
from trust.notary.levels import Validation
from trust.notary.notation_verdict import notation_verdict
from trust.notary.outcome import CheckStatus, SignatureFault, Word
from trust.notary.revocation import Answer, Asked, Entry, RevocationAnswers, Source, SourceKind, Statement
from trust.notary.trust_policy import Choice
from trust.notary.trust_store import TrustStores

RELEASE = "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"
TSA = store(certificate("CN=Acme TSA,O=Acme GmbH,ST=BE,C=DE", is_ca=True), type="tsa", name="clock")


def statuses(outcome):
    return {result.validation: result.status for result in outcome.results}


def under(name, **override):
    return statement(signatureVerification=level(name, **override))


def timestamped(option=None, name="strict", **override):
    verification = level(name, **override) | ({"verifyTimestamp": option} if option else {})
    return statement(signatureVerification=verification, trustStores=["ca:acme", "tsa:clock"])


WITH_TSA = TrustStores.of(store(ROOT), TSA)


def test_a_good_signature_passes_every_check_in_notations_order():
    outcome = judge_with()
    assert [result.validation for result in outcome.results] == list(Validation)
    assert set(statuses(outcome).values()) == {CheckStatus.passed}
    assert all(result.reached_by_notation for result in outcome.results)
    assert (outcome.word, outcome.reason, outcome.verified, outcome.error) == (Word.verified, "verified", True, "")
    assert (outcome.signer, outcome.statement, outcome.level) == ("Acme Build 07", "release-images", "strict")


# Integrity


@pytest.mark.parametrize("name", ["strict", "permissive", "audit"])
def test_integrity_is_enforced_whatever_the_level(name):
    outcome = judge_with(None, under(name), fault=BROKEN)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "signature", False)
    assert outcome.error == "The signature does not match."


def test_nothing_in_a_broken_envelope_is_looked_at():
    outcome = judge_with(fault=BROKEN)
    rest = [result for result in outcome.results if result.validation is not Validation.integrity]
    assert {(result.status, result.reached_by_notation) for result in rest} == {(CheckStatus.not_run, False)}
    assert outcome.signer == ""


def test_an_envelope_that_we_could_not_examine_is_unknown():
    outcome = judge_with(fault=TOO_LARGE)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "limit", False)
    assert outcome.result("integrity").status is CheckStatus.not_evaluated
    assert outcome.error


# Authenticity


def test_any_certificate_of_the_chain_may_be_the_trusted_one():
    for trusted in (LEAF, ROOT):
        outcome = judge_with(stores=TrustStores.of(store(trusted)))
        assert outcome.result("authenticity").certificate == trusted.thumbprint
        assert outcome.word is Word.verified


def test_an_unknown_root_is_untrusted():
    outcome = judge_with(stores=TrustStores.of(store(OTHER_ROOT)))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "unknown_root", False)
    fix = outcome.result("authenticity").nearest_fix
    assert fix.endswith(f"only if its owner confirms the SHA-256 thumbprint {ROOT.thumbprint[:16]}….")


def test_a_name_that_no_trusted_root_vouches_for_is_told_as_a_claim():
    outcome = judge_with(stores=TrustStores.of(store(OTHER_ROOT)))
    assert outcome.message.startswith("Signed by somebody who claims to be Acme Build 07, but not as statement")
    mismatch = judge_with(None, statement(trustedIdentities=["x509.subject: C=XX, ST=X, O=X"]))
    assert mismatch.message.startswith("Signed by Acme Build 07, but not as statement")


def test_a_reissued_root_is_another_certificate_and_the_fix_says_so():
    reissued = certificate(ROOT.subject, is_ca=True, not_after=NOW + 99 * DAY)
    result = judge_with(stores=TrustStores.of(store(reissued))).result("authenticity")
    assert result.status is CheckStatus.failed
    assert result.nearest_fix.startswith(
        f"ca:acme holds another certificate named {ROOT.subject}, and anybody can take"
    )
    assert f"only if its owner confirms the SHA-256 thumbprint {ROOT.thumbprint[:16]}" in result.nearest_fix


def test_a_root_in_a_store_that_the_statement_does_not_name_does_not_count():
    stores = TrustStores.of(store(OTHER_ROOT), store(ROOT, name="spare"))
    result = judge_with(stores=stores).result("authenticity")
    assert result.status is CheckStatus.failed
    assert result.nearest_fix == "ca:spare holds the chain: name it in statement release-images, if that is meant."


@pytest.mark.parametrize(
    ("scheme", "other_type"), [(Scheme.x509, "signingAuthority"), (Scheme.signing_authority, "ca")]
)
def test_each_scheme_has_its_own_type_of_store(scheme, other_type):
    stores = TrustStores.of(store(ROOT, type=other_type))
    outcome = judge_with(None, statement(trustStores=[f"{other_type}:acme"]), stores=stores, scheme=scheme)
    assert outcome.reason == "no_store_for_scheme"
    assert f"{other_type}:acme holds the chain, but" in outcome.result("authenticity").nearest_fix


def test_one_unusable_store_spoils_the_statement():
    stores = TrustStores.of(store(ROOT), store(name="spare", fault="The trust store ca:spare cannot be used: rust."))
    outcome = judge_with(None, statement(trustStores=["ca:acme", "ca:spare"]), stores=stores)
    assert (outcome.word, outcome.reason) == (Word.untrusted, "trust_store_unusable")
    assert outcome.result("authenticity").store == "ca:spare"
    assert judge_with(None, statement(trustStores=["ca:acme"]), stores=stores).word is Word.verified


def test_a_store_that_does_not_exist_fails_authenticity():
    outcome = judge_with(None, statement(trustStores=["ca:acme", "ca:nowhere"]))
    assert outcome.result("authenticity").message == "The trust store ca:nowhere does not exist."
    assert not outcome.verified


def test_under_audit_an_unknown_root_is_verified_by_notation_and_untrusted_here():
    outcome = judge_with(None, under("audit"), stores=TrustStores.of(store(OTHER_ROOT)))
    assert outcome.verified
    assert (outcome.word, outcome.reason) == (Word.untrusted, "unknown_root")


def test_overriding_authenticity_overrides_identity_as_well():
    outcome = judge_with(
        None, statement(signatureVerification=level("strict", authenticity="log"), trustedIdentities=[RELEASE])
    )
    assert outcome.result("identity").status is CheckStatus.failed
    assert (outcome.verified, outcome.word) == (True, Word.untrusted)


# Identity


def test_the_nearest_identity_names_the_attribute_that_differs():
    outcome = judge_with(None, statement(trustedIdentities=[RELEASE]))
    result = outcome.result("identity")
    assert (outcome.word, outcome.reason) == (Word.untrusted, "identity_mismatch")
    assert result.nearest_fix == "OU is Build, policy wants Release"
    assert (result.seen, result.wanted) == (SUBJECT, RELEASE)


def test_of_several_identities_the_nearest_is_shown():
    far = "x509.subject: C=CH, ST=ZH, O=Other AG, L=Zug"
    result = judge_with(None, statement(trustedIdentities=[far, RELEASE])).result("identity")
    assert result.nearest_fix == "OU is Build, policy wants Release"


def test_an_attribute_that_the_subject_lacks_is_absent():
    wanted = "x509.subject: C=DE, ST=BE, O=Acme GmbH, L=Berlin"
    result = judge_with(None, statement(trustedIdentities=[wanted])).result("identity")
    assert result.nearest_fix == "L is absent, policy wants Berlin"


def test_an_identity_matches_a_subject_with_more_attributes():
    outcome = judge_with(None, statement(trustedIdentities=["x509.subject: O=Acme GmbH, ST=BE, C=DE"]))
    assert outcome.result("identity").code == "identity_matches"
    assert outcome.word is Word.verified


def test_values_are_compared_exactly():
    outcome = judge_with(None, statement(trustedIdentities=["x509.subject: O=Acme Gmbh, ST=BE, C=DE"]))
    assert outcome.reason == "identity_mismatch"


@pytest.mark.parametrize("subject", ["CN=nobody,ST=BE,C=DE", "CN=two,OU=One+OU=Two,O=Acme GmbH,ST=BE,C=DE"])
def test_a_subject_that_cannot_be_compared_matches_only_the_wildcard(subject):
    chain = (certificate(subject), ROOT)
    named = statement(trustedIdentities=["x509.subject: C=DE, ST=BE, O=Acme GmbH"])
    assert judge_with(None, named, chain=chain).reason == "subject_unreadable"
    assert judge_with(chain=chain).word is Word.verified


def test_identities_of_kinds_that_need_a_plugin_match_nobody():
    outcome = judge_with(None, statement(trustedIdentities=["aws.arn: something"]))
    assert (outcome.word, outcome.reason) == (Word.untrusted, "no_subject_identity")


def test_the_wildcard_identity_is_noted_and_changes_no_word():
    outcome = judge_with()
    assert "any_identity" in {note.code for note in outcome.notes}
    assert outcome.word is Word.verified


# Expiry


def test_expiry_is_inclusive():
    outcome = judge_with(expiry=NOW)
    assert outcome.result("expiry").message == "The signature expired at 2026-01-01 00:00:00 UTC."
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "expired", False)


def test_a_signature_is_good_until_its_expiry():
    outcome = judge_with(expiry=NOW + DAY)
    assert (outcome.word, outcome.green_until) == (Word.verified, NOW + DAY)


@pytest.mark.parametrize("name", ["permissive", "audit"])
def test_a_logged_expiry_is_an_exception_that_is_named(name):
    outcome = judge_with(None, under(name), expiry=NOW - DAY)
    assert (outcome.word, outcome.reason) == (Word.verified_with_exceptions, "expiry_logged")
    assert outcome.verified
    assert "expired at" in outcome.message


# Authentic timestamp


def test_a_certificate_is_valid_at_its_very_last_second():
    assert judge_with(at=LEAF.not_after).word is Word.verified
    assert judge_with(at=LEAF.not_before).word is Word.verified


@pytest.mark.parametrize(
    ("not_before", "not_after", "code"),
    [(NOW - 9 * DAY, NOW - DAY, "certificate_expired"), (NOW + DAY, NOW + 9 * DAY, "certificate_not_yet_valid")],
)
def test_without_a_tsa_store_every_certificate_must_be_valid_now(not_before, not_after, code):
    leaf = certificate(not_before=not_before, not_after=not_after)
    root = certificate(ROOT.subject, is_ca=True, not_before=not_before, not_after=not_after)
    for chain in ((leaf, ROOT), (LEAF, root)):
        outcome = judge_with(chain=chain, stores=TrustStores.of(store(chain[1])))
        assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, code, False)


def test_a_timestamp_that_no_store_can_vouch_for_rescues_nothing():
    leaf = certificate(not_after=NOW - DAY)
    outcome = judge_with(chain=(leaf, ROOT), token=b"token")
    assert outcome.reason == "certificate_expired"
    assert "tsa store" in outcome.result("authenticTimestamp").nearest_fix


@pytest.mark.parametrize("option", [None, "always"])
def test_an_enforced_timestamp_that_we_cannot_read_is_unknown_and_never_accepted(option):
    outcome = judge_with(None, timestamped(option), stores=WITH_TSA, token=b"token")
    assert outcome.result("authenticTimestamp").status is CheckStatus.not_evaluated
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "timestamp_not_evaluated", False)


def test_a_logged_timestamp_that_we_cannot_read_is_an_exception():
    outcome = judge_with(None, timestamped(name="permissive"), stores=WITH_TSA, token=b"token")
    assert (outcome.word, outcome.verified) == (Word.verified_with_exceptions, True)
    assert outcome.reason == "authentic_timestamp_logged"


def test_a_timestamp_that_is_asked_for_and_absent_fails():
    outcome = judge_with(None, timestamped(), stores=WITH_TSA)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "timestamp_missing", False)


def test_a_tsa_store_that_does_not_exist_fails_the_timestamp():
    outcome = judge_with(None, timestamped(), token=b"token")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "tsa_store_unusable", False)


def test_after_cert_expiry_asks_for_no_timestamp_while_every_certificate_is_valid():
    outcome = judge_with(None, timestamped("afterCertExpiry"), stores=WITH_TSA)
    assert (outcome.word, outcome.verified) == (Word.verified, True)
    assert outcome.result("authenticTimestamp").code == "inside_validity"


def test_after_cert_expiry_asks_for_a_timestamp_once_a_certificate_expired():
    chain = (certificate(not_after=NOW - DAY), ROOT)
    outcome = judge_with(None, timestamped("afterCertExpiry"), stores=WITH_TSA, chain=chain, token=b"token")
    assert (outcome.word, outcome.verified) == (Word.unknown, False)


def test_after_cert_expiry_does_not_rescue_a_certificate_that_is_not_yet_valid():
    chain = (certificate(not_before=NOW + DAY), ROOT)
    outcome = judge_with(None, timestamped("afterCertExpiry"), stores=WITH_TSA, chain=chain, token=b"token")
    assert (outcome.word, outcome.reason) == (Word.untrusted, "certificate_not_yet_valid")


AUTHORITY = statement(trustStores=["signingAuthority:acme"])
AUTHORITY_STORES = TrustStores.of(store(ROOT, type="signingAuthority"))


def by_authority(*statements, **facts):
    return judge_with(
        None, *(statements or (AUTHORITY,)), stores=AUTHORITY_STORES, scheme=Scheme.signing_authority, **facts
    )


def test_a_signing_authoritys_time_must_lie_inside_every_validity():
    assert by_authority(signed_at=LEAF.not_before).word is Word.verified
    assert by_authority(signed_at=LEAF.not_after).word is Word.verified
    for moment in (LEAF.not_before - DAY, LEAF.not_after + DAY):
        outcome = by_authority(signed_at=moment)
        assert (outcome.word, outcome.reason) == (Word.untrusted, "signed_outside_validity")


def test_a_signing_authoritys_time_must_lie_inside_the_validity_of_the_root_too():
    root = certificate(ROOT.subject, is_ca=True, not_before=NOW)
    stores = TrustStores.of(store(root, type="signingAuthority"))
    outcome = judge_with(
        None, AUTHORITY, stores=stores, scheme=Scheme.signing_authority, chain=(LEAF, root), signed_at=NOW - DAY
    )
    assert outcome.reason == "signed_outside_validity"
    assert outcome.result("authenticTimestamp").certificate == root.thumbprint


def test_a_signing_authoritys_signature_outlives_its_certificates():
    outcome = by_authority(at=LEAF.not_after + DAY)
    assert (outcome.word, outcome.green_until) == (Word.verified, None)


def test_a_signing_authoritys_signature_needs_no_timestamp():
    outcome = by_authority(statement(trustStores=["signingAuthority:acme", "tsa:clock"]))
    assert outcome.result("authenticTimestamp").status is CheckStatus.passed


# Revocation

REVOCABLE = certificate(ocsp_urls=("http://ocsp.acme.example",))


def test_a_chain_that_names_no_source_passes_and_is_noted():
    outcome = judge_with()
    assert outcome.result("revocation").code == "no_source"
    assert "no_revocation_source" in {note.code for note in outcome.notes}


def test_the_sources_of_the_root_do_not_count():
    root = certificate(ROOT.subject, is_ca=True, crl_urls=("http://crl.acme.example",))
    outcome = judge_with(chain=(LEAF, root), stores=TrustStores.of(store(root)))
    assert (outcome.word, outcome.result("revocation").code) == (Word.verified, "no_source")


@pytest.mark.parametrize("sources", [{"ocsp_urls": ("http://a.example",)}, {"crl_urls": ("http://b.example",)}])
def test_enforced_revocation_without_answers_is_unknown_and_never_accepted(sources):
    outcome = judge_with(chain=(certificate(**sources), ROOT))
    assert outcome.result("revocation").status is CheckStatus.not_evaluated
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "revocation_not_evaluated", False)


def test_logged_revocation_without_answers_is_an_exception():
    outcome = judge_with(None, under("permissive"), chain=(REVOCABLE, ROOT))
    assert (outcome.word, outcome.reason, outcome.verified) == (
        Word.verified_with_exceptions,
        "revocation_logged",
        True,
    )


def test_revocation_that_is_only_logged_is_an_exception_even_where_it_passes():
    outcome = judge_with(None, under("permissive"))
    assert outcome.result("revocation").status is CheckStatus.passed
    assert (outcome.word, outcome.reason) == (Word.verified_with_exceptions, "revocation_logged")


def test_revocation_that_is_skipped_is_an_exception():
    outcome = judge_with(None, under("strict", revocation="skip"), chain=(REVOCABLE, ROOT))
    assert outcome.result("revocation").status is CheckStatus.skipped
    assert (outcome.word, outcome.reason, outcome.verified) == (
        Word.verified_with_exceptions,
        "revocation_skipped",
        True,
    )


def test_the_addresses_of_a_chain_that_nobody_trusts_are_not_followed():
    outcome = judge_with(
        None,
        under("audit", revocation="enforce"),
        chain=(REVOCABLE, ROOT),
        stores=TrustStores.of(store(OTHER_ROOT)),
    )
    assert outcome.result("revocation").status is CheckStatus.not_run
    assert (outcome.word, outcome.verified) == (Word.untrusted, False)


def test_the_addresses_of_a_chain_are_not_followed_while_a_store_is_unusable():
    stores = TrustStores.of(store(ROOT), store(name="spare", fault="The trust store ca:spare cannot be used: rust."))
    both = statement(trustStores=["ca:acme", "ca:spare"], signatureVerification=level("audit"))
    outcome = judge_with(None, both, stores=stores, chain=(REVOCABLE, ROOT))
    assert outcome.result("revocation").status is CheckStatus.not_run


def revocable(reply, *, url="http://ocsp.acme.example", doubts=(), next_update=NOW + DAY):
    """A chain whose leaf names a responder, and what that answered."""
    leaf = certificate(ocsp_urls=(url,))
    source = Source(SourceKind.ocsp, url, ROOT.thumbprint, leaf.thumbprint)
    if isinstance(reply, str):
        return {"chain": (leaf, ROOT), "answers": RevocationAnswers({source: Asked(fault=reply)})}
    says = {leaf.thumbprint: replace(reply, doubts=doubts)}
    answer = Answer(Digest.of(b"answer"), None, NOW, NOW - DAY, next_update, 0, ROOT.subject, says)
    return {"chain": (leaf, ROOT), "answers": RevocationAnswers({source: Asked(answer)})}


NOT_REVOKED, UNKNOWN = Statement(), Statement(is_known=False)
REVOKED = Statement((Entry(NOW - 3 * DAY, "keyCompromise", NOW - 2 * DAY),))


def test_an_answer_that_knows_of_no_revocation_passes_and_holds_until_its_next_update():
    outcome = judge_with(**revocable(NOT_REVOKED))
    result = outcome.result("revocation")
    assert (result.status, result.code, result.until) == (CheckStatus.passed, "not_revoked", NOW + DAY)
    assert "an OCSP answer of 2025-12-31 00:00:00 UTC" in result.seen
    assert (outcome.word, outcome.verified, outcome.stands_until) == (Word.verified, True, NOW + DAY)
    assert outcome.green_until == LEAF.not_after  # which no renewed answer moves


def test_a_revoked_certificate_is_untrusted_and_named():
    outcome = judge_with(**revocable(REVOKED))
    result = outcome.result("revocation")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "revoked", False)
    assert result.message == f"{SUBJECT} was revoked at 2025-12-29 00:00:00 UTC (keyCompromise)."
    assert result.certificate == revocable(REVOKED)["chain"][0].thumbprint
    assert (outcome.stands_until, result.nearest_fix[:4]) == (None, "Sign")


def test_revoked_is_the_reason_whatever_else_fails():
    outcome = judge_with(**revocable(REVOKED), expiry=NOW - DAY)
    assert (outcome.word, outcome.reason) == (Word.untrusted, "revoked")
    assert outcome.error == outcome.result("expiry").message  # where notation stops


def test_a_revocation_that_is_only_logged_is_an_exception():
    outcome = judge_with(None, under("permissive"), **revocable(REVOKED))
    assert outcome.result("revocation").status is CheckStatus.failed
    assert (outcome.word, outcome.reason, outcome.verified) == (
        Word.verified_with_exceptions,
        "revocation_logged",
        True,
    )
    assert outcome.stands_until is None


@pytest.mark.parametrize("reply", ["the responder cannot be reached", UNKNOWN])
def test_an_unknown_revocation_fails_as_in_notation_and_the_word_is_unknown(reply):
    outcome = judge_with(**revocable(reply))
    assert (outcome.result("revocation").status, outcome.verified) == (CheckStatus.failed, False)
    assert (outcome.word, outcome.reason) == (Word.unknown, "revocation_unknown")


def test_an_unknown_revocation_that_is_only_logged_is_an_exception():
    outcome = judge_with(None, under("permissive"), **revocable("the responder cannot be reached"))
    assert (outcome.word, outcome.reason, outcome.verified) == (
        Word.verified_with_exceptions,
        "revocation_logged",
        True,
    )
    assert "cannot be reached" in outcome.message


def test_what_fails_otherwise_is_untrusted_though_revocation_is_unknown():
    outcome = judge_with(**revocable("the responder cannot be reached"), expiry=NOW - DAY)
    assert (outcome.word, outcome.reason) == (Word.untrusted, "expired")


def test_an_expired_answer_is_unknown():
    world = revocable(NOT_REVOKED, next_update=NOW - DAY)
    assert (judge_with(**world).word, judge_with(**world).reason) == (Word.unknown, "revocation_unknown")


def test_revocation_is_only_looked_at_where_the_statement_asks_for_it():
    outcome = judge_with(None, under("strict", revocation="skip"), **revocable(REVOKED))
    assert outcome.result("revocation").status is CheckStatus.skipped
    assert (outcome.word, outcome.stands_until) == (Word.verified_with_exceptions, None)


def test_an_answer_that_only_notation_takes_is_an_exception_and_a_note():
    outcome = judge_with(**revocable(NOT_REVOKED, doubts=("responder_without_purpose",)))
    assert (outcome.word, outcome.reason, outcome.verified) == (
        Word.verified_with_exceptions,
        "answer_doubtful",
        True,
    )
    assert "responder_without_purpose" in {note.code for note in outcome.notes}


def test_a_signing_authority_vouches_for_a_time_before_the_key_became_invalid():
    stores = TrustStores.of(store(ROOT, type="signingAuthority"))
    by_acme = statement(trustStores=["signingAuthority:acme"])
    for signed_at, word in ((NOW - 2 * DAY, Word.untrusted), (NOW - 2 * DAY - timedelta(seconds=1), Word.verified)):
        world = revocable(REVOKED) | {"scheme": Scheme.signing_authority, "signed_at": signed_at}
        outcome = judge_with(None, by_acme, stores=stores, **world)
        assert outcome.word is word
    assert (outcome.result("revocation").code, outcome.stands_until) == ("revoked_after_signing", NOW + DAY)


def test_the_time_of_signing_that_a_signature_claims_rescues_nothing():
    assert judge_with(**revocable(REVOKED), signed_at=NOW - 20 * DAY).reason == "revoked"


# Target and user metadata


@pytest.mark.parametrize("name", ["strict", "permissive", "audit"])
@pytest.mark.parametrize(
    "target",
    [
        OTHER_TARGET,
        Descriptor(TARGET.media_type, TARGET.digest, TARGET.size + 1),
        Descriptor("application/vnd.oci.image.index.v1+json", TARGET.digest, TARGET.size),
    ],
)
def test_a_signature_for_something_else_fails_whatever_the_level(name, target):
    outcome = judge_with(evidence(target=target), under(name))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "target_mismatch", False)


def test_a_payload_without_target_fails():
    outcome = judge_with(evidence(target=None))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "target_unreadable", False)


def test_a_signature_for_something_else_fails_even_if_nobody_trusts_its_signer():
    outcome = judge_with(evidence(target=OTHER_TARGET), stores=TrustStores.of(store(OTHER_ROOT)))
    assert outcome.word is Word.failed


def test_every_user_metadata_asked_for_must_be_signed():
    signed = {"build": "42", "branch": "main"}
    assert judge_with(metadata={"build": "42"}, annotations=signed).word is Word.verified
    outcome = judge_with(metadata={"build": "43", "absent": "1"}, annotations=signed)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.untrusted, "metadata_mismatch", False)
    assert outcome.result("userMetadata").nearest_fix == "build is 42, 43 is wanted; absent is absent, 1 is wanted"


def test_metadata_that_is_absent_is_not_the_same_as_empty():
    assert judge_with(metadata={"key": ""}).reason == "metadata_mismatch"


@pytest.mark.parametrize("name", ["permissive", "audit"])
def test_user_metadata_is_enforced_whatever_the_level(name):
    assert not judge_with(None, under(name), metadata={"build": "1"}).verified


# What nobody here can decide

CRITICAL = Attribute("com.acme.gate", "closed", critical=True)


@pytest.mark.parametrize("name", ["strict", "audit"])
def test_an_unknown_critical_attribute_is_unknown_and_never_accepted(name):
    outcome = judge_with(None, under(name), attributes=[CRITICAL])
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "critical_attribute_unknown", False)
    assert outcome.result("integrity").status is CheckStatus.passed


def test_an_unknown_attribute_that_is_not_critical_is_ignored():
    assert judge_with(attributes=[Attribute("com.acme.note", "hello", critical=False)]).word is Word.verified


@pytest.mark.parametrize("name", ["strict", "audit"])
def test_a_signature_that_needs_a_plugin_is_unknown_and_never_accepted(name):
    outcome = judge_with(None, under(name), plugin="com.acme.plugin")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "plugin_needed", False)
    assert not outcome.result("authenticity").reached_by_notation
    assert "com.acme.plugin" in outcome.error


def test_a_plugin_might_answer_for_the_identity_but_not_for_the_root():
    assert judge_with(None, statement(trustedIdentities=[RELEASE]), plugin="p").word is Word.unknown
    assert judge_with(plugin="p", stores=TrustStores.of(store(OTHER_ROOT))).word is Word.untrusted


def test_what_fails_for_certain_is_not_called_unknown():
    outcome = judge_with(attributes=[CRITICAL], stores=TrustStores.of(store(OTHER_ROOT)), chain=(REVOCABLE, ROOT))
    assert outcome.word is Word.untrusted


# After notation's first failure


def test_checks_after_notations_first_failure_are_evaluated_and_marked():
    outcome = judge_with(expiry=NOW - DAY, stores=TrustStores.of(store(OTHER_ROOT)))
    assert outcome.result("expiry").status is CheckStatus.failed
    reached = [result.validation for result in outcome.results if result.reached_by_notation]
    assert reached == [Validation.integrity, Validation.authenticity]
    assert outcome.error == outcome.result("authenticity").message


def test_notation_goes_on_after_a_failure_that_is_only_logged():
    outcome = judge_with(None, under("audit"), expiry=NOW - DAY, stores=TrustStores.of(store(OTHER_ROOT)))
    assert all(result.reached_by_notation for result in outcome.results)


# Which statement


def test_without_a_statement_nothing_is_checked():
    outcome = judge_with(None, statement(registryScopes=["registry.acme.example/other"]))
    assert (outcome.word, outcome.reason, outcome.verified, outcome.skipped) == (
        Word.not_checked,
        "no_statement",
        False,
        False,
    )
    assert (outcome.statement, outcome.level) == ("", "")
    assert outcome.result("integrity").status is CheckStatus.passed
    assert outcome.result("authenticity").status is CheckStatus.not_run
    assert not any(result.reached_by_notation for result in outcome.results)


def test_level_skip_checks_nothing_and_verifies_nothing():
    for facts in ({}, {"fault": BROKEN}):
        outcome = judge_with(None, skip_statement(), **facts)
        assert (outcome.word, outcome.reason) == (Word.not_checked, "level_skip")
        assert (outcome.verified, outcome.skipped, outcome.error) == (False, True, "")
        assert set(statuses(outcome).values()) == {CheckStatus.skipped}


# Deadlines


def test_the_earliest_certificate_ends_the_green_of_an_x509_signature():
    root = certificate(ROOT.subject, is_ca=True, not_after=NOW + 5 * DAY)
    stores = TrustStores.of(store(root))
    assert judge_with(chain=(LEAF, root), stores=stores).green_until == NOW + 5 * DAY
    assert judge_with(chain=(LEAF, root), stores=stores, expiry=NOW + DAY).green_until == NOW + DAY


def test_only_green_has_a_deadline():
    assert judge_with(expiry=NOW - DAY).green_until is None
    outcome = judge_with(expiry=NOW - DAY, **revocable(NOT_REVOKED))
    assert (outcome.word, outcome.stands_until) == (Word.untrusted, None)


def test_the_last_instant_of_a_certificate_is_green_and_the_end_of_it():
    leaf = certificate(not_after=NOW)
    outcome = judge_with(chain=(leaf, ROOT))
    assert (outcome.word, outcome.green_until) == (Word.verified, NOW)


def test_a_deadline_that_passed_and_is_only_logged_ends_nothing():
    outcome = judge_with(None, under("permissive"), expiry=NOW - DAY)
    assert outcome.green_until == LEAF.not_after


# notation's answer for the artifact

GOOD = judge_with()
BAD = judge_with(fault=BROKEN)
ENDING = SignatureFault(Word.failed, "layer_count", "Two layers.")
OURS = SignatureFault(Word.unknown, "limit", "Too large for us.", ends_notation=False)


def test_the_first_good_signature_wins():
    assert notation_verdict([BAD, GOOD]).verified
    assert not notation_verdict([BAD, BAD]).verified
    assert notation_verdict([BAD]).error


def test_a_manifest_that_notation_cannot_fetch_ends_it_when_its_turn_comes():
    assert notation_verdict([GOOD, ENDING]).verified
    verdict = notation_verdict([ENDING, GOOD])
    assert (verdict.verified, verdict.error) == (False, "Two layers.")
    assert notation_verdict([OURS, GOOD]).verified


def test_notation_looks_at_no_more_than_the_limit():
    assert not notation_verdict([BAD, BAD, GOOD], max_signatures=2).verified
    assert notation_verdict([BAD, BAD, GOOD], max_signatures=3).verified


def test_exactly_as_many_bad_signatures_as_the_limit_reach_it():
    assert notation_verdict([BAD, BAD], max_signatures=2).error == "None of the first 2 signatures is good."
    assert notation_verdict([BAD, BAD], max_signatures=3).error == "None of the artifact's signatures is good."


def test_without_a_statement_notation_refuses_whatever_is_signed():
    verdict = notation_verdict([judge_with()], choice=Choice(None, "none", "No statement names it."))
    assert (verdict.verified, verdict.skipped, verdict.error) == (False, False, "No statement names it.")


def test_an_unsigned_artifact_is_not_verified():
    assert notation_verdict([]).error == "No signature is associated with the artifact."


def test_skip_is_neither_verified_nor_an_error():
    verdict = notation_verdict([judge_with(None, skip_statement())])
    assert (verdict.verified, verdict.skipped, verdict.error) == (False, True, "")


def test_the_same_question_has_the_same_answer():
    assert judge_with(expiry=NOW + DAY) == judge_with(expiry=NOW + DAY, stores=STORES)


def test_d4_a_signer_for_any_purpose_is_accepted_and_noted():
    leaf = certificate(any_purpose=True)
    outcome = judge_with(evidence(chain=(leaf, ROOT)))
    assert outcome.word is Word.verified
    assert outcome.notes[0].code == "any_purpose"
    assert "any_purpose" not in {note.code for note in judge_with().notes}


def test_an_expiry_and_metadata_are_judged_together():
    outcome = judge_with(expiry=NOW + DAY, annotations={"step": "7"}, metadata={"step": "7"})
    assert (outcome.word, outcome.green_until) == (Word.verified, NOW + DAY)
    assert outcome.result("userMetadata").code == "metadata_matches"


def test_only_a_statement_for_every_name_is_noted_as_one():
    named = statement(trustedIdentities=["x509.subject: C=DE, ST=BE, O=Acme GmbH"])
    assert "any_identity" in {note.code for note in judge_with().notes}
    assert "any_identity" not in {note.code for note in judge_with(None, named).notes}


def test_notation_verifies_nothing_where_nothing_is_signed():
    verdict = notation_verdict([])
    assert (verdict.verified, verdict.error) == (False, "No signature is associated with the artifact.")
