"""The pages of trust policy and trust stores: reading revisions, and putting edits into drafts."""

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dashboard.models import AuditEntry, Role
from demo.pki import Pki
from tests.dashboard.rows import make_person, make_repository
from tests.trust.seeding import NOW, RELEASE, Place, blob_statement, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.draft_rows import Draft
from trust.models import TrustRevision

pytestmark = pytest.mark.django_db
UPLOAD, ADD = reverse("trust_policy_upload"), reverse("trust_stores_upload")


@pytest.fixture
def admin(client):
    client.force_login(make_person("adam", Role.ADMIN))
    return client


@pytest.fixture
def reviewer(client):
    client.force_login(make_person("mara"))
    return client


@pytest.fixture(scope="module")
def root():
    """The root certificate of the store ca:acme."""
    return next(iter(Pki.build(NOW).trust_stores["ca:acme"].values()))


def keys():
    """Private keys in every form that files have."""
    rsa_key, ec_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    sealed = serialization.BestAvailableEncryption(b"secret")
    for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM):
        for key in (rsa_key, ec_key):
            for kind in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
                yield key.private_bytes(encoding, kind, serialization.NoEncryption())
            yield key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, sealed)
    yield ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    yield pkcs12.serialize_key_and_certificates(b"a", ec_key, None, None, sealed)


KEY_FILES = list(keys())
KEYS = [
    text
    for content in KEY_FILES
    for text in (
        [content.decode()]
        if content.startswith(b"-----")
        else [
            base64.encodebytes(content).decode(),
            f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(content).decode()}-----END CERTIFICATE-----\n",
        ]
    )
]


def page_of(answer):
    return answer.content.decode()


def file(content, name="trustpolicy.oci.json"):
    return SimpleUploadedFile(name, content)


def certificates(*stores):
    return {name: content for (_, _, name), content in store_files(*stores).items()}


def upload(admin, content, **fields):
    data = {"document": file(content)} | fields
    return admin.post(UPLOAD, {name: value for name, value in data.items() if value is not None})


def in_lines(*statements):
    """A policy as an editor on Windows leaves it."""
    return json.dumps(json.loads(policy(*statements)), indent=2).replace("\n", "\r\n") + "\r\n"


def drafted():
    """The content of the only open draft; nothing rests on it."""
    draft = Draft.objects.get(state="open")
    return drafts.content_of(draft)


