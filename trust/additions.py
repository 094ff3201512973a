"""What Signboard keeps beside notation's documents: patterns that stand for scopes, and role labels. No verdict rests on it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Self

from trust.notary.distinguished_names import is_subset, parse_subject
from trust.notary.errors import DistinguishedNameError, quote
from trust.notary.policy_rules import SUBJECT_PREFIX, is_scope

ROLES = ("publisher", "certifier", "registry", "environment")
MOST = 10_000  # entries of a kind
MOST_PATTERNS = 100  # of a statement
LONGEST = 4096


class AdditionsError(ValueError):
    """What claims to be patterns and roles is not; the text says why."""


@dataclass(frozen=True, slots=True)
class Additions:
    """Patterns by the name of their statement; roles by the name of a statement, and by trusted identity."""

    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    signers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, value: object) -> Self:
        """From JSON; raises AdditionsError for what is not ours."""
        found = _object(value, "what stands beside the policy")
        if unknown := found.keys() - {"patterns", "roles", "signers"}:
            raise AdditionsError(f"nobody knows what {quote(min(unknown))} beside the policy means")
        patterns = {name: _patterns(some) for name, some in _object(found.get("patterns", {}), "patterns").items()}
        return cls(
            patterns={name: some for name, some in patterns.items() if some},
            roles=_roles(found.get("roles", {}), "roles"),
            signers=_roles(found.get("signers", {}), "signers"),
        )

    def as_json(self) -> dict[str, object]:
        """For the database, and for an export; what is empty is left out."""
        patterns = {name: list(some) for name, some in self.patterns.items()}
        found: dict[str, object] = {"patterns": patterns, "roles": dict(self.roles), "signers": dict(self.signers)}
        return {name: value for name, value in found.items() if value}

    def of_statement(self, name: str, *, patterns: Sequence[str], role: str) -> Self:
        """With these patterns and this role of one statement; none of either takes them away."""
        return replace(
            self,
            patterns=_with(self.patterns, name, tuple(one for one in patterns if len(one) <= LONGEST)[:MOST_PATTERNS]),
            roles=_with(self.roles, name, role),
        )

    def of_signer(self, identity: str, role: str) -> Self:
        return replace(self, signers=_with(self.signers, identity, role))

    def renamed(self, old: str, new: str) -> Self:
        """What was said of one statement, said of it under its new name."""
        if old == new:
            return self
        patterns, roles = dict(self.patterns), dict(self.roles)
        moved, role = patterns.pop(old, ()), roles.pop(old, "")
        return replace(self, patterns=_with(patterns, new, moved), roles=_with(roles, new, role))

    def only_of(self, statements: Set[str], identities: Set[str]) -> Self:
        """Without what is said of statements and identities that are no more."""
        return replace(
            self,
            patterns={name: some for name, some in self.patterns.items() if name in statements},
            roles={name: role for name, role in self.roles.items() if name in statements},
            signers={identity: role for identity, role in self.signers.items() if identity in identities},
        )

    def role_of(self, statement: str, subject: str) -> str:
        """The role of a signer with this subject whom the statement accepts: their own, else that of the statement."""
        if not self.signers:
            return self.roles.get(statement, "")
        try:
            have = parse_subject(subject)
        except DistinguishedNameError:
            return self.roles.get(statement, "")
        own = ((wanted, role) for wanted, role in self._subjects() if is_subset(wanted, have))
        narrowest = max(own, key=lambda found: len(found[0]), default=None)
        return narrowest[1] if narrowest else self.roles.get(statement, "")

    def _subjects(self) -> Iterable[tuple[Mapping[str, str], str]]:
        for identity, role in self.signers.items():
            kind, _, name = identity.partition(":")
            try:
                if kind == SUBJECT_PREFIX:
                    yield parse_subject(name), role
            except DistinguishedNameError:  # a draft may hold a name that will not do
                continue


def is_pattern(text: str) -> bool:
    """Whether a text stands for scopes: a registry, and a repository in which `*` means any characters."""
    registry, _, repository = text.partition("/")
    return "*" in repository and "*" not in registry and is_scope(text.replace("*", "x"))


def matches(pattern: str, scope: str) -> bool:
    """Whether a pattern means a scope. Each `*` is looked for once, so no pattern takes long."""
    first, *middle, last = pattern.split("*")
    if len(scope) < len(first) + len(last) or not (scope.startswith(first) and scope.endswith(last)):
        return False
    position, end = len(first), len(scope) - len(last)
    for part in middle:
        found = scope.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def compiled(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The exact scopes that patterns stand for, among the names of repositories."""
    some = list(patterns)
    return [name for name in names if is_scope(name) and any(matches(pattern, name) for pattern in some)]


def _with[Said: (str, tuple[str, ...])](mapping: Mapping[str, Said], name: str, said: Said) -> dict[str, Said]:
    """Said of that name, too, unless `read` would refuse it: nobody could read the draft any more."""
    others = {key: value for key, value in mapping.items() if key != name}
    fits = len(name) <= LONGEST and "\0" not in name and len(others) < MOST
    return {**others, name: said} if said and fits else others


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or len(value) > MOST:
        raise AdditionsError(f"{what} is not a JSON object of at most {MOST:,} members")
    if any(len(name) > LONGEST or "\0" in name for name in value):
        raise AdditionsError(f"{what} has a name of more than {LONGEST:,} characters, or with a NUL in it")
    return value


def _patterns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_PATTERNS:
        raise AdditionsError(f"the patterns of a statement are not a list of at most {MOST_PATTERNS}")
    texts = [text for text in value if isinstance(text, str) and len(text) <= LONGEST]
    if len(texts) != len(value) or not all(map(is_pattern, texts)):
        raise AdditionsError("a pattern is not registry/repository with * in the repository")
    return tuple(texts)


def _roles(value: object, what: str) -> dict[str, str]:
    found = _object(value, what)
    roles = {name: role for name, role in found.items() if isinstance(role, str) and role in ROLES}
    if len(roles) != len(found):
        raise AdditionsError(f"a role among {what} is not one of {', '.join(ROLES)}")
    return roles
