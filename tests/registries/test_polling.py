"""How little is asked of a registry where nothing changed, and how soon a change is seen all the same."""

from contextlib import suppress
from datetime import timedelta

import pytest

from registries import hints
from registries.events import prune
from registries.models import Event, Hint, Listing, Presence, Repository, Tag
from registries.oci.digest import Digest
from registries.polling import Tier
from tests.simulators.images import digest_of
from tests.simulators.registry_quirks import reply

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def test_a_referrers_tag_that_is_new_has_its_list_read_whether_due_or_not(old):
    image = old.author.image(tags="1.0")
    old.index()
    signature = old.author.signature(image)
    old.author.fallback(image, [signature])
    old.index(everything=False, after=timedelta(hours=2))  # its tags are due; the list is not
    assert old.referrers(image) == [digest_of(signature)]
    old.demo.store.delete_tag("team/app", Digest.of(image).fallback_tag)
    old.index(everything=False, after=timedelta(hours=2))
    assert old.referrers(image) == []


def test_a_registry_without_the_api_is_asked_for_it_once_a_day(old):
    old.author.image(tags="1.0")
    old.index()
    assert "referrers" not in old.index(everything=False, after=timedelta(hours=2))
    old.author.fallback(old.author.image(tags="1.0"), [])
    assert old.index(everything=False, after=DAY)["referrers"] == 1


# tiers


