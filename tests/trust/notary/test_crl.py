"""CRLs and their deltas: which count, and what they say of a certificate, each rule under its name."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.revocation import (
    DAY,
    HOUR,
    NOW,
    SERIAL,
    chain_of,
    chain_with,
    entry,
    make_crl,
    make_issuer,
    make_leaf,
    points,
)
from tests.trust.notary.making import CA_USAGE, contents, cut_short, key_of, make_certificate, sequence, tlv
from trust.notary import crl
from trust.notary.certificates import Certificate
from trust.notary.errors import RevocationError

URL = "http://crl.acme.example/r2.crl"
CHAIN = chain_with(crl=[URL])
FRESHEST = points("http://crl.acme.example/delta.crl", kind=x509.FreshestCRL)
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)


def scope(**facts):
    names = (
        "only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs",
    )  # fmt: skip
    place = facts.pop("place", None)
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier(place)] if place else None,
        relative_name=None,
        only_some_reasons=facts.pop("only_some_reasons", None),
        **{name: facts.get(name, False) for name in names},
    ), True


def examine(base, delta=None, chain=CHAIN):
    return crl.examine(base, delta, URL, chain[1], [chain[0]], NOW)


def says(base, delta=None, chain=CHAIN):
    return examine(base, delta, chain).says[chain[0].thumbprint]


def refused(code, base, delta=None, chain=CHAIN):
    with pytest.raises(RevocationError) as caught:
        examine(base, delta, chain)
    assert caught.value.code == code
    return str(caught.value)


# -- what it says


def test_a_certificate_that_is_not_listed_is_not_revoked():
    answer = examine(make_crl(entry(5)))
    assert answer.says == {CHAIN[0].thumbprint: crl.Statement()}
    assert (answer.this_update, answer.next_update, answer.number) == (NOW - HOUR, NOW + DAY, 7)
    assert (answer.collected_at, answer.signed_by, answer.delta) == (NOW, CHAIN[1].subject, None)


def test_every_entry_of_the_serial_number_is_kept_in_order_and_those_of_the_delta_follow():
    base = make_crl(entry(reason="certificateHold"), entry(5), entry(reason="keyCompromise", invalid_since=NOW - DAY))
    delta = make_crl(entry(reason="removeFromCRL"), number=8, base=7)
    found = says(base, delta).entries
    assert [one.reason for one in found] == ["certificateHold", "keyCompromise", "removeFromCRL"]
    assert [one.invalid_since for one in found] == [None, NOW - DAY, None]
    assert {one.revoked_at for one in found} == {NOW - 2 * DAY}


def test_one_crl_says_something_of_many_certificates():
    leaves = [chain_with(crl=[URL], serial=serial) for serial in (0x7001, 0x7002, 0x7003)]
    answer = crl.examine(make_crl(entry(0x7002)), None, URL, CHAIN[1], [leaf[0] for leaf in leaves], NOW)
    assert [bool(answer.says[leaf[0].thumbprint].entries) for leaf in leaves] == [False, True, False]


def test_a_critical_extension_of_an_entry_makes_that_entry_unknown():
    odd = entry(extensions=[UNKNOWN])
    assert says(make_crl(odd)).entries[0].fault == "its entry in the CRL has the critical extension 1.2.3.4"
    assert says(make_crl(entry(5, extensions=[UNKNOWN]))).entries == ()
    assert says(make_crl(entry(extensions=[(UNKNOWN[0], False)]))).entries[0].fault == ""


def test_a_critical_reason_is_a_critical_extension_too_and_a_critical_invalidity_date_is_none():
    reason = (x509.CRLReason(x509.ReasonFlags.key_compromise), True)
    assert says(make_crl(entry(extensions=[reason]))).entries[0].fault
    date = (x509.InvalidityDate(NOW.replace(tzinfo=None)), True)
    assert not says(make_crl(entry(extensions=[date]))).entries[0].fault


# -- who signs it


def test_the_issuer_of_the_certificate_signs_it():
    assert "not signed by the issuer" in refused("answer_not_signed", make_crl(key=key_of("root")))


def test_a_signature_has_all_of_its_bits():
    refused("answer_not_signed", cut_short(make_crl, lambda content: x509.load_der_x509_crl(content).signature))


def test_it_may_be_signed_with_sha1_or_pss():
    pss = make_crl(key=key_of("rsa2048"), pss=True)
    rsa_issuer = (CHAIN[0], crl_issuer_with_rsa_key())
    assert says(pss, chain=rsa_issuer).entries == ()
    assert says(sha1_crl()).entries == ()


def crl_issuer_with_rsa_key():
    return Certificate.parse(
        make_certificate(key_of("rsa2048"), "revoking authority", "root", key_of("root"), ca=True, usage=CA_USAGE)
    )


def sha1_crl():
    """A CRL signed as today's builders refuse to."""
    old, weak = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401")
    body = contents(x509.load_der_x509_crl(make_crl()).tbs_certlist_bytes).replace(old, weak)
    signed = sequence(body)
    return sequence(signed, weak, tlv(3, b"\0", key_of("issuing").sign(signed, ec.ECDSA(hashes.SHA1()))))


