"""The rules of certificate chains (signature-specification.md, "Certificate Requirements"), one function each."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from trust.notary import x509, x509_extensions
from trust.notary.algorithms import key_name
from trust.notary.certificates import Certificate
from trust.notary.distinguished_names import print_name
from trust.notary.errors import CertificateError, quote
from trust.notary.remembered import remembered_together
from trust.notary.x509 import X509
from trust.notary.x509_signatures import X509SignatureError

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
FORBIDDEN_KEY_USAGES = {
    x509_extensions.KEY_ENCIPHERMENT: "key encipherment",
    x509_extensions.DATA_ENCIPHERMENT: "data encipherment",
    x509_extensions.KEY_AGREEMENT: "key agreement",
    x509_extensions.CERT_SIGN: "certificate signing",
    x509_extensions.CRL_SIGN: "CRL signing",
    x509_extensions.ENCIPHER_ONLY: "encipher only",
    x509_extensions.DECIPHER_ONLY: "decipher only",
}
FORBIDDEN_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "server authentication",
    "1.3.6.1.5.5.7.3.2": "client authentication",
    "1.3.6.1.5.5.7.3.4": "e-mail protection",
    TIME_STAMPING: "time stamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
}


type Rule = Callable[[Sequence[X509], int], None]


def check_code_signing_chain(chain: Sequence[Certificate]) -> None:
    """Raise unless `chain`, leaf first, is complete, ordered and fit for code signing; asks no clock and no store."""
    if fault := _chain_fault(tuple(certificate.der for certificate in chain)):
        code, message, thumbprint = fault
        raise CertificateError(message, code=code, certificate=thumbprint)


def check_timestamping_chain(chain: Sequence[Certificate]) -> None:
    """Raise unless every certificate of the chain fits its place in one that ends in a timestamp's signer.

    Who signed whom is known before there is a chain (`timestamp_chain`), and not asked again.
    """
    if fault := _timestamping_fault(tuple(certificate.der for certificate in chain)):
        code, message, thumbprint = fault
        raise CertificateError(message, code=f"tsa_{code}", certificate=thumbprint)


def check_timestamping_purpose(certificate: Certificate) -> None:
    """Raise unless the certificate is for signing timestamps and for nothing else."""
    rules = {"purpose": _check_timestamping_purpose}
    if fault := _first_fault((certificate.der,), rules):
        raise CertificateError(fault[1], code="tsa_purpose", certificate=fault[2])


@remembered_together
def _chain_fault(ders: tuple[bytes, ...]) -> tuple[str, str, str] | None:
    """The first rule that the chain breaks. Many signatures share a chain."""
    if not ders:
        return "chain_missing", "the envelope holds no certificate chain", ""
    return _first_fault(ders, SINGLE_RULES if len(ders) == 1 else CHAIN_RULES)


@remembered_together
def _timestamping_fault(ders: tuple[bytes, ...]) -> tuple[str, str, str] | None:
    return _first_fault(ders, TIMESTAMPING_RULES)


def _first_fault(ders: tuple[bytes, ...], rules: Mapping[str, Rule]) -> tuple[str, str, str] | None:
    chain = [x509.parse(der) for der in ders]
    for position, subject in enumerate(chain):
        for code, rule in rules.items():
            try:
                rule(chain, position)
            except ChainError as fault:
                name = quote(print_name(subject.subject))
                return code, f"the certificate {name} {fault}", hashlib.sha256(ders[position]).hexdigest()
    return None


class ChainError(Exception):
    """A certificate breaks a rule of its chain; the text goes on from the certificate's name."""


def _check_signed_by_itself(chain: Sequence[X509], position: int) -> None:
    """Of a single certificate: signed with its own key, be it with SHA-1."""
    certificate = chain[position]
    try:
        certificate.check_signed_by_itself()
    except X509SignatureError as fault:
        raise ChainError(f"stands alone but is not self-signed: {fault}") from fault
    if not certificate.is_self_issued:
        raise ChainError("stands alone but is issued by another name")


def _check_root(chain: Sequence[X509], position: int) -> None:
    """Of the last certificate: a self-signed authority."""
    certificate = chain[position]
    if position < len(chain) - 1:
        return
    try:
        certificate.check_issued_by(certificate)
    except X509SignatureError as fault:
        raise ChainError(f"ends the chain but is not a self-signed root: {fault}") from fault
    if not certificate.is_self_issued:
        raise ChainError("ends the chain but is issued by another name")


def _check_no_early_root(chain: Sequence[X509], position: int) -> None:
    """Of every other certificate: not a self-signed authority."""
    certificate = chain[position]
    if position == len(chain) - 1 or not certificate.is_self_issued:
        return
    try:
        certificate.check_issued_by(certificate)
    except X509SignatureError:
        return
    raise ChainError("is self-signed, but only the last one of a chain may be")


