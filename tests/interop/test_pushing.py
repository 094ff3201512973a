"""Pushing to real registries: what is there afterwards is what was meant, whoever else writes, and oras reads it alike."""

import json
import os
import random
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from registries import copying, exporting, publishing, putting_back
from registries.addresses import AllowedAddresses
from registries.models import Event, Fault
from registries.oci.archive import layout_at
from registries.oci.digest import Digest
from registries.pinning import GuardedSockets, resolve
from registries.wire import Network
from tests.interop.pushing import INDEX, Pusher, digest_of
from tests.interop.site import Site
from tests.registries.test_publishing import signature_of

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]

PROJECT = Path(__file__).resolve().parents[2]
SBOM, NOTE = "application/spdx+json", "application/vnd.example.note"
CONNECT = """
import sys
from registries.models import Registry
Registry.objects.create(address=sys.argv[1], reference_name=sys.argv[1], plain_http=True, allowed_networks=["127.0.0.0/8"])
"""


# writing one referrers tag at once


class Naive(threading.Thread):
    """A client that reads the tag, adds its entry and writes it, a little later than it read."""

    def __init__(self, pusher, subject, chance):
        super().__init__()
        self.pusher, self.subject, self.chance = pusher, subject, chance
        self.tag = f"manifests/{subject['digest'].replace(':', '-')}"
        self.entries = []
        self.ended = threading.Event()

    def listed(self):
        while (answer := self.pusher.client.get(self.tag, headers={"Accept": INDEX})).status_code >= 500:
            time.sleep(0.02)  # while another writes the tag
        return answer.json()["manifests"] if answer.status_code == 200 else []

    def write(self, entries):
        fields = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        content, headers = json.dumps(fields).encode(), {"Content-Type": INDEX}
        while (answer := self.pusher.client.put(self.tag, content=content, headers=headers)).status_code >= 500:
            time.sleep(0.02)
        answer.raise_for_status()

    def entry(self):
        content = f"naive {len(self.entries)} {self.chance.random()}".encode()
        self.entries.append({**self.pusher.document(self.subject, SBOM, content), "artifactType": SBOM})
        return self.entries[-1]

    def run(self):
        while not self.ended.is_set():
            listed, entry = self.listed(), self.entry()
            time.sleep(self.chance.uniform(0.02, 0.3))
            self.write([*listed, entry])
            time.sleep(self.chance.uniform(0.1, 0.5))


class Race:
    """Sixteen writers of ours in four processes, who share a database, and a naive one beside them."""

    def __init__(self, address, folder):
        self.address = address
        database = f"sqlite:///{folder / 'shared.db'}"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings", "SIGNBOARD_SECRET_KEY": "only-for-tests",
            "SIGNBOARD_DATABASE_URL": database, "PYTHONPATH": str(PROJECT),
        }  # fmt: skip
        self.python(str(PROJECT / "manage.py"), "migrate", "-v0").communicate(timeout=120)
        self.python("-c", f"import django; django.setup(); {CONNECT}", address).communicate(timeout=60)

    def python(self, *arguments):
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=PROJECT, stdout=subprocess.PIPE, text=True)

    def writers(self, image, *names):
        return self.python("-m", "tests.interop.writers", self.address, image.decode(), *names)

    def run(self, chance):
        pusher = Pusher(self.address, "team/app")
        subject = pusher.image(f"race-{chance.random()}", layer=str(chance.random()).encode())
        image = pusher.client.get(f"manifests/{subject['digest']}", headers={"Accept": subject["mediaType"]}).content
        naive = Naive(pusher, subject, chance)
        naive.write([naive.entry(), naive.entry()])
        stale = naive.listed()
        names = [[f"writer {process}.{number} {chance.random()}" for number in range(4)] for process in range(4)]
        naive.start()
        try:
            processes = [self.writers(image, *group) for group in names]
            said = [json.loads(process.communicate(timeout=180)[0]) for process in processes]
        finally:
            naive.ended.set()
            naive.join()
        ours = {str(signature_of(image, name.encode()).manifest.digest) for group in names for name in group}
        naive.write([*stale, naive.entry()])  # what it read before anybody of ours had written
        assert not ours & {entry["digest"] for entry in naive.listed()}
        looked = self.writers(image, "look-after")
        said.append(json.loads(looked.communicate(timeout=60)[0]))
        listed = [entry["digest"] for entry in naive.listed()]
        assert ours <= set(listed)
        assert len(listed) == len(set(listed))
        theirs = {entry["digest"] for entry in naive.entries}
        return len(theirs & set(listed)), len(theirs), sorted({digest for one in said for digest in one})


