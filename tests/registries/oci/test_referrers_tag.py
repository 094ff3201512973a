"""The referrers tag: whoever else writes it, nobody's entry is lost, and nothing comes back that was removed."""

import json

import pytest

from demo.registry import DemoRegistry
from registries.oci import referrers_tag
from registries.oci.client import Client
from registries.oci.connection import Connection
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError, RegistryError
from registries.oci.pusher import Pusher
from registries.transport import Transport
from tests.simulators.images import INDEX, Author, descriptor
from tests.simulators.registry_quirks import Quirks, reply

from .scripted import answer

BASE = "http://registry.test"


class Place:
    """A repository without referrers API, a subject in it, and others who write as we do."""

    def __init__(self, folder):
        self.registry = DemoRegistry(folder, referrers_api=False)
        self.quirks = Quirks(self.registry)
        self.author = Author(self.registry, "app")
        self.image = self.author.image("subject", tags="1.0")
        self.subject = Digest.of(self.image)
        self.pauses = []
        self.transport = Transport(app=self.quirks.wire())
        self.client = Client(self.transport, BASE)
        self.pusher = Pusher(Connection(self.transport, BASE, pushes=True))

    def referrer(self, name, **more):
        content = self.author.referrer(self.image, name.encode(), **more)
        fields = json.loads(content)
        return descriptor(content, fields["mediaType"], artifactType=fields["artifactType"], annotations={"n": name})

    def listed(self):
        index = self.client.manifest("app", self.subject.fallback_tag)
        return json.loads(index.content)["manifests"]

    def add(self, *entries, between=()):
        """Add; the acts of `between` happen in the pauses, one each."""
        acts = list(between)

        def pause():
            self.pauses.append(1)
            if acts:
                acts.pop(0)()

        return referrers_tag.add(self.client, self.pusher, "app", self.subject, entries, pause=pause)

    def naively(self, *entries):
        """What a client writes that read the tag before anybody."""
        return lambda: self.author.fallback(self.image, entries)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_first_entry_makes_the_index(place):
    entry = place.referrer("mine")
    assert place.add(entry).writes == 1
    assert place.listed() == [entry]


def test_entries_of_others_stay_as_they_are_and_in_their_order(place):
    others = [place.referrer("b"), place.referrer("a") | {"odd": {"kept": True}}]
    place.author.push(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": others, "annotations": {"kept": "too"}},
        tags=place.subject.fallback_tag,
    )
    mine = [place.referrer("mine"), place.referrer("second")]
    assert place.add(*mine).restored == ()
    assert place.listed() == [*others, *mine]
    index = json.loads(place.client.manifest("app", place.subject.fallback_tag).content)
    assert index["annotations"] == {"kept": "too"}


def test_what_is_listed_is_not_written_again(place):
    entry = place.referrer("mine")
    place.add(entry)
    before = len(place.quirks.asked("PUT"))
    assert place.add(entry).writes == 0
    assert len(place.quirks.asked("PUT")) == before


def test_an_entry_that_another_writer_lost_is_put_back_with_theirs(place):
    theirs, mine = place.referrer("theirs"), place.referrer("mine")
    assert place.add(mine, between=[place.naively(theirs)]).writes == 2
    assert place.listed() == [theirs, mine]


def test_entries_of_others_that_got_lost_meanwhile_are_put_back_and_told(place):
    early, late, mine = place.referrer("early"), place.referrer("late"), place.referrer("mine")
    place.add(early)
    updated = place.add(mine, between=[place.naively(late)])
    assert {entry["digest"] for entry in place.listed()} == {entry["digest"] for entry in (early, late, mine)}
    assert [str(digest) for digest in updated.restored] == [early["digest"]]


def test_what_somebody_removed_on_purpose_does_not_come_back(place):
    removed, mine = place.referrer("removed"), place.referrer("mine")
    place.add(removed)

    def remove():
        place.registry.store.delete_manifest("app", removed["digest"])
        place.naively(mine)()

    assert place.add(mine, between=[remove]).restored == ()
    assert place.listed() == [{name: value for name, value in mine.items() if name != "annotations"} | mine]