def _check_issuer(chain: Sequence[X509], position: int) -> None:
    """Of every other certificate: signed by the next one, and naming it byte for byte."""
    if position == len(chain) - 1:
        return
    certificate, parent = chain[position], chain[position + 1]
    try:
        certificate.check_issued_by(parent)
    except X509SignatureError as fault:
        name = quote(print_name(parent.subject))
        raise ChainError(f"is not issued by the next one of its chain, {name}: {fault}") from fault
    if certificate.raw_issuer != parent.raw_subject:
        name = quote(print_name(parent.subject))
        raise ChainError(f"names another issuer than the next one of its chain, {name}")


def _check_leaf_basic_constraints(chain: Sequence[X509], position: int) -> None:
    if position == 0 and chain[position].extensions.is_ca:
        raise ChainError("stands first in its chain but is a certificate authority (basic constraints)")


def _check_key_usage_present(chain: Sequence[X509], position: int) -> None:
    if chain[position].extensions.key_usage is None:
        raise ChainError("has no key usage extension")


def _check_key_usage_critical(chain: Sequence[X509], position: int) -> None:
    _check_key_usage_present(chain, position)
    if not chain[position].extensions.key_usage_critical:
        raise ChainError("has a key usage extension that is not critical")


def _check_leaf_key_usage(chain: Sequence[X509], position: int) -> None:
    usages = chain[position].extensions.key_usage or frozenset()
    if position:
        return
    if x509_extensions.DIGITAL_SIGNATURE not in usages:
        raise ChainError("has a key usage without digital signature")
    if wrong := [name for usage, name in FORBIDDEN_KEY_USAGES.items() if usage in usages]:
        raise ChainError(f"has a key usage that a signing certificate may not have: {', '.join(wrong)}")


def _check_leaf_purposes(chain: Sequence[X509], position: int) -> None:
    purposes = chain[position].extensions.extended_key_usage
    if position == 0 and (wrong := [name for oid, name in FORBIDDEN_PURPOSES.items() if oid in purposes]):
        raise ChainError(f"has an extended key usage that a signing certificate may not have: {', '.join(wrong)}")


def _check_timestamping_purpose(chain: Sequence[X509], position: int) -> None:
    """Of a timestamp's signer (RFC 3161 2.3): one extended key usage, and that is critical."""
    extensions = chain[position].extensions
    if position:
        return
    if extensions.extended_key_usage != (TIME_STAMPING,):
        raise ChainError("does not have time stamping as its one and only extended key usage")
    if not extensions.extended_key_usage_critical:
        raise ChainError("has an extended key usage extension that is not critical")


def _check_leaf_key(chain: Sequence[X509], position: int) -> None:
    if position == 0 and not key_name(chain[position].key):
        raise ChainError(
            f"has a key that is not supported ({chain[position].key_size}): "
            "it takes RSA with 2048, 3072 or 4096 bits, or EC with 256, 384 or 521"
        )


def _check_authority(chain: Sequence[X509], position: int) -> None:
    """Of every certificate but the leaf: an authority, with as many certificates below as it allows."""
    certificate = chain[position]
    if position == 0:
        return
    if not certificate.extensions.is_ca:
        raise ChainError("issues certificates but is no certificate authority (basic constraints)")
    if certificate.extensions.path_length is not None and certificate.extensions.path_length < position - 1:
        raise ChainError(
            f"allows {certificate.extensions.path_length} authorities below it, but there are {position - 1}"
        )


def _check_authority_key_usage(chain: Sequence[X509], position: int) -> None:
    if position and x509_extensions.CERT_SIGN not in (chain[position].extensions.key_usage or ()):
        raise ChainError("issues certificates but its key usage has no certificate signing")


LEAF_RULES: dict[str, Rule] = {
    "chain_leaf_is_authority": _check_leaf_basic_constraints,
    "chain_key_usage_extension": _check_key_usage_critical,
    "chain_leaf_key_usage": _check_leaf_key_usage,
    "chain_leaf_extended_key_usage": _check_leaf_purposes,
    "chain_leaf_key": _check_leaf_key,
}
SINGLE_RULES = {"chain_not_self_signed": _check_signed_by_itself} | LEAF_RULES
CHAIN_RULES = (
    {"chain_without_root": _check_root, "chain_root_too_early": _check_no_early_root, "chain_broken": _check_issuer}
    | {"chain_not_authority": _check_authority}
    | LEAF_RULES
    | {"chain_authority_key_usage": _check_authority_key_usage}
)
TIMESTAMPING_RULES = {
    "chain_leaf_is_authority": _check_leaf_basic_constraints,
    "chain_key_usage_extension": _check_key_usage_present,
    "chain_leaf_key_usage": _check_leaf_key_usage,
    "chain_leaf_extended_key_usage": _check_timestamping_purpose,
    "chain_leaf_key": _check_leaf_key,
    "chain_not_authority": _check_authority,
    "chain_authority_key_usage": _check_authority_key_usage,
}