@pytest.mark.parametrize(("usage", "allowed"), [(("key_cert_sign",), False), (("crl_sign",), True), (None, True)])
def test_the_key_usage_of_the_issuer_must_allow_it_where_there_is_one(usage, allowed):
    chain = chain_of(make_leaf(crl_urls=[URL]), make_issuer(usage=usage))
    if allowed:
        assert says(make_crl(), chain=chain).entries == ()
    else:
        assert "key usage" in refused("answer_not_signed", make_crl(), chain=chain)


def test_an_issuer_that_is_no_authority_signs_no_crl():
    leaf = chain_with(key="issuing")[0]
    assert "no" in refused("answer_not_signed", make_crl(), chain=(CHAIN[0], leaf))


# -- extensions and scope


def test_a_critical_extension_that_nobody_knows_is_refused():
    assert "1.2.3.4" in refused("answer_extension", make_crl(extensions=[UNKNOWN]))
    assert says(make_crl(extensions=[(UNKNOWN[0], False)])).entries == ()


@pytest.mark.parametrize(
    ("facts", "doubts"),
    [
        ({}, ()),
        ({"place": URL}, ()),
        ({"only_contains_user_certs": True}, ()),
        ({"place": "http://crl.acme.example/other.crl"}, ("crl_for_other_place",)),
        ({"only_contains_ca_certs": True}, ("crl_for_other_certificates",)),
        ({"only_contains_attribute_certs": True}, ("crl_for_other_certificates",)),
        ({"indirect_crl": True}, ("crl_for_other_certificates",)),
        ({"only_some_reasons": frozenset([x509.ReasonFlags.key_compromise])}, ("crl_for_other_certificates",)),
    ],
)
def test_a_scope_is_not_evaluated_but_a_wrong_one_is_a_doubt(facts, doubts):
    extensions = [scope(**facts)] if facts else []
    assert says(make_crl(extensions=extensions)).doubts == doubts


def test_a_crl_for_leaves_is_doubtful_about_an_authority():
    chain = (make_chain_issuer(), CHAIN[2])
    base = make_crl(extensions=[scope(only_contains_user_certs=True)], key=key_of("root"), issuer="root")
    assert says(base, chain=chain).doubts == ("crl_for_other_certificates",)


def make_chain_issuer():
    return chain_of(make_leaf(), make_issuer(crl_urls=[URL]))[1]


def test_a_crl_in_the_name_of_another_issuer_is_a_doubt():
    assert says(make_crl(issuer="somebody else")).doubts == ("answer_names_other_issuer",)


# -- deltas


def test_the_places_of_a_delta_are_those_that_the_base_names():
    base = make_crl(deltas=["http://a/1", "http://a/2"])
    assert crl.RevocationList.read(base).delta_urls == ("http://a/1", "http://a/2")
    assert crl.RevocationList.read(make_crl()).delta_urls == ()