def test_others_who_replace_it_every_time_are_named_and_not_fought_for_ever(place):
    mine, theirs = place.referrer("mine"), place.referrer("theirs")
    with pytest.raises(RegistryError, match="written 8 times") as caught:
        place.add(mine, between=[place.naively(theirs)] * 20)
    assert caught.value.code == "contended"
    assert len(place.pauses) == referrers_tag.TRIES


def test_a_registry_that_honours_the_condition_is_read_again(place):
    """If-Match fails as long as somebody wrote since we read; what they wrote is kept."""
    theirs, mine = place.referrer("theirs"), place.referrer("mine")

    def refuse(app, environ, start_response):
        place.naively(theirs)()
        return reply("412 Precondition Failed")(app, environ, start_response)

    place.author.fallback(place.image, [])
    place.quirks.break_(f"PUT .*{place.subject.fallback_tag}", refuse, times=1)
    assert place.add(mine).writes == 2
    assert place.listed() == [theirs, mine]


IMMUTABLE = [
    ("409 Conflict", b""),
    ("412 Precondition Failed", b'{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}'),
    ("412 Precondition Failed", b'{"errors":[{"code":"PRECONDITION","message":"a rule"}]}'),
    ("400 Bad Request", b'{"errors":[{"code":"TAG_INVALID","message":"the tag cannot be overwritten"}]}'),
]


@pytest.mark.parametrize(("status", "body"), IMMUTABLE)
def test_a_rule_against_replacing_tags_is_told_with_the_tags_to_exempt(place, status, body):
    place.author.fallback(place.image, [place.referrer("theirs")])
    place.quirks.break_(f"PUT .*{place.subject.fallback_tag}", reply(status, body, "application/json"))
    with pytest.raises(RegistryError, match=r"Exempt tags that match sha256-\*") as caught:
        place.add(place.referrer("mine"))
    assert caught.value.code == "immutable"
    assert len(place.quirks.asked("PUT")) <= 2


def test_a_tag_that_names_an_image_is_left_alone(place):
    place.author.image("squatter", tags=place.subject.fallback_tag)
    with pytest.raises(ManifestError, match="names no OCI index"):
        place.add(place.referrer("mine"))
    assert not place.quirks.asked("PUT")


@pytest.mark.parametrize("listed", [{}, ["x"], [{"digest": 1}], [{"size": 1}]])
def test_an_index_that_cannot_be_read_is_not_written_over(listed):
    pusher, reader = None, Client(lambda *_, **__: answer(200, {"manifests": listed} if listed else [], INDEX), BASE)
    with pytest.raises(ManifestError, match="no descriptors"):
        referrers_tag.add(reader, pusher, "app", Digest.of(b"x"), [{"digest": "sha256:1"}], pause=lambda: None)


def test_an_index_that_nobody_could_read_any_more_is_not_written(place):
    long = "x" * (referrers_tag.LARGEST - 300)
    place.author.fallback(place.image, [place.referrer("theirs") | {"annotations": {"long": long}}])
    with pytest.raises(LimitError, match="at most 3500000"):
        place.add(place.referrer("mine"))
    assert not place.quirks.asked("PUT")


@pytest.mark.parametrize("pattern", ["GET .*/manifests/sha256-", "PUT .*/manifests/sha256-"])
def test_a_registry_that_fails_while_another_writes_the_tag_is_asked_again(place, pattern):
    """Docker's registry answers 500 in the moment in which another request replaces the tag."""
    theirs, mine = place.referrer("theirs"), place.referrer("mine")
    place.author.fallback(place.image, [theirs])
    place.quirks.break_(pattern, reply("500 Internal Server Error"), times=2)
    place.add(mine)
    assert place.listed() == [theirs, mine]


def test_a_registry_that_fails_while_the_tag_is_read_gets_nothing_written(place):
    place.author.fallback(place.image, [place.referrer("theirs")])
    place.quirks.break_(f"GET .*{place.subject.fallback_tag}", reply("503 Service Unavailable"))
    with pytest.raises(RegistryError, match="503"):
        place.add(place.referrer("mine"))
    assert not place.quirks.asked("PUT")


def test_a_registry_that_never_takes_the_tag_is_told_as_it_says(place):
    place.quirks.break_(f"PUT .*{place.subject.fallback_tag}", reply("503 Service Unavailable"))
    with pytest.raises(RegistryError, match="503"):
        place.add(place.referrer("mine"))
    assert len(place.quirks.asked("PUT")) == referrers_tag.TRIES
