"""The embedded default makes its secrets once."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import secret_files


@pytest.fixture
def environment(monkeypatch):
    for name in ("SIGNBOARD_SECRET_KEY", "SIGNBOARD_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_a_second_start_finds_the_secrets_of_the_first(environment, tmp_path):
    first = secret_files.ensure(tmp_path / "secrets")
    contents = {path: open(path).read() for path in first.values()}
    assert secret_files.ensure(tmp_path / "secrets") == first
    assert {path: open(path).read() for path in first.values()} == contents
    assert len(set(contents.values())) == 2
    assert len(base64.b64decode(contents[first["SIGNBOARD_ENCRYPTION_KEYS_FILE"]])) == 32


def test_only_the_owner_reads_them(environment, tmp_path):
    for path in secret_files.ensure(tmp_path / "secrets").values():
        assert (tmp_path / path).stat().st_mode & 0o077 == 0


def test_a_secret_that_others_may_read_is_refused(environment, tmp_path):
    path = next(iter(secret_files.ensure(tmp_path / "secrets").values()))
    (tmp_path / path).chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        secret_files.ensure(tmp_path / "secrets")


def test_secrets_of_the_environment_are_left_alone(environment, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNBOARD_SECRET_KEY", "given")
    assert list(secret_files.ensure(tmp_path / "secrets")) == ["SIGNBOARD_ENCRYPTION_KEYS_FILE"]