@pytest.mark.parametrize(
    ("base", "delta", "text"),
    [
        ({"number": 7}, {"number": 7, "base": 7}, "not newer"),
        ({"number": 7}, {"number": 6, "base": 5}, "not newer"),
        ({"number": 7}, {"number": 9, "base": 8}, "newer base"),
        ({"number": 7}, {"number": 8}, "no number"),
        ({"number": 7}, {"number": None, "base": 7}, "no number"),
        ({"number": None}, {"number": 8, "base": 7}, "no number"),
    ],
)
def test_a_delta_must_be_newer_than_its_base_and_fit_to_it(base, delta, text):
    assert text in refused("answer_delta", make_crl(**base), make_crl(**delta))


def test_a_delta_may_build_on_an_older_base():
    assert examine(make_crl(number=7), make_crl(number=9, base=5)).number == 9


def test_a_delta_is_signed_by_the_issuer_as_well():
    refused("answer_not_signed", make_crl(), make_crl(number=8, base=7, key=key_of("root")))


def test_an_answer_with_a_delta_ends_with_whichever_ends_first():
    delta = make_crl(number=8, base=7, this_update=NOW, next_update=NOW + HOUR)
    answer = examine(make_crl(), delta)
    assert (answer.this_update, answer.next_update) == (NOW, NOW + HOUR)
    assert answer.delta != answer.digest


def test_a_delta_in_place_of_a_crl_counts_with_a_doubt():
    assert says(make_crl(base=5)).doubts == ("crl_is_only_a_delta",)


def test_a_delta_that_the_certificate_names_is_not_supported_unless_the_base_names_one():
    chain = chain_with(crl=[URL], extensions=[FRESHEST])
    assert "delta" in says(make_crl(), chain=chain).fault
    assert says(make_crl(), make_crl(number=8, base=7), chain=chain).fault == ""


# -- what is no CRL


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x00", b"<html>", b"-----BEGIN X509 CRL-----", b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_no_crl_is_refused(content):
    refused("answer_unreadable", content)


def test_bytes_after_the_crl_are_refused():
    refused("answer_unreadable", make_crl() + b"\0")


def test_a_crl_of_32_mib_is_refused():
    assert "larger" in refused("too_large", make_crl() + b"\0" * (1 << 25))


def test_a_crl_of_the_first_version_is_refused():
    body = contents(x509.load_der_x509_crl(make_crl()).tbs_certlist_bytes).removeprefix(b"\x02\x01\x01")
    signed = sequence(body)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    content = sequence(signed, algorithm, tlv(3, b"\0", key_of("issuing").sign(signed, ec.ECDSA(hashes.SHA256()))))
    refused("answer_unreadable", content)


def test_two_different_signature_algorithms_are_refused():
    content = make_crl()
    algorithm = bytes.fromhex("2a8648ce3d040302")
    at = content.rindex(algorithm)
    refused("answer_unreadable", content[:at] + bytes.fromhex("2a8648ce3d040303") + content[at + 8 :])


def test_an_entry_that_cannot_be_read_spoils_the_whole_crl_even_that_of_another_certificate():
    broken = make_crl(entry(5, "keyCompromise")).replace(
        b"\x55\x1d\x15\x04\x03\x0a\x01\x01", b"\x55\x1d\x15\x04\x03\x0a\x01\x63"
    )
    with pytest.raises(RevocationError, match="an entry of the CRL cannot be read"):
        crl.RevocationList.read(broken).entries([SERIAL])


GOOD = make_crl(
    entry(5, "keyCompromise"), entry(6, invalid_since=NOW), deltas=["http://a/1"], extensions=[scope(place=URL)]
)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_every_changed_byte_makes_a_refusal(position, change):
    with pytest.raises(RevocationError):
        examine(GOOD[:position] + bytes([GOOD[position] ^ change]) + GOOD[position + 1 :])


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(content):
    with pytest.raises(RevocationError):
        examine(content)
