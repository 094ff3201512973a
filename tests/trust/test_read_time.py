"""Green is computed at read time: a list and a question about one artifact agree, at every instant."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo.signing import SIGNING_AUTHORITY
from registries.models import Listing, Manifest
from tests.trust.seeding import DAY, HOUR, NOW, Place, pki, policy, publish, statement, store_files
from trust import revisions
from trust.models import GREEN, ArtifactStatus, Chain, green

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def image(place):
    publish()
    image = place.signed("release", expiry=NOW + HOUR)
    place.judge()
    return image


def test_green_ends_at_the_very_instant(place, image):
    assert place.status(image).green_until == NOW + HOUR
    assert place.word_now(image, NOW + HOUR - INSTANT) == "verified"
    assert place.word_now(image, NOW + HOUR) == "stale"
    assert place.spot(image, NOW + HOUR - INSTANT).verdict.word == "verified"
    assert place.spot(image, NOW + HOUR).verdict.word == "untrusted"  # it knows already what the list will say


def test_a_certificate_holds_no_green_beyond_its_last_second(place):
    publish()
    image = place.signed("release-old-ca")
    end = NOW + 8 * DAY
    place.list(image, *Manifest.objects.filter(subject=image.pk), at=end - HOUR)
    place.judge(end - HOUR)
    assert place.word_now(image, end - INSTANT) == place.spot(image, end - INSTANT).verdict.word == "verified"
    assert place.word_now(image, end) == place.spot(image, end).verdict.word == "stale"
    assert place.judge(end + SECOND)
    assert (place.status(image).word, place.status(image).reason) == ("untrusted", "certificate_expired")


def test_an_aged_listing_takes_green_away(place):
    publish()
    image = place.signed("release")
    place.judge()
    end = Listing.objects.get().recent_until
    assert place.word_now(image, end - INSTANT) == place.spot(image, end - INSTANT).verdict.word == "verified"
    assert place.word_now(image, end) == place.spot(image, end).verdict.word == "stale"
    assert place.spot(image, end).verdict.reason == "listing_old"


@pytest.mark.parametrize("active", [None, 2])
def test_a_row_of_another_revision_is_stale(place, image, active):
    assert ArtifactStatus.objects.with_word_at(active, NOW).get().word_now == "stale"


def test_from_the_moment_of_commit_nothing_is_green_by_the_old_revision(place, image):
    publish(statement(stores=["ca:partner"]))
    assert place.word_now(image) == "stale"
    assert not ArtifactStatus.objects.with_word_at(revisions.active_number(), NOW).filter(word_now__in=GREEN).exists()
    assert place.spot(image).verdict.word == "untrusted"


def test_even_a_revision_that_says_the_same_must_be_judged_by(place, image):
    publish()
    assert place.word_now(image) == "stale"
    place.judge()
    assert place.word_now(image) == "verified"


@pytest.mark.parametrize("standing", ["revoked", "odd"])
def test_a_chain_that_stands_no_more_takes_green_away(place, image, standing):
    Chain.objects.update(standing=standing)
    assert place.word_now(image) == place.spot(image).verdict.word == "stale"


def test_a_standing_ends_at_its_instant(place, image):
    end = NOW + timedelta(minutes=10)
    Chain.objects.update(standing="good", standing_until=end)
    assert place.word_now(image, end - INSTANT) == place.spot(image, end - INSTANT).verdict.word == "verified"
    assert place.word_now(image, end) == place.spot(image, end).verdict.word == "stale"


@pytest.mark.parametrize("column", ["evidence_version", "judge_version"])
def test_a_row_of_another_verifier_is_stale(place, image, column):
    ArtifactStatus.objects.update(**{column: 0})
    assert place.word_now(image) == "stale"


def test_a_green_word_without_a_deadline_is_stale(place, image):
    ArtifactStatus.objects.update(green_until=None)
    assert place.word_now(image) == "stale"


def test_words_that_are_not_green_do_not_age(place):
    publish()
    images = [place.signed("stranger"), place.image(), place.image()]
    place.list(images[1])
    place.judge()
    later = NOW + 400 * DAY
    assert [place.word_now(image, later) for image in images] == ["untrusted", "unsigned", "unknown"]


def test_what_an_index_covers_is_covered_as_long_as_the_index_is_green(place):
    publish()
    child = place.image(is_artifact=False)
    index = place.index(child)
    place.list(child)
    place.list(index, place.sign(index))
    place.judge()
    end = place.status(index).green_until

    def covered(at, active=1):
        return ArtifactStatus.objects.with_word_at(active, at).get(manifest=child).covered_now

    assert (covered(NOW), covered(end - INSTANT), covered(end), covered(NOW, active=2)) == (True, True, False, False)
    assert not ArtifactStatus.objects.with_word_at(1, NOW).get(manifest=index).covered_now


SIGNERS = [
    "release",
    "release-next",
    "release-old-ca",
    "expired",
    "not-yet-valid",
    "stranger",
    "build",
    "ocsp",
    "service",
]
offsets = st.integers(min_value=-3 * 3600, max_value=12 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def signatures(draw):
    options = {"envelope_format": draw(st.sampled_from(["jws", "cose"])), "signing_time": NOW - 2 * DAY}
    if draw(st.booleans()):
        options["expiry"] = NOW + draw(offsets)
    if draw(st.integers(0, 5)) == 0:
        options["defects"] = ["signature changed"]
    signer = draw(st.sampled_from(SIGNERS))
    if signer == "service":
        options["scheme"] = SIGNING_AUTHORITY
    return signer, options


@given(
    signed=st.lists(signatures(), max_size=3),
    level=st.sampled_from(["strict", "permissive", "audit", "skip"]),
    complete=st.booleans(),
    judged=offsets,
    listed=offsets,
    asked=st.lists(offsets, min_size=1, max_size=5),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_and_the_spot_agree_at_every_instant(signed, level, complete, judged, listed, asked):
    Place.clear()
    place = Place(at=NOW)
    publish(statement(level=level, stores=["ca:acme", "signingAuthority:acme"]))
    image = place.image()
    listing = place.list(
        image, *(place.sign(image, signer, **options) for signer, options in signed), complete=complete, at=NOW + listed
    )
    at = NOW + judged
    place.judge(at)
    status = place.status(image)
    deadlines = [status.green_until, listing.recent_until]
    for instant in (at, *(deadline for deadline in deadlines if deadline), *(NOW + offset for offset in asked)):
        if instant < at:
            continue  # time travel is not what a list does
        listed_word, spot = place.word_now(image, instant), place.spot(image, instant).verdict
        if listed_word in GREEN:
            assert spot.word == listed_word
        if spot.word in GREEN and instant == at:
            assert listed_word == spot.word
    # Judged anew at the last instant, the list says what the spot says, whatever the word.
    last = max([at, *(NOW + offset for offset in asked)])
    place.judge(last, must_be_due=False)
    assert place.word_now(image, last) == place.spot(image, last).verdict.word
    reason, spot = place.status(image).reason, place.spot(image, last).verdict
    assert reason == spot.reason or spot.word == "stale"


def test_the_shared_verdict_of_like_signatures_is_the_verdict_on_each(place):
    publish(statement(level="permissive", stores=["ca:acme", "signingAuthority:acme"]))
    images = []
    for signer in SIGNERS:
        for number in range(2):
            options = {"scheme": SIGNING_AUTHORITY} if signer == "service" else {}
            images.append(place.signed(signer, signing_time=NOW - DAY - number * HOUR, **options))
    place.judge()
    for image in images:
        status, spot = place.status(image), place.spot(image).verdict
        seen = (status.word, status.reason, status.message, status.signer, status.green_until)
        assert seen == (spot.word, spot.reason, spot.message, spot.signer, spot.green_until)


def test_the_seeds_themselves_are_sound():
    assert revisions.TrustPolicy.parse(policy()).statements[0].name == "release"
    revisions.check_files(store_files())
    assert pki()["release"].name == "release-signer 03"


def test_without_an_active_revision_nothing_is_green(place, image):
    ArtifactStatus.objects.update(revision=None)  # as no judgement leaves it
    rows = ArtifactStatus.objects.with_word_at(None, NOW)
    assert [row.word_now for row in rows] == ["stale"]
    assert not rows.filter(green(None, NOW)).exists()


def test_the_signatures_of_a_stale_artifact_are_stale_with_it(place, image):
    Listing.objects.update(checked_at=NOW - 72 * HOUR)
    found = place.spot(image, NOW)
    assert (found.verdict.word, found.signatures[0].outcome.word) == ("stale", "stale")
    assert found.signatures[0].outcome.reason == "listing_old"
    assert found.notation.verified  # which knows no age of listings


def test_the_signatures_of_an_artifact_lose_green_with_their_chain(place, image):
    Chain.objects.update(standing=Chain.Standing.REVOKED)
    found = place.spot(image, NOW)
    assert (found.verdict.word, found.signatures[0].outcome.word) == ("stale", "stale")