class TestUploadingAPolicy:
    def test_it_goes_into_a_draft_byte_for_byte_is_recorded_and_nothing_rests_on_it(self, admin):
        content = policy() + b"\r\n\n"
        answer = upload(admin, content)
        assert answer["Location"] == reverse("draft", args=[Draft.objects.get().pk])
        assert drafted().policy == content
        assert revisions.active() is None
        assert list(AuditEntry.objects.values_list("action", flat=True)) == [
            "trust_draft.begun", "trust_draft.policy_uploaded",
        ]  # fmt: skip

    def test_the_first_one_can_bring_its_certificates(self, admin):
        files = [file(content, name) for name, content in certificates("ca:acme").items()]
        assert upload(admin, policy(), store="ca:acme", certificates=files).status_code == 302
        assert drafted().files == store_files("ca:acme")

    def test_the_stores_and_the_blob_policy_stay(self, admin):
        publish(blob_policy=policy(blob_statement()))
        upload(admin, policy(statement(level="audit")))
        assert drafted() == revisions.Content(policy(statement(level="audit")), store_files(), policy(blob_statement()))
        assert revisions.active_number() == 1

    def test_the_next_edit_goes_into_the_same_draft(self, admin, root):
        publish()
        upload(admin, policy(statement(level="audit")))
        upload(admin, policy(statement(level="permissive")))
        draft = Draft.objects.get()
        assert (draft.version, drafts.content_of(draft).policy) == (2, policy(statement(level="permissive")))

    def test_it_can_be_written_as_text(self, admin):
        publish()
        text = in_lines(statement(level="permissive"))
        upload(admin, b"", document=None, text=text)
        assert drafted().policy == text.replace("\r\n", "\n").encode()

    def test_a_text_that_nobody_edited_stays_as_it_was_uploaded(self, admin):
        document = in_lines(statement()).encode()
        revisions.publish(document, {}, author=None, reason="x", based_on=None)
        shown = revisions.active().policy.decode().replace("\r\n", "\n").replace("\n", "\r\n")
        files = [file(content, name) for name, content in certificates("ca:acme").items()]
        upload(admin, b"", document=None, text=shown, store="ca:acme", certificates=files)
        assert drafted().policy == document

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"not json", "TP00"),
            (policy(statement(level="severe")), "rule TP07"),
            (policy(statement(scopes=("registry.acme.example/web/*",))), "rule TP27"),
            (policy(statement(identities=("x509.subject: O=Acme GmbH",))), "rule TP23"),
            (policy(statement(), statement()), "rule TP04"),
        ],
    )
    def test_what_notation_refuses_is_refused_and_the_rule_named(self, admin, content, says):
        answer = upload(admin, content)
        assert answer.status_code == 400
        assert says in page_of(answer)
        assert not Draft.objects.exists()
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"document": None}, "Choose the file, or paste the text"),
            ({"store": "acme"}, "Write type:name"),
            ({"store": "ca:../x"}, "made of letters"),
            ({"store": "ca:acme"}, "Choose the certificates that go to this store"),
        ],
    )
    def test_what_is_missing_is_said(self, admin, fields, says):
        assert says in page_of(upload(admin, policy(), **fields))
        assert not Draft.objects.exists()

    def test_certificates_without_a_store_are_asked_for_its_name(self, admin, root):
        answer = upload(admin, policy(), certificates=[file(root, "root.pem")])
        assert answer.status_code == 400
        assert "Say which store the certificates go to" in page_of(answer)
        assert not Draft.objects.exists()

    def test_a_file_that_was_chosen_is_there_as_text_when_something_else_has_to_be_corrected(self, admin, root):
        """No browser sends the file again, and the text of the active policy must not stand in for it."""
        publish()
        mine = policy(statement("mine"))
        refused = upload(admin, mine, text=policy().decode(), certificates=[file(root, "more.pem")])
        assert refused.status_code == 400
        shown = refused.context["form"]["text"].value()
        assert shown == mine.decode()
        upload(admin, b"", document=None, text=shown, store="ca:more", certificates=[file(root, "more.pem")])
        assert drafted().policy == mine

    def test_two_edits_of_the_same_draft_do_not_overwrite_each_other(self, admin):
        publish()
        upload(admin, policy(statement(level="audit")), seen="revision 1")
        answer = upload(admin, policy(statement(level="permissive")), seen="revision 1")
        assert "Somebody changed this meanwhile" in page_of(answer)
        assert drafted().policy == policy(statement(level="audit"))

    def test_the_same_policy_again_makes_no_draft(self, admin):
        publish()
        assert "nothing would change" in page_of(upload(admin, policy()))
        assert not Draft.objects.exists()

    def test_the_form_carries_what_it_was_filled_in_for(self, admin):
        publish()
        assert re.search(r'name="seen" value="revision 1"', page_of(admin.get(UPLOAD)))
        upload(admin, policy(statement("mine")))
        assert re.search(rf'name="seen" value="draft {Draft.objects.get().pk}, 1"', page_of(admin.get(UPLOAD)))

    def test_a_reviewer_may_not(self, reviewer):
        assert reviewer.get(UPLOAD).status_code == 403
        assert upload(reviewer, policy()).status_code == 403
        assert not Draft.objects.exists()


