"""What other clients drop from a referrers tag is told from what was withdrawn, for as long as it is so, and can be put back."""

import json

import pytest

from demo.registry import DemoRegistry
from registries import putting_back
from registries.models import Event, Fault
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from tests.registries.conftest import HOUR, Bench
from tests.simulators.images import descriptor, digest_of
from tests.simulators.registry_quirks import reply

DROPPED = "dropped_from_tag"


class Place(Bench):
    """An image with a signature and an SBOM in its referrers tag."""

    def __init__(self, folder):
        super().__init__(DemoRegistry(folder, referrers_api=False))
        self.image = self.author.image(tags="1.0")
        self.signature, self.sbom = self.author.signature(self.image), self.author.referrer(self.image, b"sbom")
        self.theirs = self.author.signature(self.image, b"theirs")
        self.tag(self.signature, self.sbom)
        self.index()

    def tag(self, *entries):
        self.author.fallback(self.image, entries)

    def faults(self):
        rows = Fault.objects.filter(repository=self.repository).order_by("digest")
        return {row.digest: row for row in rows if row.code == DROPPED}

    def events(self):
        return sorted(Event.objects.values_list("kind", "thing"))


@pytest.fixture
def place(db, tmp_path):
    return Place(tmp_path)


def test_what_is_still_there_was_dropped_and_the_fault_says_what_to_do(place):
    place.tag(place.theirs)
    place.index()
    expected = {digest_of(place.signature), digest_of(place.sbom)}
    assert set(place.faults()) == expected
    assert place.events() == sorted((DROPPED, name) for name in expected)
    fault = place.faults()[digest_of(place.signature)]
    assert "put it back, or push it again" in fault.message
    assert fault.subject == Digest.of(place.image)
    assert place.faults()[digest_of(place.sbom)].subject is None  # no word of the image depends on it
    assert place.listing(place.image).digests == [digest_of(place.theirs)]


def test_what_is_gone_was_withdrawn(place):
    place.demo.store.delete_manifest("team/app", digest_of(place.signature))
    place.tag(place.sbom)
    place.index()
    assert not place.faults()
    assert place.events() == [("signature_withdrawn", digest_of(place.signature))]


def test_a_tag_that_is_gone_altogether_dropped_what_it_listed(place):
    place.demo.store.delete_tag("team/app", Digest.of(place.image).fallback_tag)
    place.index()
    assert set(place.faults()) == {digest_of(place.signature), digest_of(place.sbom)}


def test_it_stays_told_as_long_as_it_is_so_and_is_one_event(place):
    place.tag(place.theirs)
    for _ in range(3):
        place.index()
    assert len(place.faults()) == 2
    assert len(place.events()) == 2


def test_what_is_listed_again_is_mended(place):
    place.tag(place.theirs)
    place.index()
    place.tag(place.theirs, place.signature, place.sbom)
    place.index()
    assert not place.faults()
    assert len(place.listing(place.image).digests) == 3


def test_what_was_dropped_and_is_then_deleted_was_withdrawn_in_the_end(place):
    place.tag(place.theirs)
    place.index()
    place.demo.store.delete_manifest("team/app", digest_of(place.signature))
    place.index()
    assert set(place.faults()) == {digest_of(place.sbom)}
    assert ("signature_withdrawn", digest_of(place.signature)) in place.events()
    before = place.events()
    place.index()
    assert place.events() == before


def test_a_fault_of_the_registry_is_never_a_withdrawal(place):
    place.tag(place.theirs)
    place.quirks.break_(f"HEAD .*{digest_of(place.signature)}", reply("503 Service Unavailable"))
    place.index()
    assert "could not be asked" in place.faults()[digest_of(place.signature)].message
    assert "signature_withdrawn" not in dict(place.events())
    place.quirks.mend()
    place.index()
    assert "put it back" in place.faults()[digest_of(place.signature)].message


def test_a_list_that_cannot_be_read_keeps_what_was_known(place):
    place.tag(place.theirs)
    place.index()
    place.quirks.break_("manifests/sha256-", reply("503 Service Unavailable"))
    place.index()
    assert len(place.faults()) == 2
    assert len(place.events()) == 2


def test_an_unchanged_list_costs_no_request_for_it(place):
    place.index()
    before = dict(place.requests)
    assert place.index() == before
    assert not place.quirks.asked(f"HEAD .*{digest_of(place.signature)}")


def test_a_registry_with_the_api_withdraws_what_it_lists_no_more(db, tmp_path):
    bench = Bench(DemoRegistry(tmp_path))
    image = bench.author.image(tags="1.0")
    signature = bench.author.signature(image)
    bench.index()
    bench.demo.store.delete_manifest("team/app", digest_of(signature))
    bench.index()
    assert Event.objects.get().kind == "signature_withdrawn"
    assert not bench.quirks.asked(f"HEAD .*{digest_of(signature)}")


# putting back


def put_back(place):
    return putting_back.put_back(place.repository, wire=place.quirks.wire())


def test_what_was_dropped_is_put_back_beside_what_dropped_it(place):
    place.tag(place.theirs)
    place.index()
    assert putting_back.number_of(place.repository) == 2
    assert put_back(place) == 2
    stored = place.demo.store.manifest("team/app", Digest.of(place.image).fallback_tag)
    listed = json.loads(place.demo.store.read(stored.digest))["manifests"]
    assert listed[0] == descriptor(place.theirs, listed[0]["mediaType"], artifactType=listed[0]["artifactType"])
    assert {entry["digest"] for entry in listed[1:]} == {digest_of(place.signature), digest_of(place.sbom)}
    place.index(after=HOUR)
    assert putting_back.number_of(place.repository) == 0
    assert len(place.listing(place.image).digests) == 3


def test_what_was_deleted_since_is_not_put_back(place):
    place.tag(place.theirs)
    place.index()
    for gone in (place.signature, place.sbom):
        place.demo.store.delete_manifest("team/app", digest_of(gone))
    assert put_back(place) == 0
    assert not place.quirks.asked("PUT")


def test_a_registry_that_refuses_says_so(place):
    place.tag(place.theirs)
    place.index()
    place.quirks.break_("PUT", reply("403 Forbidden"))
    with pytest.raises(RegistryError, match="right to push"):
        put_back(place)


def test_a_signature_that_was_dropped_among_many_others_is_never_taken_for_withdrawn(place, monkeypatch):
    monkeypatch.setattr("registries.indexing.dropped.MOST", 2)
    many = [place.author.referrer(place.image, b"sbom %d" % number) for number in range(4)]
    place.tag(place.sbom, *many, place.signature)
    place.index()
    place.tag(place.theirs)
    place.index()
    assert digest_of(place.signature) in place.faults()
    assert (DROPPED, digest_of(place.signature)) in place.events()
    assert not [thing for kind, thing in place.events() if kind == "signature_withdrawn"]


def test_a_signature_that_was_dropped_is_known_as_that_however_much_else_is_wrong(place):
    place.tag(place.theirs)
    place.index(faults=1)
    assert place.faults()[digest_of(place.signature)].subject == Digest.of(place.image)
    assert digest_of(place.sbom) not in place.faults()
