"""notation's configuration folder in and out: byte for byte, within bounds, and nothing that leads elsewhere."""

import gzip
import io
import json
import tarfile
import zipfile

import pytest
from hypothesis import given, settings

from tests.trust.notary.test_upstream_policies import BLOB_TRUST_POLICY, REFUSED, TAKEN
from tests.trust.notary.test_upstream_policies import document as written
from tests.trust.policies import policies
from tests.trust.seeding import NOW, policy, store_files
from trust import archives, configuration
from trust.additions import Additions
from trust.configuration import ConfigurationError
from trust.revisions import Content

WHOLE = Content(
    policy() + b"\r\n \n",
    store_files() | {("ca", "new", "a.pem"): b"not\r\neven a certificate"},
    b'{"version":"1.0"}',
    Additions({"release": ("a.example/*",)}, {"release": "publisher"}, {}),
)
EMPTY = Content(b"", {})


def tar(files, mode="w", **kinds):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, kind in kinds.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    return out.getvalue()


def zipped(files, symlink="", compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        if symlink:
            info = zipfile.ZipInfo(symlink)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def imported(content, name="x.tar", over=EMPTY):
    return configuration.read({name: content}).over(over)


def test_what_is_exported_is_imported_byte_for_byte_with_what_stands_beside_it():
    exported = configuration.write(WHOLE, NOW, revision=14)
    assert imported(exported) == WHOLE
    assert imported(gzip.compress(exported), over=Content(b"other", {}, b"other")) == WHOLE
    assert configuration.read({"x.tar": exported}).edited == ()


def test_an_export_of_the_same_is_the_same_bytes_and_names_revision_and_digests():
    one, two = (configuration.write(WHOLE, NOW, revision=14, author="maria") for _ in range(2))
    assert one == two
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        said = json.load(archive.extractfile("signboard.json"))
        assert sorted(archive.getnames()) == sorted([*configuration.paths_of(WHOLE), "signboard.json"])
    assert (said["revision"], said["author"], said["created_at"]) == (14, "maria", "2026-03-01T12:00:00+00:00")
    assert len(said["files"]) == len(configuration.paths_of(WHOLE))
    assert all(len(file["sha256"]) == 64 for file in said["files"])


@settings(max_examples=50, deadline=None)
@given(policies())
def test_any_policy_goes_out_and_in_without_loss(value):
    content = Content(json.dumps(value, indent=1).encode(), {})
    assert imported(configuration.write(content, NOW)) == content


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN, "blob_trust_policy", "invalid_format"])
def test_each_upstream_policy_goes_out_and_in_without_loss(name):
    shapes = {name: written(*statements) for name, (_, statements) in (REFUSED | TAKEN).items()}
    content = Content(shapes.get(name, b'{"version": "1.0",, "trustPolicies": []}'), {}, BLOB_TRUST_POLICY)
    assert imported(configuration.write(content, NOW)) == content
    assert configuration.read({"trustpolicy.json": content.policy}).policy == content.policy


@pytest.mark.parametrize("pack", [tar, zipped, lambda files: tar(files, "w:gz")], ids=["tar", "zip", "tar.gz"])
@pytest.mark.parametrize("folder", ["", "./", "home/me/.config/notation/"])
def test_notations_folder_is_found_wherever_it_is_and_what_is_not_ours_is_not_even_read(pack, folder):
    files = {folder + path: content for path, content in configuration.paths_of(WHOLE).items()}
    others = {f"{folder}localkeys/a.key": b"-----BEGIN PRIVATE KEY-----", f"{folder}plugins/big": b"x" * (2 << 20)}
    found = configuration.read({"n": pack(files | others)})
    assert found.over(EMPTY) == Content(WHOLE.policy, WHOLE.files, WHOLE.blob_policy)
    assert len(found.left_out) == 2