class TestAddingCertificates:
    def add(self, admin, files, *, store_type="ca", store_name="new", query="", **fields):
        uploads = [file(content, name) for name, content in files.items()]
        data = {"store_type": store_type, "store_name": store_name, "certificates": uploads}
        return admin.post(ADD + query, data | fields)

    def test_each_upload_goes_into_a_draft_with_the_same_policy(self, admin):
        publish(files={})
        assert self.add(admin, certificates("ca:acme"), store_name="acme").status_code == 302
        assert drafted() == revisions.Content(policy(), store_files("ca:acme"))
        assert revisions.files_of(revisions.active().pk) == {}
        assert AuditEntry.objects.get(action="trust_draft.certificates_added").details["thumbprints"]

    def test_the_draft_can_be_named_and_has_to_be_open(self, admin, root):
        publish(files={})
        upload(admin, policy(statement("older")))
        older = Draft.objects.get()
        admin.post(reverse("draft_begin"))
        self.add(admin, {"a.pem": root}, query=f"?draft={older.pk}")
        assert list(drafts.content_of(older).files.values()) == [root]
        drafts.discard(Draft.objects.get(pk=older.pk), NOW)
        for wrong in (older.pk, 10**6, "x", "٣"):
            assert self.add(admin, {"b.pem": root}, query=f"?draft={wrong}").status_code == 404

    def test_pasted_text_is_taken_too(self, admin, root):
        publish(files={})
        self.add(admin, {}, pem=root.decode().replace("\n", "\r\n"))
        [((store_type, store, name), content)] = drafted().files.items()
        assert (store_type, store) == ("ca", "new")
        assert name.endswith(".pem")
        assert content.strip() == root.strip()

    @pytest.mark.parametrize(
        ("files", "says"),
        [
            ({"key.pem": b"-----BEGIN EC PRIVATE KEY-----\nx"}, "holds a private key"),
            ({"x.pem": b"nonsense"}, "x.pem"),
            ({}, "Choose at least one file"),
            ({"big.pem": b"x" * ((1 << 20) + 1)}, "larger than 1 MiB"),
        ],
    )
    def test_what_is_no_certificate_is_refused(self, admin, files, says):
        publish()
        assert says in page_of(self.add(admin, files))
        assert not Draft.objects.exists()

    @pytest.mark.parametrize("key", KEYS, ids=lambda key: "")
    def test_a_pasted_private_key_is_not_sent_back_kept_or_logged(self, admin, root, key, caplog):
        publish()
        for text in (key, f"{root.decode()}\n{key}"):
            answer = self.add(admin, {}, pem=text)
            assert "Nothing was kept" in page_of(answer)
            secret = [line for line in key.splitlines() if len(line) > 40]
            assert not any(line in page_of(answer) or line in caplog.text for line in secret)
        assert not Draft.objects.exists()
        assert not AuditEntry.objects.exists()

    def test_pasted_certificates_are_sent_back_where_something_else_is_wrong(self, admin, root):
        publish()
        answer = self.add(admin, {}, pem=root.decode(), store_name="../x")
        assert root.decode().splitlines()[1] in page_of(answer)

    @pytest.mark.parametrize("content", KEY_FILES, ids=lambda content: "")
    def test_a_private_key_is_refused_as_such_in_whatever_form(self, admin, content):
        publish()
        assert "key.der holds a private key. Nothing was kept" in page_of(self.add(admin, {"key.der": content}))
        assert not Draft.objects.exists()

    def test_a_leaf_is_refused_as_notation_would(self, admin):
        publish()
        leaf = Pki.build(NOW)["release"].pem
        assert "neither a certificate authority nor self-signed" in page_of(self.add(admin, {"leaf.pem": leaf}))
        assert not Draft.objects.exists()

    def test_a_certificate_that_the_store_has_is_refused_whatever_its_file_is_called(self, admin, root):
        publish()
        answer = self.add(admin, {"again.pem": root}, store_name="acme")
        assert "has it already, in" in page_of(answer)
        assert not Draft.objects.exists()

    def test_a_file_name_is_made_fit_for_a_directory(self, admin, root):
        publish(files={})
        self.add(admin, {"..\\..\\Acme Root (2026).pem": root})
        assert [name for _, _, name in drafted().files] == ["Acme-Root-2026-.pem"]

    def test_before_any_policy_a_draft_can_begin_with_them(self, admin, root):
        self.add(admin, {"a.pem": root})
        assert drafted().policy == b""
        assert "TP00" in page_of(admin.get(reverse("draft", args=[Draft.objects.get().pk])))

    def test_an_outdated_form_changes_nothing(self, admin, root):
        publish(files={})
        publish(statement(level="audit"), files={})
        assert "Somebody changed this meanwhile" in page_of(self.add(admin, {"a.pem": root}, seen="revision 1"))
        assert not Draft.objects.exists()

    def test_a_bundle_of_hundreds_is_a_page_of_fifty(self, admin, root):
        publish(files={})
        assert self.add(admin, {"bundle.pem": root * 300}).status_code == 302
        page = page_of(admin.get(reverse("draft_stores", args=[Draft.objects.get().pk])))
        assert page.count('<th scope="row" class="lead"><span class="dn">') == 50
        assert "And 250 more certificates" in page

    def test_a_reviewer_may_not(self, reviewer, root):
        publish(files={})
        assert self.add(reviewer, {"a.pem": root}).status_code == 403
        assert not Draft.objects.exists()


