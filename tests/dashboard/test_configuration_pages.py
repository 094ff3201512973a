"""Importing notation's configuration as a draft, and exporting revisions and drafts, through the pages."""

import io
import tarfile
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dashboard.models import AuditEntry, Role
from tests.dashboard.rows import make_person
from tests.trust.seeding import NOW, blob_statement, policy, publish, statement, store_files
from trust import configuration, drafts, revisions
from trust.additions import Additions
from trust.draft_rows import Draft
from trust.revisions import Content

pytestmark = pytest.mark.django_db
IMPORT = reverse("trust_import")
WHOLE = Content(
    policy(statement("mine")) + b"\r\n",
    store_files("ca:acme"),
    policy(blob_statement()),
    Additions({}, {"mine": "publisher"}),
)


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


def send(admin, **files):
    uploads = [SimpleUploadedFile(name.replace("__", "."), content) for name, content in files.items()]
    return admin.post(IMPORT, {"uploads": uploads})


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_an_import_is_a_draft_with_its_preview_and_nothing_rests_on_it(admin):
    publish()
    answer = send(admin, config__zip=zipped(configuration.paths_of(WHOLE)))
    draft = Draft.objects.get()
    assert answer["Location"] == reverse("draft", args=[draft.pk])
    assert drafts.content_of(draft) == Content(WHOLE.policy, WHOLE.files, WHOLE.blob_policy)
    assert draft.previews.count() == 1
    assert (draft.reason, revisions.active_number()) == ("Imported from config.zip.", 1)
    assert AuditEntry.objects.filter(action="trust_draft.imported").exists()


def test_what_is_exported_of_a_draft_and_of_a_revision_comes_back_byte_for_byte(admin):
    publish()
    send(admin, all__tar=configuration.write(WHOLE, NOW))
    draft = Draft.objects.get()
    first = admin.get(reverse("draft_configuration", args=[draft.pk]))
    assert first["Content-Disposition"] == f'attachment; filename="signboard-trust-draft-{draft.pk}.tar"'
    assert configuration.read({"x": first.content}).over(Content(b"", {})) == WHOLE
    revision = drafts.apply(draft, draft.author, NOW)
    one, two = (admin.get(reverse("trust_revision_configuration", args=[revision.number])).content for _ in range(2))
    assert one == two
    assert "nothing would change" in send(admin, again__tar=one).content.decode()
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        assert b'"revision": 2' in archive.extractfile("signboard.json").read()


def test_what_was_left_out_or_edited_is_said(admin):
    files = configuration.paths_of(WHOLE) | {"localkeys/me.key": b"-----BEGIN PRIVATE KEY-----"}
    send(admin, config__zip=zipped(files))
    page = admin.get(reverse("draft", args=[Draft.objects.get().pk])).content.decode()
    assert "Not taken, since it belongs to no trust revision: localkeys/me.key." in page
    assert AuditEntry.objects.get(action="trust_draft.imported").details["left_out"] == ["localkeys/me.key"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "Choose the archive, or the files"),
        ({"a__txt": b"hello"}, "Nothing of a configuration"),
        ({"a__zip": zipped({"../trustpolicy.json": b"{}"})}, "no path below its own folder"),
        ({"a__zip": zipped({"truststore/x509/ca/a/k.pem": b"-----BEGIN PRIVATE KEY-----\nx"})}, "holds a private key"),
        ({"trustpolicy__json": b"-----BEGIN PRIVATE KEY-----\nx"}, "holds a private key"),
        ({"a__zip": b"PK\x03\x04" + b"x" * (8 << 20)}, "larger than 8 MiB"),
        ({"trustpolicy__oci__json": policy()}, "nothing would change"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason_and_nothing_is_kept(admin, files, says):
    publish()
    answer = send(admin, **files)
    assert (answer.status_code, says in answer.content.decode()) == (400, True)
    assert not Draft.objects.exists()


def test_a_policy_that_breaks_a_rule_is_imported_and_the_draft_says_which(admin):
    publish()
    send(admin, trustpolicy__oci__json=policy(statement(level="severe")))
    assert "TP07" in admin.get(reverse("draft", args=[Draft.objects.get().pk])).content.decode()


def test_a_file_name_on_the_page_is_inert(admin):
    answer = admin.post(IMPORT, {"uploads": [SimpleUploadedFile("<b>x\u202e.zip", b"PK\x03\x04nonsense")]})
    assert b"<b>x" not in answer.content
