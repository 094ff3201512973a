"""Beginning a policy from what is there, trusting the signer of one signature, and what roles make of the sentence."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from dashboard.sentences import LONGEST, sentence
from tests.dashboard.rows import make_person
from tests.trust.seeding import HOUR, NOW, RELEASE, Place, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.additions import Additions
from trust.draft_rows import Draft
from trust.models import Signature
from trust.notary.outcome import Word
from trust.notary.trust_policy import TrustPolicy
from trust.revisions import Content

pytestmark = pytest.mark.django_db
SHOP = "registry.acme.example/shop/api"


@pytest.fixture
def admin(client):
    client.admin = make_person("adam", Role.ADMIN)
    client.force_login(client.admin)
    return client


@pytest.fixture
def shop():
    place = Place("shop/api")
    place.image = place.signed("release", tag="1")
    place.judge()
    return place


def trust_url(place):
    signature = Signature.objects.get(subject=place.image.digest).pk
    return reverse("signature_trust", args=[place.repository.pk, place.image.digest, signature])


def page_of(place, page="artifact"):
    return reverse(page, args=[place.repository.pk, place.image.digest])


class TestBeginning:
    def test_three_clicks_make_a_policy_that_verifies_what_was_chosen(self, admin, shop):
        page = admin.get(reverse("trust_policy")).content.decode()
        assert "Signers found" in page
        [key] = re.findall(r'name="signer" value="(\w+)"', page)
        answer = admin.post(reverse("trust_begin"), {"signer": key})
        draft = Draft.objects.get()
        assert answer["Location"] == reverse("draft", args=[draft.pk])
        assert draft.previews.count() == 1
        admin.post(reverse("draft_apply", args=[draft.pk]), {"version": 1, "reason": draft.reason})
        shop.judge(must_be_due=False)
        assert shop.status(shop.image).word == "verified"

    def test_a_hostile_name_is_inert_in_the_reason_that_is_prepared(self, admin):
        place = Place("shop/api")
        place.signed("hostile", tag="1")
        place.judge()
        [key] = re.findall(r'name="signer" value="(\w+)"', admin.get(reverse("trust_policy")).content.decode())
        admin.post(reverse("trust_begin"), {"signer": key})
        reason = Draft.objects.get().reason
        assert "[U+202E]" in reason
        assert "\u202e" not in reason

    def test_choosing_nobody_or_somebody_unknown_makes_nothing(self, admin, shop):
        for keys in ([], ["0" * 64], ["'"]):
            admin.post(reverse("trust_begin"), {"signer": keys})
        assert not Draft.objects.exists()

    def test_a_reviewer_is_not_shown_who_signed(self, client, shop):
        client.force_login(make_person("mara"))
        assert "Signers found" not in client.get(reverse("trust_policy")).content.decode()

    def test_with_a_policy_it_is_the_policy_that_is_shown(self, admin, shop):
        publish()
        assert "Signers found" not in admin.get(reverse("trust_policy")).content.decode()


class TestTrustingASigner:
    def test_from_an_untrusted_signature_a_draft_begins_that_would_verify_it(self, admin, shop):
        publish(statement("all", identities=["x509.subject: C=US, ST=WA, O=Other"]))
        shop.judge()
        for page in (page_of(shop), trust_url(shop).removesuffix("trust/")):
            assert "Trust this signer" in admin.get(page).content.decode()
        answer = admin.post(trust_url(shop))
        draft = Draft.objects.get()
        assert answer["Location"] == reverse("draft", args=[draft.pk])
        [_, new] = TrustPolicy.parse(drafts.content_of(draft).policy).statements
        assert (new.scopes, draft.previews.count()) == ((SHOP,), 1)
        assert revisions.active_number() == 1
        assert AuditEntry.objects.filter(action="trust_draft.begun").exists()

    def test_whoever_looks_at_the_past_is_offered_nothing(self, admin, shop):
        publish(statement("all", identities=["x509.subject: C=US, ST=WA, O=Other"]))
        shop.judge()
        for page in (page_of(shop), trust_url(shop).removesuffix("trust/")):
            then = admin.get(page, {"at": f"{NOW + HOUR:%Y-%m-%dT%H:%M}"})
            assert "As of" in then.content.decode()
            assert "Trust this signer" not in then.content.decode()

    def test_without_any_policy_it_is_the_first(self, admin, shop):
        admin.post(trust_url(shop))
        [only] = TrustPolicy.parse(drafts.content_of(Draft.objects.get()).policy).statements
        assert (only.scopes, only.level.name) == ((SHOP,), "strict")

    def test_what_is_trusted_already_offers_nothing(self, admin, shop):
        publish()
        shop.judge()
        assert "Trust this signer" not in admin.get(page_of(shop)).content.decode()
        admin.post(trust_url(shop))
        assert not Draft.objects.exists()

    def test_what_trust_would_not_mend_offers_nothing(self, admin):
        place = Place("shop/api")
        subject, other = place.image(tag="1"), place.image()
        place.image = subject
        place.list(subject, place.sign(subject, over=other))
        place.judge()
        assert "Trust this signer" not in admin.get(page_of(place)).content.decode()
        admin.post(trust_url(place))
        assert not Draft.objects.exists()

    def test_a_reviewer_is_offered_nothing(self, client, shop):
        client.force_login(make_person("mara"))
        assert "Trust this signer" not in client.get(page_of(shop)).content.decode()
        assert client.post(trust_url(shop)).status_code == 403


class TestRoles:
    @pytest.fixture
    def shop(self):
        place = Place("shop/api", at=timezone.now())  # a listing of today
        place.image = place.signed("release", tag="1")
        return place

    def publish(self, admin, additions):
        content = Content(policy(statement("release", identities=["*"])), store_files(), b"", additions)
        drafts.apply(drafts.begin(content, None, admin.admin, NOW, "x"), admin.admin, NOW)

    def said(self, admin, place):
        page = admin.get(page_of(place)).content.decode()
        return re.sub(r"<[^>]+>", "", re.search(r'<p class="say">(.*?)</p>', page, re.DOTALL)[1])

    def test_the_sentence_names_the_role_of_the_statement(self, admin, shop):
        self.publish(admin, Additions({}, {"release": "publisher"}))
        assert self.said(admin, shop) == "Verified. Published by release-signer 03, accepted by statement release."

    def test_it_names_every_good_signer_by_role_publisher_first(self, admin):
        place = Place("shop/api", at=timezone.now())
        place.image = place.signed("build", "release", tag="1")
        self.publish(admin, Additions({}, {"release": "certifier"}, {RELEASE: "publisher"}))
        said = self.said(admin, place)
        assert re.search(r"Published by .+?, certified by .+?, accepted by statement release", said), said

    def test_without_roles_it_reads_as_before(self, admin, shop):
        self.publish(admin, Additions())
        assert "Signed by" in self.said(admin, shop)

    def test_the_sentence_stays_short_and_a_word_that_is_not_green_names_no_role(self):
        name = "a very long name of many words " * 5
        roles = [("publisher", name), ("certifier", name), ("registry", name), ("environment", name)]
        long = sentence(Word.verified, "verified", signer=name, statement=name, roles=roles[:2])
        assert long.text.startswith("Verified. Published by a very")
        assert len(long.text.split()) <= LONGEST
        for some in (roles[:3], roles):
            assert (
                len(sentence(Word.verified, "verified", signer=name, statement=name, roles=some).text.split())
                <= LONGEST
            )
        assert "Published" not in sentence(Word.untrusted, "expired", signer="x", statement="y", roles=roles).text