def file_of(store):
    return next(iter(certificates(store)))


def act_on(name, store="ca:acme", **query):
    return reverse(name, query={"store": store, "file": file_of(store)} | query)


class TestRemoving:
    @pytest.fixture
    def url(self):
        publish()
        return act_on("trust_stores_remove")

    def test_the_form_says_what_stops_being_trusted(self, admin, url):
        page = page_of(admin.get(url))
        assert "O=Acme GmbH" in page
        assert "release" in page
        assert "would name a store that does not exist" in page
        assert not Draft.objects.exists()

    def test_the_draft_has_it_no_more_and_the_active_revision_still_does(self, admin, url):
        assert admin.post(url).status_code == 302
        assert ("ca", "acme") not in {key[:2] for key in drafted().files}
        assert len(drafted().files) == len(store_files()) - len(store_files("ca:acme"))
        assert revisions.files_of(revisions.active().pk) == store_files()
        assert AuditEntry.objects.filter(action="trust_draft.certificates_removed").exists()

    def test_what_is_not_there_is_no_page(self, admin, url):
        assert admin.get(reverse("trust_stores_remove", query={"store": "ca:acme", "file": "x"})).status_code == 404
        assert admin.get(reverse("trust_stores_remove")).status_code == 404
        admin.post(url)
        assert admin.get(url).status_code == 404  # the draft that is edited has it no more

    def test_a_reviewer_may_not(self, reviewer, url):
        assert reviewer.post(url).status_code == 403
        assert not Draft.objects.exists()


class TestMoving:
    @pytest.fixture
    def url(self):
        publish()
        return act_on("trust_stores_move")

    def test_a_file_goes_to_another_store_as_it_is(self, admin, url):
        assert "O=Acme GmbH" in page_of(admin.get(url))
        assert admin.post(url, {"store_type": "signingAuthority", "store_name": "new"}).status_code == 302
        before = store_files()
        content = before.pop(("ca", "acme", file_of("ca:acme")))
        assert drafted().files == before | {("signingAuthority", "new", file_of("ca:acme")): content}
        details = AuditEntry.objects.get(action="trust_draft.certificates_moved").details
        assert details["before"] == f"ca:acme/{file_of('ca:acme')}"

    @pytest.mark.parametrize(
        ("goal", "says"),
        [(("ca", "acme"), "in this store already"), (("ca", "../x"), "made of letters"), (("xx", "a"), "valid choice")],
    )
    def test_where_it_cannot_go_it_stays(self, admin, url, goal, says):
        answer = admin.post(url, {"store_type": goal[0], "store_name": goal[1]})
        assert (answer.status_code, says in page_of(answer)) == (400, True)
        assert not Draft.objects.exists()

    def test_what_is_no_root_goes_to_no_tsa_store(self, admin):
        intermediate = Pki.build(NOW)["release"].chain[1].public_bytes(serialization.Encoding.PEM)
        publish(files={("ca", "inter", "i.pem"): intermediate})
        url = reverse("trust_stores_move", query={"store": "ca:inter", "file": "i.pem"})
        answer = admin.post(url, {"store_type": "tsa", "store_name": "clock"})
        assert "is not a root" in page_of(answer)


