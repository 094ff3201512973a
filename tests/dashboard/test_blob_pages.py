"""The pages about blobs: the policy of a revision, and verifying a detached signature."""

import json
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dashboard import blob_upload
from dashboard.models import AuditEntry, Role
from registries.oci.digest import Digest
from tests.dashboard.rows import make_person
from tests.trust.seeding import NOW, blob_statement, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.draft_rows import Draft

pytestmark = pytest.mark.django_db
VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CONTENT = (VECTORS / "blobs" / "harbour-0.txt").read_bytes()
ENVELOPE = (VECTORS / "blobs" / "harbour-0.txt.jws.sig").read_bytes()
COSE_CONTENT = (VECTORS / "blobs" / "harbour-1.txt").read_bytes()
COSE_ENVELOPE = (VECTORS / "blobs" / "harbour-1.txt.cose.sig").read_bytes()
ROOT = {("ca", "main", "root.crt"): (VECTORS / "pki" / "wharf-root.crt").read_bytes()}
PAGE, UPLOAD = reverse("verify_blob"), reverse("blob_policy_upload")


def blobs(name="harbour", *, is_global=True, stores=("ca:main",), identities=("*",), **members):
    return blob_statement(name, is_global=is_global, stores=stores, identities=identities, **members)


def publish_blobs(*statements):
    return publish(files=ROOT, blob_policy=policy(*(statements or [blobs()])))


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


@pytest.fixture
def reviewer(client):
    client.force_login(make_person("mara", everything=False))
    return client


def file(content, name):
    return SimpleUploadedFile(name, content)


def ask(client, **fields):
    data = {"signature": file(ENVELOPE, "harbour.txt.jws.sig"), "blob": file(CONTENT, "harbour.txt")} | fields
    return client.post(PAGE, {name: value for name, value in data.items() if value is not None})


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestVerifying:
    def test_a_good_signature_is_verified_with_its_ladder_and_chain(self, reviewer):
        publish_blobs()
        answer = ask(reviewer)
        assert answer.status_code == 200
        for shown in (
            "Verified.",
            "accepted by statement harbour",
            "This very blob",
            "notation: verified",
            "Certificate chain",
        ):
            assert shown in text_of(answer)
        assert str(Digest.of(CONTENT).encoded) in text_of(answer)

    def test_so_is_a_cose_one(self, reviewer):
        publish_blobs()
        answer = ask(reviewer, signature=file(COSE_ENVELOPE, "a.cose.sig"), blob=file(COSE_CONTENT, "a"))
        assert "Verified." in text_of(answer)

    def test_the_digest_and_size_stand_for_the_blob(self, reviewer):
        publish_blobs()
        known = {"blob": None, "digest": str(Digest.of(CONTENT)), "size": len(CONTENT)}
        assert "This very blob" in text_of(ask(reviewer, **known))
        assert "Another blob" in text_of(ask(reviewer, **known | {"digest": "sha256:" + "a" * 64}))
        assert "Another blob" in text_of(ask(reviewer, **known | {"size": 1}))

    def test_another_blob_is_failed(self, reviewer):
        publish_blobs()
        answer = ask(reviewer, blob=file(CONTENT + b"x", "harbour.txt"))
        assert answer.status_code == 200
        assert "Failed. The signature was made for another blob" in text_of(answer)
        assert 'class="verdict is-failed"' in answer.content.decode()

    def test_an_empty_blob_is_a_blob(self, reviewer):
        publish_blobs()
        assert "Another blob" in text_of(ask(reviewer, blob=file(b"", "empty")))

    def test_an_empty_signature_is_failed_and_no_slip_of_the_form(self, reviewer):
        publish_blobs()
        answer = ask(reviewer, signature=file(b"", "a.jws.sig"))
        assert answer.status_code == 200
        assert 'class="verdict is-failed"' in answer.content.decode()

    def test_an_unknown_root_is_untrusted(self, reviewer):
        publish(blob_policy=policy(blobs(stores=("ca:acme",))))
        assert "Untrusted." in text_of(ask(reviewer))

    def test_the_format_can_be_said_where_the_name_does_not_tell(self, reviewer):
        publish_blobs()
        unnamed = {"signature": file(ENVELOPE, "signature.bin")}
        refused = ask(reviewer, **unnamed)
        assert (refused.status_code, "does not tell" in text_of(refused)) == (400, True)
        assert "This very blob" in text_of(ask(reviewer, signature=file(ENVELOPE, "signature.bin"), envelope="jws"))
        assert "Failed." in text_of(ask(reviewer, signature=file(ENVELOPE, "signature.bin"), envelope="cose"))

    def test_the_named_statement_judges(self, reviewer):
        publish_blobs(blobs(), blobs("nobody", is_global=False, identities=("x509.subject: C=XX, ST=X, O=X",)))
        assert "accepted by statement harbour" in text_of(ask(reviewer))
        assert "whom statement nobody does not accept" in text_of(ask(reviewer, statement="nobody"))

    def test_without_a_global_statement_one_must_be_chosen(self, reviewer):
        publish_blobs(blobs(is_global=False))
        answer = ask(reviewer)
        assert (answer.status_code, "Choose a statement" in text_of(answer)) == (400, True)

    def test_user_metadata_and_media_type_are_asked_for(self, reviewer):
        publish_blobs()
        assert "Does not match" in text_of(ask(reviewer, user_metadata="build=none such"))
        assert "Another blob" in text_of(ask(reviewer, media_type="text/html"))

    def test_hostile_names_are_inert(self, reviewer):
        publish_blobs()
        name = "<script>alert(1)</script>\u202etxt.exe"
        answer = ask(reviewer, blob=file(CONTENT, name))
        assert answer.status_code == 200
        assert b"<script>alert" not in answer.content
        assert "\u202e" not in answer.content.decode()

    def test_nothing_is_written(self, reviewer, django_assert_max_num_queries):
        publish_blobs()
        ask(reviewer)
        with django_assert_max_num_queries(12) as queries:
            ask(reviewer)
        assert not [one["sql"] for one in queries if re.match("INSERT|UPDATE|DELETE", one["sql"])]
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"signature": None}, "Choose the signature"),
            ({"blob": None}, "Choose the blob, or give both"),
            ({"blob": None, "digest": "sha256:" + "a" * 64}, "Choose the blob, or give both"),
            ({"digest": "sha256:" + "a" * 64, "size": "1"}, "either the blob or its digest"),
            ({"blob": None, "digest": "md5:<b>", "size": "1"}, "is not a digest"),
            ({"blob": None, "digest": "sha256:" + "a" * 64, "size": "-1"}, "greater than or equal to 0"),
            ({"blob": None, "digest": "sha256:" + "a" * 64, "size": "9" * 40}, "less than or equal to"),
            ({"statement": "<i>other"}, "Select a valid choice"),
            ({"envelope": "pgp"}, "Select a valid choice"),
            ({"media_type": "no media type"}, "Write a media type"),
            ({"user_metadata": "novalue"}, "Write KEY=VALUE"),
            ({"user_metadata": "a=1\na=2"}, "twice"),
        ],
    )
    def test_what_will_not_do_is_said_and_nothing_is_judged(self, reviewer, fields, says):
        publish_blobs()
        answer = ask(reviewer, **fields)
        assert answer.status_code == 400
        assert says in text_of(answer)
        assert 'class="verdict' not in answer.content.decode()


