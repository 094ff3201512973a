"""What authorities answered about certificates: values, as they were read when they came (`ocsp`, `crl`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from registries.oci.digest import Digest

OF_SIGNER = ("responder_without_purpose", "responder_without_nocheck", "responder_outside_validity")


class SourceKind(StrEnum):
    """How a place is asked."""

    ocsp = "ocsp"
    crl = "crl"


@dataclass(frozen=True, slots=True)
class Source:
    """Whom to ask: an OCSP responder about one certificate, or the place of an issuer's CRL. Thumbprints."""

    kind: SourceKind
    url: str
    issuer: str
    certificate: str = ""

    @property
    def is_supported(self) -> bool:
        """Whether the address is one that is asked: plain http, as an answer must not depend on another one."""
        return self.url[:7].lower() == "http://"


@dataclass(frozen=True, slots=True)
class Entry:
    """One revocation, as an answer has it; `fault` says what in it nobody here understands."""

    revoked_at: datetime
    reason: str = ""
    invalid_since: datetime | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What an answer says of one certificate: its revocations in the order given, or that it is not known there."""

    entries: tuple[Entry, ...] = ()
    is_known: bool = True
    fault: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is signed as it must be: when it was true, and what it says of certificates (by thumbprint)."""

    digest: Digest
    delta: Digest | None
    collected_at: datetime
    this_update: datetime
    next_update: datetime | None
    number: int  # of a CRL, or when an OCSP answer was produced: it tells answers of one date apart
    signed_by: str
    says: Mapping[str, Statement]

    def is_newer_than(self, other: "Answer") -> bool:
        """Whether it counts in place of the other. Who serves an old answer again must not win: its own dates decide."""
        if self._is_by_a_doubtful_signer and other._says_revoked and not other._is_by_a_doubtful_signer:
            return False  # whoever holds any certificate of the issuer could take the revocation of it back
        return self._age >= other._age

    @property
    def _age(self) -> tuple[datetime, int, datetime]:
        """A date that had not come when the answer did counts for no more than that: it must not outlast later ones."""
        return min(self.this_update, self.collected_at), self.number, self.collected_at

    @property
    def _is_by_a_doubtful_signer(self) -> bool:
        return any(doubt in OF_SIGNER for statement in self.says.values() for doubt in statement.doubts)

    @property
    def _says_revoked(self) -> bool:
        return any(statement.entries for statement in self.says.values())


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a source: the newest answer, if there ever was one, and why the last attempt failed."""

    answer: Answer | None = None
    fault: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether there is an answer that has not run out; its last instant is still one of it."""
        return self.answer is not None and self.answer.next_update is not None and at <= self.answer.next_update

    def renewed(self, since: datetime, until: datetime) -> "Asked":
        """The same with an answer that holds through `until`, if it has one that holds at `since`."""
        if self.answer is None or self.answer.next_update is None or not self.holds(since):
            return self
        return replace(self, answer=replace(self.answer, next_update=max(self.answer.next_update, until)))


@dataclass(frozen=True, slots=True)
class RevocationAnswers:
    """The answers that a verdict may rest on; a source that is not among them was not asked."""

    asked: Mapping[Source, Asked] = field(default_factory=lambda: MappingProxyType({}))

    def with_(self, source: Source, asked: Asked) -> "RevocationAnswers":
        return RevocationAnswers({**self.asked, source: asked})

    def holding(self, at: datetime) -> "RevocationAnswers":
        """Those that hold at `at`: sources that gave no answer, or one that has run out, count as not asked."""
        return RevocationAnswers({source: asked for source, asked in self.asked.items() if asked.holds(at)})

    def assumed_renewed(self, since: datetime, until: datetime) -> "RevocationAnswers":
        """An assumption for looking ahead: every answer that holds at `since` is given anew, unchanged, through `until`.

        Nobody gave those answers: what is stored is never judged by them.
        """
        return RevocationAnswers({source: asked.renewed(since, until) for source, asked in self.asked.items()})


NO_ANSWERS = RevocationAnswers()
