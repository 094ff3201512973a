"""The policy editor: form and text are one document, rules are named where they are broken, and nothing else changes."""

import json
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard.models import AuditEntry, Role
from tests.dashboard.rows import make_person, make_repository
from tests.trust.notary.test_upstream_policies import REFUSED, TAKEN
from tests.trust.notary.test_upstream_policies import document as written
from tests.trust.seeding import NOW, RELEASE, Place, blob_statement, policy, statement, store_files
from trust import drafts, revisions
from trust.additions import Additions
from trust.draft_rows import Draft
from trust.notary.policy_document import read_document
from trust.revisions import Content

pytestmark = pytest.mark.django_db
BY_HAND = (
    b'{"version":"1.0", "x-ours": [1,2],\r\n  "trustPolicies": [\r\n   {"name": "web", "x-note":"kept",'
    b' "registryScopes": ["registry.acme.example/web/cart"],\r\n\t"signatureVerification": {"level" : "strict"},'
    b'"trustStores": ["ca:acme"], "trustedIdentities": ["' + RELEASE.encode() + b'"]}\r\n  ,'
    b'{"name":"rest","registryScopes":["*"],"signatureVerification":{"level":"skip"}}]}\r\n'
)


@pytest.fixture
def admin(client):
    client.admin = make_person("adam", Role.ADMIN)
    client.force_login(client.admin)
    return client


def begin(admin, content=BY_HAND, files=None, **fields):
    return drafts.begin(Content(content, files or store_files("ca:acme"), **fields), None, admin.admin, NOW)


def url_of(draft, number=1, page="draft_edit"):
    return reverse(page, args=[draft.pk], query={"statement": number})


def fields_of(page):
    """What a browser sends of the form when nobody touches it."""
    html = page.content.decode()
    form = html[html.index('enctype="multipart/form-data"') : html.index("</main>")]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ("hidden" in tag or "checked" in tag or 'type="text"' in tag):
            sent.setdefault(name[1], []).append(unescape(value[1]) if value else "on")
    for name, body in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>\r?\n?(.*?)</textarea>', form, re.DOTALL):
        sent[name] = [unescape(body).replace("\r\n", "\n").replace("\n", "\r\n")]
    for name, body in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        sent[name] = [unescape(chosen[1]) if chosen else ""]
    return sent


def save(admin, draft, number=1, act="save", page="draft_edit", **fields):
    """What a person sends who opened the editor and changed these fields."""
    shown = fields_of(admin.get(url_of(draft, number, page)))
    return admin.post(reverse(page, args=[draft.pk]), shown | {"act": act} | fields)


def now(draft):
    return drafts.content_of(Draft.objects.get(pk=draft.pk))


def said(draft):
    return read_document(now(draft).policy).statements


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def test_saving_what_nobody_touched_saves_nothing(admin):
    draft = begin(admin)
    assert save(admin, draft).status_code == 302
    assert save(admin, draft, 2).status_code == 302
    draft.refresh_from_db()
    assert (draft.version, bytes(draft.policy)) == (1, BY_HAND)


@pytest.mark.parametrize(
    ("fields", "before", "after"),
    [
        ({"name": "shop"}, b'"name": "web"', b'"name": "shop"'),
        ({"level": "audit"}, b'"level" : "strict"', b'"level" : "audit"'),
        (
            {"override_expiry": "log"},
            b'{"level" : "strict"}',
            b'{"level" : "strict", "override": {\r\n\t\t"expiry": "log"\r\n\t}}',
        ),
        (
            {"scopes": "registry.acme.example/web/cart\r\nregistry.acme.example/web/shop"},
            b'["registry.acme.example/web/cart"]',
            b'["registry.acme.example/web/cart", "registry.acme.example/web/shop"]',
        ),
        ({"stores": [], "other_stores": "tsa:clock"}, b'["ca:acme"]', b'["tsa:clock"]'),
        ({"trusted_identities": "*"}, f'["{RELEASE}"]'.encode(), b'["*"]'),
    ],
)
def test_the_form_changes_its_member_in_the_text_and_no_other_byte(admin, fields, before, after):
    draft = begin(admin)
    assert save(admin, draft, **fields).status_code == 302
    changed = now(draft).policy
    if "override_expiry" in fields:  # how it is laid out is the text's own affair
        assert read_document(changed).statements[0].override == {"expiry": "log"}
        start, end = BY_HAND.index(b'{"level" : "strict"'), len(BY_HAND) - BY_HAND.index(b'},"trustStores"')
        assert changed.startswith(BY_HAND[: start + 19])
        assert changed.endswith(BY_HAND[-end:])
    else:
        assert changed == BY_HAND.replace(before, after)
    assert AuditEntry.objects.get().action == "trust_draft.policy_edited"


