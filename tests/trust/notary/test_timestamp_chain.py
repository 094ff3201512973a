"""The chain above a timestamp's signer: each test is a rule of RFC 5280 path building or of the signature specification."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulators.tsa import STAMPED_AT, Signer, Tsa
from tests.trust.notary.making import CODE_SIGNING, key_of, make_certificate
from tests.trust.notary.stamping import (
    TIME_STAMPING,
    authority,
    authority_certificate,
    authority_of,
    chain_of,
    examine,
    sound,
)
from trust.notary.certificates import Certificate
from trust.notary.errors import CertificateError, LimitError, NotaryError, UnsupportedError
from trust.notary.timestamp_chain import MAX_STEPS, find_chain

ROOT = authority_certificate("root", "root")
ISSUING = authority_certificate("issuing", "issuing", "root", "root")
SECOND = timedelta(seconds=1)
CRITICAL_UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


def below_issuing(*above, **leaf):
    return authority_of(*(above or (ISSUING, ROOT)), issuer="issuing", issuer_key="issuing", **leaf)


def refusal(tsa, *roots, error=NotaryError, **options):
    with pytest.raises(error) as caught:
        chain_of(tsa, *roots, **options)
    return caught.value.code


# Finding it


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_chain_leads_from_the_signer_to_the_trusted_root(depth):
    tsa = authority(depth=depth)
    assert chain_of(tsa) == tsa.chain


def test_the_root_need_not_be_in_the_token():
    assert chain_of(sound(), bag=sound().chain) == chain_of(sound(), bag=sound().chain[:-1]) == sound().chain


def test_the_order_of_the_certificates_in_the_token_means_nothing():
    assert chain_of(sound(), bag=sound().chain[1::-1]) == sound().chain


def test_a_missing_intermediate_leaves_the_root_unknown():
    assert refusal(sound(), bag=sound().chain[:1]) == "tsa_unknown_root"


def test_a_root_that_the_token_brings_along_is_not_trusted_for_that():
    stranger = authority_certificate("p521", "another root")
    assert refusal(sound(), stranger, bag=sound().chain) == "tsa_unknown_root"


def test_a_root_of_the_same_name_with_another_key_is_another_root():
    impostor = authority_certificate("p521", "root")
    assert refusal(below_issuing(), impostor) == "tsa_unknown_root"


def test_a_reissued_root_of_the_same_key_is_as_good():
    reissued = authority_certificate("root", "root", serial=2)
    tsa = below_issuing()
    assert chain_of(tsa, reissued) == (*tsa.chain[:-1], reissued)


def test_any_of_several_roots_will_do():
    stranger = authority_certificate("p521", "another root")
    assert chain_of(below_issuing(), stranger, ROOT)[-1] == ROOT


def test_an_intermediate_that_no_root_signed_is_passed_over():
    forged = authority_certificate("issuing", "issuing", "root", "p521", serial=5)
    tsa = below_issuing()
    assert chain_of(tsa, bag=(tsa.chain[0], forged, ISSUING)) == tsa.chain


def test_of_two_issuers_the_one_whose_key_identifier_is_named_comes_first():
    named = x509.AuthorityKeyIdentifier(b"second", None, None)
    issuers = [
        authority_certificate("issuing", "issuing", "root", "root", serial=number, extensions=[(identifier, False)])
        for number, identifier in enumerate(
            (x509.SubjectKeyIdentifier(b"first"), x509.SubjectKeyIdentifier(b"second")), 1
        )
    ]
    tsa = below_issuing(*issuers, ROOT, extensions=[TIME_STAMPING, (named, False)])
    for bag in ((tsa.chain[0], *issuers), (tsa.chain[0], *issuers[::-1])):
        assert chain_of(tsa, ROOT, bag=bag)[1] == issuers[1]


def test_certificates_that_signed_each_other_are_no_endless_path():
    one = authority_certificate("issuing", "issuing", "other", "p384")
    two = authority_certificate("p384", "other", "issuing", "issuing", serial=2)
    assert refusal(below_issuing(one, two, ROOT), ROOT) == "tsa_unknown_root"


def test_no_more_issuers_are_tried_than_the_limit():
    roots = [authority_certificate("root", "root", serial=number, path_length=0) for number in range(1, MAX_STEPS + 2)]
    tsa = below_issuing()
    evidence = examine(tsa)
    trusted = [Certificate.parse(der) for der in roots]
    with pytest.raises(LimitError):
        find_chain(evidence.with_roots(trusted), trusted)


# When it was valid


@pytest.mark.parametrize("moment", [STAMPED_AT, STAMPED_AT - SECOND, STAMPED_AT + SECOND])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_every_certificate_is_valid_when_the_timestamp_was_made_both_ends_included(moment, position):
    for end, is_valid in (("since", moment <= STAMPED_AT), ("until", moment >= STAMPED_AT)):
        limits = [{}, {}, {}]
        limits[position] = {end: moment}
        root = authority_certificate("root", "root", **limits[2])
        tsa = below_issuing(authority_certificate("issuing", "issuing", "root", "root", **limits[1]), root, **limits[0])
        if is_valid:
            assert chain_of(tsa) == tsa.chain
        else:
            assert refusal(tsa) == "tsa_outside_validity"


def test_that_a_certificate_of_the_authority_expired_since_then_changes_nothing():
    tsa = below_issuing(until=STAMPED_AT + SECOND)
    assert chain_of(tsa) == tsa.chain


@pytest.mark.parametrize(("year", "code"), [(2025, None), (2019, "tsa_signing_time"), (2061, "tsa_signing_time")])
def test_a_signing_time_lies_inside_every_validity(year, code):
    time = cms.Time({"generalized_time": datetime(year, 1, 1, tzinfo=UTC)})
    if code:
        assert refusal(sound(), attributes={"signing_time": time}) == code
    else:
        assert chain_of(sound(), attributes={"signing_time": time}) == sound().chain


# What its certificates may be


def test_an_issuer_without_the_right_to_issue_is_none():
    for options in ({"ca": False}, {"ca": None}, {"usage": ("crl_sign",)}):
        tsa = below_issuing(authority_certificate("issuing", "issuing", "root", "root", **options), ROOT)
        assert refusal(tsa) == "tsa_unknown_root"


def test_an_authority_has_a_key_usage():
    tsa = below_issuing(authority_certificate("issuing", "issuing", "root", "root", usage=None), ROOT)
    assert refusal(tsa) == "tsa_chain_key_usage_extension"


def test_the_key_usage_of_an_authority_need_not_be_critical():
    issuing = authority_certificate("issuing", "issuing", "root", "root", usage_critical=False)
    assert chain_of(below_issuing(issuing, ROOT, usage_critical=False))[1] == issuing


def test_an_authority_allows_as_many_below_it_as_there_are():
    for path_length, fits in ((0, False), (1, True)):
        root = authority_certificate("root", "root", path_length=path_length)
        tsa = below_issuing(ISSUING, root)
        if fits:
            assert chain_of(tsa) == tsa.chain
        else:
            assert refusal(tsa) == "tsa_path_length"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_unknown_critical_extension_ends_the_path(position):
    extensions = [[TIME_STAMPING], [], []]
    extensions[position] = [*extensions[position], CRITICAL_UNKNOWN]
    root = authority_certificate("root", "root", extensions=extensions[2])
    issuing = authority_certificate("issuing", "issuing", "root", "root", extensions=extensions[1])
    assert refusal(below_issuing(issuing, root, extensions=extensions[0])) == "tsa_critical_extension"


def test_an_authority_limited_to_other_purposes_issues_no_timestamp_signers():
    for purpose, fits in (
        (CODE_SIGNING, False),
        (TIME_STAMPING[0][0], True),
        (x509.ObjectIdentifier("2.5.29.37.0"), True),
    ):
        limited = [(x509.ExtendedKeyUsage([purpose]), False)]
        for issuing, root in (
            (authority_certificate("issuing", "issuing", "root", "root", extensions=limited), ROOT),
            (ISSUING, authority_certificate("root", "root", extensions=limited)),
        ):
            tsa = below_issuing(issuing, root)
            if fits:
                assert chain_of(tsa) == tsa.chain
            else:
                assert refusal(tsa) == "tsa_purpose"


@pytest.mark.parametrize(
    "constraint",
    [
        x509.NameConstraints([x509.DNSName("a.example")], None),
        x509.PolicyConstraints(0, None),
        x509.InhibitAnyPolicy(1),
    ],
)
def test_constraints_that_nobody_here_evaluates_leave_it_undecided(constraint):
    issuing = authority_certificate("issuing", "issuing", "root", "root", extensions=[(constraint, True)])
    assert refusal(below_issuing(issuing, ROOT), error=UnsupportedError) == "timestamp_unsupported"


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ({"ca": True}, "tsa_chain_leaf_is_authority"),
        ({"usage": None}, "tsa_chain_key_usage_extension"),
        ({"usage": ("content_commitment",)}, "tsa_chain_leaf_key_usage"),
        ({"usage": ("digital_signature", "key_encipherment")}, "tsa_chain_leaf_key_usage"),
    ],
)
def test_the_signers_certificate_is_a_leaf_for_signatures(leaf, code):
    assert refusal(below_issuing(**leaf)) == code


def test_the_signers_key_is_one_of_the_specification():
    weak = ec.derive_private_key(7, ec.SECP224R1())
    signer = make_certificate(weak, "stamper", "root", key_of("root"), extensions=[TIME_STAMPING])
    assert refusal(Tsa((signer, ROOT), weak)) == "tsa_chain_leaf_key"


def test_only_the_last_certificate_is_self_signed():
    again = authority_certificate("root", "root", serial=2)
    tsa = authority_of(again, ROOT)
    trusted = [Certificate.parse(ROOT)]
    evidence = examine(tsa).with_roots(trusted)
    assert find_chain(evidence, trusted)[-1].der == ROOT  # the other one of that name and key is passed over
    assert len(find_chain(evidence, trusted)) == 2


def test_what_only_calls_itself_a_root_ends_no_chain():
    tsa = below_issuing()
    with pytest.raises(CertificateError) as caught:
        chain_of(tsa, ISSUING)
    assert caught.value.code == "tsa_chain_root"


def chains_of_both(one, two, *roots):
    """What comes of a token that both signed, in both orders: a root's name, or the code of what is wrong."""
    trusted = [Certificate.parse(der) for der in roots]
    bag = (*one.chain[:-1], *two.chain[:-1])
    evidence = examine(one, signers=[Signer(one), Signer(two)], bag=bag).with_roots(trusted)
    first, second = sorted(evidence.signers, key=lambda signer: signer.certificate.der != one.chain[0])
    for signers in ((first, second), (second, first)):
        try:
            yield find_chain(replace(evidence, signers=signers), trusted)[-1].common_name
        except NotaryError as error:
            yield error.code


def test_of_several_signers_the_first_who_leads_to_a_root_counts():
    one, two = below_issuing(), authority("p384", depth=1)
    assert list(chains_of_both(one, two, one.root, two.root)) == ["root", "authority 0"]
    assert list(chains_of_both(one, two, two.root)) == ["authority 0", "authority 0"]


def test_a_signer_whose_chain_then_breaks_a_rule_is_not_replaced_by_the_next():
    broken, sound_one = below_issuing(usage=None), authority("p384", depth=1)
    assert list(chains_of_both(broken, sound_one, ROOT, sound_one.root)) == [
        "tsa_chain_key_usage_extension",
        "authority 0",
    ]
