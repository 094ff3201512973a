"""OCSP (RFC 6960): asking a responder about one certificate, and examining what it answers, as notation does."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import quote_plus, urlsplit, urlunsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from registries.oci.digest import Digest
from trust.notary import der, x509
from trust.notary.certificates import Certificate
from trust.notary.der import DerError, Reader
from trust.notary.distinguished_names import print_name
from trust.notary.errors import RevocationError
from trust.notary.revocation import Answer, Entry, Statement
from trust.notary.x509 import X509
from trust.notary.x509_signatures import (
    SIGNATURES,
    SignatureAlgorithm,
    X509SignatureError,
    check_signature,
    signature_algorithm,
)

MAX_ANSWER = 20_480
LONGEST_GET = 255  # what a GET's path may hold; a longer question is sent by POST
OCSP_SIGNING, NO_CHECK, INVALIDITY_DATE = "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.48.1.5", "2.5.29.24"
HASHES = ("sha1", "sha256", "sha384", "sha512")
ALGORITHMS = frozenset(SIGNATURES) - {"1.3.14.3.2.29"}  # neither PSS nor Ed25519, nor the other name of SHA-1


def request(certificate: Certificate, issuer: Certificate) -> bytes:
    """The question about that certificate. SHA-1 only names the issuer: responders know no other way."""
    parent = x509.parse(issuer.der)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        hashlib.sha1(parent.raw_subject, usedforsecurity=False).digest(),
        hashlib.sha1(parent.raw_key, usedforsecurity=False).digest(),
        x509.parse(certificate.der).serial,
        hashes.SHA1(),  # noqa: S303
    )
    return builder.build().public_bytes(Encoding.DER)


def get_url(url: str, question: bytes) -> str | None:
    """The address to GET the answer from; None where the question is too long for one."""
    encoded = base64.b64encode(question).decode()
    path = quote_plus(encoded)
    if len(encoded) >= LONGEST_GET or len(path) >= LONGEST_GET:
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))


def examine(content: bytes, certificate: Certificate, issuer: Certificate, collected_at: datetime) -> Answer:
    """What the responder says of the certificate, if its answer is signed as it must be; raises RevocationError."""
    if len(content) > MAX_ANSWER:
        raise RevocationError(f"the answer is larger than {MAX_ANSWER} bytes", code="too_large")
    try:
        response = ocsp.load_der_ocsp_response(content)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            name = response.response_status.name.lower().replace("_", " ")
            raise RevocationError(f"the responder gives no answer ({name})", code="answer_refused")
        basic = _Basic.read(content)
        parent = x509.parse(issuer.der)
        position, single = _single(response, x509.parse(certificate.der).serial)
        responder = _check_signed(basic, response, parent)
        extensions = basic.extensions[position]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RevocationError(f"the answer is no OCSP response that can be read: {error}") from error
    if critical := next((oid for oid, (is_critical, _) in extensions.items() if is_critical), None):
        raise RevocationError(f"the answer has the critical extension {critical}", code="answer_extension")
    return Answer(
        digest=Digest.of(content),
        delta=None,
        collected_at=collected_at,
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
        number=int(response.produced_at_utc.timestamp()),
        signed_by=print_name((responder or parent).subject),
        says={
            certificate.thumbprint: _statement(single, extensions, tuple(_doubts(response, single, parent, responder)))
        },
    )


type Extensions = Mapping[str, tuple[bool, bytes]]


@dataclass(frozen=True, slots=True)
class _Basic:
    """The parts of a response that our library does not hand out, or would not hand out as they stand."""

    algorithm: SignatureAlgorithm | None
    signature: bytes
    certificate: bytes | None  # the first one
    extensions: tuple[Extensions, ...]  # of each single response

    @classmethod
    def read(cls, content: bytes) -> Self:
        outer = Reader(content).inside()
        outer.any()  # the status
        response = Reader(outer.read(der.context(0, constructed=True))).inside()
        response.oid()
        basic = Reader(response.read(der.OCTET_STRING)).inside()
        answers = basic.inside()
        algorithm = basic.read(der.SEQUENCE)
        signature = basic.aligned_bits()
        certificates = basic.optional(der.context(0, constructed=True))
        return cls(
            algorithm=signature_algorithm(algorithm) if Reader(algorithm).oid() in ALGORITHMS else None,
            signature=signature,
            certificate=_first(Reader(certificates).inside()) if certificates is not None else None,
            extensions=tuple(_extensions(answers)),
        )


def _first(certificates: Reader) -> bytes | None:
    return None if certificates.empty else certificates.element(der.SEQUENCE)


def _extensions(answers: Reader) -> Iterator[Extensions]:
    answers.optional(der.context(0, constructed=True))
    answers.any()  # who answers
    answers.any()  # when
    singles = answers.inside()
    while not singles.empty:
        single = singles.inside()
        found: dict[str, tuple[bool, bytes]] = {}
        while not single.empty:
            tag, content, _ = single.any()
            if tag == der.context(1, constructed=True) and single.empty:
                extensions = Reader(content).inside()
                while not extensions.empty:
                    extension = extensions.inside()
                    oid = extension.oid()
                    critical = extension.boolean() if extension.peek() == der.BOOLEAN else False
                    found[oid] = critical, extension.read(der.OCTET_STRING)
        yield found


def _single(response: ocsp.OCSPResponse, serial: int) -> tuple[int, ocsp.OCSPSingleResponse]:
    """The first part that is about that serial number; as notation, we do not ask for more than that."""
    for position, single in enumerate(response.responses):
        if single.serial_number == serial:
            if single.hash_algorithm.name not in HASHES:
                raise RevocationError("the answer names the issuer by a hash that is not supported")
            return position, single
    raise RevocationError("the answer is not about this certificate", code="answer_other_certificate")


def _check_signed(basic: _Basic, response: ocsp.OCSPResponse, issuer: X509) -> X509 | None:
    """Raise unless the issuer signed the answer, or the first certificate in it did, and the issuer signed that."""
    responder = x509.parse(basic.certificate) if basic.certificate is not None else None
    signer = responder or issuer
    try:
        check_signature(basic.algorithm, signer.key, basic.signature, response.tbs_response_bytes, allow_sha1=True)
        if responder:
            check_signature(responder.algorithm, issuer.key, responder.signature, responder.signed, allow_sha1=True)
    except X509SignatureError as error:
        raise RevocationError(
            f"the answer is not signed by the issuer of the certificate: {error}", code="answer_not_signed"
        ) from error
    return responder


def _statement(single: ocsp.OCSPSingleResponse, extensions: Extensions, doubts: tuple[str, ...]) -> Statement:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return Statement(is_known=False, doubts=doubts)
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD or single.revocation_time_utc is None:
        return Statement(doubts=doubts)
    reason = single.revocation_reason.value if single.revocation_reason else ""
    entry = Entry(single.revocation_time_utc, reason, _invalid_since(extensions))
    return Statement((entry,), doubts=doubts)


def _invalid_since(extensions: Extensions) -> datetime | None:
    """Since when the key counts as invalid; what cannot be read is passed over."""
    _, value = extensions.get(INVALIDITY_DATE, (False, b""))
    reader = Reader(value)
    try:
        moment = reader.time() if reader.peek() == der.GENERALIZED_TIME else None
    except DerError:
        return None
    return moment if reader.empty else None


def _doubts(
    response: ocsp.OCSPResponse, single: ocsp.OCSPSingleResponse, issuer: X509, responder: X509 | None
) -> Iterator[str]:
    """What RFC 6960 asks of an answer beyond notation."""
    named = single.hash_algorithm.name
    if (single.issuer_name_hash, single.issuer_key_hash) != tuple(
        hashlib.new(named, part, usedforsecurity=False).digest() for part in (issuer.raw_subject, issuer.raw_key)
    ):
        yield "answer_names_other_issuer"
    if responder is None or responder.signed == issuer.signed:
        return
    if OCSP_SIGNING not in responder.extensions.extended_key_usage:
        yield "responder_without_purpose"
    if NO_CHECK not in responder.extensions.present:
        yield "responder_without_nocheck"
    if not responder.not_before <= response.produced_at_utc <= responder.not_after:
        yield "responder_outside_validity"
