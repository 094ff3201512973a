"""The pages of drafts: what one changes is seen before it is applied, and nobody applies alone what broadens trust."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.models import AuditEntry, Role
from registries.models import Listing
from tests.dashboard.rows import make_person
from tests.trust.seeding import RELEASE, Place, policy, publish, statement, store_files
from trust import drafts, previewing, revisions
from trust.additions import Additions
from trust.draft_rows import Draft, Preview
from trust.revisions import Content

pytestmark = pytest.mark.django_db
BROAD = statement(identities=["*"])


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def maria(db):
    return make_person("maria", Role.ADMIN)


@pytest.fixture
def admin(maria):
    return client_of(maria)


@pytest.fixture
def place(db):
    return Place()


@pytest.fixture
def other(db):
    """A second admin."""
    return client_of(make_person("sam", Role.ADMIN))


def begin(client, *statements, files=None, reason="because"):
    """A draft that was begun on the page, with this policy in it."""
    client.post(reverse("draft_begin"))
    draft = Draft.objects.latest("pk")
    content = Content(policy(*statements), store_files() if files is None else files)
    return drafts.save(draft, content, reason, draft.author, draft.saved_at)


def act(client, draft, name, **fields):
    draft.refresh_from_db()
    return client.post(reverse(f"draft_{name}", args=[draft.pk]), {"version": draft.version} | fields, follow=True)


def run(draft):
    previewing.work(Preview.objects.get(draft=draft).pk)


def page_of(client, draft):
    return client.get(reverse("draft", args=[draft.pk])).content.decode()


def test_a_new_draft_says_what_the_active_revision_says_and_cannot_be_applied_yet(admin):
    publish()
    answer = admin.post(reverse("draft_begin"), follow=True)
    draft = Draft.objects.get()
    assert drafts.content_of(draft) == revisions.content_of(revisions.active())
    assert "nothing is different" in answer.content.decode()
    assert AuditEntry.objects.get().action == "trust_draft.begun"


def test_an_old_content_is_drafted_anew_and_applied(admin):
    publish(statement("first"))
    publish(statement("second"))
    admin.post(reverse("draft_begin"), {"content": "1"})
    draft = Draft.objects.get()

    act(admin, draft, "apply", reason="back")

    assert bytes(revisions.active().policy) == policy(statement("first"))
    assert revisions.active_number() == 3


def test_the_page_says_the_change_in_words_and_how_many_artifacts_turn(place, admin):
    place.signed("build", tag="1.0")
    Listing.objects.update(checked_at=timezone.now())
    publish()
    place.judge()
    draft = begin(admin, BROAD)
    act(admin, draft, "preview")

    running = page_of(admin, draft)
    run(draft)
    done = page_of(admin, draft)

    assert "every identity that its stores vouch for" in running
    assert "Broadens trust." in running
    assert 'hx-trigger="every 1s"' in running
    assert 'hx-trigger="every 1s"' not in done
    assert "1 of 1 artifacts change" in done
    changes = admin.get(reverse("draft_changes", args=[draft.pk])).content.decode()
    assert "shop/api" in changes
    rows = admin.get(reverse("api_draft_changes", args=[draft.pk])).json()["results"]
    assert [(row["before"], row["after"]) for row in rows] == [("untrusted", "verified")]
    csv = admin.get(reverse("api_draft_changes", args=[draft.pk]), {"format": "csv"}).content.decode()
    assert csv.splitlines()[0].startswith("repository,digest,")
    assert len(csv.splitlines()) == 2


def test_a_store_that_does_not_exist_is_told_before_the_draft_is_applied(admin):
    publish()
    draft = begin(admin, statement(stores=["ca:gone"]))
    assert "names the trust store ca:gone, which does not exist" in page_of(admin, draft)


def test_the_bar_says_that_the_preview_runs_only_while_it_does(place, admin):
    publish()
    place.signed("release", tag="1")
    place.judge()
    draft = begin(admin, BROAD)
    act(admin, draft, "preview")
    address, part = reverse("draft", args=[draft.pk]), {"HX-Request": "true"}
    assert "The preview is still running" in admin.get(address).content.decode()
    run(draft)
    answer = admin.get(address, headers=part).content.decode()
    assert '<span id="runs" hx-swap-oob="true"></span>' in answer
    assert "The preview is still running" not in admin.get(address).content.decode()


def test_what_broadens_trust_needs_another_admin(admin, other):
    publish()
    draft = begin(admin, BROAD)

    assert "another admin must approve it" in act(admin, draft, "apply").content.decode()
    assert "cannot approve it" in act(admin, draft, "approve").content.decode()
    assert revisions.active_number() == 1

    act(other, draft, "approve")
    act(admin, draft, "apply")

    assert revisions.active_number() == 2
    assert AuditEntry.objects.latest("pk").details["approved_by"] == "sam"


def test_an_approver_who_comes_to_satisfy_a_statement_for_publishers_is_named_and_needs_another_admin(
    admin, other, maria
):
    approvers = [
        statement("builds", identities=["*"]),
        statement("approvals", scopes=["registry.acme.example/approvals"], identities=[RELEASE]),
    ]
    publish(*approvers)
    draft = begin(admin, *approvers)
    labels = Additions(roles={"builds": "publisher", "approvals": "certifier"})
    drafts.save(draft, replace(drafts.content_of(draft), additions=labels), "because", maria, draft.saved_at)

    assert "their signatures also satisfy builds" in act(admin, draft, "apply").content.decode()
    assert revisions.active_number() == 1
    act(other, draft, "approve")
    act(admin, draft, "apply")
    assert revisions.active_number() == 2


def test_an_approval_ends_with_the_next_edit(admin, other, maria):
    publish()
    draft = begin(admin, BROAD)
    act(other, draft, "approve")
    draft.refresh_from_db()
    drafts.save(
        draft, Content(policy(statement("x", identities=["*"])), store_files()), "because", maria, draft.saved_at
    )

    act(admin, draft, "apply")

    assert revisions.active_number() == 1


def test_what_narrows_trust_needs_nobody_else_unless_the_setting_says_so(admin, other, settings):
    publish(BROAD)
    draft = begin(admin, statement())
    settings.REVIEW = "always"
    act(admin, draft, "apply")
    assert revisions.active_number() == 1

    settings.REVIEW = "broadening"
    act(admin, draft, "apply")

    assert revisions.active_number() == 2


def test_a_single_admin_applies_alone_which_is_shown_and_recorded(admin):
    publish()
    draft = begin(admin, BROAD)

    assert "There is one admin only" in page_of(admin, draft)
    act(admin, draft, "apply")

    assert revisions.active_number() == 2
    assert "one admin only" in AuditEntry.objects.latest("pk").details["review"]


def test_a_revision_needs_a_reason(admin):
    publish()
    draft = begin(admin, statement("x"), reason="")

    assert "Say why" in act(admin, draft, "apply", reason=" ").content.decode()
    act(admin, draft, "apply", reason="the new name")

    assert revisions.active().reason == "the new name"


def test_who_acts_on_a_version_that_they_did_not_see_hears_so(admin, maria):
    publish()
    draft = begin(admin, statement("x"))
    stale = draft.version
    drafts.save(draft, Content(policy(statement("y")), store_files()), "because", maria, draft.saved_at)

    answer = admin.post(reverse("draft_apply", args=[draft.pk]), {"version": stale}, follow=True)

    assert "Somebody changed this draft meanwhile" in answer.content.decode()
    assert revisions.active_number() == 1


def test_a_draft_whose_base_was_replaced_shows_what_it_would_undo_and_can_be_rested_on_it(admin):
    publish(statement())
    draft = begin(admin, statement("mine"))
    publish(statement(), statement("theirs", scopes=["registry.acme.example/other"]))

    page = page_of(admin, draft)
    assert "Revision 2 is active meanwhile" in page
    assert "theirs" in page
    act(admin, draft, "apply")
    assert revisions.active_number() == 2

    act(admin, draft, "rest_on")
    act(admin, draft, "apply")

    assert revisions.active_number() == 3


def test_a_rule_that_is_broken_is_named_and_nothing_is_previewed(admin):
    publish()
    draft = begin(admin, statement(level="strictest"))
    act(admin, draft, "preview")

    page = page_of(admin, draft)
    assert "rule TP07" in page
    assert not Preview.objects.filter(version=draft.version).exists()
    act(admin, draft, "apply")
    assert revisions.active_number() == 1


def test_a_preview_of_what_is_no_more_says_so(admin, place):
    place.signed("release")
    publish()
    place.judge()
    draft = begin(admin, statement(level="audit"))
    act(admin, draft, "preview")
    run(draft)
    publish(statement("meanwhile"))

    assert "Out of date." in page_of(admin, draft)


def test_a_discarded_draft_can_be_read_and_not_applied(admin):
    publish()
    draft = begin(admin, statement("x"))
    act(admin, draft, "discard")

    assert "Nothing of it holds" in page_of(admin, draft)
    assert "discarded" in act(admin, draft, "apply").content.decode()
    assert revisions.active_number() == 1


def test_revisions_are_compared_in_words_and_line_by_line(admin):
    publish(statement())
    publish(statement(identities=[RELEASE, "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Build"]))
    publish(statement(level="audit"))

    newest = admin.get(reverse("revisions_compare")).content.decode()
    first = admin.get(reverse("revisions_compare"), {"before": "1", "after": "2"}).content.decode()

    assert "From revision 2 to revision 3" in newest
    assert "OU=Build" in first
    assert "<ins>" in first
    for wrong in ({"before": "9", "after": "1"}, {"before": "x", "after": "1"}):
        assert admin.get(reverse("revisions_compare"), wrong).status_code == 404


def test_the_queries_of_the_list_of_changes_do_not_grow_with_rows(admin, place, django_assert_max_num_queries):
    for _ in range(6):
        place.signed("build")
    publish()
    place.judge()
    draft = begin(admin, BROAD)
    act(admin, draft, "preview")
    run(draft)

    with django_assert_max_num_queries(25):
        page = admin.get(reverse("draft_changes", args=[draft.pk])).content.decode()
    assert page.count("shop/api") >= 6