def test_the_text_changes_the_form(admin):
    draft = begin(admin)
    save(admin, draft, text=BY_HAND.decode().replace('"strict"', '"permissive"'))
    assert now(draft).policy == BY_HAND.replace(b'"strict"', b'"permissive"')
    page = admin.get(url_of(draft)).content.decode()
    assert re.search(r'name="level" value="permissive"[^>]* checked', page)


def test_form_and_text_can_both_change_where_they_do_not_meet(admin):
    draft = begin(admin)
    save(admin, draft, name="shop", text=BY_HAND.decode().replace("[1,2]", "[1,2,3]"))
    assert now(draft).policy == BY_HAND.replace(b'"web"', b'"shop"').replace(b"[1,2]", b"[1,2,3]")


def test_where_they_meet_nothing_is_saved_and_both_are_still_there(admin):
    draft = begin(admin)
    answer = save(admin, draft, name="shop", text=BY_HAND.decode().replace('"web"', '"other"'))
    assert (answer.status_code, "both change this statement" in text_of(answer)) == (400, True)
    assert fields_of(answer)["name"] == ["shop"]
    assert '"other"' in fields_of(answer)["text"][0]
    assert now(draft).policy == BY_HAND


def test_what_breaks_a_rule_is_saved_and_said_at_the_field_and_its_line(admin):
    draft = begin(admin)
    wrong = f"{RELEASE}\r\nx509.subject: OU=Release, O=Acme GmbH"
    answer = save(admin, draft, act="see", trusted_identities=wrong)
    assert answer["Location"] == url_of(draft)  # not to the effect: there is none
    page = admin.get(answer["Location"]).content.decode()
    error = re.search(r'id="id_trusted_identities_error">(.*?)</div>', page, re.DOTALL)[1]
    assert "Line 2:" in error
    assert "(rule TP23)" in error
    assert 'aria-invalid="true"' in re.search(r'<textarea name="trusted_identities"[^>]*>', page)[0]


def test_what_is_entered_is_checked_before_it_is_saved(admin):
    draft = begin(admin)
    shown = fields_of(admin.get(url_of(draft)))

    def checked(**fields):
        return admin.post(reverse("draft_edit", args=[draft.pk]), shown | fields, headers={"HX-Request": "true"})

    answer = checked(trusted_identities="x509.subject: O=Acme", level="skip")
    assert "As entered, not saved yet" in text_of(answer)
    assert {"TP14", "TP23"} <= set(re.findall(r"rule (TP\d\d)", text_of(answer)))
    assert '<a href="#id_trusted_identities">' in answer.content.decode()
    assert "<form" not in answer.content.decode()
    assert "(rule TP00)" in text_of(checked(text="{"))
    assert "both change this statement" in text_of(checked(name="a", text=BY_HAND.decode().replace('"web"', '"b"')))
    assert text_of(checked(name="fine")).strip() == ""
    assert Draft.objects.get().version == 1
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_every_upstream_policy_that_is_refused_names_its_rule_in_the_editor(admin, name):
    rule, statements = REFUSED[name]
    draft = begin(admin, written(*statements))
    pages = [admin.get(url_of(draft, number + 1)) for number in range(len(statements))]
    assert any(f"(rule {rule})" in text_of(page) for page in pages)
    for number in range(len(statements)):
        save(admin, draft, number + 1)
    assert now(draft).policy == written(*statements)


@pytest.mark.parametrize("name", TAKEN)
def test_every_upstream_policy_that_is_taken_is_shown_without_fault_and_kept_byte_for_byte(admin, name):
    content = written(*TAKEN[name][1])
    draft = begin(admin, content)
    assert "(rule TP" not in text_of(admin.get(url_of(draft)))
    save(admin, draft)
    assert now(draft).policy == content


@pytest.mark.parametrize(
    "content", [b"not json", b'{"version": "1.0", "version": "1.0"}', b'{"Version": "1.0"}', b"\xff"]
)
def test_a_text_that_cannot_be_read_is_kept_and_can_be_mended(admin, content):
    draft = begin(admin)
    save(admin, draft, text=content.decode(errors="replace"))
    answer = admin.get(url_of(draft))
    assert "(rule TP00)" in text_of(answer)
    assert "The form comes back once the text can be read" in text_of(answer)
    admin.post(
        reverse("draft_edit", args=[draft.pk]), {"version": Draft.objects.get().version, "text": policy().decode()}
    )
    assert now(draft).policy == policy()


def test_statements_are_added_doubled_moved_and_removed(admin):
    draft = begin(admin)
    names = lambda: [one.name for one in said(draft)]  # noqa: E731
    assert save(admin, draft, act="add")["Location"] == url_of(draft, 3)
    assert names() == ["web", "rest", "new"]
    assert save(admin, draft, 1, act="duplicate")["Location"] == url_of(draft, 2)
    assert names() == ["web", "web-2", "rest", "new"]
    assert save(admin, draft, 3, act="up")["Location"] == url_of(draft, 2)
    assert names() == ["web", "rest", "web-2", "new"]
    save(admin, draft, 2, act="down")
    save(admin, draft, 4, act="remove")
    save(admin, draft, 2, act="remove")
    assert names() == ["web", "rest"]
    assert now(draft).policy == BY_HAND


