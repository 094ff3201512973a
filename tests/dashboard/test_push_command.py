"""`manage.py push`: what it says, what it refuses, and what is in the registry afterwards."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from dashboard import secret_files
from dashboard.models import AuditEntry
from demo.registry import DemoRegistry
from demo.registry.server import running
from registries import credentials
from registries.models import Registry
from tests.registries.oci.test_layout import Written
from tests.simulators.images import Author, digest_of
from tests.trust.seeding import publish, statement

pytestmark = [pytest.mark.network, pytest.mark.django_db]
NAME = "registry.acme.example"


class Case:
    def __init__(self, folder, address):
        self.layout = folder / "layout"
        self.written = Written(self.layout)
        self.written.blob(b"{}")
        self.image = self.written.image("image", name="1.0")
        self.signature = self.written.signature_of(self.image)
        self.written.open()
        self.registry = DemoRegistry(folder / "registry")
        self.store = self.registry.store
        Registry.objects.create(address=address, reference_name=NAME, plain_http=True, allowed_networks=["127.0.0.0/8"])

    def push(self, *options, reference=f"{NAME}/team/app:1.0"):
        output = StringIO()
        call_command("push", str(self.layout), reference, *options, stdout=output)
        return output.getvalue()

    def tag(self, name):
        found = self.store.manifest("team/app", name)
        return found.digest if found else None


@pytest.fixture
def case(tmp_path):
    with running(tmp_path / "registry", "--no-referrers-api") as registry:
        yield Case(tmp_path, registry.address)


def test_it_says_what_it_would_do_and_does_nothing(case):
    said = case.push("--dry-run")
    assert f"{case.image}  other  would be pushed" in said
    assert f"{case.signature}  signature  would be pushed" in said
    assert f"{case.image}  would list 1 of these as its referrers" in said
    assert "1.0  would be set" in said
    assert "Trust policy there: No trust policy has been uploaded yet." in said
    assert case.tag("1.0") is None
    assert not AuditEntry.objects.exists()


def test_the_artifact_is_there_with_its_signature_and_both_are_told(case):
    said = case.push()
    assert f"{case.signature}  signature  pushed" in said
    assert f"{case.image}  referrers are listed in its referrers tag" in said
    assert said.endswith(f"{NAME}/team/app:1.0 is {case.image}; all was read back.\n")
    assert case.tag("1.0") == str(case.image)
    index = json.loads(case.store.read(case.tag(case.image.fallback_tag)))
    assert [entry["digest"] for entry in index["manifests"]] == [str(case.signature)]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.details["digest"]) == (
        "artifact.pushed", f"{NAME}/team/app:1.0", str(case.image),
    )  # fmt: skip


def test_what_is_there_already_is_told(case):
    case.push()
    for said in (case.push("--dry-run"), case.push()):
        assert said.count("there already") == 2


def test_a_tag_is_moved_only_on_demand_and_nothing_is_pushed_before(case):
    case.push()
    other = case.written.image("other", name="2.0")
    case.written.open()
    with pytest.raises(CommandError, match=f"names {case.image} there.*--move-tag"):
        case.push("--artifact", "2.0")
    assert case.store.manifest("team/app", str(other)) is None
    assert f"1.0  moves from {case.image}" in case.push("--artifact", str(other), "--move-tag")
    assert case.tag("1.0") == str(other)


def test_a_tag_of_cosign_that_names_something_else_there_is_moved_only_on_demand_too(case):
    name = f"{case.image.fallback_tag}.sig"
    theirs = digest_of(Author(case.registry, "team/app").image("theirs", tags=name))
    ours = case.written.image("ours", name=name)
    case.written.open()
    with pytest.raises(CommandError, match=f"The tag {name} names {theirs} there.*{ours}.*--move-tag"):
        case.push("--artifact", "1.0")
    assert (case.tag(name), case.tag("1.0")) == (theirs, None)
    assert f"{name}  moves from {theirs}" in case.push("--artifact", "1.0", "--move-tag")
    assert case.tag(name) == str(ours)


def test_which_artifact_is_meant_has_to_be_clear(case):
    assert str(case.image) in case.push(reference=f"{NAME}/team/app:latest")  # the only one
    case.written.image("other", name="2.0")
    case.written.open()
    with pytest.raises(CommandError, match=r"2 artifacts: say with --artifact"):
        case.push(reference=f"{NAME}/team/app:newest")
    assert str(case.image) in case.push(reference=f"{NAME}/team/app@{case.image}")
    with pytest.raises(CommandError, match="no tag '3.0'"):
        case.push("--artifact", "3.0")


def test_two_artifacts_at_once_are_refused(case):
    other = case.written.image("other", name="2.0")
    case.written.open()
    with pytest.raises(CommandError, match=f"The reference says {case.image}, and --artifact says {other}"):
        case.push("--artifact", "2.0", reference=f"{NAME}/team/app@{case.image}")
    assert str(case.image) in case.push("--artifact", "1.0", reference=f"{NAME}/team/app@{case.image}")


def test_a_push_that_breaks_off_is_in_the_audit_record_with_the_reason(case):
    (blob,) = [path for path in case.layout.glob("blobs/sha256/*") if path.read_bytes() == b"{}"]
    blob.write_bytes(b"[]")
    with pytest.raises(CommandError) as caught:
        case.push()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.details["error"]) == ("artifact.push_failed", str(caught.value))
    assert case.tag("1.0") is None


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("other.example/team/app:1.0", "No registry is connected here under the name other.example"),
        ("team", "has no registry"),
        (f"{NAME}/Team:1.0", "is not a repository"),
    ],
)
def test_a_place_that_is_none_is_named(case, reference, says):
    with pytest.raises(CommandError, match=says):
        case.push(reference=reference)


def test_a_layout_that_is_none_is_named(case, tmp_path):
    case.layout = tmp_path / "nowhere"
    with pytest.raises(CommandError, match="neither a directory nor a .tar"):
        case.push()


def test_a_layout_that_lacks_something_is_refused(case):
    case.written.path(case.signature).unlink()
    with pytest.raises(CommandError, match="The layout lacks what a copy needs") as caught:
        case.push()
    assert case.signature.encoded in str(caught.value)
    assert case.tag("1.0") is None


def test_the_layout_of_the_test_is_what_it_says(case):
    """Else an empty layout would make all of these true."""
    assert digest_of(b"{}").removeprefix("sha256:") in {path.name for path in case.layout.rglob("*")}


def test_credentials_that_were_stored_by_make_up_are_opened_with_its_keys(tmp_path, settings, monkeypatch):
    for name in ("SIGNBOARD_SECRET_KEY", "SIGNBOARD_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
    settings.DATA_DIR = tmp_path / "data"
    kept = secret_files.ensure(settings.DATA_DIR / "secrets")
    with running(tmp_path / "registry", "--bearer", "ann:secret") as registry:
        case = Case(tmp_path, registry.address)
        row = Registry.objects.get()
        settings.ENCRYPTION_KEYS = [Path(kept["SIGNBOARD_ENCRYPTION_KEYS_FILE"]).read_text()]
        row.username = row.push_username = "ann"
        row.sealed_password = credentials.seal(credentials.READING, row, "secret")
        row.sealed_push_password = credentials.seal(credentials.PUSHING, row, "secret")
        row.save()
        settings.ENCRYPTION_KEYS = []
        assert "all was read back" in case.push()


def test_the_statement_that_judges_the_copy_is_told_beforehand(case):
    publish(statement(scopes=["registry.acme.example/team/other"]))
    assert f"Trust policy there: No statement names {NAME}/team/app" in case.push("--dry-run")
