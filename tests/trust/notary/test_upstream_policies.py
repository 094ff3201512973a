"""The trust policy documents of notation's own end-to-end suite, by their names there, in our words.

Its 43 documents are not copied: each is what its name says. What they come to is what that suite expects; its `quickstart`
and `generate_test` have the statement of `trustpolicy` with a store of another name.
"""

import pytest

from tests.simulators.tsa import STAMPED_AT
from tests.trust.notary.stamping import examine, sound
from tests.trust.notary.synthetic import (
    DAY,
    NOW,
    OTHER_ROOT,
    REPOSITORY,
    ROOT,
    certificate,
    document,
    evidence,
    judge_with,
    level,
    skip_statement,
    statement,
    store,
)
from tests.trust.notary.synthetic import TARGET as SIGNED
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.certificates import Certificate
from trust.notary.errors import TrustPolicyError
from trust.notary.judge import Question, judge
from trust.notary.outcome import Word
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores

OTHER = "registry.acme.example/other"
SIGNER = "x509.subject: C=DE, ST=BE, O=Acme GmbH"


def stamped(option):
    verification = level("strict") | {"verifyTimestamp": option}
    return statement(signatureVerification=verification, trustStores=["ca:acme", "tsa:clock"])


def asked(name="strict", **override):
    return statement(signatureVerification=level(name, **override))


def trusting(*identities):
    return statement(trustedIdentities=list(identities))


def scoped(*scopes, name="release-images"):
    return statement(name=name, registryScopes=list(scopes))


def storing(*stores):
    return statement(trustStores=list(stores))


