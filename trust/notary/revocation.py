"""What authorities answered about the certificates of a chain, and what follows from their answers at an instant.

An answer was examined when it came (`ocsp`, `crl`): who signed it is evidence. Here nothing is verified, and nobody is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from registries.oci.values import quickly_made
from trust.notary.certificates import Certificate
from trust.notary.errors import quote
from trust.notary.outcome import CertificateAnswer, Note
from trust.notary.revocation_answers import (
    NO_ANSWERS,
    Answer,
    Asked,
    Entry,
    RevocationAnswers,
    Source,
    SourceKind,
    Statement,
)

__all__ = [
    "DOUBTS",
    "NO_ANSWERS",
    "Answer",
    "Asked",
    "CertificateStanding",
    "ChainStanding",
    "Entry",
    "RevocationAnswers",
    "Source",
    "SourceKind",
    "Standing",
    "Statement",
    "standing_of",
]

TEMPORARY = ("certificateHold", "removeFromCRL")  # of these reasons the newest entry decides
DOUBTS = {  # what the RFCs forbid and notation accepts: such an answer counts, but not without saying so
    "responder_without_purpose": "The OCSP responder's certificate is not one for signing OCSP answers.",
    "responder_without_nocheck": "Nothing says that the OCSP responder's certificate need not be checked itself.",
    "responder_outside_validity": "The OCSP responder's certificate was not valid when it answered.",
    "answer_names_other_issuer": "The answer names another issuer of the certificate.",
    "crl_for_other_place": "The CRL says that it belongs to another address than the one that was asked.",
    "crl_for_other_certificates": "The CRL says that it is not about certificates of this kind, or not about all reasons.",
    "crl_is_only_a_delta": "The CRL is a delta to another one, which was not named as its base.",
    "answer_from_the_future": "The answer is dated later than the time of checking.",
}


class Standing(StrEnum):
    """What revocation says of a certificate, or of a chain as a whole."""

    good = "good"
    no_source = "no_source"
    revoked = "revoked"
    unknown = "unknown"  # asked, and nobody could or would say
    not_evaluated = "not_evaluated"  # not asked yet


@quickly_made
@dataclass(frozen=True, slots=True)
class CertificateStanding:
    """What the answers say of one certificate, and which sources were looked at for it."""

    certificate: Certificate
    standing: Standing
    source: Source | None = None
    answer: Answer | None = None
    entry: Entry | None = None  # its revocation; of a good one, the one that came after the signature
    cause: str = ""  # why it is unknown
    doubts: tuple[str, ...] = ()
    consulted: tuple[Source, ...] = ()
    missing: Source | None = None

    @property
    def until(self) -> datetime | None:
        return self.answer.next_update if self.answer else None

    @property
    def as_answer(self) -> CertificateAnswer:
        as_of = self.answer.this_update if self.answer else None
        url = self.source.url if self.source and self.answer else ""
        later = self.standing is Standing.good and self.entry is not None
        standing = "revoked_later" if later else self.standing.value
        return CertificateAnswer(self.certificate.thumbprint, standing, url, as_of, self.until)


@dataclass(frozen=True, slots=True)
class ChainStanding:
    """What the answers say of a chain; `deciding` is the certificate nearest to the leaf that says so."""

    standing: Standing
    deciding: CertificateStanding | None
    certificates: tuple[CertificateStanding, ...]
    at: datetime

    @property
    def answers(self) -> tuple[CertificateAnswer, ...]:
        return tuple(one.as_answer for one in self.certificates)

    @property
    def until(self) -> datetime | None:
        """When the first of the answers runs out on which a good standing rests."""
        ends = [end for one in self.certificates if (end := one.until)]
        return min(ends, default=None) if self.standing is Standing.good else None

    @property
    def consulted(self) -> frozenset[Source]:
        return frozenset(source for one in self.certificates for source in one.consulted)

    @property
    def missing(self) -> frozenset[Source]:
        """Whom to ask next: those whose answers would count, and who were not asked."""
        return frozenset(one.missing for one in self.certificates if one.missing)

    @property
    def doubts(self) -> tuple[Note, ...]:
        codes = dict.fromkeys(code for one in self.certificates for code in one.doubts)
        return tuple(Note(code, DOUBTS[code]) for code in codes)


def standing_of(
    chain: Sequence[Certificate], answers: RevocationAnswers, at: datetime, signed_at: datetime | None = None
) -> ChainStanding:
    """What the answers say at `at` of every certificate below the root.

    `signed_at` is given where somebody trusted vouches for it: a key that became invalid later was still good then.
    """
    walks = [_Walk(certificate, issuer, answers, at, signed_at) for certificate, issuer in pairwise(chain)]
    found = tuple(walk.standing() for walk in walks)
    for standing in (Standing.revoked, Standing.unknown, Standing.not_evaluated):
        if deciding := next((one for one in found if one.standing is standing), None):
            return ChainStanding(standing, deciding, found, at)
    good = any(one.standing is Standing.good for one in found)
    return ChainStanding(Standing.good if good else Standing.no_source, None, found, at)


class _UnusableError(Exception):
    """A source has no answer that counts; the text says why."""


class _NotAskedError(Exception):
    """A source was not asked about the certificate."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way through the sources of one certificate, in notation's order: OCSP, and the CRLs where that is unknown."""

    certificate: Certificate
    issuer: Certificate
    answers: RevocationAnswers
    at: datetime
    signed_at: datetime | None

    def standing(self) -> CertificateStanding:
        if not self.certificate.ocsp_urls:
            return self._by_crl() if self.certificate.crl_urls else self._found(Standing.no_source)
        by_ocsp = self._by_ocsp()
        if by_ocsp.standing is not Standing.unknown or not self.certificate.crl_urls:
            return by_ocsp
        by_crl = self._by_crl()
        cause = f"{by_ocsp.cause} {by_crl.cause}" if by_crl.standing is Standing.unknown else ""
        return replace(by_crl, cause=cause, consulted=by_ocsp.consulted + by_crl.consulted)

    def _by_ocsp(self) -> CertificateStanding:
        """The first responder that knows what to say ends the search, even if that is that it knows nothing."""
        consulted: list[Source] = []
        causes: list[str] = []
        for url in self.certificate.ocsp_urls:
            source = Source(SourceKind.ocsp, url, self.issuer.thumbprint, self.certificate.thumbprint)
            consulted.append(source)
            try:
                answer, statement = self._usable(source)
            except _NotAskedError:
                return self._found(Standing.not_evaluated, consulted, source=source, missing=source)
            except _UnusableError as error:
                causes.append(f"{quote(url)}: {error}.")
                continue
            seen = self._found(Standing.good, consulted, source, answer, self._doubts(answer, statement))
            if not statement.is_known:
                cause = f"{quote(url)}: the responder does not know the certificate."
                return replace(seen, standing=Standing.unknown, cause=cause)
            return self._revoked_or_good(seen, statement.entries[-1] if statement.entries else None)
        return replace(self._found(Standing.unknown, consulted), cause=" ".join(causes))

    def _by_crl(self) -> CertificateStanding:
        """Every place must answer, for each may hold a part; one that says revoked ends the search."""
        consulted: list[Source] = []
        parts: list[CertificateStanding] = []
        for url in self.certificate.crl_urls:
            source = Source(SourceKind.crl, url, self.issuer.thumbprint)
            consulted.append(source)
            try:
                answer, statement = self._usable(source)
                seen = self._found(Standing.good, consulted, source, answer, self._doubts(answer, statement))
                part = self._revoked_or_good(seen, self._listed(statement))
            except _NotAskedError:
                return self._found(Standing.not_evaluated, consulted, source=source, missing=source)
            except _UnusableError as error:
                return replace(self._found(Standing.unknown, consulted, source), cause=f"{quote(url)}: {error}.")
            if part.standing is Standing.revoked:
                return part
            parts.append(part)
        first = min(parts, key=lambda part: part.until or self.at)
        doubts = tuple(dict.fromkeys(code for part in parts for code in part.doubts))
        entry = next((part.entry for part in parts if part.entry), None)
        return replace(first, consulted=tuple(consulted), doubts=doubts, entry=entry)

    def _usable(self, source: Source) -> tuple[Answer, Statement]:
        """The answer that counts at this instant, and what it says of the certificate."""
        if not source.is_supported:
            raise _UnusableError("only http addresses are asked")
        asked = self.answers.asked.get(source)
        if asked is None:
            raise _NotAskedError
        answer = asked.answer
        if answer is None:
            raise _UnusableError(asked.fault)
        statement = answer.says.get(self.certificate.thumbprint)
        if statement is None:
            raise _NotAskedError
        since = f"; since then {asked.fault}" if asked.fault else ""
        if answer.next_update is None:
            raise _UnusableError(f"the answer does not say until when it holds{since}")
        if self.at > answer.next_update:
            raise _UnusableError(f"the answer held until {answer.next_update:%Y-%m-%d %H:%M:%S} UTC{since}")
        if statement.fault:
            raise _UnusableError(statement.fault)
        return answer, statement

    def _listed(self, statement: Statement) -> Entry | None:
        """The entry of a CRL that counts: the first lasting one, or else the newest, unless that takes the others back."""
        newest: Entry | None = None
        for entry in statement.entries:
            if entry.fault:
                raise _UnusableError(entry.fault)
            if self._came_later(entry) or entry.reason not in TEMPORARY:
                return entry
            if newest is None or newest.revoked_at < entry.revoked_at:
                newest = entry
        return newest if newest and newest.reason == "certificateHold" else None

    def _revoked_or_good(self, seen: CertificateStanding, entry: Entry | None) -> CertificateStanding:
        revoked = entry is not None and not self._came_later(entry)
        return replace(seen, standing=Standing.revoked if revoked else Standing.good, entry=entry)

    def _came_later(self, entry: Entry) -> bool:
        """Whether the key was still valid when the signature was made, for which somebody trusted vouches."""
        return bool(self.signed_at and entry.invalid_since and self.signed_at < entry.invalid_since)

    def _doubts(self, answer: Answer, statement: Statement) -> tuple[str, ...]:
        return statement.doubts + (("answer_from_the_future",) if answer.this_update > self.at else ())

    def _found(
        self,
        standing: Standing,
        consulted: Sequence[Source] = (),
        source: Source | None = None,
        answer: Answer | None = None,
        doubts: tuple[str, ...] = (),
        missing: Source | None = None,
    ) -> CertificateStanding:
        return CertificateStanding(
            self.certificate,
            standing,
            source,
            answer,
            doubts=doubts,
            consulted=tuple(consulted),
            missing=missing,
        )
