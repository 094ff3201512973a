"""A layout in a tar: read in place, bounded, and nothing in it leads anywhere else."""

import io
import tarfile

import pytest

from registries.oci.archive import END, MAX_EXTENDED, TarLayout, entry, is_layout, layout_at
from registries.oci.digest import Digest
from registries.oci.errors import LayoutError, LimitError, OciError
from registries.oci.layout import Layout
from tests.registries.oci.test_layout import Written


@pytest.fixture
def written(tmp_path):
    folder = tmp_path / "layout"
    folder.mkdir()
    return Written(folder)


def packed(written, *, prefix="", members=(), **options):
    """The layout as tar makes it, and further members."""
    written.open()
    path = written.root.parent / "layout.tar"
    with tarfile.open(path, "w", **options) as archive:
        for file in sorted(written.root.rglob("*")):
            archive.add(file, prefix + str(file.relative_to(written.root)), recursive=False)
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return TarLayout(path, "app")


def member(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_reads_like_the_directory_that_it_was_made_of(written, prefix, form):
    image = written.image("1", "v1")
    signature = written.signature_of(image)
    layout = packed(written, prefix=prefix, format=form)
    directory = Layout(written.root, "app")
    assert layout.tags("app") == directory.tags("app")
    assert layout.manifest("app", image) == directory.manifest("app", image)
    listed = layout.referrers("app", image, limit=10)
    assert [row.digest for row in listed.descriptors] == [signature]
    assert listed == directory.referrers("app", image, limit=10)


def test_names_longer_than_a_header_are_read(written):
    content = b"long"
    name = "blobs/sha512/" + Digest.of(content, "sha512").encoded
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        layout = packed(written, members=[(member(name), content)], format=form)
        assert layout._read(tuple(name.split("/")), 100) == content


LINKS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE]


@pytest.mark.parametrize("kind", LINKS)
def test_what_is_no_regular_file_spoils_the_archive(written, kind):
    written.image("1", "v1")
    layout = packed(written, members=[(member("blobs/sha256/x", kind, "/etc/passwd"), b"")])
    assert "no regular file" in str(layout.tags("app").error)


NAMES = [
    "../index.json",
    "/etc/passwd",
    "blobs/../../x",
    "blobs//x",
    "a\\..\\b",
    "blobs/sha256/\x01",
    "é",
    "x" * 256,
    "./../x",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_layout_has_spoils_the_archive(written, name):
    layout = packed(written, members=[(member(name), b"x")], format=tarfile.PAX_FORMAT)
    assert isinstance(layout.tags("app").error, LayoutError)


def test_a_file_that_is_there_twice_spoils_the_archive(written):
    written.image("1", "v1")
    layout = packed(written, members=[(member("./index.json"), b"{}")])
    assert "twice" in str(layout.tags("app").error)


def test_other_files_are_passed_over(written):
    written.image("1", "v1")
    layout = packed(written, members=[(member("README.md"), b"x"), (member(".DS_Store"), b"x")])
    assert layout.tags("app").tags == ("v1",)


def test_a_blob_with_other_bytes_than_its_name_says_is_refused(written):
    image = written.image("1", "v1")
    written.path(image).write_bytes(b"{}")
    with pytest.raises(OciError):
        packed(written).manifest("app", image)


def test_an_extended_header_of_any_size_is_not_read(written):
    layout = packed(written, members=[(member("x" * 200 + "/" + "y" * MAX_EXTENDED), b"")], format=tarfile.PAX_FORMAT)
    assert isinstance(layout.tags("app").error, LimitError)


@pytest.mark.parametrize(
    "headers", [{"GNU.sparse.major": "1"}, {"size": "99999999"}, {"size": "-1"}, {"path": "../x"}, {"path": ""}]
)
def test_extended_headers_that_say_more_than_a_name_are_refused(written, headers):
    odd = member("README")
    odd.pax_headers = headers
    layout = packed(written, members=[(odd, b"x")], format=tarfile.PAX_FORMAT)
    assert isinstance(layout.tags("app").error, LayoutError)


def test_one_header_for_all_files_names_none_of_them(written):
    layout = packed(written, format=tarfile.PAX_FORMAT, pax_headers={"path": "index.json"})
    assert isinstance(layout.tags("app").error, LayoutError)


@pytest.mark.parametrize("content", [b"", b"\0" * 1024, b"x" * 512, b"\x1f\x8b" + b"\0" * 600, b"x" * 100])
def test_what_is_no_tar_is_an_error_of_ours(tmp_path, content):
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    assert isinstance(TarLayout(path, "app").tags("app").error, LayoutError)


def test_any_cut_of_an_archive_is_an_error_or_less_and_never_other_bytes(written):
    image = written.image("1", "v1")
    path = packed(written).root
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        layout = TarLayout(path, "app")
        try:
            assert Digest.of(layout.manifest("app", image).content) == image
        except OciError:
            continue


def test_any_flipped_byte_of_an_archive_is_an_error_or_the_same_manifest(written):
    image = written.image("1", "v1")
    path = packed(written).root
    whole = path.read_bytes()
    for place in range(0, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            assert Digest.of(TarLayout(path, "app").manifest("app", image).content) == image
        except OciError:
            continue


def test_a_path_is_a_layout_if_it_is_a_folder_or_a_tar(written):
    path = packed(written).root
    assert is_layout(path) and is_layout(written.root)
    assert not is_layout(path.with_suffix(".tgz"))
    assert isinstance(layout_at(path, "app"), TarLayout)
    assert not isinstance(layout_at(written.root, "app"), TarLayout)


def test_what_is_written_is_the_same_whenever_it_is_written():
    assert entry("index.json", b"{}") == entry("index.json", b"{}")
    assert len(entry("index.json", b"{}")) == 1024


def test_what_is_written_tar_reads_with_long_names_too():
    names = ["oci-layout", "blobs/sha512/" + "a" * 128]
    content = b"".join(entry(name, name.encode()) for name in names) + END
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert {member.name: archive.extractfile(member).read() for member in archive} == {
            name: name.encode() for name in names
        }
