"""Strict reading of what both families of legacy signatures are made of: JSON objects, chains, times, descriptors."""

from collections.abc import Mapping
from datetime import UTC, datetime

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.strict_json import LARGEST_INTEGER, StrictJsonError, loads
from trust.notary.certificates import Certificate, decode_base64
from trust.notary.envelope import check_chain_length
from trust.notary.errors import EnvelopeError, LimitError

MAX_SIGNATURE = 256 * 1024  # a real one has some kilobytes
LATEST = 253_402_300_799  # the end of the year 9999


def check_size(content: bytes) -> None:
    if len(content) > MAX_SIGNATURE:
        raise LimitError(f"the signature has {len(content)} bytes; at most {MAX_SIGNATURE} are read")


def json_object(content: bytes, what: str) -> dict[str, object]:
    try:
        value = loads(content, max_depth=16, max_containers=10_000)
    except StrictJsonError as error:
        raise EnvelopeError(f"{what} is not JSON: {error}") from error
    return member_object(value, what)


def member_object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise EnvelopeError(f"{what} is not a JSON object")
    return value


def text(fields: Mapping[str, object], name: str, what: str) -> str:
    """A member that must be there, as text."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise EnvelopeError(f"{what} has no {name}, or none that is a text", code="attribute_type")
    return value


def certificates(value: object) -> tuple[Certificate, ...]:
    """An `x5c` member: padded base64, leaf first."""
    if not isinstance(value, list) or not value:
        raise EnvelopeError("x5c is no list of certificates", code="chain_missing")
    check_chain_length(len(value))
    return tuple(Certificate.parse(_der(item)) for item in value)


def _der(value: object) -> bytes:
    if not isinstance(value, str):
        raise EnvelopeError("a certificate in x5c is not a text", code="attribute_type")
    try:
        return decode_base64(value.encode())
    except ValueError as error:
        raise EnvelopeError("a certificate in x5c is not base64", code="base64") from error


def unix_time(fields: Mapping[str, object], name: str) -> datetime | None:
    """Seconds since 1970; absent, null and 0 mean that nothing is said."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= LATEST:
        raise EnvelopeError(f"{name} is no number of seconds since 1970", code="attribute_time")
    return datetime.fromtimestamp(value, UTC) if value else None


def descriptor(value: object) -> Descriptor:
    try:
        return Descriptor.from_json(value)
    except OciError as error:
        raise EnvelopeError(f"what is signed cannot be read: {error}", code="payload_target") from error


def bare_descriptor(fields: Mapping[str, object]) -> Descriptor:
    """A descriptor whose media type may be left out; its members stand among others."""
    if fields.get("mediaType"):
        return descriptor({name: fields.get(name) for name in ("mediaType", "digest", "size")})
    size = fields.get("size")
    if type(size) is not int or not 0 <= size <= LARGEST_INTEGER:
        raise EnvelopeError("the size of what is signed is no number", code="payload_target")
    try:
        return Descriptor("", Digest.parse(fields.get("digest")), size)
    except OciError as error:
        raise EnvelopeError(f"the digest of what is signed cannot be read: {error}", code="payload_target") from error
