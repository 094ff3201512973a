"""Passwords that the operator keeps in files."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from demo.registry import DemoRegistry
from demo.registry.auth import Basic
from registries import connections, password_files
from registries.models import Product, Registry
from registries.password_files import PasswordFileError
from tests.simulators.registry_quirks import Quirks

ADDRESS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def folder(tmp_path, settings):
    settings.PASSWORD_FILES = str(tmp_path / "passwords")
    (tmp_path / "passwords").mkdir()
    return tmp_path / "passwords"


@pytest.fixture
def registry(db):
    return Registry.objects.create(
        address=ADDRESS, username="AWS", vendor=Product.ECR, password_file=True, repository_patterns=["team/app"]
    )


def read(registry, later=timedelta()):
    return password_files.read(registry, timezone.now() + later)


def test_the_file_is_named_after_the_address(folder, registry):
    (folder / ADDRESS).write_text("first\n")
    assert read(registry) == "first"
    registry.address = "registry.test:5000"
    (folder / "registry.test_5000").write_text("second")
    assert read(registry) == "second"


def test_a_password_of_ecr_ends_after_twelve_hours_and_the_text_says_so(folder, registry):
    (folder / ADDRESS).write_text("secret")
    assert read(registry, timedelta(hours=11)) == "secret"
    with pytest.raises(PasswordFileError, match="written 13 hours ago, and its passwords end after 12"):
        read(registry, timedelta(hours=13, minutes=1))
    registry.vendor = ""
    assert read(registry, timedelta(days=90)) == "secret"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path, outside: None, "cannot be read: No such file"),
        (lambda path, outside: path.symlink_to(outside), "does not lie in the directory"),
        (lambda path, outside: os.mkfifo(path), "cannot be read: it is not a plain file"),
        (lambda path, outside: path.mkdir(), "cannot be read: it is not a plain file"),
        (lambda path, outside: path.write_text(""), "does not hold one line"),
        (lambda path, outside: path.write_text("two\nlines"), "does not hold one line"),
        (lambda path, outside: path.write_bytes(b"\xff\xfe"), "does not hold one line"),
        (lambda path, outside: path.write_text("x" * 20_000), "does not hold one line"),
        (lambda path, outside: (path.write_text("x"), path.chmod(0o666)), "everybody may write it"),
    ],
)
def test_anything_else_is_refused_without_a_word_of_its_content(folder, registry, tmp_path, make, words):
    outside = tmp_path / "outside"
    outside.write_text("not for us")
    make(folder / ADDRESS, outside)
    with pytest.raises(PasswordFileError, match=words) as refused:
        read(registry)
    assert "not for us" not in str(refused.value)
    assert "two" not in str(refused.value)


def test_a_link_within_the_directory_is_followed(folder, registry):
    """That is how secrets are mounted and swapped."""
    (folder / "..data").mkdir()
    (folder / "..data" / "password").write_text("mounted")
    (folder / ADDRESS).symlink_to(folder / "..data" / "password")
    assert read(registry) == "mounted"


def test_without_the_setting_there_are_none(folder, registry, settings):
    (folder / ADDRESS).write_text("secret")
    settings.PASSWORD_FILES = ""
    with pytest.raises(PasswordFileError, match="switched off"):
        read(registry)


@pytest.fixture
def ecr(tmp_path):
    app = DemoRegistry(tmp_path / "content", auth=Basic({"AWS": "first"}))
    app.put_blob("team/app", b"x")
    yield app
    app.close()


def test_a_password_that_was_replaced_meanwhile_is_read_again_when_it_is_refused(folder, registry, ecr):
    (folder / ADDRESS).write_text("first")
    quirks = Quirks(ecr)
    with connections.open_source(registry, wire=quirks.wire()) as source:
        assert source.tags("team/app").error is None
        ecr.auth = Basic({"AWS": "second"})
        (folder / ADDRESS).write_text("second")
        assert source.tags("team/app").error is None
        ecr.auth = Basic({"AWS": "third"})
        assert source.tags("team/app").error.code == "unauthorized"
    assert len(quirks.log) == 2 + 2 + 1


def test_a_connection_whose_file_is_missing_says_which_it_is(folder, registry, ecr):
    report = connections.test(registry, wire=Quirks(ecr).wire())
    assert not report.ok
    assert f"The password file {ADDRESS} cannot be read: No such file or directory." in report.detail
