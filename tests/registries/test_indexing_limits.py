"""Limits, incomplete lists, interruptions, and workers that were overtaken."""

from datetime import timedelta

import pytest

from registries import leases
from registries.leases import LeaseLostError
from registries.models import Content, HostBudget, Listing, ListingHistory, Presence, Repository, Tag
from registries.oci.digest import Digest
from tests.simulators.images import SIGNATURE, descriptor, digest_of
from tests.simulators.registry_quirks import reply, silent, unreachable


def of(*contents):
    return {Digest.of(content) for content in contents}


# limits


def test_signatures_come_before_all_else_that_hangs_on_a_subject(old):
    image = old.author.image(tags="1.0")
    junk = [old.author.referrer(image, b"junk %d" % number) for number in range(5)]
    signature = old.author.signature(image)
    old.author.fallback(image, [*junk, signature])
    old.index(referrers=2)
    listing = old.listing(image)
    assert listing.digests == [*map(digest_of, junk[:2]), digest_of(signature)]
    assert (listing.complete, listing.error_code) == (False, "limit")
    assert "6 referrers are listed; the first 3 are read" in listing.error


def test_cve_2023_33958_too_many_signatures_are_a_limit(old):
    image = old.author.image(tags="1.0")
    signatures = [old.author.signature(image, b"%d" % number) for number in range(4)]
    old.author.fallback(image, signatures)
    old.index(signatures=2)
    assert old.referrers(image) == list(map(digest_of, signatures[:2]))
    assert old.listing(image).error_code == "limit"


def test_a_signature_that_is_known_stays_ahead_of_the_limit(old):
    image = old.author.image(tags="1.0")
    good = old.author.signature(image, b"good")
    old.author.fallback(image, [good])
    old.index(signatures=2)
    flood = [old.author.signature(image, b"%d" % number) for number in range(6)]
    old.author.fallback(image, [*flood, good])
    old.index(signatures=2)
    assert digest_of(good) in old.referrers(image)
    assert old.listing(image).error_code == "limit"
    assert old.listing(image).checked_at == old.at  # the list was read: its age is new


def test_a_list_longer_than_what_is_looked_at_is_a_limit(bench):
    image = bench.author.image(tags="1.0")
    for number in range(6):
        bench.author.referrer(image, b"%d" % number)
    bench.index(listed=4)
    assert len(bench.referrers(image)) == 4
    assert bench.listing(image).error_code == "limit"


def test_a_chain_of_referrers_is_followed_to_the_depth_limit(bench):
    chain = [bench.author.image(tags="1.0")]
    for number in range(5):
        chain.append(bench.author.signature(chain[-1], b"%d" % number))
    bench.index(depth=3)
    assert Listing.objects.count() == 4
    assert bench.referrers(chain[3]) == [digest_of(chain[4])]
    assert bench.fault(chain[4]).code == "depth_limit"
    assert bench.present() == of(*chain[:5])


def test_a_root_with_too_many_nodes_is_cut_and_no_presence_ends(bench):
    image, other = bench.author.image(tags="1.0"), bench.author.image("other", tags="2.0")
    for number in range(6):
        bench.author.referrer(image, b"%d" % number)
    bench.index()
    bench.demo.store.delete_tag("team/app", "2.0")
    bench.index(nodes=3)
    assert "nodes_limit" in bench.faults()
    assert Digest.of(other) in bench.present()
    assert len(bench.referrers(image)) == 6
    bench.index()
    assert Digest.of(other) not in bench.present()


def test_an_index_of_very_many_children_is_cut(bench):
    children = [(bench.author.image(f"{number}"), {}) for number in range(8)]
    index = bench.author.index(children, tags="1.0")
    bench.index(nodes=3)
    assert len(bench.present()) == 4
    assert bench.fault(index).code == "nodes_limit"


def test_a_document_larger_than_the_limit_is_left_where_it_is(bench):
    image = bench.author.image(tags="1.0")
    bench.author.referrer(image, b"x" * 2000)
    bench.author.referrer(image, b"y" * 20)
    assert bench.index(document=1000)["blob"] == 1
    assert bench.faults() == []


def test_very_many_faults_are_cut(bench):
    image = bench.author.image(tags="1.0")
    bench.author.fallback(image, [descriptor(b"nothing %d" % number) for number in range(20)])
    bench.index(faults=5)
    assert len(bench.faults()) == 5
    assert "too_many_faults" in bench.faults()


# incomplete lists take nothing away


def test_a_tag_list_that_breaks_off_ends_nothing(make_bench):
    bench = make_bench(page_size=2)
    images = [bench.author.image(f"{number}", tags=f"v{number}") for number in range(6)]
    bench.index()
    bench.demo.store.delete_tag("team/app", "v1")
    bench.quirks.break_("tags/list.*last", reply("500 Oops"))
    bench.index()
    assert bench.repository.tags_complete is False
    assert bench.present() == of(*images)
    assert Tag.objects.filter(gone_at=None).count() == 6
    assert bench.fault("team/app").code == "tags_incomplete"
    assert bench.listing(images[5]).checked_at == bench.at  # asked for by name
    bench.quirks.mend()
    bench.index()
    assert bench.present() == of(images[0], *images[2:])
    assert Tag.objects.get(name="v1").gone_at == bench.at


