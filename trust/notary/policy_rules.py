"""The rules that a trust policy document must keep, one function each, in the order in which notation asks them.

TP01 to TP29 are our numbers for them; they are stable. TP25 to TP28 are about artifacts only, TP29 about blobs only.
"""

import re
from collections.abc import Iterable, Mapping, Set

from trust.notary import distinguished_names
from trust.notary.errors import DistinguishedNameError, TrustPolicyError, quote
from trust.notary.levels import LEVELS, OVERRIDABLE, Action, Level, Validation
from trust.notary.policy_document import Document, WrittenStatement
from trust.notary.trust_store import STORE_TYPES, is_store_name

# Nothing here is tried twice, so neither time nor memory grows with what could be tried.
_COMPONENT = r"[a-z0-9]++(?:(?:__|[._]|-++)[a-z0-9]++)*+"
_LABEL = r"[a-zA-Z0-9]++(?:-++[a-zA-Z0-9]++)*+"
_SCOPE = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+(?::[0-9]++)?/{_COMPONENT}(?:/{_COMPONENT})*+")
SUBJECT_PREFIX = "x509.subject"
MAX_IDENTITIES = 500


def is_scope(text: str) -> bool:
    """Whether the text is `domain[:port]/repository` as a registry scope spells it."""
    return _SCOPE.fullmatch(text) is not None


def check_document(document: Document) -> None:
    if not document.version:
        raise _refused("TP01", "The trust policy has no version: write 1.0.")
    if document.version != "1.0":
        raise _refused("TP02", f"The trust policy has the version {quote(document.version)}: only 1.0 is known.")
    if not document.statements:
        raise _refused("TP03", "The trust policy has no statements.")


def check_name(statement: WrittenStatement, earlier: Set[str]) -> None:
    if statement.name in earlier:
        raise _refused("TP04", f"Two statements have the name {quote(statement.name)}: names must be unique.")
    if not statement.name:
        raise _refused("TP05", "A statement has no name.")


def level_of(statement: WrittenStatement) -> Level:
    """The statement's level with its overrides."""
    name = quote(statement.name)
    if not statement.level:
        raise _refused("TP06", f"Statement {name} has no verification level.")
    level = LEVELS.get(statement.level)
    if level is None:
        raise _refused("TP07", f"Statement {name} has the level {quote(statement.level)}: use one of {_all(LEVELS)}.")
    if not statement.override:
        return level
    if level.skips_everything:
        raise _refused("TP08", f"Statement {name} overrides the level skip, which has nothing to override.")
    return level.override(
        {_overridden(key, name): _action(key, value, name) for key, value in statement.override.items()}
    )


def _overridden(key: str, name: str) -> Validation:
    if key == Validation.integrity:
        return Validation.integrity
    if key not in OVERRIDABLE:
        raise _refused("TP09", f"Statement {name} overrides {quote(key)}: only {_all(OVERRIDABLE)} can be.")
    return Validation(key)


def _action(key: str, value: str, name: str) -> Action:
    if value not in set(Action):
        raise _refused("TP10", f"Statement {name} sets {key} to {quote(value)}: use one of {_all(Action)}.")
    if key == Validation.integrity:
        raise _refused("TP11", f"Statement {name} overrides integrity, which is always enforced.")
    if value == Action.skip and key != Validation.revocation:
        raise _refused("TP12", f"Statement {name} skips {key}: only revocation can be skipped.")
    return Action(value)


def check_verify_timestamp(statement: WrittenStatement) -> None:
    if statement.verify_timestamp not in ("", "always", "afterCertExpiry"):
        raise _refused(
            "TP13",
            f"Statement {quote(statement.name)} has verifyTimestamp {quote(statement.verify_timestamp)}: "
            "use always or afterCertExpiry.",
        )


def check_completeness(statement: WrittenStatement, level: Level) -> None:
    name = quote(statement.name)
    if level.skips_everything:
        if statement.trust_stores or statement.trusted_identities:
            raise _refused("TP14", f"Statement {name} skips verification, yet names trust stores or identities.")
    elif not statement.trust_stores or not statement.trusted_identities:
        raise _refused("TP15", f"Statement {name} lacks trust stores or trusted identities: it needs both.")


