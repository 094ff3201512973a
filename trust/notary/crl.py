"""Certificate revocation lists (RFC 5280, section 5), with their deltas, read and examined as notation does."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509 as library
from cryptography.exceptions import UnsupportedAlgorithm

from registries.oci.digest import Digest
from trust.notary import der, x509
from trust.notary.certificates import Certificate
from trust.notary.der import Reader
from trust.notary.distinguished_names import print_name
from trust.notary.errors import RevocationError
from trust.notary.revocation import Answer, Entry, Statement
from trust.notary.x509 import X509
from trust.notary.x509_extensions import CRL_SIGN
from trust.notary.x509_signatures import (
    SignatureAlgorithm,
    X509SignatureError,
    check_signature,
    signature_algorithm,
)

MAX_CRL = (1 << 25) - 1  # notation refuses 32 MiB
FRESHEST_CRL = "2.5.29.46"
UNDERSTOOD = (library.IssuingDistributionPoint, library.DeltaCRLIndicator)  # critical extensions of a CRL
UNDERSTOOD_OF_ENTRY = (library.InvalidityDate,)
LIBRARY_ERRORS = (ValueError, UnsupportedAlgorithm, library.DuplicateExtension, library.UnsupportedGeneralNameType)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One CRL that could be read; nobody checked yet who signed it."""

    digest: Digest
    content: library.CertificateRevocationList
    extensions: library.Extensions
    raw_issuer: bytes
    algorithm: SignatureAlgorithm | None
    signature: bytes

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a CRL of version 2 with nothing after it; raises RevocationError."""
        if len(content) > MAX_CRL:
            raise RevocationError(f"the CRL is larger than {MAX_CRL} bytes", code="too_large")
        try:
            raw_issuer, algorithm, signature = _head(content)
            parsed = library.load_der_x509_crl(content)
            return cls(Digest.of(content), parsed, parsed.extensions, raw_issuer, algorithm, signature)
        except LIBRARY_ERRORS as error:
            raise RevocationError(f"the answer is no CRL that can be read: {error}") from error

    @property
    def this_update(self) -> datetime:
        return self.content.last_update_utc

    @property
    def next_update(self) -> datetime | None:
        return self.content.next_update_utc

    @property
    def number(self) -> int | None:
        extension = self._extension(library.CRLNumber)
        return extension.crl_number if extension else None

    @property
    def base_number(self) -> int | None:
        """Of a delta: the number of the CRL from which on it may be applied."""
        extension = self._extension(library.DeltaCRLIndicator)
        return extension.crl_number if extension else None

    @property
    def delta_urls(self) -> tuple[str, ...]:
        """Where the delta to this CRL lies: several places for the same one."""
        extension = self._extension(library.FreshestCRL)
        return tuple(url for point in extension or () for url in _urls(point.full_name or ()))

    @property
    def scope(self) -> library.IssuingDistributionPoint | None:
        return self._extension(library.IssuingDistributionPoint)

    def _extension[E: library.ExtensionType](self, kind: type[E]) -> E | None:
        try:
            return self.extensions.get_extension_for_class(kind).value
        except library.ExtensionNotFound:
            return None

    def check(self, issuer: X509) -> None:
        """Raise unless the issuer of the certificates signed it, may do so, and it has nothing critical but what we know."""
        allowed = issuer.extensions
        try:
            if not allowed.is_ca and (allowed.has_basic_constraints or issuer.version == 3):
                raise X509SignatureError("the issuer is not a certificate authority")
            if allowed.key_usage and CRL_SIGN not in allowed.key_usage:
                raise X509SignatureError("the issuer's key usage does not allow signing CRLs")
            signed = self.content.tbs_certlist_bytes
            check_signature(self.algorithm, issuer.key, self.signature, signed, allow_sha1=True)
        except X509SignatureError as error:
            raise RevocationError(
                f"the CRL is not signed by the issuer of the certificate: {error}", code="answer_not_signed"
            ) from error
        for extension in self.extensions:
            if extension.critical and not isinstance(extension.value, UNDERSTOOD):
                oid = extension.oid.dotted_string
                raise RevocationError(f"the CRL has the critical extension {oid}", code="answer_extension")

    def entries(self, serials: Iterable[int]) -> dict[int, list[Entry]]:
        """Every revocation of those serial numbers, in the order of the CRL; all of its entries must be readable."""
        wanted = frozenset(serials)
        found: dict[int, list[Entry]] = defaultdict(list)
        try:
            for entry in self.content:
                extensions = entry.extensions
                if entry.serial_number in wanted:
                    found[entry.serial_number].append(_entry(entry.revocation_date_utc, extensions))
        except LIBRARY_ERRORS as error:
            raise RevocationError(f"an entry of the CRL cannot be read: {error}") from error
        return found


def examine(
    base: bytes,
    delta: bytes | None,
    url: str,
    issuer: Certificate,
    certificates: Sequence[Certificate],
    collected_at: datetime,
) -> Answer:
    """What the CRL and its delta say of certificates of their issuer; raises RevocationError."""
    parent = x509.parse(issuer.der)
    lists = [RevocationList.read(content) for content in (base, delta) if content is not None]
    for one in lists:
        one.check(parent)
    if delta is not None:
        _check_delta(*lists)
    serials = {certificate.thumbprint: x509.parse(certificate.der).serial for certificate in certificates}
    entries = [one.entries(serials.values()) for one in lists]
    doubts = tuple(dict.fromkeys(doubt for one in lists for doubt in _doubts(one, url, parent)))
    if lists[0].base_number is not None:
        doubts += ("crl_is_only_a_delta",)
    ends = [one.next_update for one in lists]
    return Answer(
        digest=lists[0].digest,
        delta=lists[1].digest if delta is not None else None,
        collected_at=collected_at,
        this_update=max(one.this_update for one in lists),
        next_update=None if None in ends else min(end for end in ends if end),
        number=lists[-1].number or 0,
        signed_by=print_name(parent.subject),
        says={
            certificate.thumbprint: Statement(
                tuple(entry for some in entries for entry in some.get(serials[certificate.thumbprint], ())),
                fault="" if delta is not None else _missing_delta(certificate),
                doubts=doubts + tuple(_doubts_of_scope(lists, certificate)),
            )
            for certificate in certificates
        },
    )


def _head(content: bytes) -> tuple[bytes, SignatureAlgorithm | None, bytes]:
    """The issuer's raw name, how the CRL is signed (said twice, and twice the same), and the signature."""
    outer = Reader(content)
    whole = outer.inside()
    signed, algorithm = whole.inside(), whole.read(der.SEQUENCE)
    if signed.integer() != 1:
        raise RevocationError("the CRL is not of version 2")
    if signed.read(der.SEQUENCE) != algorithm:
        raise RevocationError("the CRL names two different signature algorithms")
    return signed.element(der.SEQUENCE), signature_algorithm(algorithm), whole.aligned_bits()


