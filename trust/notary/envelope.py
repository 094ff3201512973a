"""A signature envelope, and the checks that both of its forms have in common; they end in what is signed, or in an error."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from trust.notary.algorithms import Algorithm, verifies
from trust.notary.certificates import Certificate
from trust.notary.chains import check_code_signing_chain
from trust.notary.errors import CertificateError, EnvelopeError, LimitError, NotaryError, quote
from trust.notary.media_types import PAYLOAD
from trust.notary.payload import Payload
from trust.notary.signed import Attribute, Signed
from trust.notary.x509 import parse

MAX_CERTIFICATES = 10
SIGNING_SCHEME = "io.cncf.notary.signingScheme"
SIGNING_TIME = "io.cncf.notary.signingTime"
AUTHENTIC_SIGNING_TIME = "io.cncf.notary.authenticSigningTime"
EXPIRY = "io.cncf.notary.expiry"
TIMES = (SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY)
VERIFICATION_PLUGIN = "io.cncf.notary.verificationPlugin"
VERIFICATION_PLUGIN_MIN_VERSION = "io.cncf.notary.verificationPluginMinVersion"
TIMESTAMP_SIGNATURE = "io.cncf.notary.timestampSignature"
SIGNING_AGENT = "io.cncf.notary.signingAgent"
NO_TIME = datetime.min.replace(tzinfo=UTC)
"Go's zero time: an envelope that says this says nothing."


@dataclass(frozen=True, slots=True)
class Envelope(ABC):
    """An envelope whose parts were found; nothing in it is vouched for until `open` returns."""

    unverified_chain: tuple[bytes, ...]
    unverified_signing_agent: str
    unverified_timestamp_token: bytes | None
    unverified_signature: bytes

    exact_salt: ClassVar[bool]
    "Whether a PSS signature must have a salt as long as its hash."

    @abstractmethod
    def _unverified_algorithm(self) -> Algorithm:
        """The algorithm that the protected header names."""

    @abstractmethod
    def _signed_bytes(self) -> bytes:
        """What the signature is made over."""

    @abstractmethod
    def _unverified_signed(self) -> Signed:
        """What would be signed; raises where the rules of the protected header are broken."""

    def open(self) -> tuple[Signed, tuple[Certificate, ...]]:
        """What the signature vouches for, and its certificates; raises NotaryError if anything does not hold."""
        chain = tuple(map(Certificate.parse, self.unverified_chain))
        if not chain:
            raise EnvelopeError("the envelope holds no certificate chain", code="chain_missing")
        algorithm = self._unverified_algorithm()
        _check_algorithm(algorithm, chain[0])
        if not verifies(
            algorithm,
            parse(chain[0].der).key,
            self.unverified_signature,
            self._signed_bytes(),
            exact_salt=self.exact_salt,
        ):
            raise EnvelopeError(
                "the signature does not fit what is signed and the signing certificate", code="signature_invalid"
            )
        signed = self._unverified_signed()
        _check_payload(signed)
        _check_times(signed)
        check_code_signing_chain(chain)
        return signed, chain

    def unverified_signed(self) -> Signed | None:
        """What the envelope claims to be signed, if its header can be read."""
        with suppress(NotaryError):
            return self._unverified_signed()
        return None

    def unverified_certificates(self) -> tuple[Certificate, ...]:
        """The certificates that the envelope holds, without those that cannot be read."""
        return tuple(_readable(self.unverified_chain))


def check_chain_length(count: int) -> None:
    if count > MAX_CERTIFICATES:
        raise LimitError(
            f"the envelope holds {count} certificates; at most {MAX_CERTIFICATES} are read", code="chain_length"
        )


def expect(value: object, kind: type, what: str) -> None:
    """Raise unless `value` is exactly of that type."""
    if type(value) is not kind:
        raise EnvelopeError(f"{what} is missing or not of its type", code="attribute_type")


def payload_of(content: bytes | Mapping[str, object]) -> tuple[Payload | None, str]:
    """The payload that these bytes (or this JSON object) are, or why they are none."""
    try:
        return (Payload.parse(content) if isinstance(content, bytes) else Payload.of(content)), ""
    except EnvelopeError as error:
        return None, str(error)


def plugin_of(attributes: tuple[Attribute, ...], name: str) -> str:
    """The value of a plugin attribute; never empty where the attribute is present, since it cannot be ignored then."""
    found = next((attribute.value for attribute in attributes if attribute.name == name), None)
    return "" if found is None else found if found.strip() else quote(found)


def _check_algorithm(algorithm: Algorithm, leaf: Certificate) -> None:
    if not leaf.key:
        raise CertificateError(
            f"the key of the signing certificate {quote(leaf.subject)} ({parse(leaf.der).key_size}) is not supported",
            code="chain_leaf_key",
            certificate=leaf.thumbprint,
        )
    if leaf.key != algorithm.key:
        raise EnvelopeError(
            f"the envelope names the algorithm {algorithm.name}, but the signing key is {leaf.key}",
            code="algorithm_mismatch",
        )


def _check_payload(signed: Signed) -> None:
    if not signed.payload:
        raise EnvelopeError("the payload is empty", code="payload_empty")
    if signed.content_type != PAYLOAD:
        raise EnvelopeError(
            f"the payload has the content type {quote(signed.content_type)} instead of {PAYLOAD}", code="content_type"
        )


def _check_times(signed: Signed) -> None:
    time = signed.signing_time or signed.authentic_signing_time
    if time is None:
        raise EnvelopeError("the envelope has no signing time", code="signing_time_missing")
    if signed.expiry and signed.expiry <= time:
        raise EnvelopeError("the signature expires before or when it was made", code="expiry_before_signing")


def _readable(ders: tuple[bytes, ...]) -> Iterator[Certificate]:
    for der in ders:
        with suppress(CertificateError):
            yield Certificate.parse(der)