def check_trust_stores(statement: WrittenStatement) -> None:
    for store in statement.trust_stores:
        store_type, colon, store_name = store.partition(":")
        where = f"Statement {quote(statement.name)} names the trust store {quote(store)}"
        if not colon:
            raise _refused("TP16", f"{where}: write type:name.")
        if store_type not in STORE_TYPES:
            raise _refused("TP17", f"{where}: the type is one of {_all(STORE_TYPES)}.")
        if not is_store_name(store_name):
            raise _refused("TP18", f"{where}: a name is made of letters, digits, dot, underscore and dash.")


def subjects_of(statement: WrittenStatement) -> tuple[Mapping[str, str], ...]:
    """The distinguished names that the statement trusts."""
    identities = statement.trusted_identities
    if len(identities) > MAX_IDENTITIES:  # each is compared with every other
        raise _refused("TP00", f"Statement {quote(statement.name)} trusts more than {MAX_IDENTITIES} identities.")
    if "*" in identities and len(identities) > 1:
        raise _refused("TP19", f"Statement {quote(statement.name)} trusts * and other identities: * stands alone.")
    subjects = {
        index: _subject(identity, statement.name)
        for index, identity in enumerate(identities)
        if identity != "*" and _is_subject(identity, statement.name)
    }
    if pair := _overlapping(subjects):
        narrow, wide = (quote(identities[index]) for index in pair)
        raise _refused("TP24", f"Statement {quote(statement.name)} trusts {narrow}, which {wide} already covers.")
    return tuple(subjects.values())


def _overlapping(subjects: Mapping[int, Mapping[str, str]]) -> tuple[int, int] | None:
    """Two names of which the second covers the first, if there are any."""
    wider: list[tuple[frozenset[tuple[str, str]], int]] = []  # what says less covers more
    by_size: dict[int, dict[frozenset[tuple[str, str]], int]] = {}
    for index, subject in subjects.items():
        said = frozenset(item for item in subject.items() if item[1])
        same = by_size.setdefault(len(said), {})
        if said in same:
            return index, same[said]
        same[said] = index
    for size in sorted(by_size):
        for said, index in by_size[size].items():
            for less, other in wider:
                if less <= said and distinguished_names.is_subset(subjects[other], subjects[index]):
                    return index, other
        wider += by_size[size].items()
    return None


def _is_subject(identity: str, name: str) -> bool:
    """Whether the identity is a distinguished name; other kinds are for plugins, and pass untouched."""
    if not identity:
        raise _refused("TP20", f"Statement {quote(name)} has an empty trusted identity.")
    kind, colon, value = identity.partition(":")
    if not colon:
        raise _refused("TP21", f"Statement {quote(name)} trusts {quote(identity)}: write {SUBJECT_PREFIX}: NAME, or *.")
    if kind == SUBJECT_PREFIX and not value:
        raise _refused("TP22", f"Statement {quote(name)} trusts an {SUBJECT_PREFIX} without a name.")
    return kind == SUBJECT_PREFIX


def _subject(identity: str, name: str) -> Mapping[str, str]:
    try:
        return distinguished_names.parse_subject(identity.partition(":")[2])
    except DistinguishedNameError as error:
        raise _refused("TP23", f"Statement {quote(name)} trusts {quote(identity)}: {error}") from error


def check_global(statement: WrittenStatement, *, one_before: bool) -> None:
    if statement.is_global and one_before:
        raise _refused("TP29", f"Statement {quote(statement.name)} is a second global one: there is at most one.")


def check_scopes(document: Document) -> None:
    for statement in document.statements:
        name = quote(statement.name)
        if not statement.scopes:
            raise _refused("TP25", f"Statement {name} has no registry scopes.")
        if "*" in statement.scopes and len(statement.scopes) > 1:
            raise _refused("TP26", f"Statement {name} has the scope * and others: * stands alone.")
        for scope in statement.scopes:
            if scope != "*" and not is_scope(scope):
                raise _refused("TP27", f"Statement {name} has the scope {quote(scope)}: {_scope_fault(scope)}.")
    scopes = [scope for statement in document.statements for scope in statement.scopes]
    if twice := _first_duplicate(scopes):
        raise _refused("TP28", f"The scope {quote(twice)} appears twice: every scope belongs to one statement.")


def _scope_fault(scope: str) -> str:
    if "*" in scope:
        return "* stands alone or not at all"
    return "write registry/repository in full, without https:// and without a tag"


def _first_duplicate(texts: Iterable[str]) -> str:
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            return text
        seen.add(text)
    return ""


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)


def _refused(rule: str, text: str) -> TrustPolicyError:
    return TrustPolicyError(rule, text)
