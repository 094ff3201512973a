"""Every rule that a trust policy document breaks, each at the member to blame: for whoever is still writing it.

The rules are those of `policy_rules`, asked of one member, and of one entry of a list, at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from trust.notary import policy_rules
from trust.notary.errors import TrustPolicyError
from trust.notary.levels import LEVELS
from trust.notary.policy_document import GLOBAL, SCOPES, Document, WrittenStatement

MOST_LINES = 10  # of a list, of which it is said what is wrong


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One rule that is broken, and where."""

    rule: str
    text: str
    statement: int | None
    "Which of the statements; None: the document as a whole."
    member: str
    line: int | None = None
    "Which entry of a list, counted from one; None: the member as a whole."

    def __str__(self) -> str:
        return f"Line {self.line}: {self.text}" if self.line else self.text


def faults(document: Document, own: str = SCOPES) -> list[PolicyFault]:
    """What is wrong with a document; empty for one that keeps every rule."""
    found = list(_broken(None, "version", partial(policy_rules.check_document, document)))
    names: set[str] = set()
    scopes: set[str] = set()
    has_global = False
    for index, statement in enumerate(document.statements):
        found += _of_statement(index, statement, names, one_global_before=has_global)
        names.add(statement.name)
        has_global = has_global or statement.is_global
        if own == SCOPES:
            found += _of_scopes(index, statement, scopes)
    return found


def _of_statement(
    index: int, statement: WrittenStatement, names: set[str], *, one_global_before: bool
) -> Iterator[PolicyFault]:
    yield from _broken(index, "name", partial(policy_rules.check_name, statement, names))
    yield from _of_level(index, statement)
    yield from _broken(index, "verifyTimestamp", partial(policy_rules.check_verify_timestamp, statement))
    if level := LEVELS.get(statement.level):
        member = "trustedIdentities" if statement.trust_stores and not statement.trusted_identities else "trustStores"
        yield from _broken(index, member, partial(policy_rules.check_completeness, statement, level))
    stores = [replace(statement, trust_stores=(store,)) for store in statement.trust_stores]
    yield from _in_lines(index, "trustStores", stores, policy_rules.check_trust_stores)
    yield from _of_identities(index, statement)
    yield from _broken(index, GLOBAL, partial(policy_rules.check_global, statement, one_before=one_global_before))


def _of_level(index: int, statement: WrittenStatement) -> Iterator[PolicyFault]:
    plain = replace(statement, override={})
    yield from _broken(index, "level", partial(policy_rules.level_of, plain))
    known = statement.level if statement.level in LEVELS else "strict"
    for name, action in statement.override.items():
        one = replace(statement, level=known, override={name: action})
        yield from _broken(index, "override", partial(policy_rules.level_of, one))
        if known == "skip":  # which is wrong as such, whatever is overridden
            return


def _of_identities(index: int, statement: WrittenStatement) -> Iterator[PolicyFault]:
    """What is wrong with single identities, and then with those together that will do."""
    member, written = "trustedIdentities", statement.trusted_identities
    if len(written) > policy_rules.MAX_IDENTITIES:
        yield from _broken(index, member, partial(policy_rules.subjects_of, statement))
        return
    alone = [replace(statement, trusted_identities=(one,)) for one in written]
    singly = list(_in_lines(index, member, alone, policy_rules.subjects_of, most=len(alone)))
    yield from singly[:MOST_LINES]
    wrong = {fault.line for fault in singly}
    fit = tuple(identity for line, identity in enumerate(written, 1) if line not in wrong)
    yield from _broken(index, member, partial(policy_rules.subjects_of, replace(statement, trusted_identities=fit)))


def _of_scopes(index: int, statement: WrittenStatement, earlier: set[str]) -> Iterator[PolicyFault]:
    if not statement.scopes:
        yield from _broken(index, SCOPES, partial(_check_scopes, statement))
    alone = [replace(statement, scopes=(scope,)) for scope in statement.scopes]
    yield from _in_lines(index, SCOPES, alone, _check_scopes)
    if "*" in statement.scopes and len(statement.scopes) > 1:
        yield from _broken(index, SCOPES, partial(_check_scopes, replace(statement, scopes=("*", "a/b"))))
    twice = 0
    for line, (scope, one) in enumerate(zip(statement.scopes, alone, strict=True), 1):
        if scope in earlier and (scope == "*" or policy_rules.is_scope(scope)) and twice < MOST_LINES:
            twice += 1
            yield from _broken(index, SCOPES, partial(_check_scopes, one, one), line)
        earlier.add(scope)


def _check_scopes(*statements: WrittenStatement) -> None:
    policy_rules.check_scopes(Document("1.0", statements, ()))


def _in_lines(
    index: int,
    member: str,
    alone: Sequence[WrittenStatement],
    check: Callable[[WrittenStatement], object],
    most: int = MOST_LINES,
) -> Iterator[PolicyFault]:
    said = 0
    for line, one in enumerate(alone, 1):
        for fault in _broken(index, member, partial(check, one), line):
            said += 1
            if said <= most:
                yield fault


def _broken(
    index: int | None, member: str, check: Callable[[], object], line: int | None = None
) -> Iterator[PolicyFault]:
    try:
        check()
    except TrustPolicyError as error:
        yield PolicyFault(error.rule, str(error), index, member, line)