def test_what_was_there_before_we_came_is_not_new(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    assert bench.listing(image).tier == Tier.RECENT
    new = bench.author.image("new", tags="2.0")
    bench.index(everything=False)
    assert bench.listing(new).tier == Tier.NEW
    assert bench.listing(new).recent_until == bench.at + timedelta(minutes=10)


def test_what_rests_is_looked_at_less_and_less_often(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    tiers = []
    for _ in range(3):
        bench.index(everything=False, after=20 * DAY)
        tiers.append(bench.listing(image).tier)
    assert tiers == [Tier.RECENT, Tier.OLD, Tier.OLD]
    assert bench.listing(image).recent_until == bench.at + timedelta(days=6)


def test_between_two_indexes_only_what_is_due_is_asked_for(bench):
    resting, due = bench.author.image("resting", tags="1.0"), bench.author.image("due", tags="2.0")
    bench.index()
    checked = bench.at
    Listing.objects.filter(subject=Digest.of(due)).update(due_at=bench.at)
    assert bench.index(everything=False, after=MINUTE) == {"referrers": 1}
    assert (bench.listing(due).checked_at, bench.listing(resting).checked_at) == (bench.at, checked)
    assert bench.repository.due_at == checked + timedelta(hours=1)  # its tags
    signature = bench.author.signature(due)
    Listing.objects.filter(subject=Digest.of(due)).update(due_at=bench.at)
    # the list, the signature, its envelope, and whether something refers to the signature
    assert bench.index(everything=False, after=MINUTE) == {"referrers": 2, "manifest": 1, "blob": 1}
    assert bench.referrers(due) == [digest_of(signature)]
    assert bench.present() == {Digest.of(content) for content in (resting, due, signature)}


def test_a_list_that_failed_is_read_again_soon_and_is_no_more_recent_for_it(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    checked = bench.listing(image).checked_at
    bench.quirks.break_("/referrers/", reply("500 Oops"))
    bench.index()
    listing = bench.listing(image)
    assert (listing.complete, listing.due_at, listing.checked_at) == (False, bench.at + 5 * MINUTE, checked)
    assert listing.recent_until == checked + 2 * DAY
    bench.quirks.mend()
    assert bench.index(everything=False, after=5 * MINUTE) == {"referrers": 1}
    assert bench.listing(image).complete
    assert bench.faults() == []


def test_a_list_is_as_old_as_the_question_however_long_what_it_names_takes(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    bench.author.signature(image)

    def slow(app, environ, start_response):
        bench.at += 3 * MINUTE
        return app(environ, start_response)

    bench.quirks.break_("GET .*/manifests/sha256", slow)
    asked = bench.at + timedelta(hours=1)
    bench.index()
    assert bench.at == asked + 3 * MINUTE
    assert bench.listing(image).checked_at == asked


# hints


def hinted(bench, *references):
    hints.leave(bench.repository, references, bench.at)
    bench.repository.refresh_from_db()


def test_a_hint_at_a_signature_has_the_list_of_its_subject_read(bench):
    image = bench.author.image(tags="1.0")
    bench.author.image("other", tags="2.0")
    bench.index()
    signature = bench.author.signature(image)
    hinted(bench, digest_of(signature))
    assert bench.repository.due_at <= bench.at
    requests = bench.index(everything=False, after=MINUTE)
    assert requests == {"manifest": 1, "referrers": 2, "blob": 1}
    assert bench.referrers(image) == [digest_of(signature)]
    assert not Hint.objects.exists()


def test_a_hint_is_heeded_by_an_index_of_everything_that_is_due_as_well(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    signature = bench.author.signature(image)
    hinted(bench, digest_of(signature))
    requests = bench.index(everything=False, after=timedelta(hours=2))  # its tags are due; the list is not
    assert (requests["tags"], requests["referrers"]) == (1, 2)
    assert bench.referrers(image) == [digest_of(signature)]


def test_a_hint_at_a_referrers_tag_has_the_list_of_its_subject_read(old):
    image = old.author.image(tags="1.0")
    old.index()
    signature = old.author.signature(image)
    old.author.fallback(image, [signature])
    hinted(old, Digest.of(image).fallback_tag)
    old.index(everything=False, after=MINUTE)
    assert old.referrers(image) == [digest_of(signature)]


def test_a_hint_at_a_tag_has_that_one_tag_asked(bench):
    for number in range(5):
        bench.author.image(f"{number}", tags=f"v{number}")
    bench.index()
    new = bench.author.image("new", tags="v9")
    hinted(bench, "v9")
    assert bench.index(everything=False, after=MINUTE) == {"manifest": 1, "referrers": 1}
    assert Digest.of(new) in bench.artifacts()


def test_a_hint_at_a_tag_that_is_gone_has_all_of_them_read(bench):
    image = bench.author.image(tags=["1.0", "2.0"])
    bench.index()
    bench.demo.store.delete_tag("team/app", "2.0")
    hinted(bench, "2.0")
    bench.index(everything=False, after=MINUTE)
    assert bench.repository.tags_due_at <= bench.at
    bench.index(everything=False, after=MINUTE)
    assert Tag.objects.get(name="2.0").gone_at == bench.at
    assert Digest.of(image) in bench.artifacts()


def test_a_hint_at_nothing_changes_nothing(bench):
    bench.author.image(tags="1.0")
    bench.index()
    hinted(bench, "sha256:" + "0" * 64, "<script>", "v404")
    bench.index(everything=False, after=MINUTE)
    assert Tag.objects.count() == 1
    assert bench.faults() == []


def test_more_hints_than_are_kept_have_the_tags_read(bench):
    bench.author.image(tags="1.0")
    bench.index()
    hinted(bench, *(f"v{number}" for number in range(hints.MOST + 1)))
    assert not Hint.objects.exists()
    assert bench.repository.tags_due_at == bench.at


def test_a_hint_makes_no_registry_asked_that_wants_to_be_left_alone(bench):
    bench.index()
    bench.quirks.break_(".", reply("429 Too Many Requests", Retry_After="600"))
    bench.index()
    waits = bench.repository.due_at
    hinted(bench, "1.0")
    assert bench.repository.due_at == waits


# events


def events():
    return sorted(Event.objects.values_list("kind", "thing"))


def test_a_withdrawn_signature_is_an_event(bench):
    image = bench.author.image(tags="1.0")
    signature, sbom = bench.author.signature(image), bench.author.referrer(image)
    bench.index()
    for gone in (signature, sbom):
        bench.demo.store.delete_manifest("team/app", digest_of(gone))
    bench.index()
    assert events() == [("referrer_withdrawn", digest_of(sbom)), ("signature_withdrawn", digest_of(signature))]
    assert set(Event.objects.values_list("digest", "at")) == {(Digest.of(image), bench.at)}


def test_a_tag_that_moves_back_is_an_event_and_one_that_moves_on_is_none(bench):
    first = bench.author.image("one", tags="latest")
    bench.index()
    second = bench.author.image("two", tags="latest")
    bench.author.image("one", tags="1.0")
    bench.author.image("two", tags="2.0")
    bench.index()
    assert events() == []
    bench.author.image("one", tags="latest")
    bench.index()
    assert events() == [("tag_moved_back", "latest")]
    assert Event.objects.get().digest == Digest.of(second) != Digest.of(first)


def test_an_artifact_that_is_gone_and_its_tag_are_events(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    bench.demo.store.delete_tag("team/app", "1.0")
    bench.index()
    assert events() == [("artifact_gone", ""), ("tag_gone", "1.0")]
    assert Event.objects.filter(digest=Digest.of(image)).count() == 2


def test_events_are_forgotten_after_a_time_and_nothing_else_is(bench, settings):
    image = bench.author.image(tags="1.0")
    bench.index()
    bench.demo.store.delete_tag("team/app", "1.0")
    bench.index()
    told = bench.at
    settings.EVENTS_DAYS = 30
    assert prune(told + 30 * DAY) == 0
    settings.EVENTS_DAYS = 0
    assert prune(told + 3000 * DAY) == 0
    settings.EVENTS_DAYS = 30
    assert prune(told + 31 * DAY) == 2
    assert events() == []
    assert Presence.objects.get().manifest_id == Digest.of(image)
    assert Tag.objects.get().gone_at == told


def test_a_list_that_breaks_off_is_no_event(bench):
    image = bench.author.image(tags="1.0")
    bench.author.signature(image)
    bench.index()
    bench.quirks.break_("/referrers/", reply("500 Oops"))
    bench.quirks.break_("/tags/", reply("500 Oops"))
    bench.index()
    assert events() == []


# what a look, or an index that asks little, must not lose


def test_what_is_wrong_with_a_subject_that_rests_stays_said(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.quirks.break_(f"GET .*/manifests/{digest_of(signature)}", reply("403 Forbidden"))
    bench.index()
    faults = bench.faults()
    assert "denied" in faults
    requests = bench.index(everything=False, after=timedelta(hours=1))
    assert "referrers" not in requests  # the tags were due, the list was not
    assert bench.faults() == faults
    assert not bench.listing(image).complete
    bench.quirks.mend()
    bench.index(everything=False, after=DAY)
    assert bench.faults() == []
    assert bench.listing(image).complete


def test_what_is_wrong_elsewhere_is_not_mended_by_a_look(bench):
    image, other = bench.author.image(tags="1.0"), bench.author.image("other", tags="2.0")
    signature = bench.author.signature(other)
    bench.quirks.break_(f"GET .*/manifests/{digest_of(signature)}", reply("403 Forbidden"))
    bench.index()
    faults = bench.faults()
    Listing.objects.filter(subject=Digest.of(image)).update(due_at=bench.at)
    assert bench.index(everything=False, after=MINUTE) == {"referrers": 1}
    assert bench.faults() == faults != []


def test_an_envelope_that_could_not_be_had_is_asked_for_soon(bench):
    image = bench.author.image(tags="1.0")
    bench.author.signature(image, b"the envelope")
    bench.quirks.break_("GET .*/blobs/", reply("502 Bad Gateway"))
    bench.index()
    assert bench.listing(image).due_at == bench.at + 5 * MINUTE
    bench.quirks.mend()
    assert bench.index(everything=False, after=5 * MINUTE) == {"referrers": 1, "blob": 1}
    assert bench.faults() == []


def test_a_signature_that_a_look_misses_takes_effect_at_once_and_ends_with_the_index_that_follows(bench):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    bench.demo.store.delete_manifest("team/app", digest_of(signature))
    Listing.objects.filter(subject=Digest.of(image)).update(due_at=bench.at)
    bench.index(everything=False, after=MINUTE)
    assert bench.referrers(image) == []
    assert bench.repository.tags_due_at == bench.at
    bench.index(everything=False, after=MINUTE)
    assert bench.present() == {Digest.of(image)}


def test_a_look_that_dies_loses_no_hint(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    signature = bench.author.signature(image)
    hinted(bench, digest_of(signature))

    class Killed(BaseException):
        """Nothing in our code catches this."""

    def die(app, environ, start_response):
        raise Killed

    for number in range(2):
        bench.quirks.break_(".", die, after=number, times=1)
        with suppress(Killed):
            bench.index(everything=False, after=MINUTE)
            pytest.fail("nothing was asked any more")
        bench.quirks.mend()
        Repository.objects.update(leased_until=None)  # as if its minute had passed
        assert Hint.objects.count() == 1
    bench.index(everything=False, after=MINUTE)
    assert bench.referrers(image) == [digest_of(signature)]
    assert not Hint.objects.exists()


def test_a_hint_that_comes_while_its_repository_is_indexed_is_not_lost(bench):
    bench.author.image(tags="1.0")
    bench.index()

    def somebody_hints(app, environ, start_response):
        hints.leave(bench.repository, ["2.0"], bench.at + timedelta(seconds=1))
        return app(environ, start_response)

    bench.quirks.break_("tags/list", somebody_hints)
    bench.index()
    assert Hint.objects.get().reference == "2.0"
    assert bench.repository.due_at == bench.at + timedelta(seconds=1)
