"""OCSP: the question that is asked, and which answers count, each rule under its name."""

import base64
import json
from urllib.parse import unquote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp as library
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.revocation import (
    DAY,
    HOUR,
    INVALIDITY_DATE,
    NOW,
    answer_of_parts,
    chain_with,
    general_time,
    make_leaf,
    make_ocsp,
    make_single,
    refusal,
    responder,
)
from tests.trust.notary.making import VECTORS, cut_short, key_of, tlv
from trust.notary import ocsp
from trust.notary.certificates import read_certificates
from trust.notary.errors import RevocationError

URL = "http://ocsp.acme.example/r2"
CHAIN = chain_with(URL)
CASES = {case["name"]: case for case in json.loads((VECTORS / "cases.json").read_text())}


def examine(content, chain=CHAIN):
    return ocsp.examine(content, chain[0], chain[1], NOW)


def says(content, chain=CHAIN):
    return examine(content, chain).says[chain[0].thumbprint]


def refused(content, code, chain=CHAIN):
    with pytest.raises(RevocationError) as caught:
        examine(content, chain)
    assert caught.value.code == code
    return str(caught.value)


# -- the question


@pytest.mark.parametrize(
    "case", ["revocation-ocsp-good", "revocation-ocsp-revoked", "revocation-ocsp-unknown", "revocation-ocsp-404"]
)
def test_the_address_asked_is_the_one_that_notation_asked(case):
    seen, files = CASES[case]["requests_seen"][0].removeprefix("GET "), CASES[case]["signatures"][0]["chain"]
    leaf, issuer = (read_certificates((VECTORS / file).read_bytes())[0] for file in files[:2])
    assert ocsp.get_url(leaf.ocsp_urls[0], ocsp.request(leaf, issuer)) == seen


def test_the_question_names_one_certificate_by_sha1():
    question = library.load_der_ocsp_request(ocsp.request(*CHAIN[:2]))
    leaf, issuer = (x509.load_der_x509_certificate(one.der) for one in CHAIN[:2])
    expected = library.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()
    assert isinstance(question.hash_algorithm, hashes.SHA1)
    for member in ("serial_number", "issuer_name_hash", "issuer_key_hash"):
        assert getattr(question, member) == getattr(expected, member)
    assert not list(question.extensions)  # no nonce: responders sign in advance


@pytest.mark.parametrize(
    ("url", "before", "after"),
    [
        ("http://host", "http://host/", ""),
        ("http://host/", "http://host/", ""),
        ("http://host/a/", "http://host/a/", ""),
        ("http://host:8080/a?b=c", "http://host:8080/a/", "?b=c"),
    ],
)
def test_the_question_is_appended_to_the_path(url, before, after):
    question = ocsp.request(*CHAIN[:2])
    asked = ocsp.get_url(url, question)
    assert asked.startswith(before)
    assert asked.endswith(after)
    middle = asked.removeprefix(before).removesuffix(after)
    assert base64.b64decode(unquote_plus(middle)) == question
    assert not set("/+=") & set(middle)


@pytest.mark.parametrize(("size", "fits"), [(189, True), (190, False)])
def test_a_question_is_posted_where_it_is_too_long_for_an_address(size, fits):
    assert (ocsp.get_url(URL, b"\0" * size) is not None) == fits  # 255 characters are too many, as in notation


def test_escapes_count_in_the_length_of_a_question():
    assert ocsp.get_url(URL, b"\xff" * 120) is None  # 160 characters, each of which is escaped


# -- who may answer


@pytest.mark.parametrize("status", ["good", "revoked", "unknown"])
def test_the_issuer_may_answer(status):
    answer = examine(make_ocsp(CHAIN, status))
    statement = answer.says[CHAIN[0].thumbprint]
    assert (bool(statement.entries), statement.is_known) == (status == "revoked", status != "unknown")
    assert (answer.this_update, answer.next_update, answer.collected_at) == (NOW - HOUR, NOW + DAY, NOW)
    assert answer.signed_by == CHAIN[1].subject
    assert statement.doubts == ()


