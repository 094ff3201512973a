"""Certificates: the facts of one, and the files that hold them."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from registries.oci.values import quickly_made
from trust.notary import x509
from trust.notary.algorithms import key_name
from trust.notary.der import SEQUENCE, DerError, Reader
from trust.notary.distinguished_names import last_value, print_name
from trust.notary.errors import CertificateError
from trust.notary.remembered import remembered, remembered_files
from trust.notary.x509 import X509
from trust.notary.x509_signatures import X509SignatureError

COMMON_NAME = "2.5.4.3"
ANY_PURPOSE = "2.5.29.37.0"


@quickly_made
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
    any_purpose: bool
    "It says of itself that its key may be used for whatever it is (anyExtendedKeyUsage)."

    @staticmethod
    @remembered  # signatures share certificates
    def parse(der: bytes) -> "Certificate":
        """Read one DER certificate."""
        thumbprint = hashlib.sha256(der).hexdigest()
        try:
            parsed = x509.parse(der)
        except DerError as error:
            raise CertificateError(f"the certificate cannot be read: {error}", certificate=thumbprint) from error
        return Certificate(
            der=der,
            thumbprint=thumbprint,
            subject=_printed(parsed.raw_subject),
            issuer=_printed(parsed.raw_issuer),
            serial=f"{parsed.serial:x}",
            not_before=parsed.not_before,
            not_after=parsed.not_after,
            is_ca=parsed.extensions.is_ca,
            self_signed=_is_signed_by_itself(parsed),
            key=key_name(parsed.key),
            ocsp_urls=parsed.extensions.ocsp_urls,
            crl_urls=parsed.extensions.crl_urls,
            common_name=last_value(parsed.subject, COMMON_NAME),
            any_purpose=ANY_PURPOSE in parsed.extensions.extended_key_usage,
        )


@remembered  # authorities are named in all that they issue
def _printed(raw_name: bytes) -> str:
    return print_name(x509.name_of(raw_name))


def _is_signed_by_itself(parsed: X509) -> bool:
    if not parsed.is_self_issued:
        return False
    try:
        parsed.check_signed_by_itself()
    except X509SignatureError:
        return False
    return True


BEGIN, END, DASHES = b"-----BEGIN ", b"\n-----END ", b"-----"


@remembered_files  # one edit of a trust store reads each several times
def read_certificates(content: bytes) -> tuple[Certificate, ...]:
    """All certificates of a file: PEM blocks of whatever label, else concatenated DER; at least one."""
    ders = list(_pem_blocks(content)) or list(_der_elements(content))
    if not ders:
        raise CertificateError("the file is empty: it holds no certificate")
    return tuple(map(Certificate.parse, ders))


def decode_base64(content: bytes) -> bytes:
    """Padded standard base64 as Go decodes it: line ends are skipped, nothing else; raises ValueError."""
    return base64.b64decode(content.translate(None, b"\r\n"), validate=True)


def _der_elements(content: bytes) -> Iterator[bytes]:
    reader = Reader(content)
    while not reader.empty:
        try:
            yield reader.element(SEQUENCE)
        except DerError as error:
            raise CertificateError("the file holds neither PEM nor DER certificates") from error


def _pem_blocks(content: bytes) -> Iterator[bytes]:
    """The contents of the PEM blocks; as in Go, what is no proper block is passed over."""
    position = 0
    while (end := content.find(END, position)) >= 0:
        begin = content.rfind(BEGIN, position, end)
        block = _pem_block(content, begin, end) if begin == 0 or content[begin - 1 : begin] == b"\n" else None
        if block is None:
            position = end + len(END)
        else:
            yield block
            position = _line(content, end + 1)[1]


def _pem_block(content: bytes, begin: int, end: int) -> bytes | None:
    """What stands between the BEGIN line at `begin` and the line break before END, if both are sound."""
    first, body = _line(content, begin)
    last, _ = _line(content, end + 1)
    label = first.removeprefix(BEGIN)
    if not label.endswith(DASHES) or last != END[1:] + label:
        return None
    headers = False
    while body <= end and b":" in (header := _line(content, body))[0]:
        headers, body = True, header[1]
    if headers and body > end:
        return None
    try:
        return decode_base64(content[body:end].translate(None, b" \t"))
    except ValueError:
        return None


def _line(content: bytes, start: int) -> tuple[bytes, int]:
    """The line at `start` without trailing blanks, and where the next one begins."""
    end = content.find(b"\n", start)
    if end < 0:
        return content[start:].rstrip(b" \t"), len(content)
    return content[start:end].removesuffix(b"\r").rstrip(b" \t"), end + 1
