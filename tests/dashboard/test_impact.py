"""What a preview says is what applying the draft makes, given the same evidence and instant."""

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from dashboard import impact
from registries.models import Listing
from tests.trust.seeding import NOW, Place, policy, publish, statement, store_files
from tests.trust.test_again import REVISIONS, fill
from trust import drafts, previewing, remembering, revisions
from trust.draft_rows import PreviewGroup, PreviewPart
from trust.models import ArtifactStatus
from trust.revisions import Content

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    remembering.forget()
    yield
    remembering.forget()


@pytest.fixture
def place(db):
    return Place()


@pytest.fixture
def maria(db):
    return User.objects.create_user("maria")


def draft_of(author, *statements, files=None):
    content = Content(policy(*statements), store_files() if files is None else files)
    return drafts.begin(content, revisions.active_number(), author, NOW)


def previewed(draft, at=NOW):
    made = previewing.begin(draft, at)
    previewing.work(made.pk)
    return made


def words(at=NOW):
    rows = ArtifactStatus.objects.artifacts().with_word_at(revisions.active_number(), at)
    return dict(rows.values_list("pk", "word_now"))


def said(made):
    """Every artifact of which the preview says that its word changes, with both words."""
    groups = PreviewGroup.objects.filter(part__preview=made)
    rows = [*impact.every(impact.Filters(), made), *impact.every(impact.Filters(waiting=True), made)]
    assert len(rows) == sum(groups.values_list("artifacts", flat=True))
    return {row.status.pk: (row.group.before, row.group.after) for row in rows if row.group.before != row.group.after}


@pytest.mark.parametrize("statements", REVISIONS.values(), ids=REVISIONS.keys())
def test_every_word_turns_as_the_preview_said_and_no_other(place, maria, statements):
    fill(place)
    other = Place("shop/other")
    fill(other)
    publish(statement())
    for each in (place, other):
        each.judge()
    draft = draft_of(maria, *statements)
    before = words()

    made = previewed(draft)
    promised = said(made)
    counted = Counter()
    for part in PreviewPart.objects.filter(preview=made):
        assert part.done_at
        counted["artifacts"] += part.artifacts
        counted["changed"] += part.changed
    drafts.apply(draft, maria, NOW)
    for each in (place, other):
        each.judge()

    after = words()
    assert promised == {pk: (before[pk], after[pk]) for pk in after if before[pk] != after[pk]}
    assert counted == {"artifacts": len(before), "changed": len(promised)}
    assert promised or statements == REVISIONS["another name"]


def test_what_is_green_with_an_old_listing_turns_stale_and_not_green(place, maria):
    fresh, old = place.signed("partner"), place.signed("partner")
    Listing.objects.filter(subject=old.digest).update(checked_at=NOW - timedelta(days=30))
    publish(statement())
    place.judge()
    draft = draft_of(maria, statement(stores=["ca:acme", "ca:partner"], identities=["*"]))

    promised = said(previewed(draft))

    pks = dict(ArtifactStatus.objects.values_list("manifest_id", "pk"))
    assert promised == {
        pks[fresh.digest]: ("untrusted", "verified"),
        pks[old.digest]: ("untrusted", "stale"),
    }