def test_what_was_entered_is_saved_with_the_button_that_does_something_else(admin):
    draft = begin(admin)
    save(admin, draft, act="down", name="shop")
    assert [one.name for one in said(draft)] == ["rest", "shop"]


def test_a_first_statement_can_be_added_to_nothing(admin):
    draft = begin(admin, b"")
    save(admin, draft, act="add")
    assert "TP25" in text_of(admin.get(url_of(draft)))
    save(admin, draft, name="web", scopes="*", stores=["ca:acme"], trusted_identities=RELEASE)
    assert drafts.refusals(now(draft)) == []


def test_blob_statements_likewise(admin):
    blobs = policy(blob_statement("web"), blob_statement("more"))
    draft = begin(admin, policy(), blob_policy=blobs)
    save(admin, draft, 2, page="draft_edit_blobs", is_global="on", name="all")
    [one, other] = read_document(now(draft).blob_policy, "globalPolicy").statements
    assert (one.is_global, other.is_global, other.name) == (False, True, "all")
    assert now(draft).policy == policy()
    page = admin.get(url_of(draft, 1, "draft_edit_blobs"))
    assert "Scopes" not in text_of(page)


class TestPicking:
    def test_signers_that_were_seen_are_offered_with_their_number_and_the_store_of_their_root(self, admin):
        place = Place("shop/api")
        for tag in ("1", "2"):
            place.signed("release", tag=tag)
        place.judge()
        draft = begin(admin)
        page = text_of(admin.get(url_of(draft, 2)))
        assert "Seen on 2 artifacts" in page
        assert "is in ca:acme" in page
        subject = re.search(r'name="add_identity" value="([^"]*)"', admin.get(url_of(draft, 2)).content.decode())[1]
        save(admin, draft, 2, add_identity=unescape(subject), level="strict", stores=["ca:acme"])
        assert said(draft)[1].trusted_identities == (unescape(subject),)

    def test_repositories_that_no_statement_names_are_offered(self, admin):
        for name in ("web/cart", "web/shop"):
            make_repository(name)
        draft = begin(admin)
        page = admin.get(url_of(draft)).content.decode()
        assert re.findall(r'name="add_scope" value="([^"]*)"', page) == ["registry.acme.example/web/shop"]
        save(admin, draft, add_scope="registry.acme.example/web/shop")
        assert said(draft)[0].scopes == ("registry.acme.example/web/cart", "registry.acme.example/web/shop")


class TestPatterns:
    def test_a_pattern_compiles_to_the_exact_list_and_stands_in_the_form_for_it(self, admin):
        for name in ("web/cart", "web/shop", "web/own", "api"):
            make_repository(name)
        own = statement("own", ["registry.acme.example/web/own"])
        draft = begin(admin, policy(statement("web", ["registry.acme.example/web/cart"]), own))
        save(admin, draft, scopes="registry.acme.example/web/*")
        assert said(draft)[0].scopes == ("registry.acme.example/web/cart", "registry.acme.example/web/shop")
        assert now(draft).additions.patterns == {"web": ("registry.acme.example/web/*",)}
        answer = admin.get(url_of(draft))
        assert fields_of(answer)["scopes"] == ["registry.acme.example/web/*"]
        assert "stands for 2 exact scopes" in text_of(answer)
        save(admin, draft, name="shop")
        assert now(draft).additions.patterns == {"shop": ("registry.acme.example/web/*",)}
        save(admin, draft, scopes="registry.acme.example/api")
        assert said(draft)[0].scopes == ("registry.acme.example/api",)
        assert now(draft).additions == Additions()

    def test_a_new_repository_that_matches_is_proposed_and_not_one_that_another_statement_names(self, admin):
        make_repository("web/cart")
        additions = Additions({"web": ("registry.acme.example/web/*",)})
        draft = begin(admin, policy(statement("web", ["registry.acme.example/web/cart"]),
                                    statement("own", ["registry.acme.example/web/own"])), additions=additions)  # fmt: skip
        drafts.apply(draft, admin.admin, NOW)
        assert "match a pattern" not in text_of(admin.get(reverse("trust_policy")))
        for name in ("web/shop", "web/own", "api"):
            make_repository(name)
        page = text_of(admin.get(reverse("trust_policy")))
        assert "web does not name registry.acme.example/web/shop yet" in page
        answer = admin.post(reverse("trust_patterns"))
        proposed = Draft.objects.latest("pk")
        assert answer["Location"] == reverse("draft", args=[proposed.pk])
        assert said(proposed)[0].scopes == ("registry.acme.example/web/cart", "registry.acme.example/web/shop")
        assert drafts.content_of(proposed).additions == additions
        assert revisions.active_number() == 1


