"""Trust policy documents for blobs: the same statements, found by their name or as the global one."""

from dataclasses import dataclass, field
from typing import Self

from trust.notary.errors import quote
from trust.notary.policy_document import GLOBAL, read_document
from trust.notary.trust_policy import Choice, Statement, read_statements


@dataclass(frozen=True, slots=True)
class BlobTrustPolicy:
    """A blob trust policy document that keeps every rule. `content` is the document as it was written."""

    version: str
    statements: tuple[Statement, ...]
    content: bytes = field(repr=False)
    unknown_members: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """The policy; raises TrustPolicyError with the first rule that the document breaks."""
        document = read_document(content, GLOBAL)
        return cls(document.version, read_statements(document), content, document.unknown_members)

    @property
    def global_statement(self) -> Statement | None:
        return next((statement for statement in self.statements if statement.is_global), None)

    def choose(self, name: str) -> Choice:
        """The statement of that name; where no name is given, the global one."""
        if not name:
            found = self.global_statement
            if found is None:
                return Choice(None, "no_global_statement", "No statement was named, and none is global.")
            return Choice(found, "global", f"Statement {found.name} applies where none is named.")
        # notation takes a name of nothing but blanks for none at all, and refuses it
        found = next((statement for statement in self.statements if statement.name == name and name.strip()), None)
        if found is None:
            return Choice(None, "no_such_statement", f"The blob trust policy has no statement {quote(name)}.")
        return Choice(found, "named", f"Statement {found.name} was named.")
