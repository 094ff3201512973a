"""Legacy signatures of indexed artifacts: shown where they are listed, counted nowhere, never green."""

import json
import re

import pytest
from django.urls import reverse

from registries.models import Content, Served
from registries.oci.digest import Digest
from registries.oci.media_types import NOTARY_ALPHA, NV2_SIGNATURE, ORAS_ARTIFACT
from tests.dashboard.rows import make_person
from tests.trust.legacy.making import ALPHA_9, alpha_envelope, nv2_token, signer
from tests.trust.seeding import IMAGE, Place, descriptor, publish, statement
from trust.legacy_signatures import MOST, stored_legacy
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    publish(statement(stores=["ca:old"]), files={("ca", "old", "root.crt"): signer().chain[-1]})
    return Place()


def attach_nv2(place, image, *, kept=True, token=None, **claims):
    token = token or nv2_token(signer(), descriptor(image) | claims)
    if kept:
        place.keep(token)
    config = {"mediaType": NV2_SIGNATURE, "digest": str(Digest.of(token)), "size": len(token)}
    return attach(place, image, {"mediaType": IMAGE, "config": config, "layers": []})


def attach_alpha(place, image, **fields):
    envelope = alpha_envelope(signer(), {"subject": descriptor(image), "iat": 1}, ALPHA_9)
    place.keep(envelope)
    blob = {"mediaType": "application/jose+json", "digest": str(Digest.of(envelope)), "size": len(envelope)}
    fields = {"mediaType": ORAS_ARTIFACT, "artifactType": NOTARY_ALPHA, "blobs": [blob]} | fields
    return attach(place, image, fields)


def attach(place, image, fields):
    content = json.dumps({"schemaVersion": 2, "subject": descriptor(image)} | fields).encode()
    return place.put(content, is_artifact=False)


def test_they_are_listed_with_what_is_to_be_said_of_them(place):
    image = place.image("1.0")
    nv2, alpha = attach_nv2(place, image), attach_alpha(place, image)
    place.list(image, nv2, alpha)
    found = stored_legacy(place.spot(image))
    assert [(one.manifest, one.name) for one in found] == [
        (nv2.digest, "Legacy (nv2)"), (alpha.digest, "Legacy (notation alpha)"),
    ]  # fmt: skip
    assert [(one.outcome.word, one.outcome.reason) for one in found] == [(Word.not_checked, "legacy")] * 2
    assert [check.status for one in found for check in one.outcome.checks] == ["pass"] * 9


def test_they_make_no_artifact_green_and_are_no_signatures_for_notation(place):
    image = place.image("1.0")
    place.list(image, attach_nv2(place, image), attach_alpha(place, image))
    place.judge()
    row = place.status(image)
    assert (row.word, row.counts, row.cosign) == (Word.unsigned, {}, 0)
    judged = place.spot(image)
    assert (judged.verdict.word, judged.signatures) == (Word.unsigned, ())
    assert judged.notation.verified is False


def test_bytes_that_this_registry_never_gave_are_not_read(place):
    image = place.image("1.0")
    nv2 = attach_nv2(place, image)
    place.list(image, nv2)
    Served.objects.exclude(digest__in=[image.digest, nv2.digest]).delete()
    (found,) = stored_legacy(place.spot(image))
    assert (found.outcome.word, found.outcome.reason, found.evidence) == (Word.unknown, "envelope_missing", None)


def test_one_that_is_not_listed_any_more_is_not_shown(place):
    image, sbom = place.image("1.0"), place.image("2.0")
    attach_nv2(place, image)
    place.list(image, sbom)
    assert stored_legacy(place.spot(image)) == ()


def test_a_manifest_without_exactly_one_signature_failed(place):
    image = place.image("1.0")
    place.list(image, attach_alpha(place, image, blobs=[]))
    (found,) = stored_legacy(place.spot(image))
    assert (found.outcome.word, found.outcome.reason) == (Word.failed, "layer_count")


def test_one_odd_row_does_not_keep_the_others_from_being_shown(place):
    image = place.image("1.0")
    odd, alpha = attach_nv2(place, image), attach_alpha(place, image)
    place.list(image, odd, alpha)
    Content.objects.filter(digest=odd.digest).update(content=b"junk")
    assert [one.outcome.word for one in stored_legacy(place.spot(image))] == [Word.unknown, Word.not_checked]


def test_no_more_than_the_most_are_looked_at(place):
    image = place.image("1.0")
    token = nv2_token(signer(), descriptor(image))
    rows = [attach_alpha(place, image, annotations={"n": str(number)}) for number in range(MOST + 1)]
    place.list(image, attach_nv2(place, image, token=token), *rows)
    assert len(stored_legacy(place.spot(image))) == MOST


def test_the_sound_case_costs_no_query(place, django_assert_num_queries):
    judged = place.spot(place.signed("release", tag="1.0"))
    with django_assert_num_queries(0):
        assert stored_legacy(judged) == ()


@pytest.fixture
def reader(client):
    client.force_login(make_person())
    return client


def test_the_page_of_the_artifact_shows_them_apart(place, reader):
    image = place.image("1.0")
    hostile = attach_nv2(place, image, references=["\u202e<script>alert(1)</script>/x"])
    place.list(image, hostile)
    place.judge()
    page = reader.get(reverse("artifact", args=[place.repository.pk, image.digest])).content.decode()
    assert "Legacy (nv2)" in page
    assert "Legacy, counts for nothing" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "Also seen, not verified here" not in page
    (table,) = re.findall("<tbody>.*?</tbody>", page, re.DOTALL)
    assert "Not checked" in table
    assert "verified" not in table
    tree = reader.get(reverse("artifact_tree", args=[place.repository.pk, image.digest]))
    assert tree.status_code == 200
    target = reader.get(reverse("artifact", args=[place.repository.pk, hostile.digest]))
    assert target.headers["Location"] == reverse("artifact_manifest", args=[place.repository.pk, hostile.digest])