def test_sixteen_writers_in_four_processes_beside_a_naive_one_lose_nothing_of_ours(docker_registry, tmp_path):
    there, written, restored = Race(docker_registry, tmp_path).run(random.Random(1))
    print(f"16 of 16 are listed, and {there} of {written} of a naive writer; {len(restored)} of its were put back")
    assert there >= 3  # those before the race, and the last


@pytest.mark.soak
def test_sixteen_writers_in_four_processes_lose_nothing_again_and_again(docker_registry, tmp_path, soak_seed):
    chance = random.Random(soak_seed)
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        there, written, restored = Race(docker_registry, folder).run(chance)
        print(f"round {number}: 16 of 16; {there} of {written} of the naive writer, {len(restored)} put back")


def test_what_a_foreign_writer_lost_of_others_is_reported_and_restored(docker_registry):
    pusher = Pusher(docker_registry, "team/lost")
    subject = pusher.image("1.0", layer=b"lost")
    entries = [
        {**pusher.document(subject, SBOM, name), "artifactType": SBOM} for name in (b"first", b"second", b"third")
    ]
    pusher.refer_by_tag(subject, *entries[:2])
    site = Site(docker_registry)
    site.index("team/lost")
    pusher.refer_by_tag(subject, entries[2])  # a client that had read the tag before there was anything in it
    repository = site.index("team/lost")
    lost = {entry["digest"] for entry in entries[:2]}
    assert set(Fault.objects.filter(code="dropped_from_tag").values_list("digest", flat=True)) == lost
    assert set(Event.objects.values_list("kind", "thing")) == {("dropped_from_tag", name) for name in lost}
    assert putting_back.put_back(repository) == 2
    repository = site.index("team/lost")
    assert sorted(repository.listings.get(subject=subject["digest"]).digests) == sorted(
        entry["digest"] for entry in entries
    )
    assert not Fault.objects.exists()


# copies


class Recording:
    """The network, and what went over it."""

    def __init__(self):
        guard = GuardedSockets(AllowedAddresses.parse(["127.0.0.0/8"]), resolve, None)
        self.wire, self.log = Network(guard, ssl.create_default_context()), []

    def begin(self, request, allowance):
        self.log.append(f"{request.method} {request.target}")
        return self.wire.begin(request, allowance)

    def close(self):
        self.wire.close()


class Tree:
    """An index of two images in a registry, with an SBOM, a note on the SBOM and a signature, found by tag or by API."""

    def __init__(self, address, repository, *, by_tag):
        self.pusher = pusher = Pusher(address, repository)
        self.images = [pusher.image(f"tree-{name}", layer=f"{name}".encode() * 100_000) for name in ("amd64", "arm64")]
        self.index = pusher.index("1.0", *self.images)
        self.sbom = pusher.document(self.index, SBOM, b'{"spdxVersion":"SPDX-2.3"}')
        self.signature = pusher.document(self.images[0], "application/vnd.cncf.notary.signature", b"an envelope")
        self.note = pusher.document(self.sbom, NOTE, b"a note")
        self.edges = {
            self.index["digest"]: [self.sbom["digest"]],
            self.images[0]["digest"]: [self.signature["digest"]],
            self.sbom["digest"]: [self.note["digest"]],
            self.images[1]["digest"]: [],
            self.note["digest"]: [],
        }
        if by_tag:
            pusher.refer_by_tag(self.index, {**self.sbom, "artifactType": SBOM})
            pusher.refer_by_tag(
                self.images[0], {**self.signature, "artifactType": "application/vnd.cncf.notary.signature"}
            )
            pusher.refer_by_tag(self.sbom, {**self.note, "artifactType": NOTE})

    @property
    def manifests(self):
        return [*self.images, self.index, self.sbom, self.signature, self.note]

    def bytes_at(self, address, repository):
        found = {}
        for one in self.manifests:
            url = f"http://{address}/v2/{repository}/manifests/{one['digest']}"
            found[one["digest"]] = httpx.get(url, headers={"Accept": one["mediaType"]}, trust_env=False).content
        return found

    def edges_at(self, oracle, address, repository):
        return {
            subject: oracle(do="referrers", repository=f"{address}/{repository}", reference=subject).get(
                "referrers", []
            )
            for subject in self.edges
        }


