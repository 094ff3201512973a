"""The ladder: every validation of a signature with the value seen, the value wanted and the smallest fix. Pure.

What notation did not reach is marked; Signboard evaluates it all the same where its inputs exist.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.parts import Part, compare_lists, compare_names, plain
from dashboard.words import LOOKS, Look
from trust.notary.levels import Action, Validation
from trust.notary.outcome import CheckResult, CheckStatus, Outcome, Word
from trust.notary.trust_policy import Choice

TITLES = {
    Validation.integrity: "Integrity",
    Validation.authenticity: "Authenticity",
    Validation.identity: "Identity",
    Validation.expiry: "Expiry",
    Validation.authentic_timestamp: "Timestamp",
    Validation.revocation: "Revocation",
    Validation.target: "Target",
    Validation.user_metadata: "User metadata",
}
ACTIONS = {Action.enforce: "enforced", Action.log: "only logged", Action.skip: "skipped"}
GREEN_NEEDS = (Validation.integrity, Validation.authenticity, Validation.identity)
BREAKS_BYTES = (Validation.integrity, Validation.target, Validation.revocation)
NOT_UNDERSTOOD = ("plugin_needed", "critical_attribute_unknown")
ANSWERS = {
    (Validation.integrity, CheckStatus.passed): "Holds",
    (Validation.integrity, CheckStatus.failed): "Does not hold",
    (Validation.authenticity, CheckStatus.passed): "Chain reaches a trusted certificate",
    (Validation.authenticity, CheckStatus.failed): "Chain reaches nobody trusted",
    (Validation.identity, CheckStatus.passed): "Accepted",
    (Validation.identity, CheckStatus.failed): "Does not match",
    (Validation.expiry, CheckStatus.passed): "Not expired",
    (Validation.expiry, CheckStatus.failed): "Expired",
    (Validation.authentic_timestamp, CheckStatus.passed): "Inside validity",
    (Validation.authentic_timestamp, CheckStatus.failed): "Outside validity",
    (Validation.revocation, CheckStatus.passed): "Not revoked",
    (Validation.revocation, CheckStatus.failed): "Revoked",
    (Validation.target, CheckStatus.passed): "This very artifact",
    (Validation.target, CheckStatus.failed): "Another artifact",
    (Validation.user_metadata, CheckStatus.passed): "Matches",
    (Validation.user_metadata, CheckStatus.failed): "Does not match",
}
ANSWERS_BY_CODE = {
    "any_identity": "Anybody is accepted",
    "no_expiry": "Names none",
    "no_source": "Nobody to ask",
    "revocation_unknown": "Not known",
    "revoked_after_signing": "Revoked, but later",
    "no_metadata_wanted": "None asked for",
    "timestamp_imprint": "Made for another signature",
    "timestamp_inside_validity": "Made inside validity",
    "timestamp_missing": "Missing",
    "timestamp_outside_validity": "Made outside validity",
    "trust_store_unusable": "Store cannot be used",
    "tsa_revocation_not_evaluated": "Sound; revocation not asked",
    "tsa_revocation_unknown": "Sound; revocation not known",
    "tsa_revoked": "Authority revoked",
    "tsa_store_unusable": "Store cannot be used",
    "tsa_unknown_root": "Authority not trusted",
    "no_store_for_scheme": "No store for this scheme",
    "target_unreadable": "Names no artifact",
    "blob_matches": "This very blob",
    "blob_mismatch": "Another blob",
    "blob_digest_unknown": "Digest not at hand",
}
OPEN_ANSWERS = {
    CheckStatus.skipped: "Not asked for",
    CheckStatus.not_run: "Not run",
    CheckStatus.not_evaluated: "Not evaluated",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One question and its answer."""

    name: str
    title: str
    answer: str
    look: Look
    action: str
    message: str
    seen: tuple[Part, ...] = ()
    wanted: tuple[Part, ...] = ()
    fix: str = ""
    names: bool = False  # what was seen is a distinguished name
    here: bool = False  # where the path breaks
    stops: bool = False  # notation looks no further
    store: str = ""


def ladder(outcome: Outcome | None, choice: Choice, reference: str) -> tuple[Rung, ...]:
    """The rungs in the specification's order, the policy first; without a signature, what one would have to satisfy."""
    return below(policy_rung(choice, reference), outcome, choice)