REFUSED = {
    "override_integrity_for_permissive": ("TP11", [asked("permissive", integrity="log")]),
    "empty_registry_scope": ("TP25", [scoped()]),
    "malformed_registry_scope": ("TP27", [scoped("registry.acme.example")]),
    "wildcard_plus_other_registry_scope": ("TP26", [scoped("*", REPOSITORY)]),
    "overlapped_registry_scope": ("TP28", [scoped(REPOSITORY, REPOSITORY)]),
    "multi_statements_with_the_same_registry_scope": ("TP28", [scoped(REPOSITORY), scoped(REPOSITORY, name="b")]),
    "multi_statements_with_multi_wildcard_registry_scope": ("TP28", [scoped("*"), scoped("*", name="b")]),
    "multi_statements_with_the_same_name": ("TP04", [scoped(REPOSITORY), scoped(OTHER)]),
    "unset_trust_store": ("TP15", [storing()]),
    "unset_trusted_identity": ("TP15", [trusting()]),
    "malformed_trust_store": ("TP18", [storing("ca:")]),
    "wildcard_trust_store": ("TP16", [storing("*")]),
    "malformed_trusted_identity": ("TP21", [trusting("C=DE, ST=BE, O=Acme GmbH")]),
    "empty_trusted_identity": ("TP20", [trusting("")]),
    "overlapped_trusted_identity": ("TP24", [trusting(SIGNER, SIGNER + ", OU=Build")]),
    "wildcard_plus_other_trusted_identity": ("TP19", [trusting("*", SIGNER)]),
    "missing_country": ("TP23", [trusting("x509.subject: ST=BE, O=Acme GmbH")]),
    "missing_state": ("TP23", [trusting("x509.subject: C=DE, O=Acme GmbH")]),
    "missing_organization": ("TP23", [trusting("x509.subject: C=DE, ST=BE")]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_upstream_policy_is_refused_by_the_rule(name):
    rule, statements = REFUSED[name]
    with pytest.raises(TrustPolicyError) as caught:
        TrustPolicy.parse(document(*statements))
    assert caught.value.rule == rule


def test_upstream_policy_invalid_format_is_no_document():
    with pytest.raises(TrustPolicyError) as caught:
        TrustPolicy.parse(b'{"version": "1.0",, "trustPolicies": []}')
    assert caught.value.rule == "TP00"


VERIFIED, EXCEPTION, UNTRUSTED, UNCHECKED = (
    Word.verified, Word.verified_with_exceptions, Word.untrusted, Word.not_checked,
)  # fmt: skip
TAKEN = {
    "trustpolicy": (VERIFIED, [statement()]),
    "quickstart": (VERIFIED, [storing("ca:wabbit-networks.io")]),
    "generate_test": (VERIFIED, [storing("ca:sKey")]),
    "timestamp": (UNTRUSTED, [stamped("always")]),  # nothing stamped the signature
    "timestamp_after_cert_expiry": (VERIFIED, [stamped("afterCertExpiry")]),
    "permissive": (EXCEPTION, [asked("permissive")]),
    "audit": (EXCEPTION, [asked("audit")]),
    "skip": (UNCHECKED, [skip_statement()]),
    "override_strict": (EXCEPTION, [asked("strict", revocation="skip")]),
    "override_permissive": (VERIFIED, [
        asked("permissive", authenticTimestamp="enforce", expiry="enforce", revocation="enforce"),
    ]),
    "override_audit": (EXCEPTION, [asked("audit", authenticity="enforce")]),
    "registry_scope": (VERIFIED, [scoped(REPOSITORY)]),
    "multiple_registry_scope": (VERIFIED, [scoped(OTHER, REPOSITORY)]),
    "any_registry_scope": (VERIFIED, [scoped("*")]),
    "multi_statements_with_wildcard_registry_scope": (VERIFIED, [skip_statement(name="all"), scoped(REPOSITORY)]),
    "invalid_registry_scope": (UNCHECKED, [scoped(OTHER)]),
    "invalid_trust_store": (UNTRUSTED, [storing("ca:nowhere")]),
    "multiple_trust_store": (VERIFIED, [storing("ca:other", "ca:acme")]),
    "overlapped_trust_store": (VERIFIED, [storing("ca:acme", "ca:acme")]),
    "invalid_trusted_identity": (UNTRUSTED, [trusting("x509.subject: C=US, ST=WA, O=Other")]),
    "valid_trusted_identity": (VERIFIED, [trusting(SIGNER)]),
    "multiple_trusted_identity": (VERIFIED, [trusting("x509.subject: C=US, ST=WA, O=Other", SIGNER)]),
}  # fmt: skip
STORES = TrustStores.of(
    *(store(ROOT, name=name) for name in ("acme", "wabbit-networks.io", "sKey")),
    store(OTHER_ROOT, name="other"),
    store(OTHER_ROOT, name="clock", type="tsa"),
)


@pytest.mark.parametrize("name", TAKEN)
def test_upstream_policy_is_taken_and_comes_to(name):
    word, statements = TAKEN[name]
    assert judge_with(None, *statements, stores=STORES).word is word


def test_the_upstream_policies_about_timestamps_take_one_that_holds_once_the_certificate_expired():
    leaf = certificate(not_before=STAMPED_AT - DAY, not_after=STAMPED_AT + DAY)
    trusted = store(Certificate.parse(sound().root), name="clock", type="tsa")
    stores = TrustStores.of(store(ROOT), trusted)
    for name in ("timestamp", "timestamp_after_cert_expiry"):
        chain, at = (leaf, ROOT), STAMPED_AT + 100 * DAY
        _, statements = TAKEN[name]
        assert judge_with(None, *statements, stores=stores, chain=chain, at=at, timestamp=examine()).word is VERIFIED
        assert judge_with(None, *statements, stores=stores, chain=chain, at=at).reason == "timestamp_missing"


@pytest.mark.parametrize(
    ("name", "level_name", "word"),
    [
        ("wabbit-networks-policy", "strict", VERIFIED),
        ("skip-verification-policy", "skip", UNCHECKED),
        ("", "audit", EXCEPTION),
        ("global-verification-policy", "audit", EXCEPTION),
        ("another-policy", "", UNCHECKED),
    ],
)
def test_upstream_policy_blob_trust_policy_has_a_statement_for_each_name_and_one_for_none(name, level_name, word):
    policy = BlobTrustPolicy.parse(BLOB_TRUST_POLICY)
    chosen = policy.choose(name).statement
    assert (chosen.level.name if chosen else "") == level_name
    question = Question(name, SIGNED, {})
    assert judge(question, evidence().with_roots(STORES), policy, STORES, NO_ANSWERS, NOW).word is word


BLOB_TRUST_POLICY = document(
    {
        "name": "wabbit-networks-policy",
        "signatureVerification": level("strict"),
        "trustStores": ["ca:acme"],
        "trustedIdentities": [SIGNER],
    },
    {"name": "skip-verification-policy", "signatureVerification": level("skip")},
    {
        "name": "global-verification-policy",
        "globalPolicy": True,
        "signatureVerification": level("audit"),
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
    },
)


def test_there_are_as_many_shapes_as_upstream_has_documents():
    assert len({*REFUSED, *TAKEN, "invalid_format", "blob_trust_policy"}) == 43