def _urls(names: Iterable[library.GeneralName]) -> Iterator[str]:
    """The addresses at the beginning of the names; what follows another kind of name is not looked at."""
    for name in names:
        if not isinstance(name, library.UniformResourceIdentifier):
            return
        yield name.value


def _entry(revoked_at: datetime, extensions: library.Extensions) -> Entry:
    reason, invalid_since, fault = "", None, ""
    for extension in extensions:
        value = extension.value
        if isinstance(value, library.InvalidityDate):
            invalid_since = value.invalidity_date_utc
            continue
        if isinstance(value, library.CRLReason):
            reason = value.reason.value
        if extension.critical:
            fault = f"its entry in the CRL has the critical extension {extension.oid.dotted_string}"
    return Entry(revoked_at, reason, invalid_since, fault)


def _check_delta(base: RevocationList, delta: RevocationList) -> None:
    """Raise unless the delta is newer than its base and may be applied to it (RFC 5280, 5.2.4)."""
    if base.number is None or delta.number is None or delta.base_number is None:
        raise RevocationError("the delta CRL or its base has no number", code="answer_delta")
    if delta.number <= base.number:
        raise RevocationError("the delta CRL is not newer than its base", code="answer_delta")
    if delta.base_number > base.number:
        raise RevocationError("the delta CRL belongs to a newer base", code="answer_delta")


def _missing_delta(certificate: Certificate) -> str:
    if FRESHEST_CRL in x509.parse(certificate.der).extensions.present:
        return "the certificate itself names a delta CRL, which is not supported"
    return ""


def _doubts(one: RevocationList, url: str, issuer: X509) -> Iterator[str]:
    """What RFC 5280 asks of a CRL beyond notation."""
    if one.raw_issuer != issuer.raw_subject:
        yield "answer_names_other_issuer"
    places = list(_urls(one.scope.full_name or ())) if one.scope else []
    if places and url not in places and one.base_number is None:
        yield "crl_for_other_place"


def _doubts_of_scope(lists: Iterable[RevocationList], certificate: Certificate) -> Iterator[str]:
    for one in lists:
        if (scope := one.scope) and (
            scope.indirect_crl
            or scope.only_some_reasons
            or scope.only_contains_attribute_certs
            or (scope.only_contains_user_certs and certificate.is_ca)
            or (scope.only_contains_ca_certs and not certificate.is_ca)
        ):
            yield "crl_for_other_certificates"
            return
