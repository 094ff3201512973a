"""What a timestamp token says (TSTInfo of RFC 3161): when, how exactly, and of what."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from trust.notary import der
from trust.notary.cms import end
from trust.notary.der import DerError, Reader
from trust.notary.errors import TimestampError, UnsupportedError
from trust.notary.x509_signatures import algorithm_identifier

SHA256 = "2.16.840.1.101.3.4.2.1"
HASHES = {SHA256: "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
ETSI_BASELINE_POLICY = "0.4.0.2023.1.1"  # promises an accuracy of one second without saying so
LARGEST_ACCURACY = 1 << 31


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """When something existed at the latest, give or take the accuracy; under which policy, and the token's number."""

    gen_time: datetime
    accuracy: timedelta
    policy: str
    serial: str

    @property
    def low(self) -> datetime:
        """The earliest time that it may have been."""
        try:
            return self.gen_time - self.accuracy
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)

    @property
    def high(self) -> datetime:
        """The latest time that it may have been."""
        try:
            return self.gen_time + self.accuracy
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Imprint:
    """The hash of what was stamped."""

    algorithm: str
    digest: bytes = field(repr=False)

    def check(self, content: bytes) -> None:
        """Raise unless it is the imprint of `content`."""
        if self.algorithm not in HASHES:
            raise TimestampError(
                f"the timestamp's imprint is made with the unsupported hash {self.algorithm}", code="timestamp_imprint"
            )
        if hashlib.new(HASHES[self.algorithm], content).digest() != self.digest:
            raise TimestampError("the timestamp was made for another signature", code="timestamp_imprint")


def read_info(content: bytes) -> tuple[TimestampInfo, Imprint]:
    """Read a TSTInfo; raises TimestampError, or UnsupportedError where the rest may change what it means."""
    try:
        outer = Reader(content)
        reader = outer.inside()
        end(outer, "timestamp")
        return _info(reader)
    except DerError as error:
        raise TimestampError(f"the timestamp in the token cannot be read: {error}") from error


def _info(reader: Reader) -> tuple[TimestampInfo, Imprint]:
    version = reader.integer()
    if version != 1:
        raise TimestampError(f"the timestamp has the version {version} instead of 1", code="timestamp_version")
    policy = reader.oid()
    hashed = reader.inside()
    imprint = Imprint(algorithm_identifier(hashed.read(der.SEQUENCE))[0], hashed.read(der.OCTET_STRING))
    end(hashed, "imprint")
    serial = reader.integer()
    gen_time, was_cut = reader.precise_time()
    accuracy = _accuracy(reader.inside()) if reader.peek() == der.SEQUENCE else timedelta()
    if not accuracy and policy == ETSI_BASELINE_POLICY:
        accuracy = timedelta(seconds=1)
    if reader.peek() == der.BOOLEAN:
        reader.boolean()  # ordering
    if reader.peek() == der.INTEGER:
        reader.integer()  # nonce
    reader.optional(der.context(0, constructed=True))  # the authority's name, which its certificate says better
    _check_extensions(Reader(reader.optional(der.context(1, constructed=True)) or b""))
    end(reader, "timestamp")
    if was_cut:
        accuracy += timedelta(microseconds=1)
    return TimestampInfo(gen_time, accuracy, policy, f"{serial:x}"), imprint


def _accuracy(reader: Reader) -> timedelta:
    seconds = reader.integer() if reader.peek() == der.INTEGER else 0
    millis, micros = (
        reader.integer(der.context(number)) if reader.peek() == der.context(number) else 0 for number in (0, 1)
    )
    end(reader, "accuracy")
    if not 0 <= seconds < LARGEST_ACCURACY or not 0 <= millis <= 999 or not 0 <= micros <= 999:
        raise DerError("the accuracy is out of its range")
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _check_extensions(extensions: Reader) -> None:
    while not extensions.empty:
        extension = extensions.inside()
        oid = extension.oid()
        is_critical = extension.boolean() if extension.peek() == der.BOOLEAN else False
        extension.read(der.OCTET_STRING)
        end(extension, "timestamp's extension")
        if is_critical:
            raise UnsupportedError(
                f"the timestamp has the critical extension {oid}, which nobody here knows", code="timestamp_unsupported"
            )
