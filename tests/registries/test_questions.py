"""A question about one artifact is answered from what is stored, and has its listing read again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registries import questions
from registries.models import Listing, Repository
from registries.polling import Tier
from tests.simulators.images import digest_of
from tests.simulators.registry_quirks import too_many_requests

MINUTE = timedelta(minutes=1)


@pytest.fixture
def signed(bench):
    """An image that was indexed an hour ago, and signed since."""
    bench.at = timezone.now() - timedelta(hours=2)
    image = bench.author.image(tags="1.0")
    other = bench.author.image("other", tags="2.0")
    bench.index()
    bench.new = bench.author.signature(image)
    bench.author.signature(other, b"of the other")
    return image


def check(bench, image):
    subject = bench.listing(image).subject
    return questions.check_now(bench.repository, subject, wire=bench.quirks.wire())


def test_an_older_listing_that_is_asked_about_is_due_now_and_counts_as_of_interest(bench, signed):
    now = timezone.now()
    assert questions.asked_about(bench.listing(signed), now)
    listing = bench.listing(signed)
    repository = Repository.objects.get()
    assert (listing.due_at, listing.interest_at) == (now, now)
    assert repository.due_at <= now
    assert listing.tier == Tier.RECENT  # so it stays as recent as it was until the registry was asked
    assert questions.is_checked_again(repository, listing, now)


def test_a_young_listing_is_left_alone(bench, signed):
    listing = bench.listing(signed)
    assert not questions.asked_about(listing, listing.checked_at + 4 * MINUTE)
    assert bench.listing(signed).due_at == listing.due_at


def test_asking_again_and_again_asks_the_registry_once(bench, signed):
    now = timezone.now()
    assert questions.asked_about(bench.listing(signed), now)
    assert not questions.asked_about(bench.listing(signed), now + MINUTE)


def test_what_was_never_listed_is_asked_for_by_nobody(db):
    assert not questions.asked_about(None, timezone.now())


def test_a_registry_that_failed_is_not_asked_for_being_asked_about(bench, signed):
    Repository.objects.update(last_error="it failed", due_at=timezone.now() + timedelta(hours=1))
    questions.asked_about(bench.listing(signed), timezone.now())
    repository = Repository.objects.get()
    assert repository.due_at > timezone.now()
    assert not questions.is_checked_again(repository, bench.listing(signed), timezone.now())


def test_the_next_look_reads_what_was_asked_about_and_nothing_else(bench, signed):
    questions.asked_about(bench.listing(signed), bench.at)
    Listing.objects.filter(subject=bench.listing(signed).subject).update(due_at=bench.at)
    requests = bench.index(everything=False, after=MINUTE)
    assert requests == {"referrers": 2, "manifest": 1, "blob": 1}
    assert bench.listing(signed).digests == [digest_of(bench.new)]


def test_checking_now_waits_for_the_registry(bench, signed):
    assert check(bench, signed) == ""
    assert bench.listing(signed).digests == [digest_of(bench.new)]
    assert len(bench.quirks.asked("/referrers/")) == 2 + 2  # first both images; then this one, and its signature
    assert bench.listing(signed).tier == Tier.NEW
    assert Repository.objects.get().leased_until is None


def test_checking_now_says_why_there_is_no_answer_and_takes_nothing_away(bench, signed):
    assert check(bench, signed) == ""
    bench.quirks.break_(".", too_many_requests(60))
    assert "429" in check(bench, signed)
    assert bench.listing(signed).digests == [digest_of(bench.new)]


def test_checking_what_a_worker_holds_waits_for_nobody(bench, signed):
    bench.take()
    assert check(bench, signed) == questions.BUSY
    assert bench.listing(signed).due_at <= timezone.now()
