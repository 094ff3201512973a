"""One word for an artifact: the first match decides."""

import pytest

from tests.trust.notary.synthetic import (
    BROKEN,
    DAY,
    NOW,
    OTHER_ROOT,
    REPOSITORY,
    ROOT,
    TOO_LARGE,
    judge_with,
    level,
    policy,
    skip_statement,
    statement,
    store,
)
from trust.notary.evidence import Scheme
from trust.notary.outcome import SignatureFault, Word
from trust.notary.trust_policy import Choice
from trust.notary.trust_store import TrustStores
from trust.statuses import artifact_status

GOOD = judge_with()
LATER = judge_with(expiry=NOW + 2 * DAY)
SOONER = judge_with(expiry=NOW + DAY)
LOGGED = judge_with(None, statement(signatureVerification=level("permissive")))
BAD = judge_with(fault=BROKEN)
UNDECIDED = judge_with(fault=TOO_LARGE)
STRANGER = judge_with(stores=TrustStores.of(store(OTHER_ROOT)), expiry=NOW - DAY)
EXPIRED = judge_with(expiry=NOW - DAY)
BROKEN_MANIFEST = SignatureFault(Word.failed, "layer_count", "Two layers.")
MISSING_BLOB = SignatureFault(Word.unknown, "not_found", "The layout has no such blob.")
CHOICE = policy().choose(REPOSITORY)
NONE = Choice(None, "none", "No statement applies.")
VETO = Choice(None, "folding_veto", "Another spelling.")
SKIP = policy(skip_statement()).choose(REPOSITORY)


def word(*outcomes, complete=True, choice=CHOICE, limit=False):
    return artifact_status(outcomes, complete, choice, limit).word


@pytest.mark.parametrize("choice", [CHOICE, NONE, SKIP])
def test_a_complete_listing_without_signatures_is_unsigned(choice):
    assert word(choice=choice) is Word.unsigned


def test_an_incomplete_listing_without_signatures_is_not_unsigned():
    verdict = artifact_status([], False, CHOICE)
    assert (verdict.word, verdict.reason) == (Word.unknown, "listing_incomplete")
    assert word(limit=True) is Word.unknown


@pytest.mark.parametrize(("choice", "reason"), [(NONE, "no_statement"), (VETO, "folding_veto"), (SKIP, "level_skip")])
def test_without_a_statement_that_asks_it_is_not_checked(choice, reason):
    verdict = artifact_status([GOOD, BAD], True, choice)
    assert (verdict.word, verdict.reason, verdict.green_until) == (Word.not_checked, reason, None)


@pytest.mark.parametrize("other", [BAD, UNDECIDED, STRANGER, BROKEN_MANIFEST, MISSING_BLOB])
def test_nothing_that_a_pusher_attaches_takes_green_away(other):
    assert word(other, GOOD) is word(GOOD, other) is Word.verified
    assert word(other, GOOD, complete=False, limit=True) is Word.verified


def test_of_two_good_signatures_the_better_one_decides():
    assert artifact_status([LOGGED, GOOD], True, CHOICE).deciding == 1
    assert word(LOGGED, BAD) is Word.verified_with_exceptions


def test_of_two_good_signatures_the_one_that_lasts_longer_decides():
    for outcomes in ([SOONER, LATER], [LATER, SOONER]):
        assert artifact_status(outcomes, True, CHOICE).green_until == NOW + 2 * DAY


def test_a_good_signature_without_deadline_decides_before_one_that_has_one():
    timeless = judge_with(
        None,
        statement(trustStores=["signingAuthority:acme"]),
        stores=TrustStores.of(store(ROOT, type="signingAuthority")),
        scheme=Scheme.signing_authority,
    )
    for outcomes in ([LATER, timeless], [timeless, LATER]):
        verdict = artifact_status(outcomes, True, CHOICE)
        assert (verdict.word, verdict.green_until) == (Word.verified, None)


def test_without_a_good_signature_doubt_comes_before_failure():
    assert word(BAD, STRANGER, complete=False) is Word.unknown
    assert word(BAD, UNDECIDED) is Word.unknown
    assert word(BAD, MISSING_BLOB) is Word.unknown
    verdict = artifact_status([BAD], True, CHOICE, limit_reached=True)
    assert (verdict.word, verdict.reason) == (Word.unknown, "limit")


def test_bytes_that_do_not_hold_come_before_a_stranger():
    assert word(STRANGER, BAD) is Word.failed
    assert word(STRANGER, BROKEN_MANIFEST) is Word.failed


def test_of_several_strangers_the_one_that_nearly_passed_is_shown():
    verdict = artifact_status([STRANGER, EXPIRED], True, CHOICE)
    assert (verdict.word, verdict.reason, verdict.deciding) == (Word.untrusted, "expired", 1)


def test_the_verdict_says_who_signed_and_until_when_it_holds():
    verdict = artifact_status([BAD, SOONER], True, CHOICE)
    assert (verdict.signer, verdict.green_until, verdict.deciding) == ("Acme Build 07", NOW + DAY, 1)
