"""Time travel: what Signboard knew at an instant, what is known now of it, and what of the past cannot be known."""

from datetime import timedelta

import pytest

from registries.models import Fault, Listing, Manifest, Presence
from tests.trust.revoking import OCSP, collect, ocsp_answer
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement
from trust.models import RevocationAnswer, Signature, StatusChange
from trust.past import Asked, judge_past, revision_at

pytestmark = pytest.mark.django_db

INSTANT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
THEN, KNOWN_NOW = Asked.then, Asked.now


def past(place, image, at, asked=THEN):
    return judge_past(place.spot_repository(), image.digest, at, asked)


def word(place, image, at, asked=THEN):
    return past(place, image, at, asked).judged.verdict.word


def gaps(answer):
    return [note.code for note in answer.gaps]


@pytest.fixture
def later():
    return NOW + 10 * HOUR


# -- policy


def test_then_the_revision_of_then_decides(place):
    publish(statement(identities=["x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Nobody"]))
    image = place.signed("release")
    place.judge()
    publish(at=NOW + DAY)
    assert place.spot(image).verdict.word == "verified"
    for asked in Asked:
        assert word(place, image, NOW + DAY - INSTANT, asked) == "untrusted"
        assert word(place, image, NOW + DAY, asked) == "verified"
    assert past(place, image, NOW + HOUR).revision.number == 1


def test_before_the_first_revision_nothing_was_green(place):
    publish(at=NOW + DAY)
    image = place.signed("release")
    found = past(place, image, NOW + HOUR)
    assert (found.judged.verdict.word, found.judged.verdict.reason) == ("not_checked", "no_policy")
    assert "no_revision" in gaps(found)
    assert revision_at(NOW) is None


# -- listings


def test_a_signature_counts_from_when_it_was_listed_and_until_it_was_withdrawn(place):
    publish()
    image = place.image()
    signature = place.sign(image)
    place.list(image)
    place.list(image, signature, at=NOW + 2 * HOUR)
    place.list(image, at=NOW + 4 * HOUR)
    words = [word(place, image, NOW + hours * HOUR) for hours in (1, 2, 3, 4, 5)]
    assert words == ["unsigned", "verified", "verified", "unsigned", "unsigned"]
    assert word(place, image, NOW + 2 * HOUR - INSTANT) == "unsigned"
    assert word(place, image, NOW + 4 * HOUR - INSTANT) == "verified"


def test_a_listing_that_broke_off_then_is_unknown_then(place):
    publish()
    image = place.image()
    place.list(image, complete=False, error_code="timeout", error="no answer")
    place.list(image, place.sign(image), at=NOW + HOUR, error_code="", error="")
    assert word(place, image, NOW + SECOND) == "unknown"
    assert word(place, image, NOW + HOUR) == "verified"


def test_the_age_of_an_older_listing_is_said_to_be_unknown(place):
    publish()
    image = place.signed("release")
    Listing.objects.update(checked_at=NOW + 9 * DAY)
    found = past(place, image, NOW + 2 * DAY)
    assert (found.judged.verdict.word, "listing_age" in gaps(found)) == ("verified", True)
    assert "listing_age" not in gaps(past(place, image, NOW + 2 * DAY, KNOWN_NOW))


def test_a_listing_that_nobody_asked_for_again_was_stale_then(place):
    publish()
    image = place.signed("release")
    found = past(place, image, NOW + 30 * DAY)
    assert (found.judged.verdict.word, found.judged.verdict.reason) == ("stale", "listing_old")
    assert "listing_age" not in gaps(found)


def test_before_the_first_listing_then_knows_nothing_and_now_says_what_stands_in(place):
    publish(at=NOW - DAY)
    image = place.image()
    place.list(image, place.sign(image), at=NOW + 2 * HOUR)
    found = past(place, image, NOW + HOUR)
    assert (found.judged.verdict.word, found.judged.verdict.reason) == ("unknown", "not_listed")
    assert "before_first_listing" in gaps(found)
    known = past(place, image, NOW + HOUR, KNOWN_NOW)
    assert known.judged.verdict.word == "verified"
    assert "before_first_listing" in gaps(known)


