"""Publishing: what refers to something is listed as doing so, whatever the registry can do, and a retry changes nothing."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from demo.registry import Bearer, DemoRegistry
from registries import connections, credentials, leases, publishing, referrers_tags, tasks
from registries.models import Hint, ReferrersTag, Registry
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.oci.manifest import parse_manifest
from registries.publishing import Artifact
from tests.registries.conftest import Bench
from tests.simulators.images import EMPTY, INDEX, JWS, MANIFEST, SIGNATURE, descriptor, digest_of
from tests.simulators.registry_quirks import reply

ENVELOPE = b'{"payload":""}'
NONE = reply("200 OK", b'{"schemaVersion":2,"manifests":[]}', INDEX)


def signature_of(subject, envelope=ENVELOPE):
    """A signature that no registry has yet."""
    content = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": SIGNATURE,
            "config": descriptor(b"{}", EMPTY),
            "layers": [descriptor(envelope, JWS)],
            "subject": descriptor(subject, MANIFEST),
            "annotations": {"made": "here"},
        }
    ).encode()
    blobs = {digest_of(blob): blob for blob in (envelope, b"{}")}
    return Artifact(parse_manifest(content), content, lambda named: Outgoing.of(blobs[str(named.digest)]))


class Place(Bench):
    """A connected registry that is published to, without waiting."""

    slept = ()

    def publish(self, *artifacts):
        with publishing.open_destination(self.registry, "team/app", wire=self.quirks.wire()) as destination:
            destination.sleep = self.sleep
            destination.now = lambda: self.at
            return publishing.publish(destination, artifacts)

    def sleep(self, seconds):
        self.slept = (*self.slept, seconds)

    def listed(self, content):
        subject = Digest.of(content)
        with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
            found = source.referrers("team/app", subject, limit=100)
            found = found if found.supported else source.referrers_by_tag("team/app", subject)
            return [str(entry.digest) for entry in found.descriptors]

    def look_after(self, after):
        """What the sweep does when the row is due."""
        self.at += after
        row = ReferrersTag.objects.get()
        assert row.due_at <= self.at
        lease = leases.take(ReferrersTag.objects.all(), row.pk)
        with publishing.open_destination(self.registry, "team/app", wire=self.quirks.wire()) as place:
            return referrers_tags.look_after(lease, (place.reader, place.pusher), self.at, self.sleep)


@pytest.fixture(params=[True, False], ids=["api", "tag"])
def place(request, db, tmp_path):
    return Place(DemoRegistry(tmp_path, referrers_api=request.param))


@pytest.fixture
def by_tag(db, tmp_path):
    return Place(DemoRegistry(tmp_path, referrers_api=False))


def test_a_signature_is_listed_with_its_very_bytes(place):
    image = place.author.image(tags="1.0")
    signature = signature_of(image)
    [listed] = place.publish(signature)
    assert listed.by_tag != place.demo.referrers_api
    assert place.listed(image) == [str(signature.manifest.digest)]
    with connections.open_source(place.registry, wire=place.quirks.wire()) as source:
        assert source.manifest("team/app", signature.manifest.digest).content == signature.content
        assert source.blob("team/app", signature.manifest.layers[0], max_size=100) == ENVELOPE


def test_the_referrers_tag_says_all_that_the_api_would(by_tag):
    image = by_tag.author.image(tags="1.0")
    signature = signature_of(image)
    by_tag.publish(signature)
    index = json.loads(
        by_tag.demo.store.read(by_tag.demo.store.manifest("team/app", Digest.of(image).fallback_tag).digest)
    )
    assert index["manifests"] == [
        descriptor(signature.content, MANIFEST, artifactType=SIGNATURE, annotations={"made": "here"})
    ]


def test_a_retry_pushes_nothing_and_lists_nothing_twice(place):
    image = place.author.image(tags="1.0")
    place.publish(signature_of(image))
    before = len(place.quirks.asked("PUT|POST"))
    place.publish(signature_of(image))
    assert len(place.quirks.asked("PUT|POST")) == before
    assert len(place.listed(image)) == 1


def test_a_retry_after_a_fault_half_way_ends_what_was_begun(place):
    image = place.author.image(tags="1.0")
    signature = signature_of(image)
    for pattern in ("POST", "PUT .*/blobs/", "PUT .*/manifests/sha256:", "GET .*/(referrers|manifests/sha256-)"):
        place.quirks.break_(pattern, reply("503 Service Unavailable"), times=1)
        with pytest.raises(RegistryError):
            place.publish(signature)
    place.quirks.mend()
    ReferrersTag.objects.update(leased_until=None)
    place.publish(signature)
    assert place.listed(image) == [str(signature.manifest.digest)]


def test_a_signature_of_something_that_is_not_there_is_not_pushed(place):
    with pytest.raises(RegistryError, match="push that first") as caught:
        place.publish(signature_of(b"nowhere"))
    assert caught.value.code == "no_subject"
    assert not place.quirks.asked("PUT|POST")


def test_what_refers_to_a_signature_may_be_published_with_it(place):
    image = place.author.image(tags="1.0")
    signature = signature_of(image)
    on_top = signature_of(signature.content, b"another envelope")
    assert len(place.publish(signature, on_top)) == 2
    assert place.listed(signature.content) == [str(on_top.manifest.digest)]


def test_a_registry_that_lists_a_little_later_is_waited_for(tmp_path, db):
    place = Place(DemoRegistry(tmp_path))
    image = place.author.image(tags="1.0")
    place.listed(image)
    place.quirks.break_("GET .*/referrers/", NONE, times=2)
    place.publish(signature_of(image))
    assert place.slept == publishing.PATIENCE[:2]


def test_a_registry_that_never_lists_what_it_took_is_named(tmp_path, db):
    place = Place(DemoRegistry(tmp_path))
    image = place.author.image(tags="1.0")
    place.quirks.break_("GET .*/referrers/", NONE)
    with pytest.raises(RegistryError, match="does not list it"):
        place.publish(signature_of(image))


def test_an_index_looks_there_soon(place):
    image = place.author.image(tags="1.0")
    place.index()
    place.publish(signature_of(image))
    assert Hint.objects.get().reference == digest_of(image)
    place.repository.refresh_from_db()
    assert place.repository.due_at <= place.at


def test_a_layout_is_never_written_to(db):
    layout = Registry.objects.create(source=Registry.Source.LAYOUT, address="shop")
    with pytest.raises(Exception, match="only read"), publishing.open_destination(layout, "team/app"):
        pass


# credentials


@pytest.fixture
def guarded(db, tmp_path):
    place = Place(DemoRegistry(tmp_path, auth=Bearer({"reader": "r", "pusher": "p"}, readers=frozenset({"reader"}))))
    place.image = place.author.image(tags="1.0")
    registry = place.registry
    registry.username, registry.sealed_password = "reader", credentials.seal(credentials.READING, registry, "r")
    registry.save()
    return place


def test_what_reads_does_not_push(guarded):
    with pytest.raises(RegistryError, match="give this connection some for pushing"):
        guarded.publish(signature_of(guarded.image))


def test_the_credentials_for_pushing_push_and_reading_stays_reading(guarded):
    registry = guarded.registry
    registry.push_username = "pusher"
    registry.sealed_push_password = credentials.seal(credentials.PUSHING, registry, "p")
    guarded.publish(signature_of(guarded.image))
    assert len(guarded.listed(guarded.image)) == 1
    guarded.quirks.log.clear()
    guarded.index()
    assert guarded.repository.indexed_at
    assert not [line for line in guarded.quirks.asked("/token") if "push" in line]


# looking after what was added


def overwritten(place, image, *entries):
    place.author.fallback(image, entries)


def test_what_a_slower_writer_dropped_is_put_back_by_itself(by_tag):
    image = by_tag.author.image(tags="1.0")
    theirs, mine = by_tag.author.referrer(image), signature_of(image)
    by_tag.publish(mine)
    overwritten(by_tag, image, theirs)
    assert by_tag.look_after(timedelta(seconds=30)).writes == 1
    assert set(by_tag.listed(image)) == {digest_of(theirs), str(mine.manifest.digest)}
    by_tag.look_after(timedelta(seconds=30))
    by_tag.look_after(timedelta(minutes=10))
    row = ReferrersTag.objects.get()
    assert (row.entries, row.due_at, row.leased_until) == ({}, None, None)


def test_what_was_deleted_meanwhile_is_not_put_back(by_tag):
    image = by_tag.author.image(tags="1.0")
    mine = signature_of(image)
    by_tag.publish(mine)
    by_tag.demo.store.delete_manifest("team/app", str(mine.manifest.digest))
    overwritten(by_tag, image)
    assert by_tag.look_after(timedelta(seconds=30)).writes == 0
    assert by_tag.listed(image) == []
    assert ReferrersTag.objects.get().due_at is None


def test_a_worker_that_died_before_it_wrote_the_tag_is_made_up_for(by_tag):
    image = by_tag.author.image(tags="1.0")
    mine = signature_of(image)
    by_tag.quirks.break_("PUT .*/manifests/sha256-", reply("503 Service Unavailable"))
    with pytest.raises(RegistryError):
        by_tag.publish(mine)
    by_tag.quirks.mend()
    ReferrersTag.objects.update(due_at=by_tag.at)
    by_tag.look_after(timedelta(minutes=1))
    assert by_tag.listed(image) == [str(mine.manifest.digest)]


def test_after_a_day_of_failures_it_is_left(by_tag):
    image = by_tag.author.image(tags="1.0")
    by_tag.quirks.break_("PUT .*/manifests/sha256-", reply("409 Conflict"))
    with pytest.raises(RegistryError, match=r"Exempt tags that match sha256-\*"):
        by_tag.publish(signature_of(image))
    row = ReferrersTag.objects.get()
    assert "Exempt" in row.last_error
    ReferrersTag.objects.update(due_at=by_tag.at)
    assert by_tag.look_after(timedelta(days=2)).writes == 0
    assert ReferrersTag.objects.get().due_at is None


def test_after_a_day_it_is_left_by_a_registry_that_answers_nothing(by_tag):
    image = by_tag.author.image(tags="1.0")
    by_tag.publish(signature_of(image))
    by_tag.quirks.break_(".", reply("503 Service Unavailable"))
    ReferrersTag.objects.update(due_at=by_tag.at)
    by_tag.look_after(timedelta(days=2))
    row = ReferrersTag.objects.get()
    assert (row.entries, row.due_at, row.leased_until) == ({}, None, None)


def test_no_two_writers_of_ours_are_at_one_tag_at_a_time(by_tag):
    image = by_tag.author.image(tags="1.0")
    by_tag.publish(signature_of(image))
    row = ReferrersTag.objects.get()
    other = leases.take(ReferrersTag.objects.all(), row.pk)
    with pytest.raises(RegistryError, match="others keep writing") as caught:
        by_tag.publish(signature_of(image, b"second"))
    assert caught.value.code == "busy"
    other.finish(None)
    by_tag.publish(signature_of(image, b"second"))
    assert len(by_tag.listed(image)) == 2


def test_the_sweep_sends_a_nudge_for_tags_that_are_due_and_a_failure_is_in_the_row(by_tag, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.look_after_referrers_tag, "delay", sent.append)
    image = by_tag.author.image(tags="1.0")
    by_tag.at = timezone.now() - timedelta(minutes=1)
    by_tag.publish(signature_of(image))
    tasks.nudge_due()
    row = ReferrersTag.objects.get()
    assert sent == [row.pk]
    tasks.look_after_referrers_tag(row.pk)  # nothing answers at registry.test
    row.refresh_from_db()
    assert "registry.test" in row.last_error
    assert row.leased_until is None
    assert row.attempts == 1