@pytest.mark.parametrize("quirk", [reply("500 Oops"), silent])
def test_a_referrers_list_that_fails_takes_nothing_away_and_renews_nothing(bench, quirk):
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    checked = bench.at
    bench.demo.store.delete_manifest("team/app", digest_of(signature))
    bench.quirks.break_(f"/referrers/{digest_of(image)}", quirk)
    bench.index()
    listing = bench.listing(image)
    assert (listing.complete, listing.digests, listing.checked_at) == (False, [digest_of(signature)], checked)
    assert listing.error
    assert bench.present() == of(image, signature)
    bench.quirks.mend()
    bench.index()
    assert (bench.listing(image).complete, bench.referrers(image)) == (True, [])
    assert [row.complete for row in ListingHistory.objects.order_by("since")] == [True, False]


def test_a_first_list_that_fails_is_incomplete_and_not_empty(bench):
    image = bench.author.image(tags="1.0")
    bench.quirks.break_("/referrers/", reply("500 Oops"))
    bench.index()
    listing = bench.listing(image)
    assert (listing.complete, listing.error_code) == (False, "server_error")
    assert "status 500" in bench.fault(image).message


def test_pages_of_referrers_that_break_off_keep_what_was_read(make_bench):
    bench = make_bench(referrers_page_size=2)
    image = bench.author.image(tags="1.0")
    for number in range(5):
        bench.author.referrer(image, b"%d" % number)
    bench.quirks.break_("/referrers/.*cursor", reply("502 Bad Gateway"))
    bench.index()
    assert (len(bench.referrers(image)), bench.listing(image).complete) == (2, False)


# interruptions and fencing


def interrupted(bench):
    """Twelve images with a referrer each, whose index breaks off in the middle."""
    images = [bench.author.image(f"{number}", tags=f"v{number:02}") for number in range(12)]
    for number, image in enumerate(images):
        bench.author.referrer(image, b"%d" % number)
    bench.quirks.break_(".", unreachable, after=28)
    bench.index(slice=2)
    assert bench.repository.last_error
    return images


def test_an_interrupted_index_resumes_where_it_was(bench):
    images = interrupted(bench)
    kept = Listing.objects.filter(complete=True).count()
    assert 0 < kept < 24
    bench.quirks.mend()
    bench.at -= timedelta(minutes=59)  # soon after
    requests = bench.index(slice=2)
    assert requests["referrers"] == 24 - kept
    assert len(bench.quirks.asked("GET .*/manifests/v")) == 12  # what came with the tags was kept
    assert not any(bench.quirks.asked(f"GET .*/manifests/{digest_of(image)}") for image in images)
    assert Listing.objects.filter(complete=True).count() == 24
    assert Presence.objects.count() == len(bench.present()) == 24
    assert bench.repository.cycle_began_at is None
    assert bench.artifacts() == of(*images)


def test_what_a_registry_gave_before_its_limit_was_reached_is_not_asked_for_again(bench):
    images = [bench.author.image(f"{number}", tags=f"v{number}") for number in range(5)]
    signatures = [bench.author.signature(image) for image in images]
    bench.quirks.break_("GET .*/blobs/", reply("429 Too Many Requests"))
    bench.index(workers=1)
    assert bench.repository.cycle_began_at
    given = of(*images, *signatures)
    assert Content.objects.filter(digest__in=given).count() == 10
    bench.quirks.mend()
    HostBudget.objects.all().delete()
    bench.at -= timedelta(minutes=59)
    assert bench.index().get("manifest", 0) == 0
    assert bench.present() == given


def test_whoever_asks_for_an_index_now_gets_all_of_it(bench):
    interrupted(bench)
    bench.quirks.mend()
    Repository.objects.filter(pk=bench.repository.pk).ask_now(bench.at)
    bench.at -= timedelta(minutes=59)
    assert bench.index()["referrers"] == 24


def test_an_interrupted_index_has_what_it_learned_judged(bench):
    interrupted(bench)
    assert bench.repository.generation > 0


def test_a_worker_whose_lease_was_taken_writes_nothing_more(bench):
    image = bench.author.image(tags="1.0")
    bench.index()
    stale = bench.take()
    Repository.objects.filter(pk=bench.repository.pk).update(leased_until=None)
    newer = bench.take()
    assert newer.fence > stale.fence
    bench.author.signature(image)
    bench.author.image("new", tags="2.0")
    with pytest.raises(LeaseLostError):
        bench.index(lease=stale)
    assert bench.present() == of(image)
    assert bench.referrers(image) == []
    assert Tag.objects.count() == 1


def test_a_worker_overtaken_in_the_middle_writes_no_slice_after_that(bench):
    class Overtaken(leases.Lease):
        """Another worker claims the row once referrers were asked for."""

        def renew(self, **columns):
            if bench.quirks.asked("/referrers/"):
                Repository.objects.filter(pk=self.row.pk).update(fence=self.fence + 1)
            super().renew(**columns)

    image = bench.author.image(tags="1.0")
    lease = bench.take()
    with pytest.raises(LeaseLostError):
        bench.index(lease=Overtaken(lease.row, lease.fence))
    assert bench.present() == set()
    assert not Listing.objects.filter(subject=Digest.of(image)).exists()


def test_a_lie_in_the_artifact_type_neither_hides_a_signature_nor_makes_one(old):
    image = old.author.image(tags="1.0")
    signature, sbom = old.author.signature(image), old.author.referrer(image)
    entries = [descriptor(signature, artifactType="text/plain"), descriptor(sbom, artifactType=SIGNATURE)]
    old.author.fallback(image, entries)
    old.index()
    assert set(old.referrers(image)) == {digest_of(signature), digest_of(sbom)}
    kinds = Presence.objects.values_list("manifest__digest", "manifest__kind")
    assert dict(kinds)[Digest.of(signature)] == "signature"
    assert dict(kinds)[Digest.of(sbom)] == "sbom"