def exported(address, repository, root, path):
    """Our export of it, as a tar."""
    row = Site(address).index(repository)
    planned = exporting.plan(row, Digest.parse(root))
    path.write_bytes(b"".join(exporting.write(planned, row.indexed_at, fetch=True)))
    assert not planned.missing
    return row.registry


def pushed(registry, path, repository, root, wire=None):
    layout = layout_at(path, repository)
    with publishing.open_destination(registry, repository, wire=wire) as destination:
        copying.execute(copying.plan(layout, Digest.parse(root)), layout, destination, "1.0", lambda done: None)


@pytest.fixture(params=["olareg", "docker_registry"])
def address(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def by_tag(address, docker_registry):
    """Whether what refers to something is found by the referrers tag alone."""
    return address == docker_registry


def test_a_layout_with_all_that_refers_to_it_is_pushed_byte_by_byte_and_edge_by_edge(address, by_tag, oracle, tmp_path):
    tree = Tree(address, "source/app", by_tag=by_tag)
    registry = exported(address, "source/app", tree.index["digest"], tmp_path / "layout.tar")
    wire = Recording()
    pushed(registry, tmp_path / "layout.tar", "copy/app", tree.index["digest"], wire)
    there = tree.bytes_at(address, "copy/app")
    assert all(digest_of(content) == digest for digest, content in there.items())
    assert tree.edges_at(oracle, address, "copy/app") == tree.edges
    puts = [line for line in wire.log if line.startswith("PUT") and "/manifests/" in line]
    assert puts[-1].endswith("/manifests/1.0")
    assert len([line for line in puts if "/manifests/sha256:" in line]) == 6


def test_a_layout_that_oras_wrote_is_pushed_with_the_same_edges(address, by_tag, oracle, tmp_path):
    tree = Tree(address, "oras/app", by_tag=by_tag)
    said = oracle(do="save", repository=f"{address}/oras/app", reference="1.0", layout=str(tmp_path / "layout"))
    assert said.get("digest") == tree.index["digest"], said
    # oras finds no referrers of an index's children; whoever saves these by themselves has them
    one = oracle(do="save", repository=f"{address}/oras/app", reference="tree-amd64", layout=str(tmp_path / "layout"))
    assert not one.get("error"), one
    registry = Site(address).registry
    pushed(registry, tmp_path / "layout", "fromoras/app", tree.index["digest"])
    assert tree.edges_at(oracle, address, "fromoras/app") == tree.edges
    assert all(digest_of(content) == name for name, content in tree.bytes_at(address, "fromoras/app").items())


def test_oras_reads_our_export_and_loads_it_with_the_same_edges(address, by_tag, oracle, tmp_path):
    tree = Tree(address, "export/app", by_tag=by_tag)
    exported(address, "export/app", tree.index["digest"], tmp_path / "layout.tar")
    layout = str(tmp_path / "layout.tar")
    read = {
        one["digest"]: oracle(
            do="referrersInLayout", repository=f"{address}/x", reference=one["digest"], mediaType=one["mediaType"],
            layout=layout,
        )
        for one in tree.manifests
        if one["digest"] in tree.edges
    }  # fmt: skip
    assert {subject: said.get("referrers", []) for subject, said in read.items()} == tree.edges, read
    for reference in ("1.0", tree.signature["digest"]):  # oras finds no referrers of an index's children from the index
        said = oracle(do="load", repository=f"{address}/loaded/app", reference=reference, layout=layout)
        assert not said.get("error"), said
    assert tree.edges_at(oracle, address, "loaded/app") == tree.edges
