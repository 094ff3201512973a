"""Drafts: what was written is kept, rules are named, a second pair of eyes is a second person's, and one of many wins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections

from tests.trust.seeding import NOW, RELEASE, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.draft_rows import Draft, Preview
from trust.models import TrustRevision
from trust.notary.errors import TrustPolicyError
from trust.revisions import Content, StaleRevisionError

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def maria(db):
    return User.objects.create_user("maria")


@pytest.fixture
def sam(db):
    return User.objects.create_user("sam")


def content(*statements, **fields):
    return Content(policy(*statements), store_files(), **fields)


def begin(author, *statements, based_on="active"):
    number = revisions.active_number() if based_on == "active" else based_on
    return drafts.begin(content(*statements), number, author, NOW, reason="because")


def test_a_draft_keeps_every_byte_and_nobody_rests_on_it(maria):
    publish()
    text = b'{ "version" : "1.0",\r\n "trustPolicies" : [] }\n\n'

    draft = drafts.begin(Content(text, {("ca", "acme", "x.pem"): b"\x00not a certificate"}), 1, maria, NOW)

    kept = drafts.content_of(Draft.objects.get(pk=draft.pk))
    assert (kept.policy, kept.files) == (text, {("ca", "acme", "x.pem"): b"\x00not a certificate"})
    assert revisions.active_number() == 1


def test_every_part_that_breaks_a_rule_says_which(maria):
    broken = Content(
        policy(statement(level="strictest")), {("ca", "acme", "x.pem"): b"no certificate"}, b'{"version": "2.0"}'
    )

    assert [(found.part, found.rule) for found in drafts.refusals(broken)] == [
        ("policy", "TP07"),
        ("blob_policy", "TP02"),
        ("stores", ""),
    ]
    assert drafts.refusals(content()) == []


def test_applying_makes_the_next_revision_with_exactly_this_content(maria):
    publish()
    draft = begin(maria, statement("renamed"))

    revision = drafts.apply(draft, maria, LATER)

    assert (revision.number, revision.reason, revision.author_name) == (2, "because", "maria")
    assert revisions.content_of(revision) == drafts.content_of(draft)
    draft.refresh_from_db()
    assert (draft.state, draft.revision) == ("applied", revision)


def test_what_breaks_a_rule_is_not_applied_and_the_draft_stays_open(maria):
    draft = drafts.begin(Content(b"{}", {}), None, maria, NOW)

    with pytest.raises(TrustPolicyError):
        drafts.apply(draft, maria, LATER)

    draft.refresh_from_db()
    assert draft.is_open
    assert revisions.active() is None


def test_a_draft_of_what_is_no_longer_active_is_refused_until_it_rests_on_what_is(maria):
    publish()
    draft = begin(maria, statement("mine"))
    publish(statement("theirs"))

    with pytest.raises(StaleRevisionError):
        drafts.apply(draft, maria, LATER)
    rebased = drafts.rest_on(draft, 2, LATER)

    assert drafts.apply(rebased, maria, LATER).number == 3


def test_who_saves_what_somebody_else_changed_meanwhile_hears_so(maria, sam):
    mine = begin(maria)
    theirs = Draft.objects.get(pk=mine.pk)
    drafts.save(theirs, content(statement("theirs")), "other", sam, LATER)

    with pytest.raises(drafts.StaleDraftError, match="changed this draft meanwhile"):
        drafts.save(mine, content(statement("mine")), "mine", maria, LATER)
    with pytest.raises(drafts.StaleDraftError):
        drafts.apply(mine, maria, LATER)

    assert drafts.content_of(Draft.objects.get(pk=mine.pk)).policy == policy(statement("theirs"))


@pytest.mark.parametrize("act", [drafts.discard, drafts.ask_for_review, lambda draft, at: drafts.rest_on(draft, 1, at)])
def test_an_ended_draft_is_left_alone(maria, act):
    draft = begin(maria)
    drafts.discard(draft, LATER)

    with pytest.raises(drafts.StaleDraftError, match="discarded"):
        act(draft, LATER)


def test_nobody_approves_what_they_edited(maria, sam):
    draft = begin(maria)
    edited = drafts.save(draft, content(statement("other")), "because", sam, LATER)

    for editor in (maria, sam):
        with pytest.raises(drafts.ReviewError):
            drafts.approve(edited, editor, LATER)


def test_an_approval_is_of_one_version_only(maria, sam):
    draft = begin(maria)
    drafts.approve(draft, sam, LATER)
    approved = Draft.objects.get(pk=draft.pk)
    assert approved.is_approved
    assert approved.reviewer_name == "sam"

    assert not drafts.save(approved, content(statement(identities=["*"])), "more", maria, LATER).is_approved
    assert Preview.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("of", ["one draft", "many drafts"])
def test_of_fifty_who_apply_at_once_one_wins_and_all_others_hear_why(maria, of):
    publish()
    first = begin(maria, statement("one"))
    rows = [first] * 50 if of == "one draft" else [first, *(begin(maria, statement(f"n{n}")) for n in range(49))]

    def attempt(draft):
        try:
            while True:
                try:
                    return drafts.apply(draft, maria, LATER)
                except OperationalError:  # SQLite in memory does not wait for a lock
                    continue
        except (drafts.StaleDraftError, StaleRevisionError) as conflict:
            return conflict
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(attempt, rows))

    assert sum(isinstance(result, TrustRevision) for result in results) == 1
    assert sum(isinstance(result, drafts.StaleDraftError | StaleRevisionError) for result in results) == 49
    assert all(str(result) for result in results)
    assert TrustRevision.objects.count() == 2
    assert Draft.objects.filter(state="applied").count() == 1
    assert RELEASE in str(revisions.active().policy)
