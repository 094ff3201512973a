"""Trust stores: which files make a store, and what spoils it."""

from pathlib import Path

import pytest

from trust.notary.certificates import read_certificates
from trust.notary.trust_store import LARGEST_FILE, TrustStore, TrustStores

PKI = Path(__file__).resolve().parents[2] / "vectors" / "pki"
ROOT = (PKI / "wharf-root.crt").read_bytes()
OTHER = (PKI / "wharf-rev-root.crt").read_bytes()
LEAF = (PKI / "wharf-release.crt").read_bytes()
INTERMEDIATE = (PKI / "wharf-issuing.crt").read_bytes()


def folder(tmp_path, **files):
    """A truststore directory whose store ca/main holds these files."""
    store = tmp_path / "x509" / "ca" / "main"
    store.mkdir(parents=True)
    for name, content in files.items():
        (store / name).write_bytes(content)
    return store


def fault(tmp_path, **files):
    folder(tmp_path, **files)
    return TrustStores.read(tmp_path).get("ca", "main").fault


def test_a_store_holds_the_certificates_of_all_its_files_once():
    store = TrustStore.of("ca", "main", {"a.crt": ROOT, "b.pem": ROOT, "c": b"two roots\n" + OTHER + ROOT})
    assert store.fault == ""
    assert {certificate.thumbprint for certificate in store.certificates} == {
        read_certificates(ROOT)[0].thumbprint,
        read_certificates(OTHER)[0].thumbprint,
    }
    assert len(store.certificates) == 2


def test_notations_directory_is_read_as_it_is(tmp_path):
    folder(tmp_path, **{"root.crt": ROOT})
    (tmp_path / "x509" / "tsa" / "clock").mkdir(parents=True)
    (tmp_path / "x509" / "tsa" / "clock" / "root.pem").write_bytes(OTHER)
    stores = TrustStores.read(tmp_path)
    assert {str(store) for store in stores} == {"ca:main", "tsa:clock"}
    assert stores.get("ca", "main").holds(read_certificates(ROOT)[0])
    assert not stores.get("ca", "main").holds(read_certificates(OTHER)[0])


@pytest.mark.parametrize("directory", ["absent", "."])
def test_a_store_that_is_not_there_has_a_fault_that_says_so(tmp_path, directory):
    stores = TrustStores.read(tmp_path / directory)
    assert stores.get("ca", "main").fault == "The trust store ca:main does not exist."


def test_an_empty_store_is_a_fault(tmp_path):
    assert fault(tmp_path) == "The trust store ca:main is empty."


@pytest.mark.parametrize(("name", "content"), [("leaf.crt", LEAF), ("text.crt", b"hello"), ("empty.crt", b"")])
def test_one_bad_file_spoils_its_store(tmp_path, name, content):
    text = fault(tmp_path, **{"root.crt": ROOT, name: content})
    assert text.startswith("The trust store ca:main cannot be used")
    assert name in text
    assert TrustStores.read(tmp_path).get("ca", "main").certificates == ()


def test_a_directory_or_a_link_inside_spoils_the_store(tmp_path):
    store = folder(tmp_path, **{"root.crt": ROOT})
    (store / "more").mkdir()
    assert '"more"' in TrustStores.read(tmp_path).get("ca", "main").fault
    (store / "more").rmdir()
    assert TrustStores.read(tmp_path).get("ca", "main").fault == ""
    (store / "link.crt").symlink_to(store / "root.crt")
    assert '"link.crt"' in TrustStores.read(tmp_path).get("ca", "main").fault


def test_a_store_that_is_a_link_or_a_file_is_not_followed(tmp_path):
    store = folder(tmp_path, **{"root.crt": ROOT})
    (store.parent / "linked").symlink_to(store)
    (store.parent / "file").write_bytes(ROOT)
    stores = TrustStores.read(tmp_path)
    assert "not a directory" in stores.get("ca", "linked").fault
    assert "not a directory" in stores.get("ca", "file").fault


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    assert "larger" in fault(tmp_path, **{"big.crt": b"\n" * (LARGEST_FILE + 1)})


def test_an_intermediate_and_a_self_signed_leaf_may_be_trusted():
    assert TrustStore.of("ca", "main", {"a": INTERMEDIATE}).fault == ""
    self_signed = (PKI / "wharf-self.crt").read_bytes()
    assert TrustStore.of("ca", "main", {"a": self_signed}).fault == ""


def test_a_tsa_store_holds_only_roots():
    assert TrustStore.of("tsa", "clock", {"a": ROOT}).fault == ""
    assert "not a root" in TrustStore.of("tsa", "clock", {"a": INTERMEDIATE}).fault


@pytest.mark.parametrize("name", [".", "..", "a/b", "", "ma:in", "main\n", "ä"])
def test_a_store_cannot_have_a_name_that_leaves_its_directory(name):
    assert "its name" in TrustStore.of("ca", name, {"a": ROOT}).fault


def test_a_store_of_another_type_is_a_fault():
    assert "its type" in TrustStore.of("CA", "main", {"a": ROOT}).fault