def below(policy: Rung, outcome: Outcome | None, choice: Choice) -> tuple[Rung, ...]:
    """The rungs that follow the one about the policy."""
    if outcome is None:
        return (policy, *_conditions(choice))
    if not outcome.results:
        return (policy, _unexamined(outcome, choice))
    return (policy, *_rungs(outcome, choice))


def _conditions(choice: Choice) -> Iterator[Rung]:
    """What a statement asks of any signature."""
    statement = choice.statement
    if statement is None or statement.level.skips_everything:
        return
    asked = (
        (Validation.authenticity, "a certificate of " + " or ".join(map(str, statement.trust_stores))),
        (Validation.identity, " or ".join(statement.trusted_identities)),
    )
    for validation, wanted in asked:
        action = ACTIONS[statement.level[validation]]
        absent = LOOKS[Word.unsigned]
        names = validation is Validation.identity
        yield Rung(validation.name, TITLES[validation], "Wanted", absent, action, "", wanted=plain(wanted), names=names)


def _unexamined(outcome: Outcome, choice: Choice) -> Rung:
    """A signature without an envelope to examine."""
    unknown = outcome.word is not Word.failed
    return Rung(
        Validation.integrity.name,
        TITLES[Validation.integrity],
        "Cannot be examined" if unknown else "Does not hold",
        LOOKS[Word.unknown if unknown else Word.failed],
        ACTIONS[Action.enforce],
        outcome.error or outcome.message,
        wanted=plain("a manifest that names one sound envelope"),
        here=choice.statement is not None,
    )


def policy_rung(choice: Choice, reference: str) -> Rung:
    """Whether a statement applies at all."""
    statement = choice.statement
    if statement is None or statement.level.skips_everything:
        return Rung(
            "policy",
            "Policy",
            "Skips verification" if statement else "No statement applies",
            LOOKS[Word.not_checked],
            "level skip" if statement else "",
            f"Statement {statement.name} asks for nothing." if statement else choice.message,
            seen=plain(reference or "a repository without a name"),
            wanted=plain("a statement that verifies" if statement else "a statement with exactly this scope, or *"),
            fix=f"Give statement {statement.name} another level." if statement else _scope_fix(reference),
            here=True,
            stops=True,
        )
    wanted = f"one of {len(statement.scopes):,} scopes of {statement.name}" if len(statement.scopes) > 1 else ""
    return Rung(
        "policy",
        "Policy",
        "Applies" if choice.code == "exact" else "Applies to everything else",
        LOOKS[Word.verified],
        f"level {statement.level.name}",
        choice.message,
        seen=plain(reference),
        wanted=plain(wanted or f"the scope of {statement.name}"),
    )


def _scope_fix(reference: str) -> str:
    return f"Add {reference} to the scopes of a statement." if reference else "Give the connection a reference name."


def _rungs(outcome: Outcome, choice: Choice) -> Iterator[Rung]:
    applies = choice.statement is not None and not choice.statement.level.skips_everything
    stop = next((r for r in outcome.results if applies and r.is_critical and r.reached_by_notation), None)
    breaks = stop
    if breaks is None and outcome.reason not in NOT_UNDERSTOOD:
        breaks = next((r for r in outcome.results if applies and _breaks(r)), None)
    said = ""
    for result in outcome.results:
        if result.validation is Validation.authenticity and outcome.reason in NOT_UNDERSTOOD:
            yield _not_understood(outcome)
        seen, wanted = _values(result)
        message, said = "" if result.message == said else result.message, result.message
        yield Rung(
            name=result.validation.name,
            title=TITLES[result.validation],
            answer=answer(result),
            look=look(result, excepted=_is_exception(result, outcome)),
            action=ACTIONS[result.action] if applies else "",
            message=message,  # what holds for several in a row is said once
            seen=seen,
            wanted=wanted,
            fix=fix_of(result),
            names=result.validation in (Validation.authenticity, Validation.identity),
            here=result is breaks,
            stops=result is stop and result is not outcome.results[-1],
            store=result.store,
        )


def _not_understood(outcome: Outcome) -> Rung:
    """What keeps everybody without a plugin from saying yes, whatever the checks below say."""
    plugin = outcome.reason == "plugin_needed"
    return Rung(
        "understood",
        "Understood",
        "Needs a verification plugin" if plugin else "Has an unknown critical attribute",
        LOOKS[Word.unknown],
        ACTIONS[Action.enforce],
        outcome.error or outcome.message,
        wanted=plain("no plugin" if plugin else "only critical attributes that the specification names"),
        here=True,
        stops=True,
    )


