"""The ladder and the path of trust, from outcomes made by hand."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ladder import ladder, nearest_fix
from dashboard.parts import compare_lists, compare_names, text_of
from trust.notary.levels import LEVELS, Validation
from trust.notary.outcome import CheckResult, CheckStatus, Outcome, Word
from trust.notary.trust_policy import Choice, TrustPolicy

AT = datetime(2026, 11, 21, tzinfo=UTC)
REFERENCE = "registry.acme.example/web/cart"
PASSED, FAILED = CheckStatus.passed, CheckStatus.failed


def make_choice(level="strict", scopes=(REFERENCE,)):
    fields = {"name": "release", "registryScopes": list(scopes), "signatureVerification": {"level": level}}
    if level != "skip":
        fields |= {
            "trustStores": ["ca:acme"],
            "trustedIdentities": ["x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"],
        }
    policy = TrustPolicy.parse(json.dumps({"version": "1.0", "trustPolicies": [fields]}).encode())
    return policy.choose(REFERENCE)


def make_outcome(word=Word.untrusted, level="strict", stop="", **changes):
    """An outcome in which every check passed but the changed ones: identity=(status, code, fix)."""
    results, reached = [], True
    for validation in Validation:
        status, code, fix = changes.get(validation.name, (PASSED, "fine", ""))
        result = CheckResult(
            validation, LEVELS[level][validation], status, code, f"{validation.name} says.", "seen", "wanted", fix,
            reached_by_notation=reached,
        )  # fmt: skip
        reached = reached and not result.is_critical
        results.append(result)
    reason = next((change[1] for change in changes.values()), "verified")
    return Outcome(word, reason, "", "release", level, tuple(results))


def test_the_rungs_follow_the_specification_with_the_policy_first():
    rungs = ladder(make_outcome(), make_choice(), REFERENCE)
    assert [rung.name for rung in rungs] == ["policy", *(validation.name for validation in Validation)]
    assert rungs[0].action == "level strict"
    assert not any(rung.here or rung.stops for rung in rungs)


def test_notation_stops_at_the_first_failure_that_is_enforced_and_only_there():
    outcome = make_outcome(identity=(FAILED, "identity_mismatch", ""), revocation=(FAILED, "revoked", ""))
    rungs = {rung.name: rung for rung in ladder(outcome, make_choice(), REFERENCE)}
    assert [name for name, rung in rungs.items() if rung.stops] == ["identity"]
    assert [name for name, rung in rungs.items() if rung.here] == ["identity"]
    assert rungs["identity"].look.tone == "is-untrusted"
    assert rungs["revocation"].look.tone == "is-failed"


def test_a_failure_that_is_only_logged_stops_nobody_and_is_an_exception():
    outcome = make_outcome(Word.verified_with_exceptions, "permissive", expiry=(FAILED, "expired", ""))
    rungs = {rung.name: rung for rung in ladder(outcome, make_choice("permissive"), REFERENCE)}
    assert not any(rung.stops or rung.here for rung in rungs.values())
    assert rungs["expiry"].look.tone == "is-exceptions"
    assert rungs["expiry"].action == "only logged"


def test_an_untrusted_signer_breaks_our_path_even_where_notation_only_logs_it():
    outcome = make_outcome(level="audit", authenticity=(FAILED, "unknown_root", ""))
    rungs = {rung.name: rung for rung in ladder(outcome, make_choice("audit"), REFERENCE)}
    assert rungs["authenticity"].here
    assert not rungs["authenticity"].stops
    assert rungs["authenticity"].look.tone == "is-untrusted"


@pytest.mark.parametrize("status", [CheckStatus.not_evaluated, CheckStatus.skipped, CheckStatus.not_run])
def test_what_nobody_can_say_is_never_drawn_as_holding(status):
    outcome = make_outcome(Word.unknown, revocation=(status, "revocation_not_evaluated", ""))
    rung = next(r for r in ladder(outcome, make_choice(), REFERENCE) if r.name == "revocation")
    assert rung.look.tone in ("is-unknown", "is-not-checked")
    assert rung.answer not in ("Not revoked", "Holds")


@given(
    st.lists(st.sampled_from(CheckStatus), min_size=8, max_size=8), st.sampled_from(["strict", "permissive", "audit"])
)
def test_a_rung_is_green_exactly_if_its_check_passed(statuses, level):
    changes = {v.name: (s, "code", "") for v, s in zip(Validation, statuses, strict=True)}
    rungs = ladder(make_outcome(level=level, **changes), make_choice(level), REFERENCE)[1:]
    assert [rung.look.tone == "is-verified" for rung in rungs] == [status is PASSED for status in statuses]
    assert sum(rung.stops for rung in rungs) <= 1
    assert sum(rung.here for rung in rungs) <= 1


@pytest.mark.parametrize("reason", ["plugin_needed", "critical_attribute_unknown"])
def test_what_is_not_understood_is_a_rung_of_its_own_and_ends_the_path(reason):
    outcome = replace(make_outcome(Word.unknown), reason=reason)
    rungs = ladder(outcome, make_choice(), REFERENCE)
    assert [rung.name for rung in rungs if rung.here] == ["understood"]
    assert [rung.name for rung in rungs if rung.stops] == ["understood"]
    assert rungs[2].look.tone == "is-unknown"


def test_the_check_that_makes_the_exception_is_drawn_as_one():
    outcome = replace(make_outcome(Word.verified_with_exceptions, "permissive"), reason="revocation_logged")
    rungs = {rung.name: rung for rung in ladder(outcome, make_choice("permissive"), REFERENCE)}
    assert rungs["revocation"].look.tone == "is-exceptions"
    assert rungs["expiry"].look.tone == "is-verified"


def test_no_statement_is_where_the_path_ends():
    choice = Choice(None, "none", "No statement names this repository.")
    (policy, *_) = ladder(make_outcome(Word.not_checked), choice, REFERENCE)
    assert policy.here
    assert policy.look.tone == "is-not-checked"
    assert REFERENCE in policy.fix


def test_without_a_signature_the_ladder_says_what_one_has_to_satisfy():
    rungs = ladder(None, make_choice(), REFERENCE)
    assert [rung.name for rung in rungs] == ["policy", "authenticity", "identity"]
    assert "OU=Release" in text_of(rungs[2].wanted)
    assert ladder(None, Choice(None, "none", "None."), REFERENCE)[0].here


def test_attributes_that_differ_are_marked_on_both_sides():
    seen, wanted = compare_names(
        "CN=Acme Build 07,OU=Build,O=Acme\\, GmbH,ST=BE,C=DE", "x509.subject: C=DE, S=BE, O=Acme\\, GmbH, OU=Release"
    )
    assert [part.text for part in seen if part.marked] == ["OU=Build"]
    assert [part.text for part in wanted if part.marked] == ["OU=Release"]


@given(st.text(max_size=80), st.text(max_size=80))
def test_marking_never_changes_a_letter(seen, wanted):
    for compare in (compare_names, compare_lists):
        ours, theirs = compare(seen, wanted)
        assert (text_of(ours), text_of(theirs)) == (seen, wanted)


def test_the_nearest_fix_of_a_name_is_an_act():
    difference = "OU is Build, policy wants Release"
    outcome = make_outcome(identity=(FAILED, "identity_mismatch", difference))
    fix = nearest_fix(outcome, make_choice(), Word.untrusted, "identity_mismatch", REFERENCE)
    assert fix.startswith("Sign the same digest with a certificate of OU=Release.")
    assert "accept OU=Build" in fix


@pytest.mark.parametrize("word", Word)
def test_a_green_word_needs_no_fix(word):
    fix = nearest_fix(None, make_choice(), word, "", REFERENCE)
    assert not (word.is_green and fix)
