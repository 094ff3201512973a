"""What follows from answers at an instant: notation's way through the sources, each rule under its name."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registries.oci.digest import Digest
from tests.simulators.revocation import DAY, HOUR, NOW, chain_of, make_issuer, make_leaf
from trust.notary.revocation import (
    DOUBTS,
    NO_ANSWERS,
    Answer,
    Asked,
    Entry,
    RevocationAnswers,
    Source,
    SourceKind,
    Standing,
    Statement,
    standing_of,
)

OCSP, OTHER_OCSP = "http://ocsp/1", "http://ocsp/2"
CRL, OTHER_CRL = "http://crl/1", "http://crl/2"
INSTANT = timedelta(microseconds=1)
REVOKED = Statement((Entry(NOW - DAY, "keyCompromise"),))
GOOD, UNKNOWN = Statement(), Statement(is_known=False)


def revocable(ocsp=(), crl=(), issuer_ocsp=(), issuer_crl=()):
    return chain_of(make_leaf(ocsp, crl), make_issuer(issuer_ocsp, issuer_crl))


def answer(certificate, statement=GOOD, *, this_update=NOW - HOUR, next_update=NOW + DAY, number=0, at=NOW):
    says = {certificate.thumbprint: statement}
    return Answer(Digest.of(repr(statement).encode()), None, at, this_update, next_update, number, "CN=authority", says)


def source(chain, url, position=0):
    kind = SourceKind.ocsp if "ocsp" in url else SourceKind.crl
    certificate = chain[position].thumbprint if kind is SourceKind.ocsp else ""
    return Source(kind, url, chain[position + 1].thumbprint, certificate)


def answers(chain, position=0, **urls):
    """Answers about one certificate of the chain, by the number of their address: what is said, or why nothing is."""
    places = {"ocsp": OCSP, "ocsp_2": OTHER_OCSP, "crl": CRL, "crl_2": OTHER_CRL}
    asked = {}
    for name, found in urls.items():
        if isinstance(found, Statement):
            found = answer(chain[position], found)
        asked[source(chain, places[name], position)] = Asked(fault=found) if isinstance(found, str) else Asked(found)
    return RevocationAnswers(asked)


def both(*some):
    return RevocationAnswers({key: value for one in some for key, value in one.asked.items()})


def standing(chain, known=NO_ANSWERS, at=NOW, signed_at=None):
    return standing_of(chain, known, at, signed_at)


# -- a certificate without sources (D10)


def test_a_chain_that_names_no_source_cannot_be_revoked():
    found = standing(revocable())
    assert (found.standing, found.deciding, found.until, found.missing) == (Standing.no_source, None, None, frozenset())


def test_a_root_alone_is_asked_about_by_nobody():
    assert standing(revocable()[-1:]).standing is Standing.no_source


def test_d10_a_certificate_without_source_counts_as_good_beside_one_that_is():
    chain = revocable(ocsp=[OCSP])
    found = standing(chain, answers(chain, ocsp=GOOD))
    assert found.standing is Standing.good
    assert [one.standing for one in found.certificates] == [Standing.good, Standing.no_source]


# -- OCSP


def test_a_source_that_nobody_asked_is_missing():
    chain = revocable(ocsp=[OCSP, OTHER_OCSP], crl=[CRL])
    found = standing(chain)
    assert (found.standing, found.missing) == (Standing.not_evaluated, {source(chain, OCSP)})


@pytest.mark.parametrize(
    ("statement", "expected"), [(GOOD, Standing.good), (REVOKED, Standing.revoked), (UNKNOWN, Standing.unknown)]
)
def test_the_first_responder_that_answers_ends_the_search(statement, expected):
    chain = revocable(ocsp=[OCSP, OTHER_OCSP])
    found = standing(chain, answers(chain, ocsp=statement, ocsp_2=GOOD if expected is not Standing.good else REVOKED))
    assert (found.standing, found.consulted) == (expected, {source(chain, OCSP)})


def test_a_responder_without_answer_is_followed_by_the_next():
    chain = revocable(ocsp=[OCSP, OTHER_OCSP])
    assert standing(chain, answers(chain, ocsp="cannot be reached")).missing == {source(chain, OTHER_OCSP)}
    assert standing(chain, answers(chain, ocsp="cannot be reached", ocsp_2=GOOD)).standing is Standing.good
    assert standing(chain, answers(chain, ocsp="cannot be reached", ocsp_2=REVOKED)).standing is Standing.revoked


def test_without_any_answer_it_is_unknown_and_says_why():
    chain = revocable(ocsp=[OCSP, OTHER_OCSP])
    found = standing(chain, answers(chain, ocsp="cannot be reached", ocsp_2="answered with status 404"))
    assert found.standing is Standing.unknown
    assert found.deciding.cause == '"http://ocsp/1": cannot be reached. "http://ocsp/2": answered with status 404.'


@pytest.mark.parametrize("url", ["https://ocsp/1", "ldap://ocsp/1", "file:///etc/passwd", "ocsp", "//ocsp/1", ""])
def test_only_http_is_asked(url):
    chain = revocable(ocsp=[url]) if url else revocable(ocsp=["x"])
    found = standing(chain)
    assert (found.standing, found.missing) == (Standing.unknown, frozenset())
    assert "only http addresses are asked" in found.deciding.cause


def test_the_scheme_may_be_written_in_capitals():
    chain = revocable(ocsp=["HTTP://ocsp/1"])
    assert standing(chain).missing


# -- validity of answers: the clock of every check


def test_an_answer_holds_through_its_next_update():
    chain = revocable(ocsp=[OCSP])
    known = answers(chain, ocsp=GOOD)
    assert standing(chain, known, NOW + DAY).standing is Standing.good
    found = standing(chain, known, NOW + DAY + INSTANT)
    assert found.standing is Standing.unknown
    assert found.deciding.cause == '"http://ocsp/1": the answer held until 2026-03-02 12:00:00 UTC.'


@pytest.mark.parametrize("statement", [GOOD, REVOKED])
def test_an_answer_without_next_update_counts_as_expired(statement):
    chain = revocable(ocsp=[OCSP])
    found = standing(chain, answers(chain, ocsp=answer(chain[0], statement, next_update=None)))
    assert found.standing is Standing.unknown
    assert "does not say until when" in found.deciding.cause


def test_an_expired_answer_says_why_there_is_no_newer_one():
    chain = revocable(ocsp=[OCSP])
    old = Asked(answer(chain[0], next_update=NOW - HOUR), "ocsp:80 cannot be reached")
    found = standing(chain, RevocationAnswers({source(chain, OCSP): old}))
    assert found.deciding.cause.endswith("UTC; since then ocsp:80 cannot be reached.")


def test_a_failed_attempt_does_not_undo_an_answer_that_still_holds():
    chain = revocable(ocsp=[OCSP])
    known = RevocationAnswers({source(chain, OCSP): Asked(answer(chain[0]), "cannot be reached")})
    assert standing(chain, known).standing is Standing.good


def test_a_good_standing_ends_with_the_first_of_its_answers():
    chain = revocable(ocsp=[OCSP], issuer_crl=[CRL])
    known = both(
        answers(chain, ocsp=answer(chain[0], next_update=NOW + 2 * DAY)),
        answers(chain, 1, crl=answer(chain[1], next_update=NOW + DAY)),
    )
    found = standing(chain, known)
    assert (found.standing, found.until) == (Standing.good, NOW + DAY)


def test_a_standing_that_is_not_good_has_no_end():
    chain = revocable(ocsp=[OCSP])
    assert standing(chain, answers(chain, ocsp=REVOKED)).until is None


def test_the_newest_answer_by_its_own_dates_counts_not_the_one_served_last():
    chain = revocable(ocsp=[OCSP])
    revoked = answer(chain[0], REVOKED, this_update=NOW - HOUR, at=NOW - HOUR)
    replayed = answer(chain[0], GOOD, this_update=NOW - DAY, at=NOW)
    assert revoked.is_newer_than(replayed)
    assert not replayed.is_newer_than(revoked)


def test_an_answer_dated_in_the_future_does_not_outlast_those_that_come_after_it():
    chain = revocable(ocsp=[OCSP])
    hasty = answer(chain[0], GOOD, this_update=NOW + 30 * DAY, next_update=NOW + 60 * DAY, at=NOW)
    assert answer(chain[0], REVOKED, this_update=NOW + HOUR, at=NOW + HOUR).is_newer_than(hasty)
    assert not answer(chain[0], GOOD, this_update=NOW - HOUR, at=NOW + HOUR).is_newer_than(hasty)


def test_a_doubtful_answer_does_not_take_a_revocation_back():
    chain = revocable(ocsp=[OCSP])
    revoked = answer(chain[0], REVOKED, this_update=NOW - HOUR)
    doubtful = replace(GOOD, doubts=("responder_without_purpose",))
    assert not answer(chain[0], doubtful, this_update=NOW).is_newer_than(revoked)
    assert answer(chain[0], doubtful, this_update=NOW).is_newer_than(answer(chain[0], this_update=NOW - HOUR))
    assert answer(chain[0], GOOD, this_update=NOW).is_newer_than(revoked)
    always = replace(REVOKED, doubts=("responder_without_nocheck",))
    assert answer(chain[0], doubtful, this_update=NOW).is_newer_than(answer(chain[0], always, this_update=NOW - HOUR))


def test_of_two_crls_of_one_date_the_higher_number_is_newer():
    chain = revocable(crl=[CRL])
    assert answer(chain[0], number=9).is_newer_than(answer(chain[0], number=8))
    assert not answer(chain[0], number=8).is_newer_than(answer(chain[0], number=9))


# -- CRLs


@pytest.mark.parametrize(("statement", "expected"), [(GOOD, Standing.good), (REVOKED, Standing.revoked)])
def test_a_crl_is_asked_where_no_responder_is_named(statement, expected):
    chain = revocable(crl=[CRL])
    assert standing(chain).missing == {source(chain, CRL)}
    assert standing(chain, answers(chain, crl=statement)).standing is expected


def test_every_crl_must_answer():
    chain = revocable(crl=[CRL, OTHER_CRL])
    assert standing(chain, answers(chain, crl=GOOD)).missing == {source(chain, OTHER_CRL)}
    assert standing(chain, answers(chain, crl=GOOD, crl_2=GOOD)).standing is Standing.good
    found = standing(chain, answers(chain, crl=GOOD, crl_2="answered with status 404"))
    assert (found.standing, found.deciding.cause) == (Standing.unknown, '"http://crl/2": answered with status 404.')


def test_a_crl_that_says_revoked_ends_the_search():
    chain = revocable(crl=[CRL, OTHER_CRL])
    found = standing(chain, answers(chain, crl=REVOKED))
    assert (found.standing, found.missing) == (Standing.revoked, frozenset())


def test_the_first_crl_without_answer_ends_the_search_before_one_that_says_revoked():
    chain = revocable(crl=[CRL, OTHER_CRL])
    assert standing(chain, answers(chain, crl="cannot be reached", crl_2=REVOKED)).standing is Standing.unknown
    assert standing(chain, answers(chain, crl=GOOD, crl_2=REVOKED)).standing is Standing.revoked


def test_several_crls_hold_as_long_as_the_first_that_ends():
    chain = revocable(crl=[CRL, OTHER_CRL])
    first, second = (answer(chain[0], next_update=NOW + end) for end in (2 * DAY, DAY))
    found = standing(chain, answers(chain, crl=first, crl_2=second))
    assert found.until == NOW + DAY
    assert found.consulted == {source(chain, CRL), source(chain, OTHER_CRL)}


def test_a_crl_that_was_read_before_the_certificate_was_known_says_nothing_of_it():
    chain, other = revocable(crl=[CRL]), revocable(ocsp=[OCSP], crl=[CRL])
    known = RevocationAnswers({source(chain, CRL): Asked(answer(other[0]))})
    assert standing(chain, known).missing == {source(chain, CRL)}


def listed(*entries, signed_at=None):
    chain = revocable(crl=[CRL])
    return standing(chain, answers(chain, crl=Statement(entries)), signed_at=signed_at).standing


def held(reason, days_ago, **more):
    return Entry(NOW - days_ago * DAY, reason, **more)


@pytest.mark.parametrize(
    "reason", ["", "unspecified", "keyCompromise", "cACompromise", "superseded", "cessationOfOperation"]
)
def test_any_other_reason_than_hold_and_remove_revokes_for_good(reason):
    assert listed(held(reason, 5), held("removeFromCRL", 1)) is Standing.revoked


def test_a_certificate_on_hold_is_revoked():
    assert listed(held("certificateHold", 2)) is Standing.revoked


def test_a_hold_that_was_removed_later_is_none():
    assert listed(held("certificateHold", 2), held("removeFromCRL", 1)) is Standing.good
    assert listed(held("removeFromCRL", 1), held("certificateHold", 2)) is Standing.good


def test_a_hold_after_a_removal_counts():
    assert listed(held("removeFromCRL", 2), held("certificateHold", 1)) is Standing.revoked


def test_of_hold_and_removal_at_one_instant_the_first_counts():
    assert listed(held("certificateHold", 1), held("removeFromCRL", 1)) is Standing.revoked
    assert listed(held("removeFromCRL", 1), held("certificateHold", 1)) is Standing.good


def test_a_removal_alone_is_no_revocation():
    assert listed(held("removeFromCRL", 1)) is Standing.good


def test_an_entry_with_something_critical_that_nobody_knows_makes_it_unknown():
    odd = Entry(NOW, "keyCompromise", fault="its entry has the critical extension 1.2.3")
    assert listed(odd) is Standing.unknown
    assert listed(Entry(NOW, "keyCompromise"), odd) is Standing.revoked  # the first one decided already


def test_a_statement_that_cannot_be_relied_upon_is_unknown():
    chain = revocable(crl=[CRL])
    found = standing(chain, answers(chain, crl=Statement(fault="the certificate itself names a delta CRL")))
    assert (found.standing, "delta" in found.deciding.cause) == (Standing.unknown, True)


# -- OCSP, then CRL


@pytest.mark.parametrize("reply", ["cannot be reached", UNKNOWN])
def test_the_crl_answers_where_the_responder_does_not_or_does_not_know(reply):
    chain = revocable(ocsp=[OCSP], crl=[CRL])
    assert standing(chain, answers(chain, ocsp=reply)).missing == {source(chain, CRL)}
    good = standing(chain, answers(chain, ocsp=reply, crl=GOOD))
    assert (good.standing, good.consulted) == (Standing.good, {source(chain, OCSP), source(chain, CRL)})
    assert standing(chain, answers(chain, ocsp=reply, crl=REVOKED)).standing is Standing.revoked


def test_the_crl_is_not_asked_where_the_responder_answers():
    chain = revocable(ocsp=[OCSP], crl=[CRL])
    found = standing(chain, answers(chain, ocsp=GOOD, crl=REVOKED))
    assert (found.standing, found.consulted) == (Standing.good, {source(chain, OCSP)})


def test_an_expired_answer_falls_back_to_the_crl():
    chain = revocable(ocsp=[OCSP], crl=[CRL])
    expired = answer(chain[0], REVOKED, next_update=NOW - HOUR)
    assert standing(chain, answers(chain, ocsp=expired, crl=GOOD)).standing is Standing.good


def test_where_neither_answers_both_causes_are_told():
    chain = revocable(ocsp=[OCSP], crl=[CRL])
    found = standing(chain, answers(chain, ocsp="cannot be reached", crl="answered with status 404"))
    assert found.standing is Standing.unknown
    assert found.deciding.cause == '"http://ocsp/1": cannot be reached. "http://crl/1": answered with status 404.'


# -- a chain of several


def test_a_revoked_certificate_wins_over_an_unknown_one_and_the_leafmost_is_named():
    chain = revocable(ocsp=[OCSP], issuer_ocsp=[OTHER_OCSP])
    found = standing(chain, both(answers(chain, ocsp=UNKNOWN), answers(chain, 1, ocsp_2=REVOKED)))
    assert (found.standing, found.deciding.certificate) == (Standing.revoked, chain[1])
    found = standing(chain, both(answers(chain, ocsp=REVOKED), answers(chain, 1, ocsp_2=REVOKED)))
    assert found.deciding.certificate == chain[0]


def test_an_unknown_certificate_wins_over_a_good_one():
    chain = revocable(ocsp=[OCSP], issuer_ocsp=[OTHER_OCSP])
    found = standing(chain, both(answers(chain, ocsp=GOOD), answers(chain, 1, ocsp_2="cannot be reached")))
    assert (found.standing, found.deciding.certificate) == (Standing.unknown, chain[1])


def test_all_certificates_below_the_root_are_asked_about_at_once():
    chain = revocable(ocsp=[OCSP], issuer_ocsp=[OTHER_OCSP])
    assert standing(chain).missing == {source(chain, OCSP), source(chain, OTHER_OCSP, 1)}


# -- the time of signing, where somebody vouches for it

LATER = Statement((Entry(NOW, "keyCompromise", NOW - DAY),))


@pytest.mark.parametrize("url", [OCSP, CRL])
def test_a_key_that_became_invalid_after_the_signature_was_good_then(url):
    chain = revocable(**{"ocsp" if "ocsp" in url else "crl": [url]})
    known = answers(chain, **{"ocsp" if "ocsp" in url else "crl": LATER})
    assert standing(chain, known, signed_at=NOW - DAY - INSTANT).standing is Standing.good
    assert standing(chain, known, signed_at=NOW - DAY).standing is Standing.revoked  # the instant itself is too late
    assert standing(chain, known).standing is Standing.revoked  # nobody vouches for the time


def test_without_an_invalidity_date_the_time_of_signing_does_not_matter():
    chain = revocable(crl=[CRL])
    assert standing(chain, answers(chain, crl=REVOKED), signed_at=NOW - 400 * DAY).standing is Standing.revoked


def test_an_entry_that_came_later_ends_the_list_as_in_notation():
    entries = (Entry(NOW, "keyCompromise", NOW - DAY), Entry(NOW - 5 * DAY, "keyCompromise"))
    assert listed(*entries, signed_at=NOW - 2 * DAY) is Standing.good
    assert listed(*reversed(entries), signed_at=NOW - 2 * DAY) is Standing.revoked


def test_a_later_revocation_is_shown_though_it_changes_nothing():
    chain = revocable(ocsp=[OCSP])
    found = standing(chain, answers(chain, ocsp=LATER), signed_at=NOW - 9 * DAY)
    assert found.certificates[0].entry == LATER.entries[0]


# -- doubts


def test_what_notation_takes_and_the_rfcs_forbid_is_a_doubt():
    chain = revocable(ocsp=[OCSP])
    found = standing(chain, answers(chain, ocsp=Statement(doubts=("responder_without_purpose",))))
    assert found.standing is Standing.good
    assert [(note.code, note.message) for note in found.doubts] == [
        ("responder_without_purpose", DOUBTS["responder_without_purpose"])
    ]


def test_an_answer_of_later_than_the_time_of_checking_is_a_doubt():
    chain = revocable(ocsp=[OCSP])
    known = answers(chain, ocsp=answer(chain[0], this_update=NOW + INSTANT))
    assert [note.code for note in standing(chain, known).doubts] == ["answer_from_the_future"]
    assert standing(chain, known, NOW + INSTANT).doubts == ()
