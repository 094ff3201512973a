"""The history of one artifact."""

from datetime import timedelta

import pytest

from registries.models import Listing, Presence, Tag, TagMove
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement
from trust.history import history_of, tags_at

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def codes(place, image, **options):
    return [each.code for each in history_of(place.repository, image.digest, **options).rows]


def happened(place, image, code):
    return [each for each in history_of(place.repository, image.digest).rows if each.code == code]


def moves(place, *steps):
    """A tag that is moved: (when, before, after)."""
    tag = Tag.objects.create(repository=place.repository, name="1.0", digest=steps[-1][2] or steps[-1][1], since=NOW)
    for at, before, after in steps:
        TagMove.objects.create(tag=tag, before=before, after=after, at=at)


def test_words_are_told_with_what_they_were_and_why_they_changed(place):
    publish()
    image = place.signed("release")
    place.judge()
    publish(statement(stores=["ca:partner"]), at=NOW + HOUR)
    place.judge(NOW + HOUR)
    turned, first = [each for each in history_of(place.repository, image.digest).rows if each.kind == "status"]
    assert (first.code, first.before, first.after, first.cause) == ("first_judged", "", "verified", "first")
    assert (turned.code, turned.before, turned.after, turned.cause, turned.revision) == (
        "turned", "verified", "untrusted", "revision", 2,
    )  # fmt: skip


def test_signatures_that_appeared_or_were_withdrawn_are_named(place):
    image = place.image()
    first, second = place.sign(image), place.sign(image, "build")
    place.list(image, first)
    place.list(image, first, second, at=NOW + HOUR)
    place.list(image, second, at=NOW + 2 * HOUR)
    assert [(each.at, each.digests) for each in happened(place, image, "signature_appeared")] == [
        (NOW + HOUR, (second.digest,)), (NOW, (first.digest,)),
    ]  # fmt: skip
    assert [(each.at, each.digests) for each in happened(place, image, "signature_withdrawn")] == [
        (NOW + 2 * HOUR, (first.digest,))
    ]


def test_many_signatures_at_once_are_counted_and_a_few_are_named(place):
    image = place.image()
    place.list(image, *(place.sign(image, expiry=NOW + n * HOUR) for n in range(1, 9)))
    (appeared,) = happened(place, image, "signature_appeared")
    assert (appeared.number, len(appeared.digests)) == (8, 5)


def test_other_referrers_and_faults_of_the_listing_are_told(place):
    image = place.image()
    place.list(image)
    place.list(image, place.attach(image, "application/spdx+json"), at=NOW + HOUR)
    place.list(image, complete=False, error_code="timeout", error="no answer", at=NOW + 2 * HOUR)
    place.list(image, error_code="", error="", at=NOW + 3 * HOUR)
    assert [code for code in codes(place, image) if code != "first_seen"] == [
        "listing_whole", "referrers_gone", "listing_broke", "referrers_appeared", "first_listed",
    ]  # fmt: skip
    assert happened(place, image, "listing_broke")[0].reason == "no answer"


def test_tags_that_came_left_or_were_deleted_are_told(place):
    image, other = place.image(), place.image()
    steps = [
        (NOW, None, image),
        (NOW + HOUR, image, other),
        (NOW + 2 * HOUR, other, image),
        (NOW + 3 * HOUR, image, None),
    ]
    moves(place, *((at, before and before.digest, after and after.digest) for at, before, after in steps))
    assert [code for code in codes(place, image) if code.startswith("tag")] == [
        "tag_deleted", "tag_came", "tag_left", "tag_came",
    ]  # fmt: skip
    where = (place.repository.pk, image.digest)
    held = [tags_at([where], NOW + hours * HOUR)[where] for hours in range(4)]
    assert held == [["1.0"], [], ["1.0"], []]
    assert tags_at([where], NOW - SECOND)[where] == []


def test_tags_of_other_repositories_name_nothing_here(place):
    image = place.image(seed="same")
    other = Place("other/api")
    other.image(seed="same")
    moves(other, (NOW, None, image.digest))
    where = (place.repository.pk, image.digest)
    assert tags_at([where, (other.repository.pk, image.digest)], NOW)[where] == []
    assert not [code for code in codes(place, image) if code.startswith("tag")]


def test_what_vanished_and_came_back_is_told(place):
    image = place.image()
    Presence.objects.update(until=NOW + HOUR)
    Presence.objects.create(repository=place.repository, manifest=image, since=NOW + 2 * HOUR)
    assert codes(place, image) == ["came_back", "gone", "first_seen"]


def test_revisions_since_it_was_first_seen_are_told_earlier_ones_are_not(place):
    publish(at=NOW - DAY)
    image = place.image()
    publish(at=NOW + HOUR)
    assert [each.revision for each in happened(place, image, "revision_active")] == [2]


def test_a_long_history_is_read_to_its_end_page_by_page_and_nothing_comes_twice(place):
    image = place.image()
    signature = place.sign(image)
    for hour in range(40):
        place.list(image, *([signature] if hour % 2 else []), at=NOW + hour * HOUR)
    publish(at=NOW + 5 * HOUR)
    seen, before = [], None
    for _ in range(20):
        page = history_of(place.repository, image.digest, before, size=7)
        assert len(page.rows) >= 1
        seen += page.rows
        before = page.older
        if before is None:
            break
    assert before is None
    assert seen == list(history_of(place.repository, image.digest, size=500).rows)
    assert len([each for each in seen if each.code == "signature_appeared"]) == 20
    assert len([each for each in seen if each.code == "signature_withdrawn"]) == 19


def test_a_page_takes_as_many_queries_however_long_the_history_is(place, django_assert_max_num_queries):
    image = place.image()
    signature = place.sign(image)
    for hour in range(60):
        place.list(image, *([signature] if hour % 2 else []), at=NOW + hour * HOUR)
    assert Listing.objects.get().history.count() == 59
    with django_assert_max_num_queries(8):
        assert len(history_of(place.repository, image.digest).rows) >= 50
