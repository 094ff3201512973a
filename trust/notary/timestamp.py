"""RFC 3161 timestamp tokens: what one proves about a signature, whoever trusts the authority that issued it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from cryptography.hazmat.primitives import hashes

from trust.notary import der, x509
from trust.notary.certificates import Certificate
from trust.notary.chains import check_timestamping_purpose
from trust.notary.cms import SignedData, SignerInfo, end, read_signed_data
from trust.notary.der import DerError, Reader
from trust.notary.errors import CertificateError, NotaryError, TimestampError
from trust.notary.fault import Fault
from trust.notary.issuance import Issuances, issuances, issuances_above
from trust.notary.timestamp_info import HASHES, SHA256, TimestampInfo, read_info
from trust.notary.x509_signatures import (
    RSA_PSS,
    SIGNATURES,
    SignatureAlgorithm,
    X509SignatureError,
    algorithm_identifier,
    check_signature,
)

TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
KINDS = {"1.2.840.113549.1.1.1": "rsa", RSA_PSS: "pss"}
DIRECTORY_NAME = der.context(4, constructed=True)
DIGESTS = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """One signer whose signature over the token holds."""

    certificate: Certificate
    signing_time: datetime | None


@dataclass(frozen=True, slots=True)
class TimestampEvidence:
    """What a token proves: `info` and `signers` where some signature over it holds, else the fault and its claim.

    `certificates` are all that the token brought; `issuances` say which of them signed which.
    """

    fault: Fault | None
    info: TimestampInfo | None = None
    unverified_info: TimestampInfo | None = None
    signers: tuple[TokenSigner, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    issuances: Issuances = frozenset()

    def with_roots(self, roots: Sequence[Certificate]) -> Self:
        """The same, knowing also which of its certificates these roots signed: a key operation a pair, each once."""
        known = issuances(self.certificates, roots) | _self_signed(roots)
        return replace(self, issuances=self.issuances | known)


def _self_signed(roots: Iterable[Certificate]) -> Issuances:
    return frozenset(pair for root in roots for pair in issuances([root], [root]))


def examine_timestamp(token: bytes, signature: bytes) -> TimestampEvidence:
    """What the token proves about that signature value; whatever the bytes are, the answer is evidence."""
    info: TimestampInfo | None = None
    try:
        data = read_signed_data(token)
        if data.content_type != TST_INFO:
            raise TimestampError("the token holds something else than a timestamp", code="timestamp_content_type")
        info, imprint = read_info(data.content)
        certificates = tuple(map(_certificate, data.certificates))
        imprint.check(signature)
        signers = _signers(data, certificates)
    except NotaryError as error:
        return TimestampEvidence(Fault.of(error), unverified_info=info)
    return TimestampEvidence(
        fault=None,
        info=info,
        signers=signers,
        certificates=certificates,
        issuances=issuances_above([signer.certificate for signer in signers], certificates),
    )


def _certificate(content: bytes) -> Certificate:
    try:
        return Certificate.parse(content)
    except CertificateError as error:
        raise TimestampError(f"the timestamp token holds something that is no certificate: {error}") from error


def _signers(data: SignedData, certificates: Sequence[Certificate]) -> tuple[TokenSigner, ...]:
    """Those whose signature over the token holds; raises what is wrong with the last one if there are none."""
    error: NotaryError = TimestampError("nobody signed the timestamp token", code="timestamp_signer_missing")
    found: list[TokenSigner] = []
    for signer in data.signers:
        try:
            found.append(_signer(data, signer, certificates))
        except NotaryError as fault:
            error = fault
        except DerError as fault:
            error = TimestampError(f"a signed attribute of the timestamp token cannot be read: {fault}")
    if not found:
        raise error
    return tuple(found)


def _signer(data: SignedData, signer: SignerInfo, certificates: Sequence[Certificate]) -> TokenSigner:
    certificate = _signing_certificate(signer, certificates)
    if signer.version != 1:
        raise TimestampError("the signer of the timestamp token is not of version 1", code="timestamp_signer_version")
    _check_signature(signer, certificate)
    _check_content_type(data, signer)
    _check_message_digest(data, signer)
    check_timestamping_purpose(certificate)
    return TokenSigner(certificate, _signing_time(signer))


def _signing_certificate(signer: SignerInfo, certificates: Sequence[Certificate]) -> Certificate:
    """The certificate that SigningCertificateV2 names and hashes: never just any one that the token brings."""
    attribute = signer.attribute(SIGNING_CERTIFICATE_V2)
    if attribute is None:
        raise TimestampError(
            "the timestamp token does not say which certificate signed it (SigningCertificateV2)",
            code="timestamp_signer_missing",
        )
    wanted = _certificate_id(attribute, signer)
    found = next((one for one in certificates if _is_named(one, wanted.issuer, wanted.serial)), None)
    if found is None:
        raise TimestampError(
            "the timestamp token does not bring the certificate that signed it", code="timestamp_signer_missing"
        )
    if wanted.algorithm not in HASHES or hashlib.new(HASHES[wanted.algorithm], found.der).digest() != wanted.digest:
        raise TimestampError(
            "the certificate in the timestamp token is not the one whose hash was signed",
            code="timestamp_signer_mismatch",
        )
    return found


@dataclass(frozen=True, slots=True)
class _CertificateId:
    """How a signed attribute names a certificate (ESSCertIDv2)."""

    algorithm: str
    digest: bytes
    issuer: bytes
    serial: int


def _certificate_id(attribute: Reader, signer: SignerInfo) -> _CertificateId:
    """The first of those that the attribute names; the others may name its issuers."""
    content = attribute.inside()
    certificates = content.inside()
    if content.peek() == der.SEQUENCE:
        content.read(der.SEQUENCE)  # policies
    end(content, "signing certificate")
    found: list[_CertificateId] = []
    while not certificates.empty:
        found.append(_one_certificate_id(certificates.inside(), signer))
    if not found:
        raise DerError("it names no certificate")
    return found[0]


def _one_certificate_id(reader: Reader, signer: SignerInfo) -> _CertificateId:
    algorithm = algorithm_identifier(reader.read(der.SEQUENCE))[0] if reader.peek() == der.SEQUENCE else SHA256
    digest = reader.read(der.OCTET_STRING)
    if reader.empty:
        return _CertificateId(algorithm, digest, signer.issuer, signer.serial)
    issuer_serial = reader.inside()
    end(reader, "certificate's name")
    names = issuer_serial.inside()
    name = names.inside(DIRECTORY_NAME)
    issuer, serial = name.element(der.SEQUENCE), issuer_serial.integer()
    for reader_, what in ((name, "issuer"), (names, "issuer"), (issuer_serial, "certificate's name")):
        end(reader_, what)
    return _CertificateId(algorithm, digest, issuer, serial)


def _is_named(certificate: Certificate, issuer: bytes, serial: int) -> bool:
    parsed = x509.parse(certificate.der)
    return parsed.raw_issuer == issuer and parsed.serial == serial


def _check_signature(signer: SignerInfo, certificate: Certificate) -> None:
    if not signer.signed:
        raise TimestampError("the timestamp token has no signed attributes", code="timestamp_attributes_missing")
    key = x509.parse(certificate.der).key
    try:
        check_signature(_algorithm(signer), key, signer.signature, signer.signed, allow_sha1=False)
    except X509SignatureError as error:
        raise TimestampError(
            f"the signature of the timestamp token does not hold: {error}", code="timestamp_signature_invalid"
        ) from error


def _algorithm(signer: SignerInfo) -> SignatureAlgorithm | None:
    """The algorithm that the signer names, be it with the hash in it or apart from it."""
    kind = KINDS.get(signer.signature_algorithm)
    if kind is None:
        return SIGNATURES.get(signer.signature_algorithm)
    name = HASHES.get(signer.digest_algorithm)
    return SignatureAlgorithm(f"{name}-{kind}", kind, DIGESTS[name]) if name else None


def _check_content_type(data: SignedData, signer: SignerInfo) -> None:
    attribute = signer.attribute(CONTENT_TYPE)
    if attribute is None or attribute.oid() != data.content_type:
        raise TimestampError(
            "the signed attributes of the timestamp token name another content type", code="timestamp_content_type"
        )


def _check_message_digest(data: SignedData, signer: SignerInfo) -> None:
    attribute = signer.attribute(MESSAGE_DIGEST)
    algorithm = HASHES.get(signer.digest_algorithm)
    if attribute is None or algorithm is None:
        raise TimestampError(
            "the signed attributes of the timestamp token hold no digest that is supported",
            code="timestamp_digest_missing",
        )
    if attribute.read(der.OCTET_STRING) != hashlib.new(algorithm, data.content).digest():
        raise TimestampError("the timestamp was changed after it was signed", code="timestamp_digest_mismatch")


def _signing_time(signer: SignerInfo) -> datetime | None:
    attribute = signer.attribute(SIGNING_TIME)
    if attribute is None:
        return None
    return attribute.precise_time()[0] if attribute.peek() == der.GENERALIZED_TIME else attribute.time()