def test_what_a_foreign_folder_does_not_have_stays_as_it_was():
    assert imported(tar({"trustpolicy.json": b"{}"}), over=WHOLE) == Content(
        b"{}", WHOLE.files, WHOLE.blob_policy, WHOLE.additions
    )


def test_single_files_are_taken_too_and_the_new_name_goes_before_the_old():
    found = configuration.read(
        {"trustpolicy.json": b"old", "trustpolicy.oci.json": b"new", "trustpolicy.blob.json": b"blobs"}
    )
    assert (found.policy, found.blob_policy, found.files) == (b"new", b"blobs", None)
    assert found.left_out == ("trustpolicy.json",)


def test_files_that_were_edited_since_the_export_are_named():
    exported = configuration.paths_of(WHOLE)
    with tarfile.open(fileobj=io.BytesIO(configuration.write(WHOLE, NOW))) as archive:
        manifest = archive.extractfile("signboard.json").read()
    found = configuration.read({"x": tar(exported | {"signboard.json": manifest, "trustpolicy.oci.json": b"{}"})})
    assert found.edited == ("trustpolicy.oci.json",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tar({"../trustpolicy.json": b"{}"}), "no path below"),
        (tar({"/etc/trustpolicy.json": b"{}"}), "no path below"),
        (tar({"a/../../trustpolicy.json": b"{}"}), "no path below"),
        (tar({"a\\..\\trustpolicy.json": b"{}"}), "such names are not taken"),
        (tar({"a\u202e/trustpolicy.json": b"{}"}), "such names are not taken"),
        (tar({}, **{"trustpolicy.json": tarfile.SYMTYPE}), "is a link"),
        (tar({}, **{"trustpolicy.json": tarfile.LNKTYPE}), "is a link"),
        (tar({}, **{"trustpolicy.json": tarfile.CHRTYPE}), "is a link"),
        (tar({"trustpolicy.json": b"{}", "./trustpolicy.json": b"[]"}), "twice"),
        (tar({"a/trustpolicy.json": b"{}", "b/trustpolicy.json": b"[]"}), "Two files are"),
        (zipped({"trustpolicy.json": b"{}"}, symlink="truststore"), "is a link"),
        (zipped({"../trustpolicy.json": b"{}"}), "no path below"),
        (zipped({"../": b"", "trustpolicy.json": b"{}"}), "no path below"),
        (tar({"trustpolicy.json": b"{}"}, **{"/etc": tarfile.DIRTYPE}), "no path below"),
        (tar({}, **{"trustpolicy.json": tarfile.GNUTYPE_SPARSE}), "no regular file"),
        (zipped({"trustpolicy.json": b"{}"}, compression=zipfile.ZIP_LZMA), "a way that is not read"),
        (tar({"trustpolicy.json": b"x" * ((1 << 20) + 1)}), "larger than 1 MiB"),
        (zipped({"trustpolicy.json": b"x" * (64 << 20)}), "larger than 1 MiB"),
        (gzip.compress(b"\0" * (33 << 20)), "unpacks to more than 32 MiB"),
        (zipped({f"truststore/x509/ca/a/{n}": b"x" * (1 << 20) for n in range(33)}), "unpacks to more than 32 MiB"),
        (tar({f"f{n}": b"" for n in range(10_001)}, "w:gz"), "more than 10,000 entries"),
        (tar({f"truststore/x509/ca/a/{n}": b"" for n in range(2_001)}, "w:gz"), "more than 2,000 files"),
        (tar({"truststore/x509/ca/a/b/c.pem": b""}), "Nothing of a configuration"),
        (tar({"truststore/x509/xx/a/c.pem": b""}), "Nothing of a configuration"),
        (tar({"signboard.json": b'{"format": "other"}'}), "is not of the format"),
        (tar({"signboard.json": b'{"format": "signboard trust configuration 1", "additions": 1}'}), "cannot be read"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b"PK\x03\x04nonsense", "damaged"),
        (b"just a text", "Nothing of a configuration"),
        (b"PK\x03\x04" + b"x" * (8 << 20), "larger than 8 MiB"),
    ],
)
def test_what_cannot_be_taken_is_refused_as_a_whole_with_the_reason(content, says):
    with pytest.raises(ConfigurationError, match=says):
        configuration.read({"x": content})


