"""A draft's policy as its editor shows it: the statements, one of them as a form, what is wrong, and who can be picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import reverse

from dashboard.forms.statement import FIELDS, Known, StatementForm
from trust import drafts, pattern_scopes, revisions, signers_seen
from trust.additions import is_pattern, matches
from trust.draft_rows import Draft
from trust.notary.errors import TrustPolicyError
from trust.notary.policy_document import GLOBAL, SCOPES, Document, read_document
from trust.notary.policy_faults import PolicyFault, faults
from trust.notary.trust_store import TrustStores
from trust.policy_editing import Kind
from trust.revisions import Content
from trust.signers_seen import Signer

MOST_LISTED = 40  # statements in the row of links, around the one that is edited
MOST_FAULTS = 10
MOST_PICKS = 20
MOST_STORES = 100
PAGES: Mapping[Kind, str] = {SCOPES: "draft_edit", GLOBAL: "draft_edit_blobs"}


@dataclass(frozen=True, slots=True)
class Link:
    """A statement in the row of links."""

    position: int
    name: str
    faults: int


@dataclass(frozen=True, slots=True)
class Pick:
    """A signer who could be trusted by name."""

    signer: Signer
    store: str
    "One of the draft's that holds the root; empty: none does."


@dataclass(frozen=True)
class Editor:
    """One document of a draft, and the statement of it that is edited."""

    draft: Draft
    kind: Kind
    content: Content
    wanted: int

    @classmethod
    def of(cls, draft: Draft, kind: Kind, statement: str) -> "Editor":
        number = int(statement) if statement.isascii() and statement.isdigit() and len(statement) < 7 else 1
        return cls(draft, kind, drafts.content_of(draft), number - 1)

    @property
    def written(self) -> bytes:
        return self.content.policy if self.kind == SCOPES else self.content.blob_policy

    @cached_property
    def text(self) -> str:
        """The document as a browser has it."""
        return self.written.decode(errors="replace").replace("\r\n", "\n")

    @cached_property
    def malformed(self) -> str:
        """Why the document cannot be read at all; then there is no form."""
        try:
            if self.written.strip():
                read_document(self.written, self.kind)
        except TrustPolicyError as error:
            return f"{error} (rule {error.rule})"
        return ""

    @cached_property
    def document(self) -> Document:
        """What the document says; nothing at all where it cannot be read."""
        if self.malformed or not self.written.strip():
            return Document("", (), ())
        return read_document(self.written, self.kind)

    @property
    def position(self) -> int:
        return max(min(self.wanted, len(self.document.statements) - 1), 0)

    @cached_property
    def faults(self) -> list[PolicyFault]:
        return faults(self.document, self.kind) if self.written.strip() and not self.malformed else []

    @cached_property
    def references(self) -> list[str]:
        """The names of all repositories that a scope can name."""
        return pattern_scopes.references()

    @cached_property
    def stores(self) -> TrustStores:
        return revisions.stores_of(self.content.files)

    @cached_property
    def known(self) -> Known:
        additions, name = self.content.additions, self.document.statements[self.position].name
        is_ours = self.kind == SCOPES
        return Known(
            stores=[str(store) for store in self.stores][:MOST_STORES],
            references=self._free_of_others() if is_ours else (),
            patterns=additions.patterns.get(name, ()) if is_ours else (),
            role=additions.roles.get(name, "") if is_ours else "",
            signers=additions.signers,
        )

    def _free_of_others(self) -> list[str]:
        """The repositories that no other statement names: what is named exactly is no longer meant by a pattern."""
        others = [one for position, one in enumerate(self.document.statements) if position != self.position]
        named = {scope for statement in others for scope in statement.scopes}
        return [name for name in self.references if name not in named]

    def form(self, data: Any = None) -> StatementForm | None:
        """The form of the statement, bound to what was sent or to what the document says; None: there is none to edit."""
        if not self.document.statements:
            return None
        written = self.document.statements[self.position]
        return StatementForm(data, self.kind, written, self.known, is_sent=data is not None)

    def blame(self, form: StatementForm) -> None:
        """Say at each field which rules it breaks."""
        lines = form["scopes"].value().splitlines() if "scopes" in form.fields else []
        for fault in self.faults:
            if fault.statement == self.position:
                form.add_error(FIELDS[fault.member], self._said(fault, lines))

    def _said(self, fault: PolicyFault, lines: Sequence[str]) -> str:
        """A fault for whoever sees the form, where patterns stand for many entries."""
        if fault.member != SCOPES or fault.line is None:
            return f"{fault} (rule {fault.rule})"
        scope = self.document.statements[fault.statement or 0].scopes[fault.line - 1]
        where = f"Line {lines.index(scope) + 1}: " if scope in lines else ""
        hint = " Save it here, and it is compiled." if fault.rule == "TP27" and is_pattern(scope) else ""
        return f"{where}{fault.text}{hint} (rule {fault.rule})"

    # what stands round the form

    @property
    def general_faults(self) -> list[PolicyFault]:
        return [fault for fault in self.faults if fault.statement is None]

    @property
    def faults_elsewhere(self) -> list[tuple[int, str, PolicyFault]]:
        """What is wrong with other statements: number, name, fault."""
        found = [fault for fault in self.faults if fault.statement not in (None, self.position)]
        names = [statement.name for statement in self.document.statements]
        return [(fault.statement + 1, names[fault.statement], fault) for fault in found if fault.statement is not None]

    @property
    def named_faults(self) -> list[tuple[str, str, PolicyFault]]:
        """Every fault: the statement's name, the id of the field to blame if the form shows it, and the fault."""
        named = []
        for fault in self.faults:
            name = "" if fault.statement is None else self.document.statements[fault.statement].name
            here = fault.statement is not None and fault.statement == self.position
            named.append((name, f"id_{FIELDS[fault.member]}" if here else "", fault))
        return named

    @property
    def links(self) -> list[Link]:
        counts: dict[int | None, int] = {}
        for fault in self.faults:
            counts[fault.statement] = counts.get(fault.statement, 0) + 1
        first = max(0, min(self.position - MOST_LISTED // 2, len(self.document.statements) - MOST_LISTED))
        shown = list(enumerate(self.document.statements))[first : first + MOST_LISTED]
        return [Link(position + 1, one.name, counts.get(position, 0)) for position, one in shown]

    @cached_property
    def picks(self) -> tuple[list[Pick], int]:
        """Signers seen whom the statement does not name yet, and how many more there are."""
        found, more = signers_seen.seen(MOST_PICKS)
        named = set(self.document.statements[self.position].trusted_identities) if self.document.statements else set()
        return [Pick(one, self._holding(one)) for one in found if one.identity and one.identity not in named], more

    def _holding(self, signer: Signer) -> str:
        holding = (store for store in self.stores if store.type == signer.store_type and store.holds(signer.root))
        return next((str(store) for store in holding), "")

    @property
    def free_scopes(self) -> tuple[list[str], int]:
        """Repositories that no statement names, and how many more there are."""
        named = {scope for statement in self.document.statements for scope in statement.scopes}
        free = [name for name in self.references if name not in named]
        return free[:MOST_PICKS], max(0, len(free) - MOST_PICKS)

    @property
    def compiled(self) -> int:
        """For how many scopes the patterns of the statement stand."""
        patterns = self.known.patterns
        scopes = self.document.statements[self.position].scopes
        return sum(any(matches(pattern, scope) for pattern in patterns) for scope in scopes)

    @property
    def url(self) -> str:
        return reverse(PAGES[self.kind], args=[self.draft.pk])
