"""docker-credential-* helpers: run from one directory only, and for not long."""

import stat
import time

import pytest

from registries import connections, credential_helpers
from registries.credential_helpers import HelperError
from registries.models import Registry


@pytest.fixture
def helpers(settings, tmp_path):
    folder = tmp_path / "helpers"
    folder.mkdir(mode=0o755)
    settings.CREDENTIAL_HELPERS = str(folder)

    def make(name, script, mode=0o755):
        path = folder / f"docker-credential-{name}"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(mode)
        return path

    return make


GOOD = """[ "$1" = get ] && [ $# = 1 ] || exit 9
echo "{\\"ServerURL\\":\\"x\\",\\"Username\\":\\"ann\\",\\"Secret\\":\\"for $(cat)\\"}"
"""


def test_it_is_asked_for_the_host_and_answers_with_user_and_secret(helpers):
    helpers("good", GOOD)
    found = credential_helpers.get("good", "registry.test:5000")
    assert (found.username, found.secret) == ("ann", "for registry.test:5000")
    assert "for registry" not in repr(found)
    assert credential_helpers.get("good", "docker.io").secret == "for https://index.docker.io/v1/"


def test_its_environment_is_clean(helpers, monkeypatch, tmp_path):
    monkeypatch.setenv("SIGNBOARD_SECRET_KEY", "canary")
    helpers("spy", 'env > "$HOME/env"\necho "{\\"Username\\":\\"a\\",\\"Secret\\":\\"b\\"}"\n')
    credential_helpers.get("spy", "registry.test")
    names = {line.partition("=")[0] for line in (tmp_path / "helpers" / "env").read_text().splitlines()}
    assert names <= {"PATH", "HOME", "LANG", "PWD", "_", "SHLVL", "OLDPWD"}


@pytest.mark.parametrize(
    "name",
    ["", "..", "../good", "/bin/sh", "good;id", "good get", "$(id)", "GOOD", "absent", "a" * 200, "good\n", "-x"],
)
def test_no_name_leads_out_of_the_directory(helpers, name):
    helpers("good", GOOD)
    with pytest.raises(HelperError):
        credential_helpers.get(name, "registry.test")


def test_without_the_setting_nothing_is_run(helpers, settings):
    helpers("good", GOOD)
    settings.CREDENTIAL_HELPERS = ""
    assert credential_helpers.available() == []
    with pytest.raises(HelperError, match="switched off"):
        credential_helpers.get("good", "registry.test")


def test_links_and_what_others_may_write_are_not_run(helpers, tmp_path):
    good = helpers("good", GOOD)
    (good.parent / "docker-credential-link").symlink_to("/bin/cat")
    helpers("loose", GOOD, mode=0o777)
    helpers("still", GOOD, mode=0o644)
    (good.parent / "docker-credential-folder").mkdir()
    (good.parent / "other").write_text("x")
    assert credential_helpers.available() == ["good"]
    for name in ("link", "loose", "still", "folder"):
        with pytest.raises(HelperError):
            credential_helpers.get(name, "registry.test")
    good.parent.chmod(0o777)
    with pytest.raises(HelperError, match="written by others"):
        credential_helpers.get("good", "registry.test")
    good.parent.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "no credential for registry.test"),
        ("echo canary-secret; exit 0", "something else than JSON"),
        ("echo '{}'", "without a user name"),
        ('echo \'{"Username":"a","Secret":""}\'', "without a user name"),
        ("echo '[]'", "without a user name"),
        ("cat /dev/zero", "more than 64 KiB"),
        ("sleep 30", "within 0.5 seconds"),
        ("sleep 30 & sleep 30", "within 0.5 seconds"),
        ("setsid sleep 3 & exit 0", "within 0.5 seconds"),
        ("exec >&-; sleep 30", "within 0.5 seconds"),
        ("yes canary-secret >&2", "within 0.5 seconds"),
    ],
)
def test_one_that_misbehaves_ends_soon_and_its_words_are_not_repeated(helpers, script, words):
    helpers("bad", script + "\n")
    began = time.monotonic()
    with pytest.raises(HelperError, match=words) as caught:
        credential_helpers.get("bad", "registry.test", seconds=0.5)
    assert time.monotonic() - began < 5
    assert "canary" not in str(caught.value)


def test_no_program_of_an_unknown_format_is_run(helpers):
    path = helpers("odd", "")
    path.write_bytes(b"\x7fELFnonsense")
    with pytest.raises(HelperError):
        credential_helpers.get("odd", "registry.test")


def test_a_connection_uses_the_helper_that_it_names(helpers, db):
    helpers("token", 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"canary\\"}"\n')
    helpers("good", GOOD)
    registry = Registry.objects.create(address="registry.test", credential_helper="good")
    with connections.open_source(registry) as source:
        assert source._connection.credentials.username == "ann"
    registry.credential_helper = "token"
    with connections.open_source(registry) as source:
        assert source._connection.credentials.identity_token == "canary"
        assert source._connection.credentials.basic == ""
    registry.credential_helper = "absent"
    report = connections.test(registry)
    assert not report.ok
    assert "there is no credential helper absent" in report.detail.lower()
