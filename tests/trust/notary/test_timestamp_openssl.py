"""Tokens that another implementation made: OpenSSL's timestamp authority (`openssl ts -reply`)."""

import os
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.simulators.tsa import STAMPED_AT
from tests.trust.notary.stamping import MESSAGE, authority
from trust.notary.certificates import Certificate
from trust.notary.timestamp import examine_timestamp
from trust.notary.timestamp_chain import find_chain

CONFIGURATION = """
[tsa]
serial = serial
crypto_device = builtin
signer_cert = signer.pem
certs = {certs}
signer_key = key.pem
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha1, sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = {chain}
ess_cert_id_alg = {ess}
"""


@pytest.fixture(scope="module")
def openssl():
    found = shutil.which("openssl")
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("openssl is not installed")
    return found


def pem(*ders):
    return b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in ders)


@pytest.fixture
def stamp(openssl, tmp_path):
    """Makes a token over MESSAGE with OpenSSL."""

    def make(tsa, *query, digest="sha256", ess="sha256", chain="no"):
        run = {"cwd": tmp_path, "check": True, "capture_output": True}
        (tmp_path / "message").write_bytes(MESSAGE)
        (tmp_path / "serial").write_text("01")
        (tmp_path / "signer.pem").write_bytes(pem(tsa.chain[0]))
        (tmp_path / "others.pem").write_bytes(pem(*tsa.chain[1:]))
        key = tsa.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "key.pem").write_bytes(key)
        text = CONFIGURATION.format(certs="others.pem", digest=digest, ess=ess, chain=chain)
        (tmp_path / "ts.cnf").write_text(text)
        query = query or ("-sha256", "-cert")
        subprocess.run([openssl, "ts", "-query", "-data", "message", *query, "-out", "query"], **run)
        reply = [
            openssl,
            "ts",
            "-reply",
            "-config",
            "ts.cnf",
            "-section",
            "tsa",
            "-queryfile",
            "query",
            "-out",
            "reply",
        ]
        subprocess.run(reply, **run)
        return tsp.TimeStampResp.load((tmp_path / "reply").read_bytes())["time_stamp_token"].dump()

    return make


def outcome(tsa, token):
    evidence = examine_timestamp(token, MESSAGE)
    if evidence.fault:
        return evidence.fault.code
    root = [Certificate.parse(tsa.root)]
    return len(find_chain(evidence.with_roots(root), root))


@pytest.mark.parametrize("key", ["rsa2048", "rsa4096", "p256", "p521"])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_openssls_tokens_are_read_with_every_kind_of_key(stamp, key, digest):
    tsa = authority(key, depth=2)
    before = datetime.now(UTC).replace(microsecond=0)
    token = stamp(tsa, digest=digest)
    assert outcome(tsa, token) == 3
    info = examine_timestamp(token, MESSAGE).info
    assert before <= info.gen_time <= datetime.now(UTC)
    assert info.accuracy.total_seconds() == 1.5
    assert info.gen_time > STAMPED_AT


@pytest.mark.parametrize("options", [{"ess": "sha384"}, {"chain": "yes"}])
def test_openssl_may_name_its_certificates_in_any_way_that_is_signed(stamp, options):
    tsa = authority("p256", depth=2)
    assert outcome(tsa, stamp(tsa, **options)) == 3


def test_openssls_token_with_a_sha1_certificate_hash_names_no_signer(stamp):
    tsa = authority("p256", depth=1)
    assert outcome(tsa, stamp(tsa, ess="sha1")) == "timestamp_signer_missing"  # it writes SigningCertificate v1


def test_openssls_token_over_a_sha1_imprint_is_refused(stamp):
    tsa = authority("p256", depth=1)
    assert outcome(tsa, stamp(tsa, "-sha1", "-cert")) == "timestamp_imprint"


def test_openssls_token_without_certificates_has_no_signer(stamp):
    tsa = authority("p256", depth=1)
    assert outcome(tsa, stamp(tsa, "-sha256")) == "timestamp_signer_missing"


def test_what_we_accept_openssl_verifies(openssl, tmp_path):
    """The other way round: the tokens of the tests' own authority are sound for OpenSSL too."""
    for key, options in (("rsa2048", {}), ("p384", {"digest": "sha384"})):
        tsa = authority(key, depth=2)
        (tmp_path / "message").write_bytes(MESSAGE)
        (tmp_path / "token").write_bytes(tsa.token(MESSAGE, **options))
        (tmp_path / "root.pem").write_bytes(pem(tsa.root))
        command = [openssl, "ts", "-verify", "-data", "message", "-in", "token", "-token_in", "-CAfile", "root.pem"]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert outcome(tsa, tsa.token(MESSAGE, **options)) == 3
