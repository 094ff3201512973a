"""What stands beside a verdict on a page is as current as the verdict: signatures further down a tree, and covers."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.models import Role
from registries.models import Listing
from tests.dashboard.rows import make_person
from tests.trust.seeding import Place, publish
from trust.models import ArtifactStatus, Signature, Verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    publish()
    return Place(at=timezone.now())


@pytest.fixture
def reader(client):
    client.force_login(make_person("mara", Role.REVIEWER))
    return client


@pytest.fixture
def signed_sbom(place):
    """An image, its SBOM, and the SBOM's signature."""
    image = place.image("1.0")
    sbom = place.attach(image, "application/spdx+json")
    place.list(image, sbom)
    place.list(sbom, place.sign(sbom))
    place.judge()
    return image, sbom


def tree_of(reader, place, image):
    return reader.get(reverse("artifact_tree", args=[place.repository.pk, image.digest])).content.decode()


def is_green(page):
    return 'data-word="verified"' in page or ">Verified<" in page


def test_a_signature_in_a_tree_is_green_while_all_that_it_rests_on_holds(reader, place, signed_sbom):
    assert is_green(tree_of(reader, place, signed_sbom[0]))


def age_the_listing(sbom):
    Listing.objects.filter(subject=sbom.digest).update(checked_at=timezone.now() - timedelta(days=3))


def withdraw_the_signature(sbom):
    Listing.objects.filter(subject=sbom.digest).update(digests=[])


def examine_otherwise(sbom):
    Signature.objects.update(evidence_version=0)


def forget_the_listing(sbom):
    Listing.objects.filter(subject=sbom.digest).delete()


@pytest.mark.parametrize(
    "spoil", [age_the_listing, withdraw_the_signature, examine_otherwise, forget_the_listing], ids=lambda f: f.__name__
)
def test_a_signature_in_a_tree_is_green_no_longer_than_that(reader, place, signed_sbom, spoil):
    image, sbom = signed_sbom
    spoil(sbom)
    # the stored verdict is as it was, and the row of the SBOM is not what is asked about
    assert Verdict.objects.get().word == "verified"
    ArtifactStatus.objects.filter(manifest=sbom).delete()
    assert not is_green(tree_of(reader, place, image))


@pytest.fixture
def covered(place):
    child = place.image(is_artifact=False, tag="child")
    place.list(child)
    index = place.index(child, tag="1.0")
    place.list(index, place.sign(index))
    place.judge()
    ArtifactStatus.objects.update(is_artifact=True)
    return child, index


def says_covered(reader, place, child):
    urls = [
        reverse("artifacts"),
        reverse("artifact", args=[place.repository.pk, child.digest]),
        reverse("artifact_tree", args=[place.repository.pk, child.digest]),
        reverse("overview"),
    ]
    found = {url: "overed by" in reader.get(url).content.decode() for url in urls}
    rows = reader.get(reverse("api_artifacts")).json()["results"]
    return [*found.values(), any(row["covered_by"] for row in rows)]


def test_what_a_green_index_names_is_covered(reader, place, covered):
    assert says_covered(reader, place, covered[0]) == [True] * 5


def test_an_index_that_is_green_no_more_covers_nothing(reader, place, covered):
    publish()
    assert ArtifactStatus.objects.exclude(covered_by=None).exists()
    assert says_covered(reader, place, covered[0]) == [False] * 5
