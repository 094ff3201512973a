"""Asking through the door to the network: what is sent, what is taken, and how much one verification may cost."""

import pytest

from registries.oci.errors import RegistryError
from registries.transport import Transport
from tests.simulators.revocation import (
    DAY,
    HOUR,
    NOW,
    chain_of,
    chain_with,
    entry,
    make_crl,
    make_issuer,
    make_leaf,
    make_ocsp,
)
from tests.trust.notary.making import key_of
from trust import apart
from trust.asking import BoundedSend, answers_for
from trust.notary import crl, ocsp
from trust.notary.errors import RevocationError
from trust.notary.revocation import NO_ANSWERS, Standing, standing_of

OCSP, OTHER_OCSP, CRL, OTHER_CRL = (f"http://revocation.acme.example/{name}" for name in ("o", "o2", "c", "c2"))
DELTA, OTHER_DELTA = (f"http://revocation.acme.example/{name}" for name in ("delta", "delta2"))


def stand(host, chain, at=NOW, send=None):
    """How a chain stands once everybody was asked."""
    answers = answers_for([chain], send or host.transport(), at, NOW)
    found = standing_of(chain, answers, at)
    assert found.missing == frozenset()
    return found


def cause(host, chain, **options):
    found = stand(host, chain, **options)
    assert found.standing is Standing.unknown
    return found.deciding.cause


# -- what is sent


def test_a_short_question_goes_by_get_and_carries_nothing_else(host):
    host.put(OCSP, make_ocsp(chain_with(OCSP)))
    assert stand(host, chain_with(OCSP)).standing is Standing.good
    assert [line.split("/")[0] for line in host.log] == ["GET revocation.acme.example"]


def test_a_long_question_is_posted_with_its_media_type(host, monkeypatch):
    monkeypatch.setattr(ocsp, "LONGEST_GET", 10)
    chain, seen = chain_with(OCSP), []
    host.put(OCSP, make_ocsp(chain))

    def send(method, url, *, headers, body=None, **limits):
        seen.append((method, url, headers, body))
        return host.transport()(method, url, headers=headers, body=body, **limits)

    assert stand(host, chain, send=send).standing is Standing.good
    assert seen == [("POST", OCSP, {"Content-Type": "application/ocsp-request"}, ocsp.request(*chain[:2]))]


def test_the_bounds_of_size_and_time_go_with_every_request():
    seen = {}

    def send(method, url, *, max_bytes, deadline, **options):
        seen[url.rpartition("/")[0] if "/o/" in url else url] = (max_bytes, deadline)
        raise RegistryError("it cannot be reached", code="unreachable")

    answers_for([chain_with(OCSP, crl=[CRL])], send, NOW, NOW)
    assert seen == {OCSP: (20_480, 2.0), CRL: ((1 << 25) - 1, 5.0)}


# -- what is taken


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 403, 404, 500, 503])
def test_only_status_200_is_an_answer(host, status):
    host.put(OCSP, make_ocsp(chain_with(OCSP)), status=status, headers=[("Location", OTHER_OCSP)])
    host.put(OTHER_OCSP, make_ocsp(chain_with(OCSP)))
    assert f"it answered with status {status}" in cause(host, chain_with(OCSP))
    assert len(host.log) == 1  # and no redirect is followed


def test_an_answer_that_is_too_large_is_not_read_to_its_end(host):
    host.put(OCSP, b"\0" * 20_481)
    assert "larger than 20480 bytes" in cause(host, chain_with(OCSP))


def test_what_cannot_be_reached_is_a_cause(host):
    def away(*arguments, **options):
        raise RegistryError("revocation.acme.example:80 cannot be reached: refused.", code="unreachable")

    assert "cannot be reached: refused." in cause(host, chain_with(OCSP), send=away)