# -- presence


def test_before_it_was_first_seen_signboard_knew_nothing(place):
    publish(at=NOW - DAY)
    image = place.signed("release")
    found = past(place, image, NOW - SECOND)
    assert (found.judged, gaps(found), found.present) == (None, ["not_seen"], False)
    known = past(place, image, NOW - SECOND, KNOWN_NOW)
    assert known.judged.verdict.word == "verified"
    assert "not_seen" in gaps(known)


def test_an_artifact_that_was_gone_is_said_to_be(place):
    publish()
    image = place.signed("release")
    Presence.objects.filter(manifest=image).update(until=NOW + HOUR)
    Presence.objects.create(repository=place.repository, manifest=image, since=NOW + 5 * HOUR)
    assert [past(place, image, NOW + n * HOUR).present for n in (0, 1, 4, 5)] == [True, False, False, True]
    assert "gone" in gaps(past(place, image, NOW + HOUR))
    assert "gone" not in gaps(past(place, image, NOW))


def test_what_never_was_in_the_repository_has_no_past(place):
    other = Place("other/thing").image()
    with pytest.raises(Manifest.DoesNotExist):
        past(place, other, NOW, KNOWN_NOW)


# -- the clock


def test_a_signature_that_expired_since_was_good_then(place):
    publish()
    image = place.signed("release", expiry=NOW + 5 * HOUR)
    Listing.objects.update(checked_at=NOW + 9 * HOUR)
    assert [word(place, image, NOW + n * HOUR) for n in (1, 5, 6)] == ["verified", "untrusted", "untrusted"]


# -- revocation


@pytest.fixture
def revoked(place, send, host, later):
    """Good until `later`, when the authority answers that it was revoked an hour before it answered first."""
    publish()
    image = place.signed("ocsp")
    place.judge()
    host.put(OCSP, ocsp_answer(at=NOW, lasts=DAY))
    collect(send)
    Listing.objects.update(checked_at=NOW + 2 * DAY)
    return image


def answers_revoked(send, host, at, revoked_at):
    host.put(OCSP, ocsp_answer("revoked", at=at))
    collect(send, at)
    row = RevocationAnswer.objects.order_by("-pk").first()
    for said in row.says.values():
        for entry in said["entries"]:
            entry["revoked_at"] = revoked_at.isoformat().replace("+00:00", "Z")
    row.save()


def test_then_a_revocation_counts_from_when_it_was_collected(place, revoked, send, host, later):
    host.put(OCSP, ocsp_answer("revoked", at=NOW + 13 * HOUR))
    collect(send, NOW + 13 * HOUR)
    assert word(place, revoked, NOW + 12 * HOUR) == "verified"
    assert word(place, revoked, NOW + 13 * HOUR) == "untrusted"
    assert past(place, revoked, NOW + 13 * HOUR).judged.verdict.reason == "revoked"


def test_now_a_revocation_counts_from_when_it_took_effect(place, revoked, send, host, later):
    answers_revoked(send, host, NOW + 13 * HOUR, revoked_at=NOW + 3 * HOUR)
    assert [word(place, revoked, NOW + n * HOUR) for n in (2, 4, 12, 13)] == [
        "verified", "verified", "verified", "untrusted",
    ]  # fmt: skip
    assert [word(place, revoked, NOW + n * HOUR, KNOWN_NOW) for n in (2, 3, 4, 13)] == [
        "verified", "untrusted", "untrusted", "untrusted",
    ]  # fmt: skip


def test_now_knows_the_answer_that_came_only_later(place, send, host):
    publish()
    image = place.signed("ocsp")
    place.judge()
    host.put(OCSP, ocsp_answer(at=NOW + HOUR))
    collect(send, NOW + HOUR)
    Listing.objects.update(checked_at=NOW + 2 * DAY)
    found = past(place, image, NOW + SECOND)
    assert (found.judged.verdict.word, "asked_in_vain" in gaps(found)) == ("unknown", True)
    assert word(place, image, NOW + SECOND, KNOWN_NOW) == "verified"


