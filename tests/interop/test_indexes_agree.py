"""Several registries with one content, and a registry's own disk: all of them and our rows say the same."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from registries.models import Child, Listing, Presence
from tests.interop.pushing import Pusher
from tests.interop.site import Site
from tests.simulators.index_rows import rows_of

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]

SBOM, SCAN, NOTE = "application/spdx+json", "application/sarif+json", "application/vnd.example.note"
SIGNATURE = "application/vnd.cncf.notary.signature"


# the same content on three registries


def push(address, *, by_tag):
    pusher = Pusher(address, "team/same")
    images = [pusher.image(f"1.{number}", layer=b"layer %d" % number) for number in range(12)]
    index = pusher.index("2.0", *images[:3])
    listed = [
        (index, SBOM, b'{"spdxVersion":"SPDX-2.3"}'),
        (index, SIGNATURE, b"an envelope"),
        (images[0], SCAN, b'{"version":"2.1.0","runs":[]}'),
    ]
    referrers = {}
    for subject, kind, content in listed:
        entry = {**pusher.document(subject, kind, content), "artifactType": kind}
        referrers.setdefault(subject["digest"], (subject, []))[1].append(entry)
    first = referrers[index["digest"]][1][0]
    note = {**pusher.document(first, NOTE, b"a note on the SBOM"), "artifactType": NOTE}
    referrers[first["digest"]] = first, [note]
    for subject, entries in referrers.values() if by_tag else ():
        pusher.refer_by_tag(subject, *entries)


def test_with_the_api_and_without_it_the_rows_are_the_same(docker_registry, olareg, olareg_without_api):
    found = {}
    for address, by_tag in ((docker_registry, True), (olareg, False), (olareg_without_api, True)):
        push(address, by_tag=by_tag)
        repository = Site(address).index("team/same")
        assert (repository.last_error, list(repository.faults.values_list("code", flat=True))) == ("", [])
        assert repository.referrers_api is not by_tag
        found[address] = rows_of(repository)
    assert found[olareg] == found[docker_registry] == found[olareg_without_api]
    assert len(found[olareg]["tags"]) == 13
    assert sum(len(digests) for digests, _ in found[olareg]["listed"].values()) == 4


# what lies on the disk


class Disk:
    """A repository as docker-registry keeps it, read without docker-registry and without us."""

    def __init__(self, data, name):
        self._blobs = data / "docker/registry/v2/blobs/sha256"
        self._manifests = data / "docker/registry/v2/repositories" / name / "_manifests"
        self.revisions = {"sha256:" + path.name for path in self._manifests.glob("revisions/sha256/*")}
        self.tags = {path.name: (path / "current/link").read_text() for path in self._manifests.glob("tags/*")}

    def document(self, digest):
        encoded = digest.removeprefix("sha256:")
        return json.loads((self._blobs / encoded[:2] / encoded / "data").read_bytes())

    def reachable(self):
        """The manifests that tags lead to, and the edges among them: (parent, child) and (referrer, subject)."""
        waiting = [digest for tag, digest in self.tags.items() if not tag.startswith("sha256-")]
        seen, children, refers = set(), set(), set()
        while waiting:
            digest = waiting.pop()
            if digest in seen or digest not in self.revisions:
                continue
            seen.add(digest)
            below = [entry["digest"] for entry in self.document(digest).get("manifests", [])]
            children |= {(digest, child) for child in below}
            listing = self.tags.get(digest.replace(":", "-"))
            listed = [entry["digest"] for entry in self.document(listing)["manifests"]] if listing else []
            own = [entry for entry in listed if entry in self.revisions and self._subject(entry) == digest]
            refers |= {(entry, digest) for entry in own}
            waiting += [*below, *own]
        return seen, children, refers

    def _subject(self, digest):
        return (self.document(digest).get("subject") or {}).get("digest")


PUSHES = st.lists(
    st.tuples(st.sampled_from(["image", "index", "referrer", "unlisted", "lie", "retag"]), st.integers(0, 99)),
    min_size=1,
    max_size=14,
)


class RandomPushes:
    """Pushes that hypothesis draws, into one repository; numbers choose among what is there."""

    def __init__(self, address, name):
        self.pusher = Pusher(address, name)
        self.there = [self.pusher.image("first")]
        self.listed = {}
        self.count = 0

    def push(self, kind, number):
        self.count += 1
        one, other = self.there[number % len(self.there)], self.there[number // 10 % len(self.there)]
        if kind == "image":
            self.there.append(self.pusher.image(f"v{number}", layer=b"%d" % self.count))
        elif kind == "index":
            self.there.append(self.pusher.index(f"v{number}", one, other))
        elif kind == "retag":
            self.pusher.index("v0", one)
        else:
            referrer = self.pusher.document(one, NOTE, b"%d" % self.count)
            self.there.append(referrer)
            if kind != "unlisted":
                self._list(other if kind == "lie" else one, referrer)

    def _list(self, subject, referrer):
        """A lie lists it under what it does not refer to."""
        entries = self.listed.setdefault(subject["digest"], [])
        entries.append({**referrer, "artifactType": NOTE})
        self.pusher.refer_by_tag(subject, *entries)


class Drawn:
    """A docker-registry, and our connection to it."""

    def __init__(self, data, address):
        self.data, self.address = data, address
        self.site = Site(address)

    def compare(self, pushes):
        """Push, index, and compare the rows with the disk."""
        name = f"drawn/app-{self.site.repositories.count()}"
        pushed = RandomPushes(self.address, name)
        for kind, number in pushes:
            pushed.push(kind, number)
        row = self.site.index(name)
        assert row.last_error == ""
        seen, children, refers = Disk(self.data, name).reachable()
        here = set(map(str, Presence.objects.filter(repository=row).current().values_list("manifest_id", flat=True)))
        assert here == seen
        edges = Child.objects.filter(parent__in=here).values_list("parent", "child")
        assert {(str(parent), str(child)) for parent, child in edges} == children
        lists = Listing.objects.filter(repository=row).values_list("subject", "digests")
        assert {(digest, str(subject)) for subject, digests in lists for digest in digests} == refers


@pytest.fixture
def drawn(empty_docker_registry):
    with empty_docker_registry.running() as address:
        yield Drawn(empty_docker_registry.data, address)


DRAW = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def test_whatever_is_pushed_our_rows_are_what_lies_on_the_disk(drawn):
    settings(max_examples=12, derandomize=True, **DRAW)(given(PUSHES)(lambda pushes: drawn.compare(pushes)))()


@pytest.mark.soak
def test_whatever_is_pushed_our_rows_are_what_lies_on_the_disk_many_times(drawn):
    number = int(os.environ.get("SIGNBOARD_SOAK_SEED", "1"))
    seed(number)(settings(max_examples=300, **DRAW)(given(PUSHES)(lambda pushes: drawn.compare(pushes))))()
    print(f"300 drawn sequences of pushes, seed {number}: every row as on the disk")
