"""Recognising private keys, so that none is taken for a certificate, kept, or sent back in a page."""

import base64
import binascii
import re
from collections.abc import Iterator

_MARKS = (b"PRIVATE KEY-", b"Private-Lines:")  # PEM and OpenSSH; PuTTY
# By the first elements alone, so that a damaged key is one, too, and nothing of a hostile one is computed with.
# A certificate begins with a sequence within a sequence, and in that with a version or a serial number.
_DER = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)"
    rb"(?:\x02\x01[\x00\x01][\x02\x04\x30]"  # PKCS#1, SEC 1, PKCS#8
    rb"|\x02\x01\x03\x30"  # PKCS#12
    rb"|\x30[\x00-\x7f]\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05|\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01))",  # encrypted
    re.DOTALL,
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}")
_HEAD = 64  # characters of base64 that tell


def holds_private_key(content: bytes) -> bool:
    """Whether a private key stands in it: as PEM, as DER, or as either in base64 under whatever heading."""
    if _is_key(content) or any(_is_key(head) for head in _decoded(content)):
        return True
    return b"\0" in content and any(mark in content.replace(b"\0", b"") for mark in _MARKS)  # UTF-16


def _is_key(content: bytes) -> bool:
    return _DER.match(content) is not None or any(mark in content for mark in _MARKS)


def _decoded(content: bytes) -> Iterator[bytes]:
    """The beginning of each run of base64."""
    for run in _BASE64.finditer(content):
        head = run[0][:_HEAD]
        try:
            yield base64.b64decode(head[: len(head) // 4 * 4])
        except binascii.Error:
            continue
