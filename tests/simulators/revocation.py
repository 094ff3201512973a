"""An OCSP responder and a place for CRLs, in process: what they serve is built with cryptography, or byte by byte where
it must be wrong. Nothing here is copied from what Signboard reads it with."""

import base64
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from registries.transport import Transport
from tests.simulators.wsgi import WSGIWire
from tests.trust.notary.making import CA_USAGE, CODE_SIGNING, key_of, make_certificate, name_of, sequence, tlv
from trust.notary.certificates import Certificate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DER = serialization.Encoding.DER
ISSUER_NAME, ISSUER_KEY = "revoking authority", "issuing"
SERIAL = 0x7001
STATUSES = {status.name.lower(): status for status in ocsp.OCSPCertStatus}
ECDSA = {  # how answers are signed that are made byte by byte
    "sha1": (hashes.SHA1(), "300906072a8648ce3d0401"),
    "sha256": (hashes.SHA256(), "300a06082a8648ce3d040302"),
}


# -- certificates


def access(*urls):
    """The extension that names OCSP responders."""
    places = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)) for url in urls
    ]
    return x509.AuthorityInformationAccess(places), False


def points(*urls, kind=x509.CRLDistributionPoints):
    """The extension that names places of CRLs, or of deltas."""
    return kind(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in urls]
    ), False


def sources(ocsp_urls=(), crl_urls=()):
    return ([access(*ocsp_urls)] if ocsp_urls else []) + ([points(*crl_urls)] if crl_urls else [])


@cache
def make_root():
    return make_certificate(key_of("root"), "root", ca=True, usage=CA_USAGE)


def make_issuer(ocsp_urls=(), crl_urls=(), *, usage=CA_USAGE, serial=0x11):
    """The authority between root and leaf."""
    extensions = sources(ocsp_urls, crl_urls)
    return make_certificate(
        key_of(ISSUER_KEY),
        ISSUER_NAME,
        "root",
        key_of("root"),
        ca=True,
        usage=usage,
        serial=serial,
        extensions=extensions,
    )


def make_leaf(ocsp_urls=(), crl_urls=(), *, subject="signer", serial=SERIAL, extensions=(), key="p256", **options):
    extensions = [*sources(ocsp_urls, crl_urls), *extensions]
    return make_certificate(
        key_of(key), subject, ISSUER_NAME, key_of(ISSUER_KEY), purposes=[CODE_SIGNING], serial=serial,
        extensions=extensions, **options,
    )  # fmt: skip


@cache
def usual_issuer():
    return make_issuer()


def chain_of(leaf, issuer=None):
    """Leaf, authority and root as values."""
    return tuple(map(Certificate.parse, (leaf, issuer or usual_issuer(), make_root())))


def chain_with(*ocsp_urls, crl=(), **leaf):
    return chain_of(make_leaf(ocsp_urls, crl, **leaf))


def responder(*, purposes=(x509.ExtendedKeyUsageOID.OCSP_SIGNING,), nocheck=True, issuer_key=ISSUER_KEY, **options):
    """A certificate to which the authority delegates; its key is `p384`."""
    extensions = [(x509.OCSPNoCheck(), False)] if nocheck else []
    return make_certificate(
        key_of("p384"),
        "responder",
        ISSUER_NAME,
        key_of(issuer_key),
        purposes=purposes,
        extensions=extensions,
        **options,
    )


# -- answers


def make_ocsp(
    chain,
    status="good",
    *,
    this_update=NOW - HOUR,
    next_update=NOW + DAY,
    revoked_at=NOW - 2 * DAY,
    reason=x509.ReasonFlags.key_compromise,
    delegate=None,
    embedded=None,
    issuer_key=None,
    produced_extensions=(),
):
    """An answer about the leaf of a chain, signed by its issuer, or by a delegate whose certificate goes with it."""
    leaf, issuer = (x509.load_der_x509_certificate(one.der) for one in chain[:2])
    revoked = status == "revoked"
    signer = x509.load_der_x509_certificate(delegate) if delegate else issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf,
        issuer=issuer,
        algorithm=hashes.SHA1(),
        cert_status=STATUSES[status],
        this_update=this_update,
        next_update=next_update,
        revocation_time=revoked_at if revoked else None,
        revocation_reason=reason if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
    if delegate or embedded:
        builder = builder.certificates([x509.load_der_x509_certificate(one) for one in embedded or [delegate]])
    for extension in produced_extensions:
        builder = builder.add_extension(extension, critical=False)
    key = key_of("p384") if delegate else issuer_key or key_of(ISSUER_KEY)
    return builder.sign(key, hashes.SHA256()).public_bytes(DER)


