"""Bad input to the pages of trust: too much, twice, unknown, or secret; each is answered with what to do about it."""

import base64
import json
import re
from datetime import timedelta
from html import unescape

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dashboard.models import AuditEntry, Role
from tests.dashboard.rows import make_person
from tests.dashboard.test_policy_editor import fields_of, url_of
from tests.trust.seeding import NOW, policy, publish, statement, store_files
from trust import drafts
from trust.draft_rows import Draft
from trust.notary.trust_policy import TrustPolicy

pytestmark = pytest.mark.django_db
UPLOAD, ADD, IMPORT = reverse("trust_policy_upload"), reverse("trust_stores_upload"), reverse("trust_import")
MIB = 1 << 20
KEY = ec.generate_private_key(ec.SECP256R1())
PEM_KEY = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
SECRET = PEM_KEY.splitlines()[1]


@pytest.fixture
def admin(client):
    client.admin = make_person("adam", Role.ADMIN)
    client.force_login(client.admin)
    return client


@pytest.fixture
def draft(admin):
    publish()
    admin.post(reverse("draft_begin"))
    return Draft.objects.get()


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def file(content, name="trustpolicy.oci.json"):
    return SimpleUploadedFile(name, content)


def edit(admin, draft, **fields):
    shown = fields_of(admin.get(url_of(draft)))
    return admin.post(reverse("draft_edit", args=[draft.pk]), shown | {"act": "save"} | fields)


def kept(draft):
    return drafts.content_of(Draft.objects.get(pk=draft.pk))


def roots(number):
    """PEM of so many roots, each another certificate."""
    for serial in range(1, number + 1):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Root {serial}")])
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(KEY.public_key())
            .serial_number(serial)
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        yield built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def unknown_members(size):
    """A policy of exactly this size, which an unknown member fills."""
    said = json.loads(policy()) | {"x-notes": ""}
    said["x-notes"] = "n" * (size - len(json.dumps(said)))
    return json.dumps(said).encode()


class TestTooMuch:
    def test_a_bundle_of_five_thousand_certificates_is_refused_with_what_to_do_and_taken_in_parts(self, admin):
        publish(files={})
        certificates = list(roots(5000))
        whole = b"".join(certificates)
        store = {"store_type": "ca", "store_name": "many"}
        for sent in ({"certificates": file(whole, "bundle.pem")}, {"pem": whole.decode()}):
            answer = admin.post(ADD, store | sent)
            assert answer.status_code == 400
            assert "larger than 1 MiB" in text_of(answer)
            assert "a store takes several" in text_of(answer)
        assert not Draft.objects.exists()
        parts = [file(b"".join(certificates[at : at + 1000]), f"{at}.pem") for at in range(0, 5000, 1000)]
        assert admin.post(ADD, store | {"certificates": parts}).status_code == 302
        page = admin.get(reverse("draft_stores", args=[Draft.objects.get().pk]))
        assert "And 950 more certificates in 0.pem" in text_of(page)
        assert len(page.content) < MIB
        assert admin.get(reverse("draft", args=[Draft.objects.get().pk])).status_code == 200

    def test_more_text_than_a_form_may_have_is_told_so(self, admin, draft):
        answer = edit(admin, draft, text="x" * (4 * MIB))
        assert answer.status_code == 400
        assert "All text of a form together may be 4 MiB" in text_of(answer)
        assert kept(draft).policy == policy()

    def test_more_files_than_a_form_may_carry_are_told_so(self, admin):
        files = [file(b"x", f"{number}.pem") for number in range(101)]
        answer = admin.post(ADD, {"store_type": "ca", "store_name": "many", "certificates": files})
        assert answer.status_code == 400
        assert "A form may carry 100 files" in text_of(answer)
        assert "imported as one archive" in text_of(answer)

    def test_a_policy_of_one_mebibyte_is_taken_and_can_be_edited_and_one_byte_more_is_refused(self, admin):
        largest = unknown_members(MIB)
        assert admin.post(UPLOAD, {"document": file(largest)}).status_code == 302
        draft = Draft.objects.get()
        assert kept(draft).policy == largest
        assert edit(admin, draft, level="audit").status_code == 302
        assert json.loads(kept(draft).policy)["trustPolicies"][0]["signatureVerification"] == {"level": "audit"}
        for answer in (
            admin.post(UPLOAD, {"document": file(unknown_members(MIB + 1))}),
            admin.post(UPLOAD, {"text": unknown_members(MIB + 1).decode()}),
            admin.post(IMPORT, {"uploads": [file(unknown_members(MIB + 1))]}),
            edit(admin, draft, text=unknown_members(MIB + 1).decode()),
        ):
            assert answer.status_code == 400
            assert "larger than 1 MiB" in text_of(answer)
        assert Draft.objects.count() == 1

    def test_ten_thousand_scopes_are_taken_shown_and_edited(self, admin):
        scopes = [f"registry.acme.example/team-{number % 100}/app-{number}" for number in range(10_000)]
        many = policy(statement(scopes=scopes))
        assert admin.post(UPLOAD, {"document": file(many)}).status_code == 302
        draft = Draft.objects.get()
        assert admin.get(reverse("draft", args=[draft.pk])).status_code == 200
        assert admin.get(reverse("draft_coverage", args=[draft.pk])).status_code == 200
        one_more = "registry.acme.example/new"
        shown = fields_of(admin.get(url_of(draft)))
        assert edit(admin, draft, scopes=shown["scopes"][0] + f"\r\n{one_more}").status_code == 302
        assert TrustPolicy.parse(kept(draft).policy).statements[0].scopes == (*scopes, one_more)

    def test_ten_thousand_wrong_scopes_are_answered_with_the_first_few(self, admin, draft):
        edit(admin, draft, scopes="\n".join(f"registry.acme.example/UPPER-{number}" for number in range(10_000)))
        page = admin.get(url_of(draft))
        assert "rule TP" in text_of(page)
        assert page.content.count(b"(rule TP") < 100