def test_a_revocation_that_the_newest_answer_tells_no_more_is_not_forgotten(place, revoked, send, host):
    answers_revoked(send, host, NOW + 13 * HOUR, revoked_at=NOW + 3 * HOUR)
    host.put(OCSP, ocsp_answer(at=NOW + 26 * HOUR))
    collect(send, NOW + 26 * HOUR)
    assert word(place, revoked, NOW + 4 * HOUR, KNOWN_NOW) == "untrusted"
    assert word(place, revoked, NOW + 2 * HOUR, KNOWN_NOW) == "verified"


def test_an_older_answer_served_again_does_not_count_then_either(place, revoked, send, host):
    host.put(OCSP, ocsp_answer("revoked", at=NOW + 13 * HOUR))
    collect(send, NOW + 13 * HOUR)
    host.put(OCSP, ocsp_answer(at=NOW, lasts=9 * DAY))
    collect(send, NOW + 26 * HOUR)
    assert RevocationAnswer.objects.count() == 3
    assert word(place, revoked, NOW + 14 * HOUR) == "untrusted"
    assert word(place, revoked, NOW + 27 * HOUR) != "verified"


# -- the same evaluator


@pytest.mark.parametrize("signer", ["release", "build", "stranger", "ocsp", "crl"])
@pytest.mark.parametrize("asked", Asked)
def test_as_of_now_the_past_says_what_the_present_says(place, signer, asked):
    publish()
    image = place.signed(signer)
    place.judge()
    judged, present = past(place, image, NOW, asked).judged, place.spot(image)
    assert (judged.verdict.word, judged.verdict.reason) == (present.verdict.word, present.verdict.reason)
    assert [one.outcome.word for one in judged.signatures] == [one.outcome.word for one in present.signatures]


def test_faults_seen_later_say_nothing_of_then(place):
    publish()
    image = place.signed("stranger")
    Listing.objects.update(checked_at=NOW + 2 * HOUR)
    Fault.objects.create(
        repository=place.repository, digest="sha256:" + "1" * 64, subject=image.digest, code="timeout", message="no answer",
        seen_at=NOW + HOUR,
    )  # fmt: skip
    assert word(place, image, NOW + HOUR - SECOND) == "untrusted"
    assert word(place, image, NOW + HOUR) == "unknown"


# -- the record


def test_the_word_on_record_is_told_and_where_it_differs_that_is_said(place):
    publish()
    image = place.signed("release")
    place.judge()
    found = past(place, image, NOW + SECOND)
    assert (found.recorded.after, "unlike_the_record" in gaps(found)) == ("verified", False)
    StatusChange.objects.update(after="failed")
    assert "unlike_the_record" in gaps(past(place, image, NOW + SECOND))
    assert "unlike_the_record" not in gaps(past(place, image, NOW + SECOND, KNOWN_NOW))


def test_what_no_worker_judged_by_then_is_said(place):
    publish()
    image = place.signed("release")
    place.judge(NOW + HOUR)
    found = past(place, image, NOW + SECOND)
    assert found.judged.verdict.word == "verified"
    assert {"not_recorded", "examined_later"} <= set(gaps(found))


def test_what_a_newer_version_changed_since_is_said(place):
    publish()
    image = place.signed("release")
    place.judge()
    StatusChange.objects.create(
        status=place.status(image), before="verified", after="failed", reason="x", cause="version", at=NOW + DAY
    )
    assert "newer_version" in gaps(past(place, image, NOW + SECOND))
    assert "newer_version" not in gaps(past(place, image, NOW + DAY))


def test_it_writes_nothing_and_asks_a_few_queries_whatever_the_number_of_signatures(
    place, django_assert_max_num_queries
):
    publish()
    image = place.image()
    place.list(image, *(place.sign(image, "ocsp", expiry=NOW + (9 + n) * HOUR) for n in range(12)))
    place.judge()
    Listing.objects.update(since=NOW, checked_at=NOW + DAY)
    repository = place.spot_repository()
    for asked in Asked:
        with django_assert_max_num_queries(14) as queries:
            judge_past(repository, image.digest, NOW + HOUR, asked)
        assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert Signature.objects.count() == 12
