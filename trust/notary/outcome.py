"""What judging a signature answers: every validation with its status, the word for people, notation's own answer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from registries.oci.values import quickly_made
from trust.notary.certificates import Certificate
from trust.notary.levels import Action, Validation


class CheckStatus(StrEnum):
    """How one validation went."""

    passed = "pass"
    failed = "fail"
    skipped = "skipped"
    not_run = "not run"  # its inputs do not exist
    not_evaluated = "not evaluated"  # its inputs exist somewhere, but not here


UNDECIDED = (
    "revocation_unknown",
    "tsa_revocation_unknown",
)  # failures in notation's eyes that prove nothing against the signature


class Word(StrEnum):
    """Signboard's word for a signature or an artifact."""

    verified = "verified"
    verified_with_exceptions = "verified_with_exceptions"
    untrusted = "untrusted"
    failed = "failed"
    unsigned = "unsigned"
    not_checked = "not_checked"
    unknown = "unknown"
    stale = "stale"

    @property
    def is_green(self) -> bool:
        return self in (Word.verified, Word.verified_with_exceptions)


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that changes no word."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AuthenticTime:
    """When the signature was made, as far as somebody trusted says so: a timestamp authority, or a signing authority."""

    source: Literal["none", "tsa", "authority"] = "none"
    low: datetime | None = None
    high: datetime | None = None
    chain: tuple[Certificate, ...] = ()
    "Of the timestamp authority that says so, or would if it is not revoked; empty where none of it can be revoked."


@dataclass(frozen=True, slots=True)
class CertificateAnswer:
    """What was found out about the revocation of one certificate: from where, as of when, and for how long."""

    certificate: str  # thumbprint
    standing: str  # a revocation.Standing, or "revoked_later": after the signature was made
    source: str = ""
    as_of: datetime | None = None
    until: datetime | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class CheckResult:
    """One validation of one signature: the value seen, the value wanted, and the smallest change that would flip it."""

    validation: Validation
    action: Action
    status: CheckStatus
    code: str
    message: str
    seen: str = ""
    wanted: str = ""
    nearest_fix: str = ""
    reached_by_notation: bool = True
    certificate: str = ""
    store: str = ""
    until: datetime | None = None  # when what it rests on runs out, and can be had anew
    doubts: tuple[Note, ...] = ()  # why what it rests on is less than it should be, although notation takes it
    answers: tuple[CertificateAnswer, ...] = ()  # about the signer's certificates, or those of a timestamp's authority

    @property
    def is_plain(self) -> bool:
        """Whether nothing follows from it: it was enforced, and passed without doubts."""
        return self.status is CheckStatus.passed and self.action is Action.enforce and not self.doubts

    @property
    def is_critical(self) -> bool:
        """Whether it fails, and the statement does not let a failure pass."""
        return self.action is Action.enforce and self.status is CheckStatus.failed

    @property
    def is_undecided(self) -> bool:
        """Whether nobody here can say how it goes, be it that notation calls that a failure."""
        return self.status in (CheckStatus.not_evaluated, CheckStatus.not_run) or self.code in UNDECIDED

    @property
    def is_open(self) -> bool:
        """Whether a statement enforces it, and nobody here can say how it goes."""
        return self.action is Action.enforce and self.is_undecided


@quickly_made
@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one signature, judged alone; `verified`, `skipped` and `error` are notation's answer."""

    word: Word
    reason: str
    message: str
    statement: str
    level: str
    results: tuple[CheckResult, ...]
    verified: bool = False
    skipped: bool = False
    error: str = ""
    signer: str = ""
    green_until: datetime | None = None  # the earliest of its own deadlines; None: it has none, or is not green
    stands_until: datetime | None = None  # when the first answer runs out on which it rests; those are renewed
    notes: tuple[Note, ...] = ()
    authentic_time: AuthenticTime = AuthenticTime()

    @property
    def holds_until(self) -> datetime | None:
        """The earliest instant at which it would turn if nobody asked anything anew."""
        return min((moment for moment in (self.green_until, self.stands_until) if moment), default=None)

    def result(self, validation: Validation | str) -> CheckResult:
        wanted = Validation(validation)
        return next(result for result in self.results if result.validation is wanted)


@dataclass(frozen=True, slots=True)
class SignatureFault:
    """A listed signature without an envelope to examine: its manifest is unreadable, or a blob is not to be had."""

    word: Word  # failed or unknown
    reason: str
    message: str
    ends_notation: bool = True  # whether notation gives up on the whole artifact when its turn comes


@dataclass(frozen=True, slots=True)
class NotationVerdict:
    """What notation would answer for an artifact as a whole."""

    verified: bool
    skipped: bool = False
    error: str = ""
