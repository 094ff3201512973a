"""A timestamp authority: its tokens are sound, or break one rule. Encoded with asn1crypto, which the product does not use."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

POLICY = "1.3.6.1.4.1.99999.1"
ETSI = "0.4.0.2023.1.1"
STAMPED_AT = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
DROP = object()
"A value that takes a member or an attribute away."


@dataclass(frozen=True)
class Tsa:
    """Certificates (DER, the signer's first, its root last) and the signer's key (cryptography)."""

    chain: tuple[bytes, ...]
    key: object

    @property
    def root(self):
        return self.chain[-1]

    def token(self, content, at=STAMPED_AT, *, signers=None, bag=None, data=None, **options):
        """A TimeStampToken over `content`. `bag`: the certificates it brings (all but the root); `data`: changed members."""
        info = make_info(content, at, **{name: options.pop(name) for name in INFO_OPTIONS if name in options})
        signers = [Signer(self, **options)] if signers is None else signers
        return make_token(info, signers, self.chain[:-1] if bag is None else bag, data)


INFO_OPTIONS = ("imprint", "imprint_hash", "accuracy", "policy", "tst_version", "gen_time", "extensions", "info")


def make_info(
    content,
    at=STAMPED_AT,
    *,
    imprint=None,
    imprint_hash="sha256",
    accuracy=None,
    policy=POLICY,
    tst_version=1,
    gen_time=None,
    extensions=None,
    info=None,
):
    """A TSTInfo; `gen_time` writes the time as given, `info` replaces all of it."""
    if info is not None:
        return info
    digest = hashlib.new(imprint_hash, content).digest() if imprint is None else imprint
    members = {
        "version": tst_version,
        "policy": policy,
        "message_imprint": {"hash_algorithm": {"algorithm": imprint_hash}, "hashed_message": digest},
        "serial_number": 7,
        "gen_time": at,
    }
    if accuracy is not None:
        members["accuracy"] = accuracy
    if extensions is not None:
        members["extensions"] = extensions
    encoded = tsp.TSTInfo(members)
    if gen_time is not None:
        encoded["gen_time"] = core.GeneralizedTime(contents=gen_time)
    return encoded.dump()


@dataclass(frozen=True)
class Signer:
    """Who signs a token, and what is odd about that."""

    tsa: Tsa
    digest: str = "sha256"
    scheme: str = ""  # the signature algorithm's name; the natural one of the key if empty
    named: bytes | None = None  # the certificate that the signed attribute names; the signer's own if None
    certificate_hash: str = "sha256"
    issuer_serial: object = None  # of the signed attribute; DROP leaves it out
    sid: object = None
    version: object = "v1"
    attributes: object = None  # name -> value, DROP takes one away
    repeated: tuple[str, ...] = ()  # attributes that appear twice
    break_signature: bool = False

    def info(self, content, content_type):
        certificate = x509.Certificate.load(self.tsa.chain[0])
        attributes = self._attributes(content, content_type)
        signed = cms.CMSAttributes(attributes) if attributes else None
        message = signed.dump() if signed else content
        signature = self._sign(message)
        if self.break_signature:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        fields = {
            "version": self.version,
            "sid": self.sid or issuer_and_serial(certificate),
            "digest_algorithm": {"algorithm": self.digest},
            "signature_algorithm": self._algorithm(),
            "signature": signature,
        }
        if signed:
            fields["signed_attrs"] = signed
        return cms.SignerInfo(fields)

    def _attributes(self, content, content_type):
        values = {
            "content_type": content_type,
            "message_digest": hashlib.new(self.digest, content).digest(),
            "signing_certificate_v2": self._signing_certificate(),
        } | (self.attributes or {})
        names = [name for name, value in values.items() if value is not DROP]
        return [
            cms.CMSAttribute(
                {"type": name, "values": values[name] if isinstance(values[name], list) else [values[name]]}
            )
            for name in [*names, *self.repeated]
        ]

    def _signing_certificate(self):
        named = x509.Certificate.load(self.named or self.tsa.chain[0])
        identifier = {"cert_hash": hashlib.new(self.certificate_hash, named.dump()).digest()}
        if self.certificate_hash != "sha256":
            identifier["hash_algorithm"] = {"algorithm": self.certificate_hash}
        if self.issuer_serial is not DROP:
            identifier["issuer_serial"] = self.issuer_serial or {
                "issuer": [x509.GeneralName("directory_name", named.issuer)],
                "serial_number": named.serial_number,
            }
        return tsp.SigningCertificateV2({"certs": [identifier]})

    @property
    def _natural_scheme(self):
        is_ec = isinstance(self.tsa.key, ec.EllipticCurvePrivateKey)
        return f"{self.digest}_ecdsa" if is_ec else "rsassa_pkcs1v15"

    def _algorithm(self):
        scheme = self.scheme or self._natural_scheme
        if scheme == "rsassa_pss":
            size = HASHES[self.digest].digest_size
            mask = {"algorithm": "mgf1", "parameters": {"algorithm": self.digest}}
            parameters = {"hash_algorithm": {"algorithm": self.digest}, "mask_gen_algorithm": mask, "salt_length": size}
            return algos.SignedDigestAlgorithm({"algorithm": scheme, "parameters": algos.RSASSAPSSParams(parameters)})
        return algos.SignedDigestAlgorithm({"algorithm": scheme})

    def _sign(self, message):
        scheme, digest = self.scheme or self._natural_scheme, HASHES[self.digest]
        if scheme.endswith("_ecdsa"):
            return self.tsa.key.sign(message, ec.ECDSA(HASHES[scheme.removesuffix("_ecdsa")]))
        if scheme == "rsassa_pss":
            return self.tsa.key.sign(message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        named = HASHES.get(scheme.removesuffix("_rsa"), digest)
        return self.tsa.key.sign(message, padding.PKCS1v15(), named)


def issuer_and_serial(certificate):
    fields = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber(fields))


KEY_IDENTIFIER = cms.SignerIdentifier("subject_key_identifier", core.OctetString(b"12345678901234567890"))
"A signer named as version 3 of SignerInfo has it."


def make_token(info, signers, bag, changes=None):
    """The TimeStampToken that holds this TSTInfo; `changes` of the signed data, where DROP takes a member away."""
    changes = dict(changes or {})
    content_type = changes.pop("content_type", "tst_info")
    fields = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": name} for name in sorted({signer.digest for signer in signers})],
        "encap_content_info": {"content_type": content_type, "content": core.ParsableOctetString(info)},
        "certificates": [cms.CertificateChoices("certificate", x509.Certificate.load(der)) for der in bag],
        "signer_infos": [signer.info(info, content_type) for signer in signers],
    } | changes
    fields = {name: value for name, value in fields.items() if value is not DROP}
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(fields)}).dump()