def test_roles_of_statement_and_signers_are_kept_beside_the_policy_which_stays_as_it_is(admin):
    draft = begin(admin)
    save(admin, draft, role="publisher", signer_0="certifier")
    assert now(draft).additions == Additions({}, {"web": "publisher"}, {RELEASE: "certifier"})
    assert now(draft).policy == BY_HAND
    save(admin, draft, trusted_identities="*")
    assert now(draft).additions == Additions({}, {"web": "publisher"}, {})


def test_somebody_elses_change_is_not_overwritten_and_what_was_entered_stays(admin):
    draft = begin(admin)
    shown = fields_of(admin.get(url_of(draft)))
    save(admin, draft, level="audit")
    answer = admin.post(reverse("draft_edit", args=[draft.pk]), shown | {"name": "mine", "act": "save"})
    assert (answer.status_code, "Somebody changed this draft meanwhile" in text_of(answer)) == (400, True)
    assert fields_of(answer)["name"] == ["mine"]
    assert (said(draft)[0].name, said(draft)[0].level) == ("web", "audit")


def test_a_private_key_in_the_text_is_neither_kept_nor_sent_back(admin):
    draft = begin(admin)
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----"
    answer = save(admin, draft, text=key)
    assert "Nothing was kept" in text_of(answer)
    assert "MIGHAgEA" not in answer.content.decode()
    assert now(draft).policy == BY_HAND


def test_an_ended_draft_is_not_edited(admin):
    draft = begin(admin)
    drafts.discard(draft, NOW)
    for answer in (admin.get(url_of(draft)), admin.post(url_of(draft), {"version": 1, "text": "{}"})):
        assert answer["Location"] == reverse("draft", args=[draft.pk])


def test_hostile_names_are_inert(admin):
    draft = begin(
        admin, policy(statement("</textarea><script>x</script>\u202egpj"), statement("'\"<i>", ["a.example/b"]))
    )
    page = admin.get(url_of(draft)).content.decode()
    assert "<script>x" not in page
    assert "<i>" not in page
    assert save(admin, draft).status_code == 302
    assert Draft.objects.get().version == 1


class TestLarge:
    def test_a_text_of_more_than_a_mebibyte_is_refused_and_one_of_nearly_that_is_a_page(self, admin):
        draft = begin(admin)
        padding = " " * (1 << 20)
        answer = save(admin, draft, text=BY_HAND.decode() + padding + "x")
        assert (answer.status_code, "larger than 1 MiB" in text_of(answer)) == (400, True)
        notes = json.dumps({"x": "y" * 100_000})
        large = BY_HAND.replace(b"[1,2]", f"[{','.join([notes] * 10)}]".encode())
        assert save(admin, draft, text=large.decode()).status_code == 302
        assert save(admin, draft, name="shop").status_code == 302
        assert now(draft).policy == large.replace(b'"web"', b'"shop"')

    def test_ten_thousand_scopes_and_as_many_repositories_make_a_bounded_page(
        self, admin, django_assert_max_num_queries
    ):
        scopes = [f"registry.acme.example/r{number}" for number in range(10_000)]
        draft = begin(admin, policy(statement("many", scopes), statement("wrong", ["B"] * 10_000)))
        with django_assert_max_num_queries(20):
            page = admin.get(url_of(draft, 2)).content.decode()
        assert page.count('class="error"') <= 12
        assert page.count("<label") < 100
        assert save(admin, draft, name="still many").status_code == 302
        assert (said(draft)[0].name, len(said(draft)[0].scopes)) == ("still many", 10_000)

    def test_of_thousands_of_statements_some_links_are_shown_and_each_can_be_reached(self, admin):
        many = [statement(f"s{n}", [f"a.example/r{n}"]) for n in range(2_000)]
        draft = begin(admin, policy(*many))
        page = admin.get(url_of(draft, 1_500)).content.decode()
        assert 20 <= page.count('<a href="?statement=') <= 60
        assert fields_of(admin.get(url_of(draft, 1_500)))["name"] == ["s1499"]


def test_the_number_of_queries_does_not_grow(admin):
    def queries():
        with CaptureQueriesContext(connection) as counted:
            admin.get(url_of(draft))
        return len(counted)

    draft = begin(admin, policy(*(statement(f"s{n}", [f"a.example/r{n}"]) for n in range(3))))
    place = Place("shop/a")
    place.signed("release", tag="1")
    place.judge()
    queries()
    few = queries()
    for n in range(5):
        place.signed("release", tag=f"more{n}")
        make_repository(f"more{n}")
    place.judge()
    assert queries() == few