def _is_exception(result: CheckResult, outcome: Outcome) -> bool:
    """Whether a green word has its exceptions because of how the statement takes this check."""
    reasons = (f"{result.validation.name}_logged", f"{result.validation.name}_skipped")
    return outcome.word is Word.verified_with_exceptions and outcome.reason in reasons


def _breaks(result: CheckResult) -> bool:
    """Whether the way up ends here, for us if not for notation."""
    needed = result.validation in GREEN_NEEDS and result.status is CheckStatus.failed
    return result.is_critical or needed or (result.status is CheckStatus.not_evaluated and result.is_open)


def answer(result: CheckResult) -> str:
    """The answer in a few words."""
    known = ANSWERS_BY_CODE.get(result.code)
    if not known and result.status is CheckStatus.failed and result.code.startswith(("timestamp_", "tsa_")):
        known = "Does not hold"
    known = known or ANSWERS.get((result.validation, result.status))
    return known or OPEN_ANSWERS.get(result.status, result.status.value.capitalize())


def look(result: CheckResult, *, excepted: bool = False) -> Look:
    """Shape and tone: what holds, what does not, what is only logged, and what nobody can say."""
    if excepted:
        return LOOKS[Word.verified_with_exceptions]
    if result.status is CheckStatus.passed:
        return LOOKS[Word.verified]
    if result.status in (CheckStatus.skipped, CheckStatus.not_run):
        return LOOKS[Word.not_checked]
    if result.action is Action.log and result.validation not in GREEN_NEEDS:
        return LOOKS[Word.verified_with_exceptions]
    if result.is_undecided:
        return LOOKS[Word.unknown]
    return LOOKS[Word.failed if result.validation in BREAKS_BYTES else Word.untrusted]


def _values(result: CheckResult) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    if result.status is CheckStatus.failed and result.validation is Validation.identity:
        return compare_names(result.seen, result.wanted)
    if result.status is CheckStatus.failed and result.validation is Validation.target:
        return compare_lists(result.seen, result.wanted)
    return plain(result.seen), plain(result.wanted)


_DIFFERENCE = re.compile(r"(\S+) is (.+), policy wants (.+)")


def fix_of(result: CheckResult) -> str:
    """The smallest fix as an act: of a name that does not match, the attributes to have."""
    if result.code != "identity_mismatch":
        return result.nearest_fix
    found = [_DIFFERENCE.fullmatch(text) for text in result.nearest_fix.split("; ")]
    wanted = [f"{match[1]}={match[3]}" for match in found if match]
    have = [f"{match[1]}={match[2]}" for match in found if match and match[2] != "absent"]
    if len(wanted) != len(found):
        return result.nearest_fix
    admit = f" Or, if it is meant, let the statement accept {', '.join(have)}." if have else ""
    return f"Sign the same digest with a certificate of {', '.join(wanted)}.{admit}"


def nearest_fix(outcome: Outcome | None, choice: Choice, word: Word, reason: str, reference: str) -> str:
    """The one act that would turn the word; empty for a word that needs none."""
    if word.is_green:
        return ""
    if outcome is not None and choice.statement is not None:
        results = [r for r in outcome.results if r.code == reason] or [r for r in outcome.results if _breaks(r)]
        if fix := next((fix_of(r) for r in results if r.nearest_fix), ""):
            return fix
    if word is Word.unsigned and choice.statement is not None:
        return f"Sign this digest with a certificate that statement {choice.statement.name} accepts."
    return _FIXES.get(reason) or (_scope_fix(reference) if reason == "no_statement" else _FIXES.get(word.value, ""))


_FIXES = {
    "unsigned": "Sign this digest, and name its repository in a statement of the trust policy.",
    "no_policy": "Upload a trust policy and the roots that it trusts.",
    "level_skip": "Give the statement another level than skip.",
    "no_such_statement": "Name a statement that the blob trust policy has.",
    "no_global_statement": "Name a statement, or let one be global.",
    "not_listed": "Index the repository.",
    "listing_incomplete": "Index the repository again once the registry answers.",
    "blocked_by_policy": "Relax the registry's content trust or vulnerability rule for this project, or have it met.",
    "listing_old": "Index the repository again.",
    "stale": "Index the repository again.",
    "failed": "Sign the artifact again.",
}