ONE = zipped({"trustpolicy.json": b"{}" * 100})
FLAGS = 8  # behind the mark of an entry of the directory


def flagged(content):
    """The same zip, said to be encrypted."""
    at = content.index(b"PK\x01\x02") + FLAGS
    return content[:at] + b"\x01" + content[at + 1 :]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (flagged(ONE), "is encrypted"),
        (ONE.replace(b"trustpolicy.json", b"trustpolicy.jsox", 1), "damaged"),  # two names for one file
        (ONE[:-30], "damaged"),
        (zipped({f"{n}": b"" for n in range(10_001)}), "more than 10,000 entries"),
        (gzip.compress(configuration.write(WHOLE, NOW))[:-9], "damaged"),
        (gzip.compress(configuration.write(WHOLE, NOW)) + b"more", "damaged"),
    ],
)
def test_an_archive_that_can_be_read_in_two_ways_is_refused(content, says):
    with pytest.raises(ConfigurationError, match=says):
        configuration.read({"x": content})


TWO = tar({"trustpolicy.json": b"{}", "truststore/x509/ca/a/b.pem": b"a certificate"})
SECOND = 2 * tarfile.BLOCKSIZE  # where the second file's header begins


def sized(size, at=0, content=TWO):
    """The same tar with a header that says another size."""
    header = content[at : at + 124] + tarfile.itn(size, 12, tarfile.GNU_FORMAT) + content[at + 136 : at + 512]
    summed = header[:148] + b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256) + header[156:]
    return content[:at] + summed + content[at + 512 :]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (TWO[:SECOND] + b"\1" + TWO[SECOND + 1 :], "damaged"),
        (TWO[: SECOND + 500], "damaged"),
        (TWO[: SECOND + 515], "damaged"),
        (TWO + b"more", "damaged"),
        (TWO + TWO, "damaged"),
        (sized(-1024), "no size"),
        (sized(-1024, SECOND), "no size"),
        (sized(1 << 70), "larger than 1 MiB"),
        (sized(1 << 19), "damaged"),
        (tar({"n" * 70_000: b""}), "larger than 64 KiB"),
    ],
)
def test_a_tar_with_less_or_more_in_it_than_its_headers_say_is_refused(content, says):
    with pytest.raises(ConfigurationError, match=says):
        configuration.read({"x": content})


def test_a_map_of_a_sparse_file_is_not_read():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("trustpolicy.json")
        entry.size, entry.pax_headers = 1 << 20, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        archive.addfile(entry, io.BytesIO(b"0\n" * (1 << 19)))
    with pytest.raises(ConfigurationError, match="sparse files"):
        configuration.read({"x": out.getvalue()})


def test_a_file_whose_name_is_not_ascii_goes_out_and_in():
    content = Content(b"{}", {("ca", "acme", "schlüssel-" + "é" * 90 + ".pem"): b"one"})
    assert imported(configuration.write(content, NOW)) == content


def test_a_folder_in_a_zip_is_no_file():
    assert imported(zipped({"a/": b"", "a/trustpolicy.json": b"{}"})).policy == b"{}"


def test_a_broken_archive_is_never_anything_but_refused():
    whole = zipped(configuration.paths_of(WHOLE))
    tarred = configuration.write(WHOLE, NOW)
    for content in (whole, gzip.compress(tarred), tarred):
        for position in range(0, min(len(content), 6_000), 37):
            broken = content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]
            try:
                configuration.read({"x": broken})
            except ConfigurationError as error:
                assert str(error)
    assert archives.is_archive(whole)