class TestTwiceAndUnknown:
    TWICE = policy().replace(b'"version": "1.0"', b'"version": "1.0", "version": "1.0"')

    def test_a_key_that_stands_twice_is_named_wherever_it_comes_in(self, admin, draft):
        answer = admin.post(UPLOAD, {"document": file(self.TWICE)})
        assert answer.status_code == 400
        assert "version" in text_of(answer)
        assert "twice" in text_of(answer)
        edit(admin, draft, text=self.TWICE.decode())
        assert "twice" in text_of(admin.get(url_of(draft)))
        assert "rule TP00" in text_of(admin.get(reverse("draft", args=[draft.pk])))

    def test_unknown_members_are_kept_and_named_as_what_notation_ignores(self, admin, draft):
        said = json.loads(policy()) | {"x-ours": [1]}
        said["trustPolicies"][0]["x-note"] = "kept"
        text = json.dumps(said)
        edit(admin, draft, text=text)
        assert kept(draft).policy == text.encode()
        admin.post(reverse("draft_apply", args=[draft.pk]), {"version": 2, "reason": "notes"})
        page = text_of(admin.get(reverse("trust_policy")))
        assert "members that notation ignores: " in page
        assert "x-ours" in page


class TestPrivateKeys:
    """Nowhere on these pages is one kept, logged or sent back; it is refused as what it is."""

    @pytest.fixture(params=["pem", "der", "base64", "in json"])
    def key(self, request):
        der = KEY.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "pem": PEM_KEY.encode(),
            "der": der,
            "base64": base64.b64encode(der),
            "in json": json.dumps(json.loads(policy()) | {"x-key": PEM_KEY}).encode(),
        }[request.param]

    def refused(self, answer, caplog):
        assert answer.status_code == 400
        assert "private key" in text_of(answer)
        assert "Nothing was kept" in text_of(answer)
        assert SECRET not in answer.content.decode()
        assert SECRET not in caplog.text
        assert SECRET not in "".join(str(entry.details) for entry in AuditEntry.objects.all())

    def test_one_is_refused_as_a_policy(self, admin, key, caplog):
        for page in (UPLOAD, reverse("blob_policy_upload")):
            self.refused(admin.post(page, {"document": file(key)}), caplog)
            if key.isascii():
                self.refused(admin.post(page, {"text": key.decode()}), caplog)
        self.refused(admin.post(IMPORT, {"uploads": [file(key)]}), caplog)
        assert not Draft.objects.exists()

    def test_one_is_refused_as_a_certificate(self, admin, key, caplog):
        store = {"store_type": "ca", "store_name": "acme"}
        self.refused(admin.post(ADD, store | {"certificates": file(key, "a.pem")}), caplog)
        if key.isascii():
            self.refused(admin.post(ADD, store | {"pem": key.decode()}), caplog)
        assert not Draft.objects.exists()

    @pytest.mark.parametrize("field", ["text", "scopes", "trusted_identities", "name", "other_stores"])
    def test_one_is_refused_in_every_field_of_the_editor(self, admin, draft, field, caplog):
        self.refused(edit(admin, draft, **{field: PEM_KEY}), caplog)
        assert (kept(draft).policy, kept(draft).files) == (policy(), store_files())
