"""The one reader of foreign CBOR: definite lengths, no duplicate keys, no trailing bytes, few types, and tag 1 alone."""

from dataclasses import dataclass
from io import BytesIO
from typing import NoReturn

from cbor2 import CBORDecodeError, CBORDecoder

MAX_DEPTH = 16
LARGEST, SMALLEST = 2**63 - 1, -(2**63)  # go-cose holds integers in 64 bits
STRINGS = frozenset({str, bytes})
SCALARS = STRINGS | {int, bool, float, type(None)}
# The tags that cbor2 would decode by itself; all others reach its tag_hook. A test walks through the tags.
BUILT_IN_TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)


class CborError(ValueError):
    """The bytes are not the CBOR that an envelope is made of."""


@dataclass(frozen=True, slots=True)
class Time:
    """Tag 1: seconds since 1970."""

    seconds: int | float


def loads(content: bytes) -> object:
    """The value of `content`; raises CborError."""
    stream = BytesIO(content)
    decoder = CBORDecoder(
        stream,
        semantic_decoders=_TAGS,
        tag_hook=_refuse_tag,
        read_size=1,
        max_depth=MAX_DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
    )
    try:
        value = decoder.decode()
    except (CBORDecodeError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise CborError(str(error)) from error
    if stream.tell() != len(content):
        raise CborError("bytes follow the value")
    _check_types(value)
    return value


def byte_string(content: bytes) -> bytes:
    """`content` as a CBOR byte string, its length in the shortest form."""
    size = len(content)
    if size < 24:
        return bytes([0x40 | size]) + content
    width = next(width for width in (1, 2, 4, 8) if size < 1 << 8 * width)
    return bytes([0x57 + width.bit_length()]) + size.to_bytes(width) + content


def _time(value: object, _: bool) -> Time:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise CborError("a time is not a number")
    _check_types(value)
    return Time(value)


def _refuse_tag(*_: object) -> NoReturn:
    raise CborError("it holds a tag that envelopes do not have")


_TAGS = {1: _time} | dict.fromkeys(BUILT_IN_TAGS, _refuse_tag)


def _check_types(value: object) -> None:
    """Raise unless `value` is made of the types of an envelope; its depth was bounded by the decoder."""
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                if type(key) is not int:
                    raise CborError("a map has a key that is neither integer nor text")
                _check_types(key)
            if type(item) not in STRINGS:
                _check_types(item)
    elif type(value) is list:
        for item in value:
            if type(item) not in STRINGS:
                _check_types(item)
    elif type(value) is not Time and type(value) not in SCALARS:
        raise CborError("it holds a value of a type that envelopes do not have")
    if type(value) is int and not SMALLEST <= value <= LARGEST:
        raise CborError("it holds an integer of more than 64 bits")