class TestReading:
    def test_without_a_policy_the_page_says_what_that_means(self, reviewer):
        assert "Nothing reads verified without one" in page_of(reviewer.get(reverse("trust_policy")))
        assert "No trust store yet" in page_of(reviewer.get(reverse("trust_stores")))

    def test_statements_read_with_their_level_stores_and_identities(self, reviewer):
        publish(statement("web", ("registry.acme.example/web/cart",), override={"revocation": "skip"}))
        page = page_of(reviewer.get(reverse("trust_policy")))
        assert "registry.acme.example/web/cart" in page
        assert "revocation skipped" in page
        assert "ca:acme" in page
        assert RELEASE in page

    def test_what_broadens_trust_or_cannot_work_is_said(self, reviewer):
        publish(
            statement("open", identities=("*",)),
            statement("off", ("a.example/b",), level="skip"),
            statement("gone", ("a.example/c",), stores=("ca:missing",)),
        )
        page = page_of(reviewer.get(reverse("trust_policy")))
        assert "Statement open accepts every identity" in page
        assert "Statement off skips verification" in page
        assert "names the trust store ca:missing, which does not exist" in page
        assert "This store does not exist" in page_of(reviewer.get(reverse("trust_stores")))

    def test_an_old_revision_says_that_it_is_no_longer_active(self, reviewer):
        publish()
        publish(statement(level="audit"))
        page = page_of(reviewer.get(reverse("trust_revision", args=[1])))
        assert "No longer active" in page
        assert "strict" in page
        assert reviewer.get(reverse("trust_revision", args=[3])).status_code == 404

    def test_a_store_names_its_certificates_and_the_statements_that_use_it(self, reviewer):
        publish(statement("web"))
        page = page_of(reviewer.get(reverse("trust_stores")))
        assert "O=Acme GmbH" in page
        assert "Used by" in page
        assert "Remove" not in page

    def test_each_certificate_says_how_many_artifacts_rest_on_it(self, reviewer):
        publish()
        place = Place("shop/api", at=NOW)
        place.signed("release", tag="1")
        place.signed("release", tag="2")
        place.judge()
        page = page_of(reviewer.get(reverse("trust_stores")))
        counts = dict(
            re.findall(r'<section class="section" id="(\S+?)".*?data-label="Rests on it">(\d+)<', page, re.DOTALL)
        )
        assert counts["ca-acme"] == "2"
        assert {count for store, count in counts.items() if store != "ca-acme"} == {"0"}

    def test_each_certificate_leads_to_its_page_where_it_has_one(self, admin, root):
        publish(files=store_files("ca:acme"))
        [known] = revisions.material(revisions.active()).stores.get("ca", "acme").certificates
        address = reverse("certificate", args=[known.thumbprint])
        assert f'href="{address}"' in page_of(admin.get(reverse("trust_stores")))
        assert admin.get(address).status_code == 200
        stranger = Pki.build(NOW)["stranger"].ders[-1]
        new = {"store_type": "ca", "store_name": "new", "certificates": [file(stranger, "new.der")]}
        assert admin.post(ADD, new).status_code == 302
        page = page_of(admin.get(reverse("draft_stores", args=[Draft.objects.get().pk])))
        assert page.count(address) == 1
        assert page.count('href="/certificates/') - page.count('href="/certificates/"') == 1

    def test_names_in_a_policy_are_shown_inert(self, admin):
        publish(statement("<b>x</b>\u202egpj"))
        page = page_of(admin.get(reverse("trust_policy")))
        assert "<b>x" not in page
        assert "\u202e" not in page

    def test_who_sees_some_repositories_reads_only_what_is_about_them(self, client):
        cart = make_repository("web/cart")
        publish(
            statement("web", ("registry.acme.example/web/cart", "registry.acme.example/secret/one")),
            statement("secret", ("registry.acme.example/secret/two",)),
            statement("rest", ("*",)),
        )
        client.force_login(make_person("mara", everything=False, repositories=[cart]))
        for url in (reverse("trust_policy"), reverse("trust_stores"), reverse("api_trust_revision")):
            page = page_of(client.get(url))
            assert "secret" not in page.replace("1 statement is about", "")
            assert "rest" in page
        assert "and 1 that you do not see" in page_of(client.get(reverse("trust_policy")))
        assert client.get(reverse("trust_policy_document", args=[1])).status_code == 404

    def test_a_revision_that_this_version_cannot_read_is_still_a_page(self, reviewer):
        TrustRevision.objects.create(
            number=1, policy=b"<script>", fingerprint="0" * 64, author_name="sam", reason="old", created_at=NOW
        )
        page = page_of(reviewer.get(reverse("trust_policy")))
        assert "This revision cannot be read" in page
        assert "&lt;script&gt;" in page


def test_the_api_tells_the_same_revision(reviewer):
    assert reviewer.get(reverse("api_trust_revision")).status_code == 404
    publish(statement("web"))
    told = json.loads(reviewer.get(reverse("api_trust_revision")).content)
    assert told["number"] == 1
    assert told["statements"][0]["trusted_identities"] == [RELEASE]
    assert {store["name"] for store in told["stores"]} == {name for _, name, _ in store_files()}