def test_a_revocation_has_its_time_and_reason():
    (entry,) = says(make_ocsp(CHAIN, "revoked")).entries
    assert (entry.revoked_at, entry.reason, entry.invalid_since) == (NOW - 2 * DAY, "keyCompromise", None)


def test_whom_the_issuer_delegated_to_may_answer():
    answer = examine(make_ocsp(CHAIN, delegate=responder()))
    assert answer.signed_by.startswith("CN=responder,")
    assert answer.says[CHAIN[0].thumbprint].doubts == ()


@pytest.mark.parametrize(
    ("options", "doubt"),
    [
        ({"purposes": ()}, "responder_without_purpose"),
        ({"purposes": (x509.ExtendedKeyUsageOID.CODE_SIGNING,)}, "responder_without_purpose"),
        ({"nocheck": False}, "responder_without_nocheck"),
        ({"until": NOW - 365 * DAY}, "responder_outside_validity"),
    ],
)
def test_d11_a_delegate_without_purpose_or_validity_counts_with_a_doubt(options, doubt):
    assert says(make_ocsp(CHAIN, delegate=responder(**options))).doubts == (doubt,)


def test_a_delegate_of_somebody_else_may_not_answer():
    message = refused(make_ocsp(CHAIN, delegate=responder(issuer_key="root")), "answer_not_signed")
    assert "not signed by the issuer" in message


def test_an_answer_that_its_delegate_did_not_sign_does_not_count():
    refused(answer_of_parts(make_single(CHAIN), certificates=[responder()]), "answer_not_signed")


def test_the_signature_of_an_answer_has_all_of_its_bits():
    def signature_of(content):
        return library.load_der_ocsp_response(content).signature

    refused(cut_short(lambda: make_ocsp(CHAIN), signature_of), "answer_not_signed")


def test_only_the_first_certificate_of_an_answer_counts():
    stranger = make_leaf(subject="stranger", key="p521")
    refused(make_ocsp(CHAIN, delegate=responder(), embedded=[stranger, responder()]), "answer_not_signed")
    assert says(make_ocsp(CHAIN, delegate=responder(), embedded=[responder(), stranger])).doubts == ()


def test_an_intermediate_that_brings_its_own_certificate_is_refused_as_in_notation():
    refused(make_ocsp(CHAIN, embedded=[CHAIN[1].der]), "answer_not_signed")  # the root signed that, not itself


def test_a_stranger_may_not_answer():
    refused(answer_of_parts(make_single(CHAIN), key=key_of("p521")), "answer_not_signed")


def test_sha1_is_taken_for_answers_as_in_notation():
    assert says(answer_of_parts(make_single(CHAIN), algorithm="sha1")).entries == ()


def test_pss_and_ed25519_are_not_taken_for_answers_as_in_notation():
    assert ocsp.ALGORITHMS.isdisjoint({"1.3.101.112", "1.2.840.113549.1.1.10"})


def test_a_delegate_that_is_no_certificate_is_refused():
    refused(answer_of_parts(make_single(CHAIN), certificates=[tlv(0x30, b"junk")]), "answer_unreadable")


# -- about what


def test_an_answer_about_another_certificate_is_none():
    other = chain_with(URL, serial=0x7002)
    message = refused(make_ocsp(other), "answer_other_certificate")
    assert message == "the answer is not about this certificate"


def test_of_two_answers_of_one_date_the_one_that_was_produced_later_is_newer():
    chain = chain_with("http://r")
    content = make_ocsp(chain)
    produced = library.load_der_ocsp_response(content).produced_at_utc
    assert ocsp.examine(content, *chain[:2], NOW).number == int(produced.timestamp())


def test_of_several_parts_the_first_with_the_serial_number_counts():
    answer = answer_of_parts(make_single(CHAIN, serial=5), make_single(CHAIN, "revoked"), make_single(CHAIN))
    assert len(says(answer).entries) == 1


