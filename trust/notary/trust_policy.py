"""Trust policy documents for OCI artifacts: reading, refusing, and finding the statement that applies.

A refused document names the rule that it breaks. The rules and their order are notation's: a document with several
faults is refused for the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Self

from registries.oci.reference import canonical_registry
from trust.notary import policy_rules
from trust.notary.errors import TrustPolicyError, quote
from trust.notary.levels import Level
from trust.notary.policy_document import Document, read_document

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class StoreName:
    """A trust store as a statement names it, such as `ca:acme`."""

    type: str
    name: str

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a trust policy."""

    name: str
    scopes: tuple[str, ...]
    level: Level
    verify_timestamp: Literal["always", "afterCertExpiry"]
    trust_stores: tuple[StoreName, ...]
    trusted_identities: tuple[str, ...]
    subjects: tuple[Mapping[str, str], ...] = ()  # the identities of the kind x509.subject, parsed
    is_global: bool = False  # applies to blobs for which nobody names a statement

    @property
    def trusts_any_identity(self) -> bool:
        return WILDCARD in self.trusted_identities

    def stores_of(self, store_type: str) -> tuple[StoreName, ...]:
        """The stores of one type, each once, in the statement's order."""
        return tuple(dict.fromkeys(store for store in self.trust_stores if store.type == store_type))


@dataclass(frozen=True, slots=True)
class Choice:
    """Which statement applies to a repository or a blob, and how it was found."""

    statement: Statement | None
    code: Literal[
        "exact", "wildcard", "none", "folding_veto", "named", "global", "no_such_statement", "no_global_statement"
    ]
    message: str


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A trust policy document that keeps every rule. `content` is the document as it was written."""

    version: str
    statements: tuple[Statement, ...]
    content: bytes = field(repr=False)
    unknown_members: tuple[str, ...] = ()
    _by_scope: Mapping[str, Statement] = field(default_factory=dict, repr=False, compare=False)
    _by_folded_scope: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """The policy; raises TrustPolicyError with the first rule that the document breaks."""
        document = read_document(content)
        statements = read_statements(document)
        policy_rules.check_scopes(document)
        by_scope = {scope: statement for statement in statements for scope in statement.scopes}
        folded: dict[str, list[Statement]] = {}
        for scope, statement in by_scope.items():
            folded.setdefault(_fold(scope), []).append(statement)
        return cls(
            version=document.version,
            statements=statements,
            content=content,
            unknown_members=document.unknown_members,
            _by_scope=MappingProxyType(by_scope),
            _by_folded_scope=MappingProxyType({scope: tuple(found) for scope, found in folded.items()}),
        )

    def choose(self, reference_name: str) -> Choice:
        """The statement with exactly this scope, else that of `*`. Other spellings of the name can only veto it."""
        if not policy_rules.is_scope(reference_name):
            return Choice(None, "none", _no_scope_message(reference_name))
        exact = self._by_scope.get(reference_name)
        chosen = exact or self._by_scope.get(WILDCARD)
        others = [other for other in self._by_folded_scope.get(_fold(reference_name), ()) if other is not chosen]
        if others:
            return Choice(None, "folding_veto", self._veto_message(reference_name, chosen, others[0]))
        if chosen is None:
            return Choice(None, "none", f"No statement names {reference_name}, and none has the scope *.")
        if exact:
            return Choice(exact, "exact", f"Statement {exact.name} names this repository exactly.")
        return Choice(chosen, "wildcard", f"Statement {chosen.name} applies to every repository that no other names.")

    def _veto_message(self, reference_name: str, chosen: Statement | None, other: Statement) -> str:
        spelling = next(scope for scope in other.scopes if _fold(scope) == _fold(reference_name))
        if chosen and chosen.scopes != (WILDCARD,):
            fix = f"Name the repository in one of {chosen.name} and {other.name} only."
        else:
            fix = f"Write {reference_name} there, or change the registry's reference name."
        return (
            f"Statement {other.name} names this repository with another spelling, {spelling}, which notation would not "
            f"match. {fix}"
        )


def read_statements(document: Document) -> tuple[Statement, ...]:
    """The document's statements, after every rule was asked in notation's order but those about scopes."""
    policy_rules.check_document(document)
    statements: list[Statement] = []
    names: set[str] = set()
    has_global = False
    for written in document.statements:
        policy_rules.check_name(written, names)
        names.add(written.name)
        level = policy_rules.level_of(written)
        policy_rules.check_verify_timestamp(written)
        policy_rules.check_completeness(written, level)
        policy_rules.check_trust_stores(written)
        subjects = policy_rules.subjects_of(written)
        policy_rules.check_global(written, one_before=has_global)
        has_global = has_global or written.is_global
        statements.append(
            Statement(
                name=written.name,
                scopes=written.scopes,
                level=level,
                verify_timestamp="afterCertExpiry" if written.verify_timestamp == "afterCertExpiry" else "always",
                trust_stores=tuple(StoreName(*store.split(":", 1)) for store in written.trust_stores),
                trusted_identities=written.trusted_identities,
                subjects=subjects,
                is_global=written.is_global,
            )
        )
    return tuple(statements)


def _fold(scope: str) -> str:
    """The spelling under which two names of one repository meet."""
    registry, slash, repository = scope.partition("/")
    registry = canonical_registry(registry)
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return f"{registry}{slash}{repository}" if slash else scope


def _no_scope_message(reference_name: str) -> str:
    if not reference_name:
        return "Nobody said which repository this is, so no statement can apply."
    return f"{quote(reference_name)} is not a name that a trust policy scope can have, so no statement can apply."


__all__ = ["WILDCARD", "Choice", "Statement", "StoreName", "TrustPolicy", "TrustPolicyError"]
