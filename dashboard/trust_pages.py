"""A trust revision as pages show it: statements with their warnings, stores with their certificates and users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from dashboard import access
from trust import revisions
from trust.models import Certificate as Row
from trust.models import TrustRevision
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.certificates import Certificate, read_certificates
from trust.notary.errors import NotaryError
from trust.notary.levels import OVERRIDABLE, Action
from trust.notary.trust_policy import WILDCARD, Statement, StoreName, TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.revisions import Material, StoreFiles

MOST_SHOWN = 50  # certificates of a file
EXPIRES_SOON = timedelta(days=30)
ACTIONS = {Action.log: "logged", Action.skip: "skipped"}
CHECKS = {
    "authenticity": "authenticity",
    "authenticTimestamp": "timestamp",
    "expiry": "expiry",
    "revocation": "revocation",
}


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A statement as one reader may see it."""

    statement: Statement
    scopes: tuple[str, ...]
    hidden_scopes: int
    missing_stores: tuple[StoreName, ...]

    @property
    def applies_to_all(self) -> bool:
        return self.statement.scopes == (WILDCARD,)

    @property
    def named_scopes(self) -> list[tuple[str, str]]:
        """Registry and repository of each scope."""
        parts = (scope.partition("/") for scope in self.scopes)
        return [(registry + slash, repository) for registry, slash, repository in parts]

    @property
    def overrides(self) -> str:
        """What the level does, where its name does not say."""
        level = self.statement.level
        if level.name != "custom":
            return ""
        lenient = [check for check in OVERRIDABLE if level[check] is not Action.enforce]
        said = ", ".join(f"{CHECKS[check.value]} {ACTIONS[level[check]]}" for check in lenient)
        return f"{said}, the rest enforced" if said else "all enforced"

    @property
    def warnings(self) -> tuple[str, ...]:
        name, statement = self.statement.name, self.statement
        if statement.level.skips_everything and statement.is_global:
            return (
                f"Statement {name} is global and skips verification, which the specification forbids and notation accepts.",
            )
        if statement.level.skips_everything:
            return (f"Statement {name} skips verification: everything under it reads not checked.",)
        found = []
        if statement.trusts_any_identity:
            found.append(f"Statement {name} accepts every identity that its trust stores vouch for.")
        return (*found, *self.hollow)

    @property
    def hollow(self) -> tuple[str, ...]:
        """What it names and nobody filled."""
        return tuple(
            f"Statement {self.statement.name} names the trust store {store}, which does not exist: "
            "nothing that rests on it verifies."
            for store in self.missing_stores
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """A revision, read for one person; `fault` says why it cannot be read."""

    revision: TrustRevision
    statements: tuple[StatementRow, ...] = ()
    hidden_statements: int = 0
    notes: tuple[str, ...] = ()
    text: str = ""  # the document, for those who see everything
    blob_statements: tuple[StatementRow, ...] = ()
    blob_text: str = ""
    fault: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for row in self.all_statements for warning in row.warnings)

    @property
    def all_statements(self) -> tuple[StatementRow, ...]:
        """Those about artifacts, then those about blobs."""
        return (*self.statements, *self.blob_statements)

    @classmethod
    def of(cls, revision: TrustRevision, user: access.Person) -> Self:
        text = bytes(revision.policy).decode(errors="replace") if access.sees_everything(user) else ""
        blob_text = bytes(revision.blob_policy).decode(errors="replace")
        try:
            material = revisions.material(revision)
        except NotaryError as error:  # written by another version of Signboard
            return cls(revision, text=text, blob_text=blob_text, fault=str(error))
        names = None if access.sees_everything(user) else _references(user)
        rows = tuple(_row(statement, names, material.stores) for statement in material.policy.statements)
        shown = tuple(row for row in rows if row.scopes)
        notes = _notes(material.policy, "The document") if text else ()
        blobs: tuple[StatementRow, ...] = ()
        if policy := material.blob_policy:
            blobs = tuple(_row(statement, None, material.stores) for statement in policy.statements)
            notes += _notes(policy, "The document for blobs")
        return cls(revision, shown, len(rows) - len(shown), notes, text, blobs, blob_text)


def hollow_statements(material: Material) -> list[str]:
    """Which statements name a store that does not exist."""
    blobs = material.blob_policy.statements if material.blob_policy else ()
    rows = (_row(statement, None, material.stores) for statement in (*material.policy.statements, *blobs))
    return [warning for row in rows for warning in row.hollow]


def _references(user: access.Person) -> frozenset[str]:
    rows = access.repositories_of(user).values_list("registry__reference_name", "name")
    return frozenset(f"{registry}/{name}" for registry, name in rows)


def _row(statement: Statement, names: frozenset[str] | None, stores: TrustStores) -> StatementRow:
    visible = tuple(scope for scope in statement.scopes if names is None or scope == WILDCARD or scope in names)
    missing = tuple(store for store in statement.trust_stores if (store.type, store.name) not in stores.of_name)
    return StatementRow(statement, visible, len(statement.scopes) - len(visible), missing)


def _notes(policy: TrustPolicy | BlobTrustPolicy, document: str) -> tuple[str, ...]:
    if not policy.unknown_members:
        return ()
    return (f"{document} has members that notation ignores: {', '.join(policy.unknown_members)}.",)


@dataclass(frozen=True, slots=True)
class StoreFile:
    """One file of a trust store."""

    name: str
    certificates: tuple[Certificate, ...]
    fault: str = ""

    @property
    def shown(self) -> tuple[Certificate, ...]:
        return self.certificates[:MOST_SHOWN]

    @property
    def hidden(self) -> int:
        return len(self.certificates) - len(self.shown)


@dataclass(frozen=True, slots=True)
class Store:
    """A trust store with its files and the statements that name it; one that is only named has no files."""

    type: str
    name: str
    files: tuple[StoreFile, ...]
    used_by: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"

    @property
    def certificates(self) -> int:
        return sum(len(file.certificates) for file in self.files)


def stores_of(reading: Reading) -> list[Store]:
    """The stores of a revision by name, those that statements name and nobody filled included."""
    statements = [row.statement for row in reading.all_statements]
    return stores_in(revisions.files_of(reading.revision.pk), statements)


def stores_in(contents: StoreFiles, statements: Sequence[Statement]) -> list[Store]:
    """The same of any files and statements."""
    files: dict[tuple[str, str], dict[str, bytes]] = {}
    for (store_type, store_name, file_name), content in sorted(contents.items()):
        files.setdefault((store_type, store_name), {})[file_name] = content
    for statement in statements:
        for store in statement.trust_stores:
            files.setdefault((store.type, store.name), {})
    return [_store(key, contents, statements) for key, contents in sorted(files.items())]


def _store(key: tuple[str, str], contents: Mapping[str, bytes], statements: Sequence[Statement]) -> Store:
    used_by = [statement.name for statement in statements if StoreName(*key) in statement.trust_stores]
    return Store(*key, tuple(_file(name, content) for name, content in contents.items()), tuple(used_by))


def _file(name: str, content: bytes) -> StoreFile:
    try:
        return StoreFile(name, read_certificates(content))
    except NotaryError as error:
        return StoreFile(name, (), str(error))


def expiry_word(certificate: Certificate | Row, at: datetime) -> str:
    """Whether a certificate is within its time: "expired", "not yet", "soon" or ""."""
    if certificate.not_after < at:
        return "expired"
    if certificate.not_before > at:
        return "not yet"
    return "soon" if certificate.not_after - at < EXPIRES_SOON else ""