def refusal(status):
    """What a responder says that gives no answer."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(DER)


def general_time(moment):
    return tlv(0x18, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def make_single(chain, status="good", *, serial=None, next_update=NOW + DAY, extensions=(), hash_oid="2b0e03021a"):
    """One part of an answer, byte by byte; extensions are (OID bytes, critical, value)."""
    number = x509.load_der_x509_certificate(chain[0].der).serial_number if serial is None else serial
    issuer = x509.load_der_x509_certificate(chain[1].der)
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_der_x509_certificate(chain[0].der), issuer, hashes.SHA1()
    )
    asked = builder.build()
    identity = sequence(
        sequence(tlv(0x06, bytes.fromhex(hash_oid)), tlv(5)),
        tlv(4, asked.issuer_name_hash),
        tlv(4, asked.issuer_key_hash),
        tlv(2, number.to_bytes((number.bit_length() + 8) // 8)),
    )
    revoked_at = general_time(NOW - 2 * DAY)
    word = {"good": tlv(0x80), "revoked": tlv(0xA1, revoked_at), "unknown": tlv(0x82)}[status]
    parts = [identity, word, general_time(NOW - HOUR)]
    if next_update:
        parts.append(tlv(0xA0, general_time(next_update)))
    if extensions:
        parts.append(tlv(0xA1, sequence(*(sequence(
            tlv(6, bytes.fromhex(oid)), *([tlv(1, b"\xff")] if critical else []), tlv(4, value)
        ) for oid, critical, value in extensions))))  # fmt: skip
    return sequence(*parts)


def answer_of_parts(*singles, key=None, algorithm="sha256", certificates=()):
    """An answer made of such parts, signed by the authority."""
    digest, identifier = ECDSA[algorithm]
    body = sequence(tlv(0xA2, tlv(4, b"k" * 20)), general_time(NOW - HOUR), sequence(*singles))
    signature = (key or key_of(ISSUER_KEY)).sign(body, ec.ECDSA(digest))
    parts = [body, bytes.fromhex(identifier), tlv(3, b"\0", signature)]
    if certificates:
        parts.append(tlv(0xA0, sequence(*certificates)))
    response = sequence(tlv(6, bytes.fromhex("2b0601050507300101")), tlv(4, sequence(*parts)))
    return sequence(tlv(10, b"\0"), tlv(0xA0, response))


INVALIDITY_DATE = "551d18"


def make_crl(
    *entries,
    number=7,
    this_update=NOW - HOUR,
    next_update=NOW + DAY,
    extensions=(),
    base=None,
    deltas=(),
    key=None,
    issuer=ISSUER_NAME,
    algorithm=None,
    pss=False,
):
    """A CRL; `base` makes it a delta to the CRL of that number, `deltas` are where its own delta lies."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name_of(issuer) if isinstance(issuer, str) else issuer)
        .last_update(this_update)
        .next_update(next_update)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
    if deltas:
        builder = builder.add_extension(*points(*deltas, kind=x509.FreshestCRL))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    key = key or key_of(ISSUER_KEY)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss and isinstance(key, rsa.RSAPrivateKey) else None
    return builder.sign(key, algorithm or hashes.SHA256(), rsa_padding=scheme).public_bytes(DER)


def entry(serial=SERIAL, reason=None, *, at=NOW - 2 * DAY, invalid_since=None, extensions=()):
    """One revocation of a CRL."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
    if reason:
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
    if invalid_since:
        builder = builder.add_extension(x509.InvalidityDate(invalid_since.replace(tzinfo=None)), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.build()


# -- the host


class RevocationHost:
    """A WSGI application that answers for every host name; what is not put there is not found."""

    def __init__(self):
        self.places = {}
        self.log = []

    def put(self, url, content, *, status=200, headers=()):
        """Serve bytes, or what a function makes of the OCSP question."""
        self.places[url.removeprefix("http://")] = (content, status, list(headers))

    def take_away(self, url):
        del self.places[url.removeprefix("http://")]

    def asked(self, part=""):
        """The requests so far, as "METHOD host/path"."""
        return [line for line in self.log if part in line]

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        place = environ["HTTP_HOST"] + environ["PATH_INFO"]
        self.log.append(f"{environ['REQUEST_METHOD']} {place}")
        found = (
            place if place in self.places else next((one for one in self.places if place.startswith(one + "/")), None)
        )
        if found is None:
            start_response("404 Not Found", [])
            return [b""]
        content, status, headers = self.places[found]
        if callable(content):
            question = body or base64.b64decode(place.removeprefix(found + "/"))
            content = content(ocsp.load_der_ocsp_request(question))
        start_response(f"{status} As It Is", [("Content-Length", str(len(content))), *headers])
        return [content]

    def transport(self):
        """The guarded transport with this host in place of the network."""
        return Transport(app=WSGIWire(self))


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def _serving(host, port):
    until = time.monotonic() + 30
    while True:
        try:
            return make_server("127.0.0.1", port, host, handler_class=_Quiet)
        except OSError as error:
            if time.monotonic() > until:
                pytest.skip(f"port {port} is taken: {error}")
            time.sleep(0.1)


@contextmanager
def on_loopback(host, port=0):
    """The host behind a real socket; gives its address. A port that another test has is waited for."""
    server = _serving(host, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