class TestLimits:
    def test_a_signature_larger_than_an_envelope_is_refused(self, reviewer):
        publish_blobs()
        answer = ask(reviewer, signature=file(b"x" * ((1 << 20) + 1), "a.jws.sig"))
        assert (answer.status_code, "it is no signature" in text_of(answer)) == (400, True)

    def test_a_request_that_says_it_is_too_large_is_refused_unread(self, reviewer):
        publish_blobs()
        answer = reviewer.post(
            PAGE, data=b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(1 << 40)
        )
        assert answer.status_code == 413

    def test_a_blob_larger_than_the_limit_ends_the_upload(self, reviewer, settings):
        publish_blobs()
        handler = blob_upload.BlobUploadHandler()
        handler.new_file("blob", "a", "text/plain", None)
        handler.received = blob_upload.LARGEST_BLOB
        with pytest.raises(blob_upload.StopUpload):
            handler.receive_data_chunk(b"x", 0)

    def test_of_a_blob_nothing_but_digests_and_size_is_left(self):
        handler = blob_upload.BlobUploadHandler()
        handler.new_file("blob", "a", "text/plain", None)
        for chunk in (CONTENT[:5], CONTENT[5:]):
            assert handler.receive_data_chunk(chunk, 0) is None
        left = handler.file_complete(len(CONTENT))
        assert (left.size, left.read(), handler.kept.getvalue()) == (len(CONTENT), b"", b"")
        assert left.digests == tuple(Digest.of(CONTENT, name) for name in ("sha256", "sha384", "sha512"))

    def test_a_file_that_nobody_asked_for_is_dropped(self):
        handler = blob_upload.BlobUploadHandler()
        with pytest.raises(blob_upload.SkipFile):
            handler.new_file("other", "a", "text/plain", None)

    def test_large_uploads_leave_no_file_behind(self, reviewer, tmp_path, settings):
        publish_blobs()
        settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "not there")  # whoever wrote a file would fail
        large = file(b"x" * (3 << 20), "large")
        assert "Another blob" in text_of(ask(reviewer, blob=large, other=file(b"y" * (3 << 20), "other")))


