"""Evidence: what the bytes of one signature envelope prove, whatever the policy and the clock."""

from dataclasses import dataclass, replace

from registries.oci.digest import Digest
from registries.oci.values import quickly_made
from trust.notary import cose, jws
from trust.notary.certificates import Certificate
from trust.notary.envelope import Envelope
from trust.notary.errors import LimitError, NotaryError, UnsupportedError, quote
from trust.notary.fault import Fault
from trust.notary.media_types import COSE, JWS
from trust.notary.signed import Attribute, Scheme, Signed
from trust.notary.timestamp import TimestampEvidence, examine_timestamp
from trust.notary.trust_store import TrustStores

__all__ = ["EVIDENCE_VERSION", "Attribute", "Evidence", "Fault", "Scheme", "Signed", "examine"]

EVIDENCE_VERSION = 2
MAX_ENVELOPE = 1 << 20  # notation reads 32 MiB; a real envelope has some kilobytes
PARSERS = {JWS: jws.parse, COSE: cose.parse}


@quickly_made
@dataclass(frozen=True, slots=True)
class Evidence:
    """One examined envelope: either `signed` and `chain` (leaf first), or the fault and what the bytes only claim."""

    media_type: str
    envelope: Digest
    size: int
    integrity: Fault | None
    signed: Signed | None
    unverified_signed: Signed | None
    chain: tuple[Certificate, ...]
    unverified_chain: tuple[Certificate, ...]
    unverified_signing_agent: str
    unverified_timestamp_token: bytes | None
    timestamp: TimestampEvidence | None = None
    "What the token proves, where the scheme is one of those that have tokens."

    def with_roots(self, stores: TrustStores) -> "Evidence":
        """The same, knowing also which certificates of its timestamp the roots of tsa stores signed."""
        if self.timestamp is None or not self.timestamp.signers:
            return self
        roots = [certificate for store in stores if store.type == "tsa" for certificate in store.certificates]
        return replace(self, timestamp=self.timestamp.with_roots(roots))


def examine(content: bytes, media_type: str) -> Evidence:
    """Examine an envelope of that layer media type; whatever the bytes are, the answer is evidence."""
    try:
        envelope = _parse(content, media_type)
    except NotaryError as error:
        return _broken(content, media_type, error, None)
    try:
        signed, chain = envelope.open()
    except NotaryError as error:
        return _broken(content, media_type, error, envelope)
    return Evidence(
        media_type=media_type,
        envelope=Digest.of(content),
        size=len(content),
        integrity=None,
        signed=signed,
        unverified_signed=None,
        chain=chain,
        unverified_chain=(),
        unverified_signing_agent=envelope.unverified_signing_agent,
        unverified_timestamp_token=envelope.unverified_timestamp_token,
        timestamp=_timestamp(envelope, signed),
    )


def _timestamp(envelope: Envelope, signed: Signed) -> TimestampEvidence | None:
    """A signing authority vouches for the time itself: beside its signature nobody reads a token."""
    token = envelope.unverified_timestamp_token
    if not token or signed.scheme is not Scheme.x509:
        return None
    return examine_timestamp(token, envelope.unverified_signature)


def _parse(content: bytes, media_type: str) -> Envelope:
    parser = PARSERS.get(media_type)
    if parser is None:
        raise UnsupportedError(f"{quote(media_type)} is no media type of a signature envelope", code="envelope_type")
    if len(content) > MAX_ENVELOPE:
        raise LimitError(
            f"the envelope has {len(content)} bytes; at most {MAX_ENVELOPE} are read", code="envelope_size"
        )
    return parser(content)


def _broken(content: bytes, media_type: str, error: NotaryError, envelope: Envelope | None) -> Evidence:
    """The evidence of an envelope whose integrity does not hold: why, and what it claims as far as it can be read."""
    return Evidence(
        media_type=media_type,
        envelope=Digest.of(content),
        size=len(content),
        integrity=Fault.of(error),
        signed=None,
        unverified_signed=envelope.unverified_signed() if envelope else None,
        chain=(),
        unverified_chain=envelope.unverified_certificates() if envelope else (),
        unverified_signing_agent=envelope.unverified_signing_agent if envelope else "",
        unverified_timestamp_token=envelope.unverified_timestamp_token if envelope else None,
    )
