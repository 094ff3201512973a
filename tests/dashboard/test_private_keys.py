"""What is a private key, and what is none."""

import pytest

from dashboard.private_keys import holds_private_key
from demo.pki import Pki
from tests.trust.seeding import NOW, policy


def test_no_certificate_and_no_policy_is_taken_for_a_key():
    pki = Pki.build(NOW)
    files = [content for files in pki.trust_stores.values() for content in files.values()]
    for content in (*files, *(pki[name].pem for name in ("release", "stranger")), policy(), b""):
        assert not holds_private_key(content)


@pytest.mark.parametrize(
    "content",
    [
        b"-----BEGIN RSA PRIVATE KEY----",  # a dash is lost
        "-----BEGIN PRIVATE KEY-----\n".encode("utf-16"),
        b"LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1Ja0NBUUVFSUc=",  # as Kubernetes keeps it
        b"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 14\n",
        bytes.fromhex("308204a4020100028201"),  # cut off
    ],
)
def test_a_key_is_known_by_its_beginning(content):
    assert holds_private_key(content)
