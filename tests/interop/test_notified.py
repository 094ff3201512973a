"""docker-registry tells Signboard what was pushed, and Signboard tells docker-registry nothing: real processes, real HTTP."""

import json
import time
import urllib.request

import pytest

from tests.interop.conftest import free_port
from tests.interop.pushing import Pusher
from tests.interop.services import Sink, listening
from tests.interop.site import Site
from tests.running.installation import Installation

pytestmark = pytest.mark.interop

CONNECT = """
import json, sys, django
django.setup()
from django.utils import timezone
from registries import notifications
from registries.endpoints import EndpointKind
from registries.models import Registry, Survey
now, address = timezone.now(), sys.argv[1]
registry = Registry.objects.create(
    address=address, reference_name=address, plain_http=True, allowed_networks=["127.0.0.0/8"])
Survey.objects.create(registry=registry, due_at=now)
endpoint, secret = notifications.create(registry, EndpointKind.DISTRIBUTION, now)
print(json.dumps([str(endpoint.public_id), secret]))
"""
IGNORE = {"mediatypes": ["application/octet-stream"], "actions": ["pull"]}  # as docs/notifications.md has it


def endpoint(name, url, ignore=None, **headers):
    fields = {"name": name, "url": url, "timeout": "2s", "threshold": 5, "backoff": "1s", "ignore": ignore or {}}
    return fields | {"headers": {key: [value] for key, value in headers.items()}}


class Signboard(Installation):
    """A whole installation: web, worker and beat, and one connection with an endpoint."""

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()
        self.process = self.start("manage.py", "up", "--port", str(self.port))

    def connect(self, address):
        """A connection, due; answers the section of the registry's configuration that notifies us."""
        self.wait(self.is_up, 60)
        public_id, secret = json.loads(self.output("-c", CONNECT, address))
        url = f"http://127.0.0.1:{self.port}/hooks/{public_id}/"
        return {"endpoints": [endpoint("signboard", url, IGNORE, Authorization=f"Bearer {secret}")]}

    def is_up(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def wait(self, condition, seconds):
        """How long it took until the condition held."""
        began = time.monotonic()
        while not condition():
            assert self.process.poll() is None, "Signboard ended by itself"
            assert time.monotonic() - began < seconds, "it did not happen in time"
            time.sleep(0.1)
        return time.monotonic() - began

    def tags(self):
        return {name for (name,) in self.ask("SELECT name FROM registries_tag WHERE gone_at IS NULL")}

    def referrers_of(self, digest):
        rows = self.ask(f"SELECT digests FROM registries_listing WHERE subject = '{digest}'")
        return [one for (digests,) in rows for one in json.loads(digests)]


def test_a_push_is_seen_within_ten_seconds_and_so_is_a_signature_in_the_referrers_tag(empty_docker_registry, tmp_path):
    port = free_port()
    folder = tmp_path / "signboard"
    folder.mkdir()
    signboard = Signboard(folder)
    try:
        notifications = signboard.connect(f"127.0.0.1:{port}")
        with empty_docker_registry.running(port, notifications=notifications) as address:
            pusher = Pusher(address, "team/app")
            first = pusher.image("1.0")
            signboard.wait(lambda: signboard.tags() == {"1.0"}, 60)  # a survey has found the repository
            pusher.image("2.0", layer=b"another")
            took = [signboard.wait(lambda: signboard.tags() == {"1.0", "2.0"}, 10)]
            signature = pusher.document(first, "application/vnd.cncf.notary.signature", b"an envelope")
            pusher.refer_by_tag(first, signature)
            took.append(signboard.wait(lambda: signboard.referrers_of(first["digest"]) == [signature["digest"]], 10))
            ((accepted,),) = signboard.ask("SELECT accepted FROM registries_endpoint")
            assert accepted >= 3
        print(f"seen after {took[0]:.1f} s and {took[1]:.1f} s")
    finally:
        signboard.process.terminate()
        signboard.process.wait(30)


@pytest.fixture
def watched(empty_docker_registry):
    """A docker-registry that tells everything to a sink: the sink, and the address."""
    sink = Sink()
    with listening(sink.respond) as place:
        places = {"all": None, "actions": {"actions": ["pull"]}, "documented": IGNORE}
        endpoints = [endpoint(name, f"http://{place}/{name}", ignore) for name, ignore in places.items()]
        with empty_docker_registry.running(notifications={"endpoints": endpoints}) as address:
            yield sink, address


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_registry_is_asked_for_lists_and_tags_alone_and_counts_no_pull(watched):
    sink, address = watched
    repositories, tags = 3, 4
    for number in range(repositories):
        pusher = Pusher(address, f"team/app-{number}")
        for tag in range(tags):
            image = pusher.image(f"1.{tag}", layer=b"%d %d" % (number, tag))
            pusher.refer_by_tag(image, pusher.document(image, "application/spdx+json", b"%d %d" % (number, tag)))
    site = Site(address)
    names = site.look()
    for name in names:
        site.index(name)
    Pusher(address, "team/app-0").image("1.0", layer=b"0 0")  # the same again: an event that comes after all others
    sink.until("/all", "pull")
    time.sleep(0.5)
    before = sink.actions("/all").count("pull")

    site.look()
    requests = site.requests
    for name in names:
        site.index(name)

    assert requests == {"catalog": 1, "tags": repositories, "manifest_head": repositories * tags * 2}
    Pusher(address, "team/last").image("marker", layer=b"the last event")
    wait_for_repository(sink, "/all", "team/last")
    assert sink.actions("/all").count("pull") == before


def wait_for_repository(sink, path, name):
    deadline = time.monotonic() + 10
    while not any(event["target"]["repository"] == name for event in sink.events[path] if event["action"] == "push"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_pulls_are_left_out_only_where_media_types_are_named_too(watched):
    """The defect of docker-registry up to 3.0.0 that docs/notifications.md works around."""
    sink, address = watched
    pusher = Pusher(address, "team/app")
    digest = pusher.image("1.0")["digest"]
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    pusher.client.get(f"manifests/{digest}", headers=accept).raise_for_status()
    Pusher(address, "team/last").image("marker", layer=b"the last event")
    for path in ("/all", "/actions", "/documented"):
        sink.until(path, "push")
        wait_for_repository(sink, path, "team/last")
    assert {path: "pull" in sink.actions(path) for path in sink.events} == {
        "/all": True, "/actions": True, "/documented": False,
    }  # fmt: skip
    types = {event["target"]["mediaType"] for event in sink.events["/documented"]}
    assert types == {"application/vnd.oci.image.manifest.v1+json"}  # and no blobs