# -- T30: the addresses come out of certificates


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/ocsp",
        "http://localhost:8000/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[64:ff9b::7f00:1]/",
    ],
)
def test_t30_private_addresses_are_not_connected_to(url):
    def resolver(host, port):
        return {"localhost": ["127.0.0.1"], "2130706433": ["127.0.0.1"], "0x7f.1": ["127.0.0.1"]}.get(
            host, [host.strip("[]")]
        )

    with Transport(resolver=resolver) as transport:
        chain = chain_with(url)
        found = standing_of(chain, answers_for([chain], transport, NOW, NOW), NOW)
    assert found.standing is Standing.unknown
    assert "is not a public address" in found.deciding.cause or "never contacts" in found.deciding.cause
    if "not a public" in found.deciding.cause:
        assert "SIGNBOARD_REVOCATION_NETWORKS" in found.deciding.cause


@pytest.mark.parametrize(
    "url", ["https://a.example/", "ldap://a.example/cn=x", "file:///etc/passwd", "ftp://a.example/", "gopher://a"]
)
def test_t30_other_schemes_are_not_followed(host, url):
    for chain in (chain_with(url), chain_with(crl=[url])):
        assert "only http addresses are asked" in cause(host, chain)
    assert host.log == []


@pytest.mark.parametrize(
    "url", ["http://", "http:///x", "http://a b/", "http://a:99999/", "http://\x7f/", "http://" + "a" * 5000]
)
def test_t30_an_address_that_is_none_is_a_cause_and_no_fault(url):
    with Transport() as transport:
        chain = chain_with(url)
        assert standing_of(chain, answers_for([chain], transport, NOW, NOW), NOW).standing is Standing.unknown


def test_t30_two_hundred_addresses_cost_twenty_requests(host):
    chain = chain_with(*(f"{OCSP}/{number}" for number in range(200)))
    text = cause(host, chain, send=BoundedSend(host.transport()))
    assert len(host.log) == 20
    assert "this verification has asked often or long enough" in text


def test_all_of_one_verification_ends_after_thirty_seconds(host):
    clock = [0.0]
    seen = []

    def slow(method, url, *, deadline, **options):
        seen.append(deadline)
        clock[0] += deadline
        raise RegistryError("it did not answer in time", code="timeout")

    chain = chain_with(*(f"{OCSP}/{number}" for number in range(50)))
    bounded = BoundedSend(slow, fetches=100, now=lambda: clock[0])
    assert stand(host, chain, send=bounded).standing is Standing.unknown
    assert clock[0] == 30.0
    assert seen == [2.0] * 15


def test_chains_share_their_answers(host):
    leaves = [chain_of(make_leaf(crl_urls=[CRL], serial=serial)) for serial in (1, 2, 3)]
    host.put(CRL, make_crl(entry(2)))
    answers = answers_for(leaves, host.transport(), NOW, NOW)
    assert [standing_of(chain, answers, NOW).standing for chain in leaves] == [
        Standing.good,
        Standing.revoked,
        Standing.good,
    ]
    assert len(host.log) == 1


def test_nobody_is_asked_anew_whose_answer_is_at_hand(host):
    chain = chain_with(OCSP)
    host.put(OCSP, make_ocsp(chain))
    answers = answers_for([chain], host.transport(), NOW, NOW)
    assert answers_for([chain], None, NOW, NOW, answers) == answers
    assert answers_for([chain_with()], None, NOW, NOW) == NO_ANSWERS


def test_the_authority_between_is_asked_about_at_the_root(host):
    chain = chain_of(make_leaf([OCSP]), make_issuer(crl_urls=[CRL]))
    host.put(OCSP, make_ocsp(chain))
    host.put(CRL, make_crl(entry(0x11), key=key_of("root"), issuer="root"))
    found = stand(host, chain)
    assert (found.standing, found.deciding.certificate) == (Standing.revoked, chain[1])


# -- deltas