class TestWithoutPolicy:
    @pytest.mark.parametrize("has_revision", [True, False])
    def test_the_page_says_so_and_judges_nothing(self, reviewer, has_revision):
        if has_revision:
            publish()
        for answer, status in ((reviewer.get(PAGE), 200), (ask(reviewer), 409)):
            assert answer.status_code == status
            assert "No blob trust policy yet" in text_of(answer)

    def test_an_admin_is_shown_where_to_upload_one(self, admin):
        publish()
        assert UPLOAD in admin.get(PAGE).content.decode()


def upload(admin, content, **fields):
    data = {"document": file(content, "trustpolicy.blob.json")} | fields
    return admin.post(UPLOAD, {name: value for name, value in data.items() if value is not None})


def drafted():
    return drafts.content_of(Draft.objects.get())


class TestPolicy:
    def test_it_goes_into_a_draft_byte_for_byte_and_is_recorded(self, admin):
        publish()
        content = policy(blobs()) + b"\r\n"
        assert upload(admin, content).status_code == 302
        assert drafted() == revisions.Content(policy(), store_files(), content)
        assert AuditEntry.objects.filter(action="trust_draft.blob_policy_uploaded").exists()
        revision = drafts.apply(Draft.objects.get(), Draft.objects.get().author, NOW)
        assert admin.get(reverse("blob_policy_document", args=[revision.number])).content == content

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"not json", "TP00"),
            (policy(blobs(), blobs("other")), "TP29"),
            (policy(blobs(level="severe")), "TP07"),
        ],
    )
    def test_what_notation_refuses_is_refused_and_the_rule_named(self, admin, content, says):
        publish()
        answer = upload(admin, content)
        assert (answer.status_code, says in text_of(answer)) == (400, True)
        assert not Draft.objects.exists()

    def test_a_form_that_was_filled_in_for_an_older_revision_is_refused(self, admin):
        publish()
        publish(statement(level="audit"))
        assert upload(admin, policy(blobs()), seen="revision 1").status_code == 400
        assert not Draft.objects.exists()

    def test_uploading_nothing_takes_it_away(self, admin):
        publish_blobs()
        assert upload(admin, b"", document=None, text="").status_code == 302
        assert drafted().blob_policy == b""
        assert AuditEntry.objects.filter(action="trust_draft.blob_policy_removed").exists()

    @pytest.mark.parametrize("known", [True, False])
    def test_an_upload_that_changes_nothing_makes_no_draft(self, admin, known):
        publish(blob_policy=policy(blobs()) if known else b"")
        answer = upload(admin, b"", document=None, text=policy(blobs()).decode() if known else "")
        assert answer.status_code == 400
        assert not Draft.objects.exists()

    def test_edits_of_policy_and_stores_keep_it(self, admin):
        publish_blobs()
        content = bytes(revisions.active().blob_policy)
        admin.post(reverse("trust_policy_upload"), {"document": file(policy(statement(level="audit")), "p")})
        assert drafted().blob_policy == content
        admin.post(reverse("trust_stores_remove", query={"store": "ca:main", "file": "root.crt"}))
        assert (drafted().blob_policy, drafted().files) == (content, {})

    def test_the_page_shows_its_statements_and_their_warnings(self, reviewer):
        skip = blobs("anything", level="skip", stores=(), identities=())
        publish_blobs(skip, blobs("harbour", is_global=False, stores=("ca:absent",)))
        page = text_of(reviewer.get(reverse("trust_policy")))
        assert "Every blob for which no statement is named" in page
        assert "Blobs for which it is named" in page
        assert "anything is global and skips verification, which the specification forbids" in page
        assert "ca:absent, which does not exist" in page

    def test_a_store_that_only_blobs_use_is_in_use(self, reviewer):
        publish_blobs()
        page = text_of(reviewer.get(reverse("trust_stores")))
        assert "Used by harbour" in page

    def test_the_api_has_its_statements(self, reviewer):
        publish_blobs()
        (found,) = json.loads(reviewer.get(reverse("api_trust_revision")).content)["blob_statements"]
        assert (found["name"], found["global"], found["trust_stores"]) == ("harbour", True, ["ca:main"])

    def test_a_revision_without_one_has_no_document(self, reviewer):
        publish()
        assert reviewer.get(reverse("blob_policy_document", args=[1])).status_code == 404

    def test_another_blob_policy_is_another_fingerprint(self):
        before = revisions.fingerprint(policy(), ROOT)
        assert revisions.fingerprint(policy(), ROOT, policy(blobs())) != before
