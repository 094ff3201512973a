"""The part of CMS (RFC 5652) that timestamp tokens use: signed data, read as strictly as notation reads it."""

from dataclasses import dataclass, field

from trust.notary import der
from trust.notary.ber import BerError, element, to_der
from trust.notary.der import DerError, Reader
from trust.notary.errors import LimitError, TimestampError
from trust.notary.x509_signatures import algorithm_identifier

SIGNED_DATA = "1.2.840.113549.1.7.2"
MAX_CERTIFICATES = 10
MAX_SIGNERS = 4
CONTENT, CERTIFICATES, REVOCATION_LISTS = (der.context(number, constructed=True) for number in (0, 0, 1))
SIGNED_ATTRIBUTES, UNSIGNED_ATTRIBUTES = (der.context(number, constructed=True) for number in (0, 1))


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer's signature over the signed attributes. What it says is vouched for once that signature is checked."""

    version: int
    issuer: bytes
    serial: int
    digest_algorithm: str
    signature_algorithm: str
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    "What the signature is made over: the signed attributes as a DER set, empty if there are none."
    attributes: tuple[tuple[str, bytes], ...] = field(repr=False)
    "The type of each signed attribute, and the whole of it."

    def attribute(self, oid: str) -> Reader | None:
        """A reader of the one value that the attribute has; None if it is absent. Raises DerError."""
        content = next((content for name, content in self.attributes if name == oid), None)
        if content is None:
            return None
        attribute = Reader(content).inside()
        attribute.oid()
        values = attribute.inside(der.SET)
        value = values.any()[2]
        end(values, f"attribute {oid}")
        return Reader(value)


@dataclass(frozen=True, slots=True)
class SignedData:
    """Some content, who signed it, and certificates that may help to find out."""

    content_type: str
    content: bytes
    certificates: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]


def read_signed_data(content: bytes) -> SignedData:
    """Read a ContentInfo that holds signed data; raises TimestampError or LimitError."""
    try:
        return _signed_data(_content_info(to_der(content)))
    except LimitError as error:
        raise LimitError(f"the timestamp token is too large: {error}", code="timestamp_limit") from error
    except (BerError, DerError) as error:
        raise TimestampError(f"the timestamp token cannot be read: {error}") from error


def end(reader: Reader, what: str) -> None:
    """Raise unless nothing is left to read."""
    if not reader.empty:
        raise DerError(f"something follows in the {what}")


def _content_info(content: bytes) -> Reader:
    outer = Reader(content).inside()
    if outer.oid() != SIGNED_DATA:
        raise DerError("it holds no signed data")
    signed_data = outer.inside(CONTENT)
    end(outer, "content info")
    return signed_data


def _signed_data(holder: Reader) -> SignedData:
    reader = holder.inside()
    end(holder, "content info")
    if reader.integer() != 3:
        raise DerError("the version of the signed data is not 3")
    _skip_algorithms(reader.inside(der.SET))
    content_type, content = _encapsulated(reader.inside())
    certificates = _certificates(Reader(reader.optional(CERTIFICATES) or b""))
    if reader.optional(REVOCATION_LISTS):
        raise DerError("it holds revocation lists, which notation does not read")
    signers = _signers(reader.inside(der.SET))
    end(reader, "signed data")
    return SignedData(content_type, content, certificates, signers)


def _skip_algorithms(reader: Reader) -> None:
    """The digest algorithms that the signers use; each signer names its own again."""
    while not reader.empty:
        algorithm_identifier(reader.read(der.SEQUENCE))


def _encapsulated(reader: Reader) -> tuple[str, bytes]:
    content_type = reader.oid()
    content = b""
    if not reader.empty:
        explicit = reader.inside(CONTENT)
        content = explicit.read(der.OCTET_STRING)
        end(explicit, "content")
    end(reader, "content")
    return content_type, content


def _certificates(reader: Reader) -> tuple[bytes, ...]:
    found: list[bytes] = []
    while not reader.empty:
        found.append(reader.element(der.SEQUENCE))
        if len(found) > MAX_CERTIFICATES:
            raise LimitError(f"at most {MAX_CERTIFICATES} certificates are read")
    return tuple(found)


def _signers(reader: Reader) -> tuple[SignerInfo, ...]:
    found: list[SignerInfo] = []
    while not reader.empty:
        found.append(_signer(reader.inside()))
        if len(found) > MAX_SIGNERS:
            raise LimitError(f"at most {MAX_SIGNERS} signers are read")
    return tuple(found)


def _signer(reader: Reader) -> SignerInfo:
    version = reader.integer()
    issuer_and_serial = reader.inside()
    issuer, serial = issuer_and_serial.element(der.SEQUENCE), issuer_and_serial.integer()
    end(issuer_and_serial, "signer's name")
    digest_algorithm = algorithm_identifier(reader.read(der.SEQUENCE))[0]
    attributes = _attributes(Reader(reader.optional(SIGNED_ATTRIBUTES) or b""))
    signer = SignerInfo(
        version=version,
        issuer=issuer,
        serial=serial,
        digest_algorithm=digest_algorithm,
        signature_algorithm=algorithm_identifier(reader.read(der.SEQUENCE))[0],
        signature=reader.read(der.OCTET_STRING),
        signed=element(der.SET, b"".join(sorted(attributes.values()))) if attributes else b"",
        attributes=tuple(attributes.items()),
    )
    reader.optional(UNSIGNED_ATTRIBUTES)
    end(reader, "signer")
    return signer


def _attributes(reader: Reader) -> dict[str, bytes]:
    """The whole element of every attribute, by its type; no type may appear twice."""
    found: dict[str, bytes] = {}
    while not reader.empty:
        content = reader.element(der.SEQUENCE)
        attribute = Reader(content).inside()
        name = attribute.oid()
        attribute.read(der.SET)
        end(attribute, f"attribute {name}")
        if name in found:
            raise DerError(f"the attribute {name} appears twice")
        found[name] = content
    return found