def test_a_delta_that_the_base_names_is_fetched_and_counts(host):
    chain = chain_with(crl=[CRL])
    host.put(CRL, make_crl(deltas=[DELTA]))
    host.put(DELTA, make_crl(entry(reason="keyCompromise"), number=8, base=7))
    assert stand(host, chain).standing is Standing.revoked


def test_a_delta_takes_a_hold_back(host):
    chain = chain_with(crl=[CRL])
    host.put(CRL, make_crl(entry(reason="certificateHold", at=NOW - 2 * DAY), deltas=[DELTA]))
    assert stand(host, chain).standing is Standing.unknown
    host.put(DELTA, make_crl(entry(reason="removeFromCRL", at=NOW - DAY), number=8, base=7))
    assert stand(host, chain).standing is Standing.good


def test_the_places_of_a_delta_are_tried_until_one_has_it(host):
    chain = chain_with(crl=[CRL])
    host.put(CRL, make_crl(deltas=["https://a.example/", DELTA, OTHER_DELTA]))
    host.put(DELTA, b"<html>")
    host.put(OTHER_DELTA, make_crl(number=8, base=7))
    assert stand(host, chain).standing is Standing.good
    assert [line.rpartition("/")[2] for line in host.log] == ["c", "delta", "delta2"]


def test_a_delta_that_is_named_and_not_to_be_had_is_unknown(host):
    host.put(CRL, make_crl(deltas=[DELTA, OTHER_DELTA]))
    assert "its delta CRL: it answered with status 404" in cause(host, chain_with(crl=[CRL]))


def test_a_delta_that_could_be_read_and_does_not_fit_is_not_replaced_by_the_next(host):
    host.put(CRL, make_crl(deltas=[DELTA, OTHER_DELTA]))
    host.put(DELTA, make_crl(number=7, base=7))
    host.put(OTHER_DELTA, make_crl(number=8, base=7))
    assert "not newer" in cause(host, chain_with(crl=[CRL]))


def test_an_expired_delta_makes_it_unknown(host):
    host.put(CRL, make_crl(deltas=[DELTA]))
    host.put(DELTA, make_crl(number=8, base=7, this_update=NOW - 2 * HOUR, next_update=NOW - HOUR))
    assert "held until" in cause(host, chain_with(crl=[CRL]))


# -- large CRLs


@pytest.fixture
def small_process(monkeypatch):
    """Everything counts as large."""
    monkeypatch.setattr(apart, "LARGE", 0)


def test_a_large_crl_is_read_in_a_process_of_its_own_with_the_same_result(host, small_process):
    chain = chain_with(crl=[CRL])
    base, delta = make_crl(entry(5), deltas=[DELTA]), make_crl(entry(invalid_since=NOW - DAY), number=8, base=7)
    expected = crl.examine(base, delta, CRL, chain[1], chain[:1], NOW)
    assert apart.examine_crl(base, delta, CRL, chain[1], chain[:1], NOW) == expected
    assert apart.delta_urls(base) == (DELTA,)


def test_what_that_process_refuses_is_refused_in_the_same_words(small_process):
    chain = chain_with(crl=[CRL])
    with pytest.raises(RevocationError) as apart_:
        apart.examine_crl(make_crl(number=None), make_crl(number=8, base=7), CRL, chain[1], chain[:1], NOW)
    with pytest.raises(RevocationError) as here:
        crl.examine(make_crl(number=None), make_crl(number=8, base=7), CRL, chain[1], chain[:1], NOW)
    assert (str(apart_.value), apart_.value.code) == (str(here.value), here.value.code)


@pytest.mark.parametrize(("limit", "value"), [("MEMORY", 20 << 20), ("SECONDS", 0.01)])
def test_a_process_that_needs_too_much_is_ended(small_process, monkeypatch, limit, value):
    monkeypatch.setattr(apart, limit, value)
    with pytest.raises(RevocationError) as caught:
        apart.delta_urls(b"\0" * (1 << 23))
    assert caught.value.code == "limit"