def test_the_serial_number_alone_decides_but_another_issuer_is_a_doubt():
    content = answer_of_parts(make_single((CHAIN[0], CHAIN[2])))
    assert says(content).doubts == ("answer_names_other_issuer",)


def test_an_issuer_named_by_an_unknown_hash_is_refused():
    refused(answer_of_parts(make_single(CHAIN, hash_oid="608648016503040204")), "answer_unreadable")  # SHA-224


def test_a_critical_extension_of_the_part_is_refused():
    odd = ("2a0304", True, b"\x05\x00")
    assert "2a0304" not in refused(answer_of_parts(make_single(CHAIN, extensions=[odd])), "answer_extension")
    assert says(answer_of_parts(make_single(CHAIN, extensions=[("2a0304", False, b"\x05\x00")]))).entries == ()


def test_the_extensions_of_other_parts_do_not_matter():
    other = make_single(CHAIN, serial=5, extensions=[("2a0304", True, b"\x05\x00")])
    assert says(answer_of_parts(other, make_single(CHAIN))).entries == ()


def test_an_invalidity_date_is_read():
    odd = (INVALIDITY_DATE, False, general_time(NOW - 9 * DAY))
    (entry,) = says(answer_of_parts(make_single(CHAIN, "revoked", extensions=[odd]))).entries
    assert entry.invalid_since == NOW - 9 * DAY


@pytest.mark.parametrize(
    "value", [b"", b"\x05\x00", tlv(0x17, b"260101000000Z"), general_time(NOW) + b"\0", b"\x18\x01x"]
)
def test_an_invalidity_date_that_cannot_be_read_is_passed_over_as_in_notation(value):
    answer = answer_of_parts(make_single(CHAIN, "revoked", extensions=[(INVALIDITY_DATE, False, value)]))
    assert says(answer).entries[0].invalid_since is None


def test_an_answer_without_next_update_says_so():
    assert examine(make_ocsp(CHAIN, next_update=None)).next_update is None


def test_a_nonce_or_another_extension_of_the_whole_answer_does_not_matter():
    assert says(make_ocsp(CHAIN, produced_extensions=[x509.OCSPNonce(b"n" * 16)])).entries == ()


# -- what is no answer


@pytest.mark.parametrize("status", [one for one in library.OCSPResponseStatus if one.name != "SUCCESSFUL"])
def test_a_responder_that_refuses_gives_no_answer(status):
    assert refused(refusal(status), "answer_refused").startswith("the responder gives no answer (")


def test_a_list_without_parts_is_no_answer():
    refused(answer_of_parts(), "answer_other_certificate")


@pytest.mark.parametrize(
    "content", [b"", b"\x30", b"<html>", b"\x30\x80\x00\x00", b"\0" * 20_480, b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_no_response_is_refused(content):
    refused(content, "answer_unreadable")


def test_bytes_after_the_answer_are_refused():
    refused(make_ocsp(CHAIN) + b"\0", "answer_unreadable")


def test_an_answer_larger_than_20480_bytes_is_refused():
    refused(make_ocsp(CHAIN) + b"\0" * 20_480, "too_large")


GOOD = make_ocsp(CHAIN, delegate=responder())


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=400, deadline=None)
def test_no_changed_byte_makes_anything_but_a_refusal_or_the_same_answer(position, change):
    changed = GOOD[:position] + bytes([GOOD[position] ^ change]) + GOOD[position + 1 :]
    try:
        statement = says(changed)
    except RevocationError:
        return
    assert statement.entries == ()
    assert statement.is_known


@given(st.integers(0, len(GOOD) - 1))
@settings(max_examples=100, deadline=None)
def test_a_cut_answer_is_refused(length):
    with pytest.raises(RevocationError):
        examine(GOOD[:length])


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(content):
    with pytest.raises(RevocationError):
        examine(content)
