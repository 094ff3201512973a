"""The coverage map as one reader may see it: filters, pages, and what of the policy nothing falls under."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from django.http import QueryDict

from dashboard import access
from trust.coverage import Coverage, Covered, How, Named, Reached, Satisfied, cover, satisfied
from trust.notary.trust_policy import WILDCARD
from trust.revisions import Material

PAGE_SIZE = 100
HOWS = {
    How.exact: ("Exact", "by its own name"),
    How.wildcard: ("By *", "by the scope *, as no other statement names it"),
    How.none: ("None", "no statement applies: what is signed reads not checked"),
    How.folding_veto: (
        "Vetoed",
        "another spelling of its name stands in a statement: what is signed reads not checked",
    ),
}
PARAMETERS = {
    "q": "part of the name of a repository",
    "how": f"one of {', '.join(How)}",
    "statement": "the name of a statement",
}


@dataclass(frozen=True, slots=True)
class CoverageFilters:
    """What the map is narrowed to; a value that is not understood matches nothing."""

    text: str = ""
    how: str = ""
    statement: str = ""
    unknown: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, query: QueryDict, *, also: Collection[str] = ()) -> Self:
        """What the query asks for; `also` are names that mean something to the caller."""

        def said(name: str) -> str:
            return (query.get(name) or "").replace("\0", "").strip()[:255]

        unknown = [
            (name, value)
            for name, values in query.lists()
            if name not in also
            for value in values
            if not _understood(name, value)
        ]
        return cls(said("q"), said("how"), said("statement"), tuple(unknown))

    def query(self, **changes: Any) -> str:
        """The same filters, with changes, as the query of a URL."""
        changed = replace(self, **changes)
        values = {"q": changed.text, "how": changed.how, "statement": changed.statement}
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode(safe="/:*")

    def __bool__(self) -> bool:
        return self != type(self)()

    def finds(self, row: Covered) -> bool:
        return self.how in ("", row.how) and self.finds_any(row)

    def finds_any(self, row: Covered) -> bool:
        """The same, however it is covered."""
        return (
            not self.unknown
            and (not self.statement or (row.statement is not None and row.statement.name == self.statement))
            and self.text.lower() in (row.repository.reference or row.repository.name).lower()
        )


def _understood(name: str, value: str) -> bool:
    if name == "how":
        return value in ("", *How)
    return name in PARAMETERS


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement: who falls under it, and whether anybody ever satisfied it."""

    reached: Reached
    satisfied: Satisfied | None
    "None in a draft: nothing is judged by it."
    unused_scopes: tuple[str, ...]
    "None of them for a reader who does not see everything: they name repositories of others."

    @property
    def name(self) -> str:
        return self.reached.statement.name

    @property
    def skips(self) -> bool:
        """It asks for no signature, so none can satisfy it."""
        return self.reached.statement.level.skips_everything

    @property
    def is_idle(self) -> bool:
        """Nothing falls under it, or nothing ever satisfied it."""
        return not self.reached.repositories or (self.satisfied is Satisfied.never and not self.skips)

    @property
    def by_wildcard(self) -> bool:
        return self.reached.statement.scopes == (WILDCARD,)


@dataclass(frozen=True, slots=True)
class CoveragePage:
    """The map for one person."""

    coverage: Coverage
    filters: CoverageFilters
    found: tuple[Covered, ...]
    statements: tuple[StatementRow, ...]
    hidden_statements: int
    tally: Counter[How]
    "Of those that pass the other filters, how many are covered how."

    @property
    def counts(self) -> Mapping[How, int]:
        return self.coverage.counts

    @property
    def total(self) -> int:
        return len(self.coverage.rows)

    @property
    def under_one(self) -> int:
        return self.counts[How.exact] + self.counts[How.wildcard]

    @property
    def unused_scopes(self) -> int:
        return sum(len(row.unused_scopes) for row in self.statements)


def coverage_page(
    material: Material, user: access.Person, filters: CoverageFilters, *, is_active: bool = True
) -> CoveragePage:
    """The map of the active policy, or of that of a draft."""
    repositories = access.repositories_of(user)
    coverage = cover(material.policy, material.stores, Named.all_of(repositories), material.blob_policy)
    whole = access.sees_everything(user)
    shown = [reached for reached in coverage.statements if whole or reached.repositories or _for_all(reached)]
    words = satisfied(coverage, repositories) if is_active else {}
    rows = [
        StatementRow(reached, words.get(reached.statement.name), reached.unused_scopes if whole else ())
        for reached in shown
    ]
    return CoveragePage(
        coverage=coverage,
        filters=filters,
        found=tuple(row for row in coverage.rows if filters.finds(row)),
        statements=tuple(sorted(rows, key=lambda row: not row.is_idle)),
        hidden_statements=len(coverage.statements) - len(shown),
        tally=Counter(row.how for row in coverage.rows if filters.finds_any(row)),
    )


def _for_all(reached: Reached) -> bool:
    return reached.statement.scopes == (WILDCARD,)


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of the found rows."""

    rows: tuple[Covered, ...]
    number: int
    total: int

    @classmethod
    def of(cls, found: tuple[Covered, ...], wanted: str | None) -> Self:
        """The wanted page; the first for what is no number, the last for one beyond."""
        last = max(1, -(-len(found) // PAGE_SIZE))
        number = int(wanted) if wanted and wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
        number = min(max(1, number), last)
        return cls(found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE], number, len(found))

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number * PAGE_SIZE < self.total else None

    @property
    def note(self) -> str:
        first = (self.number - 1) * PAGE_SIZE + 1
        return f"{first:,}–{first + len(self.rows) - 1:,} of {self.total:,}"


def row_as_json(row: Covered) -> dict[str, Any]:
    return {
        "repository_id": row.repository.pk,
        "reference": row.repository.reference,
        "repository": row.repository.name,
        "covered": row.how.value,
        "statement": row.statement.name if row.statement else None,
        "level": row.statement.level.name if row.statement else None,
        "message": row.message,
    }


def page_as_json(page: CoveragePage) -> dict[str, Any]:
    """The whole map: every repository that passes the filters, and the policy's side of it."""
    return {
        "total": page.total,
        "counts": {how.value: number for how, number in page.counts.items()},
        "statements": [
            {
                "name": row.name,
                "level": row.reached.statement.level.name,
                "repositories": row.reached.repositories,
                "satisfied": row.satisfied,
                "unused_scopes": row.unused_scopes,
            }
            for row in page.statements
        ],
        "hidden_statements": page.hidden_statements,
        "unnamed_stores": [str(store) for store in page.coverage.unnamed_stores],
        "results": [row_as_json(row) for row in page.found],
    }
