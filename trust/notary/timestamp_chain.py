"""The chain from a timestamp's signer to a trusted root: found along known issuances, without any key operation.

It is looked for as Go's crypto/x509 does (RFC 5280 path building), in the same order: notation takes the first one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from trust.notary import x509
from trust.notary.certificates import Certificate
from trust.notary.chains import TIME_STAMPING, check_timestamping_chain
from trust.notary.errors import CertificateError, LimitError, NotaryError, TimestampError, UnsupportedError, quote
from trust.notary.timestamp import TimestampEvidence, TokenSigner

ANY_PURPOSE = "2.5.29.37.0"
MAX_LENGTH = 10
MAX_STEPS = 100

type Chain = tuple[Certificate, ...]


def find_chain(timestamp: TimestampEvidence, roots: Sequence[Certificate]) -> Chain:
    """The chain of the first signer who has one, sound in every rule; raises NotaryError.

    Of several signers the first that leads to a root counts, even if its chain then breaks a rule.
    """
    refusal: NotaryError = TimestampError("nobody signed the timestamp token", code="timestamp_signer_missing")
    for signer in timestamp.signers:
        try:
            chain = _first_chain(timestamp, signer, roots)
        except (CertificateError, TimestampError) as error:
            refusal = error
            continue
        _check_roots(timestamp, chain)
        check_timestamping_chain(chain)
        return chain
    raise refusal


def _first_chain(timestamp: TimestampEvidence, signer: TokenSigner, roots: Sequence[Certificate]) -> Chain:
    search = _Search(timestamp, roots)
    outside = False
    for chain in search.chains(signer.certificate):
        if signer.signing_time is None or all(_is_valid(one, signer.signing_time) for one in chain):
            return chain
        outside = True
    if outside:
        raise TimestampError(
            "the signer of the timestamp names a time of signing at which its certificates were not valid",
            code="tsa_signing_time",
        )
    raise search.refusal or _unknown_root(signer.certificate)


def _unknown_root(certificate: Certificate) -> CertificateError:
    return CertificateError(
        f"the timestamp's signer {quote(certificate.subject)} leads to no root that is trusted for timestamps",
        code="tsa_unknown_root",
        certificate=certificate.thumbprint,
    )


class _Search:
    """One search for chains; `refusal` is why the first candidate was passed over."""

    def __init__(self, timestamp: TimestampEvidence, roots: Sequence[Certificate]) -> None:
        assert timestamp.info, "a token without a signer has no chain to look for"
        self.at = timestamp.info.gen_time
        self.issuances = timestamp.issuances
        self.pool = timestamp.certificates
        self.roots = roots
        self.steps = 0
        self.refusal: CertificateError | None = None

    def chains(self, leaf: Certificate) -> Iterator[Chain]:
        """Every chain from the leaf to a root, each certificate valid when the timestamp was made."""
        if self._fits(leaf, ()):
            found = [(leaf,)] if leaf in self.roots else self._above((leaf,))
            yield from (chain for chain in found if self._is_for_timestamps(chain))

    def _above(self, below: Chain) -> Iterator[Chain]:
        for root in self._issuers(below, self.roots):
            yield (*below, root)
        if len(below) < MAX_LENGTH - 1:
            for issuer in self._issuers(below, self.pool):
                if self._is_authority(issuer):
                    yield from self._above((*below, issuer))

    def _issuers(self, below: Chain, candidates: Sequence[Certificate]) -> Iterator[Certificate]:
        child = below[-1]
        issuers = [one for one in candidates if (child.thumbprint, one.thumbprint) in self.issuances]
        for issuer in sorted(issuers, key=lambda one: _key_identifiers(child, one)):
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise LimitError(f"more than {MAX_STEPS} issuers would have to be tried", code="timestamp_limit")
            if not _is_among(issuer, below) and self._fits(issuer, below):
                yield issuer

    def _fits(self, certificate: Certificate, below: Chain) -> bool:
        """Whether it was valid then, holds nothing critical that nobody knows, and allows as many as stand below."""
        extensions = x509.parse(certificate.der).extensions
        if not _is_valid(certificate, self.at):
            return self._refuse(certificate, "tsa_outside_validity", "was not valid when the timestamp was made")
        if extensions.critical_unknown:
            oids = ", ".join(extensions.critical_unknown)
            return self._refuse(certificate, "tsa_critical_extension", f"has the unknown critical extension {oids}")
        if below and extensions.path_length is not None and extensions.path_length < len(below) - 1:
            return self._refuse(certificate, "tsa_path_length", "allows fewer authorities below it than there are")
        return True

    def _is_authority(self, certificate: Certificate) -> bool:
        text = "issues certificates but is no certificate authority (basic constraints)"
        return certificate.is_ca or self._refuse(certificate, "tsa_chain_not_authority", text)

    def _is_for_timestamps(self, chain: Chain) -> bool:
        """Whether every extended key usage of the chain allows time stamping, and nothing bounds it further."""
        for certificate in chain:
            extensions = x509.parse(certificate.der).extensions
            purposes = extensions.extended_key_usage
            if purposes and TIME_STAMPING not in purposes and ANY_PURPOSE not in purposes:
                return self._refuse(certificate, "tsa_purpose", "has an extended key usage without time stamping")
            if extensions.constraints:
                name = quote(certificate.subject)
                text = f"the certificate {name} constrains names or policies below it, which nobody here evaluates"
                raise UnsupportedError(text, code="timestamp_unsupported")
        return True

    def _refuse(self, certificate: Certificate, code: str, text: str) -> bool:
        message = f"the certificate {quote(certificate.subject)} {text}"
        self.refusal = self.refusal or CertificateError(message, code=code, certificate=certificate.thumbprint)
        return False


def _check_roots(timestamp: TimestampEvidence, chain: Chain) -> None:
    """The last certificate is self-signed, and no other one."""
    for certificate in chain:
        if ((certificate.thumbprint, certificate.thumbprint) in timestamp.issuances) == (certificate is chain[-1]):
            continue
        text = "is self-signed, but ends no chain" if certificate is not chain[-1] else "is no self-signed root"
        message = f"the certificate {quote(certificate.subject)} {text}"
        raise CertificateError(message, code="tsa_chain_root", certificate=certificate.thumbprint)


def _is_valid(certificate: Certificate, at: datetime) -> bool:
    return certificate.not_before <= at <= certificate.not_after


def _key_identifiers(child: Certificate, issuer: Certificate) -> int:
    """Issuers whose key identifier the child names come first, then those of which nobody says."""
    wanted = x509.parse(child.der).extensions.authority_key_identifier
    found = x509.parse(issuer.der).extensions.subject_key_identifier
    return 0 if wanted == found else 2 if wanted and found else 1


def _is_among(candidate: Certificate, chain: Chain) -> bool:
    """Whether the chain has that name with that key already: another certificate for it leads nowhere new."""
    parsed = x509.parse(candidate.der)
    others = (x509.parse(certificate.der) for certificate in chain)
    return any(other.raw_subject == parsed.raw_subject and other.key == parsed.key for other in others)
