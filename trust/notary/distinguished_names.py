"""Distinguished names as notation treats them: printed as Go prints a subject, read as RFC 4514, compared as maps."""

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from trust.notary.errors import DistinguishedNameError, quote

MANDATORY = ("C", "ST", "O")
ESCAPED = str.maketrans({character: "\\" + character for character in ',+"\\<>;'})
SPECIAL = re.compile(r"""[,+"\\<>;]|^[ #]| $""")
ESCAPABLE = frozenset(' "#+,;<=>\\')
PLAIN = re.compile(r" *+[0-9A-Za-z.][^=,;+\\]*+=[^,;+\\]*+(?:, *+[0-9A-Za-z.][^=,;+\\]*+=[^,;+\\]*+)*+", re.ASCII)
"A name without escapes and joined attributes, as nearly all are."
HEX = frozenset(string.hexdigits)
PRINTABLE_STRING = frozenset(string.ascii_letters + string.digits + " '()+,-./:=?")

# Printed in this order, last to first; all values of one type stand in one RDN, whatever RDN they came from.
GROUPED = {
    "2.5.4.6": "C",
    "2.5.4.8": "ST",
    "2.5.4.7": "L",
    "2.5.4.9": "STREET",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
}
SINGLE = {"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER"}  # of several the last one counts
NAMED = frozenset({*GROUPED, *SINGLE})


@dataclass(frozen=True, slots=True)
class NameAttribute:
    """One attribute of a certificate's name: its type as a dotted OID, and its value as text."""

    oid: str
    value: str


def print_name(attributes: Sequence[NameAttribute]) -> str:
    """The text of a name as Go's `pkix.Name.String` gives it; `attributes` in the certificate's order."""
    by_type: dict[str, list[str]] = {}
    for attribute in attributes:
        by_type.setdefault(attribute.oid, []).append(attribute.value)
    rdns = [f"{a.oid}=#{_der_string(a.value).hex()}" for a in attributes if a.oid not in NAMED]
    for oid, name in GROUPED.items():
        if values := by_type.get(oid):
            rdns.append("+".join([f"{name}={_escape(value)}" for value in values]))
    for oid, name in SINGLE.items():
        if (values := by_type.get(oid)) and values[-1]:
            rdns.append(f"{name}={_escape(values[-1])}")
    return ",".join(reversed(rdns))


def last_value(attributes: Sequence[NameAttribute], oid: str) -> str:
    """The last value of that type, or nothing."""
    return next((a.value for a in reversed(attributes) if a.oid == oid), "")


@lru_cache(maxsize=1024)  # signers sign often
def parse_subject(text: str) -> Mapping[str, str]:
    """The attributes of an `x509.subject` identity, or of a printed subject; raises what the specification refuses."""
    if "=#" in text:
        raise DistinguishedNameError(f'the distinguished name {quote(text)} holds "=#", which is not supported')
    found: dict[str, str] = {}
    for name, value, joined in _attributes(text):
        if joined:
            raise DistinguishedNameError(f'{quote(text)} joins attributes with "+"; such names are not supported')
        key = "ST" if name == "S" else name
        if found.get(key):
            raise DistinguishedNameError(f"the distinguished name {quote(text)} has more than one {quote(key)}")
        found[key] = value
    for name in MANDATORY:
        if not found.get(name):
            raise DistinguishedNameError(
                f"the distinguished name {quote(text)} has no {name}; it needs C, ST (or S) and O"
            )
    return MappingProxyType(found)


def is_subset(wanted: Mapping[str, str], have: Mapping[str, str]) -> bool:
    """Whether each attribute that is wanted is there with exactly that value (an empty value equals none)."""
    return all(have.get(name, "") == value for name, value in wanted.items())


def _attributes(text: str) -> Iterator[tuple[str, str, bool]]:
    """Each attribute's type and value, and whether a plus sign joins it to another; splits before it unescapes."""
    if not text.strip():
        return
    if text.isascii() and PLAIN.fullmatch(text):
        for part in text.split(","):
            name, _, value = part.partition("=")
            yield name.strip(" "), value.strip(" "), False
        return
    name, start, escaped, joined = "", 0, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "=" and not name:
            name, start = _unescape(text[start:position], text), position + 1
        elif character in ",;+":
            joined = joined or character == "+"
            if not name:
                raise DistinguishedNameError(f"the distinguished name {quote(text)} has a part without attribute type")
            yield name, _unescape(text[start:position], text), joined
            name, start, joined = "", position + 1, character == "+"
    if not name:
        raise DistinguishedNameError(f"the distinguished name {quote(text)} ends in a part without attribute type")
    yield name, _unescape(text[start:], text), joined


def _unescape(part: str, text: str) -> str:
    """Without surrounding spaces and escapes; `text` is the whole name, for the message."""
    rest = part.strip(" ")
    if rest.endswith("\\") and part.endswith(" "):
        rest += " "  # the last space was an escaped one
    content = bytearray()
    position = 0
    while position < len(rest):
        if rest[position] != "\\":
            end = rest.find("\\", position)
            plain = rest[position:end] if end > 0 else rest[position:]
            content += plain.encode(errors="surrogatepass")
            position += len(plain)
        elif rest[position + 1 : position + 2] in ESCAPABLE:
            content += rest[position + 1].encode()
            position += 2
        elif len(pair := rest[position + 1 : position + 3]) == 2 and HEX.issuperset(pair):
            content += bytes.fromhex(pair)
            position += 3
        else:
            raise DistinguishedNameError(f"the distinguished name {quote(text)} has a backslash that escapes nothing")
    try:
        return content.decode()
    except UnicodeDecodeError as error:  # no certificate's subject could equal it
        raise DistinguishedNameError(
            f"the distinguished name {quote(text)} escapes bytes that are not UTF-8"
        ) from error


def _escape(value: str) -> str:
    if not SPECIAL.search(value):
        return value
    text = value.translate(ESCAPED)
    if value.startswith((" ", "#")):
        text = "\\" + text
    return text[:-1] + "\\ " if value.endswith(" ") and len(value) > 1 else text


def _der_string(value: str) -> bytes:
    """`value` as Go encodes a string: PrintableString where it can be, else UTF8String."""
    content = value.encode()
    tag = 0x13 if PRINTABLE_STRING.issuperset(value) else 0x0C
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content
