"""What a preview says is what applying the draft makes, given the same evidence and instant."""

from contextlib import suppress
from datetime import timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import impact
from demo.pki import ACME, make_authority, make_signer
from demo.timestamping import make_token, timestamps
from registries.models import Listing
from tests.trust.seeding import DAY, HOUR, NOW, Place, pki, policy, publish, statement, store_files
from tests.trust.test_again import REVISIONS, fill
from trust import drafts, previewing, remembering, revisions
from trust.draft_rows import PreviewGroup, PreviewPart
from trust.models import ArtifactStatus, Signature
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


def keeps_its_word(draft, author, *places):
    """Whether each artifact turns as the preview said, and no other; how many groups that took, and what was said."""
    before = words()
    made = previewed(draft)
    promised = said(made)
    parts = PreviewPart.objects.filter(preview=made)
    assert all(part.done_at for part in parts)
    assert sum(part.artifacts for part in parts) == len(before)
    assert sum(part.changed for part in parts) == len(promised)
    groups = PreviewGroup.objects.filter(part__preview=made).count()
    drafts.apply(draft, author, NOW)
    for each in places:
        each.judge()
    after = words()
    assert promised == {pk: (before[pk], after[pk]) for pk in after if before[pk] != after[pk]}
    return groups, promised


@pytest.mark.parametrize("statements", REVISIONS.values(), ids=REVISIONS.keys())
def test_every_word_turns_as_the_preview_said_and_no_other(place, maria, statements):
    fill(place)
    other = Place("shop/other")
    fill(other)
    publish(statement())
    for each in (place, other):
        each.judge()
    _, promised = keeps_its_word(draft_of(maria, *statements), maria, place, other)
    assert promised or statements == REVISIONS["another name"]


def stamp(at, authority=None):
    return timestamps(authority or pki().timestamper, at)


STAMPED = ("ca:acme", "tsa:acme")
ABOUT_TIMESTAMPS = {
    "a store of authorities": (statement(), statement(stores=STAMPED)),
    "only after expiry": (statement(), statement(stores=STAMPED, verifyTimestamp="afterCertExpiry")),
    "no store of authorities": (statement(stores=STAMPED), statement()),
    "nobody": (
        statement(stores=STAMPED),
        statement(stores=STAMPED, identities=["x509.subject: C=DE, ST=BE, O=Nobody"]),
    ),
}


@pytest.mark.parametrize(("now", "then"), ABOUT_TIMESTAMPS.values(), ids=ABOUT_TIMESTAMPS.keys())
def test_timestamps_of_many_times_turn_as_the_preview_said_and_are_few_groups(place, maria, now, then):
    for hours in range(5):
        place.signed("release", timestamp_token=stamp(NOW - hours * HOUR))
        place.signed("expired", timestamp_token=stamp(NOW - hours * HOUR))
        place.signed("expired", timestamp_token=stamp(NOW - 100 * DAY - hours * HOUR))
        place.signed("release", timestamp_token=stamp(NOW - (5000 + hours) * DAY))  # when nothing was valid yet
        place.signed("release", timestamp_token=make_token(pki().timestamper, b"another", NOW - hours * HOUR))
    place.signed("release", timestamp_token=b"junk")
    place.signed("release")
    publish(now)
    place.judge()
    assert len(set(ArtifactStatus.objects.values_list("question", flat=True))) > 20
    groups, promised = keeps_its_word(draft_of(maria, then), maria, place)
    assert len(promised) >= 5
    assert groups < 10


def test_a_root_that_ends_before_its_authority_tells_timestamps_apart(place, maria):
    root = make_authority({**ACME, "CN": "Short root"}, NOW - 50 * DAY, NOW + DAY)
    purposes = {"purposes": [Purpose.TIME_STAMPING], "only_these_purposes": True}
    subject = {**ACME, "CN": "Long authority"}
    authority = make_signer(subject, NOW - 100 * DAY, NOW + DAY, issuer=root, **purposes)
    for days in (1, 2, 60, 61):
        place.signed("release", timestamp_token=stamp(NOW - days * DAY, authority))
    publish(statement())
    place.judge()
    files = store_files() | {("tsa", "short", "root.pem"): root.pem}
    draft = draft_of(maria, statement(stores=["ca:acme", "tsa:short"]), files=files)
    place.signed("release")
    place.judge()
    made = previewed(draft)
    pages, after = [], ""
    while not pages or after:
        page = impact.page(impact.Filters(), made, after, size=1)
        after = page.next
        pages.append([row.status.pk for row in page.rows])
    assert [len(page) for page in pages] == [1, 1, 1]
    groups, promised = keeps_its_word(draft, maria, place)
    assert sorted(promised) == sorted(pk for page in pages for pk in page)
    assert groups == 3
    assert list(promised.values()) == [("verified", "untrusted")] * 3


def test_a_preview_of_more_repositories_asks_the_database_hardly_more(maria):
    publish(statement())

    def queries(names):
        for name in names:
            place = Place(name)
            place.signed("release")
            place.judge()
        made = previewing.begin(draft_of(maria, statement(level="permissive")), NOW)
        with CaptureQueriesContext(connection) as captured:
            previewing.work(made.pk)
        assert PreviewPart.objects.filter(preview=made, done_at=None).count() == 0
        return len(captured)

    few = queries(f"shop/app-{n}" for n in range(16))
    many = queries(f"shop/more-{n}" for n in range(32))
    assert many - few < 32  # sixteen at a time, then 32


@pytest.mark.parametrize("stored", [{"question": ""}, {"question": "of another time"}, {"course": "of another time"}])
def test_what_is_stored_otherwise_than_judged_is_judged_first(place, maria, stored):
    place.signed("release")
    publish(statement())
    place.judge()
    ArtifactStatus.objects.update(**stored)
    keeps_its_word(draft_of(maria, statement(level="permissive")), maria, place)


def test_what_was_never_judged_is_judged_first(place, maria):
    place.signed("release")
    publish(statement())
    keeps = previewed(draft_of(maria, statement(level="permissive")))
    assert [part.artifacts for part in PreviewPart.objects.filter(preview=keeps)] == [1]
    assert ArtifactStatus.objects.get().word == "verified"


def test_a_repository_that_cannot_be_previewed_keeps_no_other_from_it(place, maria):
    places = [place, *(Place(f"shop/app-{n}") for n in range(5))]
    publish(statement())
    for number, each in enumerate(places):
        each.signed("release", expiry=NOW + (number + 1) * HOUR)
        each.judge()
    made = previewing.begin(draft_of(maria, statement(level="permissive")), NOW)
    broken = Signature.objects.filter(manifest__presences__repository=places[4].repository)
    broken.update(evidence={"chain": []})
    with pytest.raises(KeyError):
        previewing.work(made.pk)
    assert PreviewPart.objects.filter(preview=made, done_at=None).exclude(last_error="").exists()
    PreviewPart.objects.filter(preview=made, done_at=None).update(due_at=NOW)
    for _ in range(5):
        with suppress(KeyError):
            previewing.work(made.pk)
    left = PreviewPart.objects.filter(preview=made, done_at=None)
    assert [part.repository for part in left] == [places[4].repository]


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
