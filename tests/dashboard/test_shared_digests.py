"""A digest that is known from elsewhere opens nothing: not to a registry that claims it, not to a signature that names it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.models import Content, Presence
from tests.dashboard.rows import make_person
from tests.trust.seeding import DAY, Place, publish


@pytest.fixture
def theirs(db):
    """Somebody else's signed index."""
    publish()
    place = Place("team/secret", "theirs.example", at=timezone.now())
    place.child = place.image(seed="secret child")
    place.image_ = place.index(place.child, tag="1.0")
    place.signature = place.sign(place.image_, "release")
    place.list(place.image_, place.signature)
    place.judge()
    return place


@pytest.fixture
def ours(theirs):
    return Place("team/app", "ours.example", at=theirs.at)


@pytest.fixture
def reviewer(client, ours):
    client.force_login(make_person("mara", Role.REVIEWER, everything=False, repositories=[ours.repository]))
    return client


def claim(place, manifest):
    """A registry names a manifest, and does not give it when asked."""
    Presence.objects.create(repository=place.repository, manifest=manifest, since=place.at, is_artifact=True)
    place.changed()
    place.judge()


def pages(place, manifest):
    arguments = [place.repository.pk, manifest.digest]
    names = ("artifact", "artifact_tree", "artifact_manifest", "api_artifact_trust", "api_artifact_signatures")
    return [reverse(name, args=arguments) for name in names]


def test_a_claimed_digest_tells_nothing_of_the_manifest_of_others(reviewer, ours, theirs):
    claim(ours, theirs.image_)
    status = ours.status(theirs.image_)
    assert (status.word, status.reason) == ("unknown", "manifest_missing")
    for url in pages(ours, theirs.image_):
        answer = reviewer.get(url)
        assert answer.status_code == 200
        for secret in ("application/vnd.oci.image.index", theirs.child.digest.short, theirs.signature.digest.short):
            assert secret not in answer.content.decode(), url
    raw = reverse("artifact_manifest_raw", args=[ours.repository.pk, theirs.image_.digest])
    assert reviewer.get(raw).status_code == 404


def test_a_claimed_signature_has_no_page_with_its_evidence(reviewer, ours, theirs):
    claim(ours, theirs.signature)
    for url in pages(ours, theirs.signature):
        answer = reviewer.get(url)
        assert answer.status_code == 200
        for secret in (theirs.image_.digest.short, envelope_digest(theirs).short):
            assert secret not in answer.content.decode(), url


def test_a_signature_of_ones_own_shows_no_envelope_of_others(reviewer, ours, theirs):
    image = ours.image("1.0")
    signature = ours.attach_envelope(image, envelope_of(theirs), "application/jose+json", created=theirs.at - DAY)
    ours.repository.served.filter(digest=envelope_digest(theirs)).delete()
    ours.list(image, signature)
    ours.judge()
    status = ours.status(image)
    assert (status.word, status.reason, status.signer) == ("unknown", "envelope_missing", "")
    own_page = reverse("signature", args=[ours.repository.pk, image.digest, signature.digest])
    for url in (*pages(ours, image), own_page):
        assert str(theirs.image_.digest) not in reviewer.get(url).content.decode(), url


def test_an_envelope_that_was_given_after_all_is_read(ours, theirs):
    image = ours.image("1.0")
    signature = ours.sign(image)
    served = ours.repository.served.exclude(digest__in=[image.digest, signature.digest])
    digest = served.get().digest
    served.delete()
    ours.list(image, signature)
    ours.judge()
    assert ours.status(image).word == "unknown"
    ours.repository.served.create(digest=digest)
    ours.changed()
    ours.judge()
    assert ours.status(image).word == "verified"


def envelope_digest(place):
    shown = [place.image_.digest, place.signature.digest, place.child.digest]
    return place.repository.served.exclude(digest__in=shown).get().digest


def envelope_of(place):
    return bytes(Content.objects.get(digest=envelope_digest(place)).content)
