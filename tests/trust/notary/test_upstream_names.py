"""The names and identities of notation's own tests, in our words: the same answers."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.simulators.tsa import Tsa
from tests.trust.notary.making import CA_USAGE, key_of, make_certificate
from tests.trust.notary.stamping import TIME_STAMPING, chain_of, examine
from tests.trust.notary.synthetic import ROOT, certificate, document, judge_with, statement
from trust.notary.certificates import Certificate
from trust.notary.distinguished_names import is_subset, parse_subject
from trust.notary.errors import DistinguishedNameError, TrustPolicyError
from trust.notary.outcome import Word
from trust.notary.trust_policy import TrustPolicy

# verifier/verifier_test.go: TestVerifyX509TrustedIdentities

SIGNER = "CN=SomeCN,OU=SomeOU,O=SomeOrg,L=Seattle,ST=WA,C=US"
HEXADECIMAL = "CN=Bad=#CN,OU=SomeOU,O=SomeOrg,L=Seattle,ST=WA,C=US"
OURS, THEIRS, OTHERS = (
    f"x509.subject:{name}" for name in ("C=US,O=SomeOrg,ST=WA", "C=IND,O=SomeOrg,ST=TS", "C=LOL,O=LOL,ST=LOL")
)
ELSEWHERE = "nonX509Prefix:my-custom-identity"


@pytest.mark.parametrize(
    ("subject", "identities", "code"),
    [
        (SIGNER, [OURS], "identity_matches"),
        (SIGNER, [OURS, ELSEWHERE], "identity_matches"),
        (SIGNER, [OURS, THEIRS], "identity_matches"),
        (SIGNER, [ELSEWHERE], "no_subject_identity"),
        (SIGNER, ["*"], "any_identity"),
        (SIGNER, [THEIRS], "identity_mismatch"),
        (SIGNER, [THEIRS, ELSEWHERE], "identity_mismatch"),
        (SIGNER, [THEIRS, OTHERS], "identity_mismatch"),
        (HEXADECIMAL, [OURS, ELSEWHERE], "subject_unreadable"),
    ],
)
def test_upstream_trusted_identities_match_the_same_subjects(subject, identities, code):
    outcome = judge_with(None, statement(trustedIdentities=identities), chain=(certificate(subject), ROOT))
    assert outcome.result("identity").code == code
    assert outcome.verified is (code in ("identity_matches", "any_identity"))


def test_the_upstream_identity_in_hexadecimal_is_refused_with_its_document():
    with pytest.raises(TrustPolicyError) as caught:
        TrustPolicy.parse(document(statement(trustedIdentities=["x509.subject:C=bad=#identity,O=LOL,ST=LOL"])))
    assert caught.value.rule == "TP23"


# internal/pkix/pkix_test.go


@pytest.mark.parametrize("state", ["ST", "S"])
def test_upstream_names_are_read_by_either_name_of_the_state(state):
    read = parse_subject(f"C=US,{state}=California,O=Notary Project")
    assert dict(read) == {"C": "US", "ST": "California", "O": "Notary Project"}


@pytest.mark.parametrize(
    "text",
    [
        "C=US,ST=California",
        "C=US,O=Notary Project",
        "invalid",
        "C=US,ST=California,O=Notary Project,S=California",
        "C=US,ST=California,O=Notary Project=#",
        "OU=Sales+CN=J.  Smith,DC=example,DC=net",
    ],
)
def test_upstream_names_without_a_part_twice_or_joined_are_refused(text):
    with pytest.raises(DistinguishedNameError):
        parse_subject(text)


@pytest.mark.parametrize(
    ("more", "others", "subset"),
    [
        ({}, {"L": "Los Angeles"}, True),
        ({}, {"L": "Los Angeles", "O": "Notary Project 2", "CN": "Notary"}, False),
        ({"CN": "Notary"}, {"L": "Los Angeles"}, False),
    ],
)
def test_upstream_subsets_are_subsets(more, others, subset):
    name = {"C": "US", "ST": "California", "O": "Notary Project"}
    assert is_subset(name | more, name | others) is subset


# notation's test/e2e/suite/command/blob/inspect.go: the subject of Microsoft's timestamp authority

MICROSOFT = (
    "CN=Microsoft Public RSA Time Stamping Authority,OU=Microsoft America Operations+OU=nShield TSS ESN:7800-05E0-D947,"
    "O=Microsoft Corporation,L=Redmond,ST=Washington,C=US"
)
MICROSOFT_NAME = x509.Name(
    [
        x509.NameAttribute(oid, value)
        for oid, value in (
            (NameOID.COUNTRY_NAME, "US"),
            (NameOID.STATE_OR_PROVINCE_NAME, "Washington"),
            (NameOID.LOCALITY_NAME, "Redmond"),
            (NameOID.ORGANIZATION_NAME, "Microsoft Corporation"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "Microsoft America Operations"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "nShield TSS ESN:7800-05E0-D947"),
            (NameOID.COMMON_NAME, "Microsoft Public RSA Time Stamping Authority"),
        )
    ]
)


def microsoft():
    """A timestamp authority of that name, with keys of ours."""
    root = make_certificate(key_of("root"), "timestamp root", ca=True, usage=CA_USAGE)
    key = key_of("rsa2048")
    leaf = make_certificate(key, MICROSOFT_NAME, "timestamp root", key_of("root"), extensions=[TIME_STAMPING])
    return Tsa((leaf, root), key)


def test_the_microsoft_authoritys_subject_is_printed_as_notation_prints_it():
    assert Certificate.parse(microsoft().chain[0]).subject == MICROSOFT


def test_the_microsoft_authoritys_two_units_do_not_hinder_its_timestamps():
    authority = microsoft()
    evidence = examine(authority)
    assert evidence.fault is None
    assert chain_of(authority) == authority.chain


def test_a_signer_of_the_microsoft_authoritys_shape_matches_no_identity_but_the_wildcard():
    chain = (certificate(MICROSOFT), ROOT)
    named = statement(trustedIdentities=["x509.subject: C=US, ST=Washington, O=Microsoft Corporation"])
    assert judge_with(None, named, chain=chain).reason == "subject_unreadable"
    assert judge_with(chain=chain).word is Word.verified
