"""Certificates: their facts, the files that hold them, and the rules of a code-signing chain."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Self

from trust.notary import x509
from trust.notary.algorithms import key_name
from trust.notary.der import DerError, Reader
from trust.notary.der import SEQUENCE as DER_SEQUENCE
from trust.notary.distinguished_names import last_value, print_name
from trust.notary.errors import CertificateError, quote
from trust.notary.x509 import X509, SignatureFault

COMMON_NAME = "2.5.4.3"
FORBIDDEN_KEY_USAGES = {
    x509.KEY_ENCIPHERMENT: "key encipherment",
    x509.DATA_ENCIPHERMENT: "data encipherment",
    x509.KEY_AGREEMENT: "key agreement",
    x509.CERT_SIGN: "certificate signing",
    x509.CRL_SIGN: "CRL signing",
    x509.ENCIPHER_ONLY: "encipher only",
    x509.DECIPHER_ONLY: "decipher only",
}
FORBIDDEN_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "server authentication",
    "1.3.6.1.5.5.7.3.2": "client authentication",
    "1.3.6.1.5.5.7.3.4": "e-mail protection",
    "1.3.6.1.5.5.7.3.8": "time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts of one certificate; whoever reads them later needs no key operation."""

    der: bytes = field(repr=False)
    thumbprint: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    is_ca: bool
    self_signed: bool
    key: str
    ocsp_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]
    common_name: str

    @classmethod
    def parse(cls, der: bytes) -> Self:
        """Read one DER certificate."""
        thumbprint = hashlib.sha256(der).hexdigest()
        try:
            parsed = x509.parse(der)
        except DerError as error:
            raise CertificateError(f"the certificate cannot be read: {error}", certificate=thumbprint) from error
        return cls(
            der=der,
            thumbprint=thumbprint,
            subject=print_name(parsed.subject),
            issuer=print_name(parsed.issuer),
            serial=f"{parsed.serial:x}",
            not_before=parsed.not_before,
            not_after=parsed.not_after,
            is_ca=parsed.is_ca,
            self_signed=_is_signed_by_itself(parsed),
            key=key_name(parsed.key),
            ocsp_urls=parsed.ocsp_urls,
            crl_urls=parsed.crl_urls,
            common_name=last_value(parsed.subject, COMMON_NAME),
        )


def _is_signed_by_itself(parsed: X509) -> bool:
    if not parsed.self_issued:
        return False
    try:
        x509.check_signature(parsed, parsed.key, allow_sha1=True)
    except SignatureFault:
        return False
    return True


# --- files -----------------------------------------------------------------------------------------------------------

_BEGIN = re.compile(rb"(?:\A|\n)-----BEGIN ")
_DASHES = b"-----"


def read_certificates(content: bytes) -> tuple[Certificate, ...]:
    """All certificates of a file: PEM blocks of whatever label, else concatenated DER; a file without any is refused."""
    ders = list(_pem_blocks(content)) or _der_sequence(content)
    if not ders:
        raise CertificateError("the file is empty: it holds no certificate")
    return tuple(map(Certificate.parse, ders))


def decode_base64(content: bytes) -> bytes:
    """Padded standard base64 as Go decodes it: line ends are skipped, nothing else; raises ValueError."""
    return base64.b64decode(content.translate(None, b"\r\n"), validate=True)


def _der_sequence(content: bytes) -> list[bytes]:
    ders: list[bytes] = []
    reader = Reader(content)
    while not reader.empty:
        try:
            ders.append(reader.element(DER_SEQUENCE))
        except DerError as error:
            raise CertificateError("the file is neither PEM nor DER certificates") from error
    return ders


def _pem_blocks(content: bytes) -> Iterator[bytes]:
    """The contents of the PEM blocks; as in Go what is no proper block is passed over."""
    position = 0
    while begin := _BEGIN.search(content, position):
        block = _pem_block(content, begin.end())
        if block is None:
            position = begin.end() - 1
        else:
            decoded, position = block
            yield decoded


def _pem_block(content: bytes, start: int) -> tuple[bytes, int] | None:
    """The block whose label begins at `start`, and where its last line ends."""
    line, body = _line(content, start)
    if not line.endswith(_DASHES):
        return None
    label = line.removesuffix(_DASHES)
    headers = False
    while b":" in (header := _line(content, body))[0]:
        headers, body = True, header[1]
    end = body - 1 if not headers and content.startswith(b"-----END ", body) else content.find(b"\n-----END ", body)
    trailer, after = _line(content, end + 1)
    if end < 0 or trailer != b"-----END " + label + _DASHES:
        return None
    try:
        return decode_base64(content[body : max(end, body)].translate(None, b" \t")), after - 1
    except ValueError:
        return None


def _line(content: bytes, start: int) -> tuple[bytes, int]:
    """The line at `start` without trailing blanks, and where the next one begins."""
    end = content.find(b"\n", start)
    end = len(content) if end < 0 else end
    return content[start:end].removesuffix(b"\r").rstrip(b" \t"), end + 1
