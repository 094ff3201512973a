"""The pages of one artifact, on real envelopes."""

import json
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from dashboard.sentences import sentence
from registries.models import Content, Listing, Presence
from tests.dashboard.rows import make_person, make_repository
from tests.trust.seeding import DAY, Place, publish, statement
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(now):
    publish(at=now)
    return Place(at=now)


def url(place, manifest, page="artifact", *more):
    return reverse(page, args=[place.repository.pk, manifest.digest, *more])


def show(client, address):
    response = client.get(address)
    assert response.status_code == 200, response
    return response.content.decode()


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.replace("<wbr>", "")))


def said(page):
    """The verdict sentence."""
    (sentence,) = re.findall(r'<p class="say">(.*?)</p>', page, re.DOTALL)
    return re.sub(r"\s+([.,;])", r"\1", text(sentence)).strip()


# -- Trust


def test_a_good_signature_makes_the_page_say_who_and_by_which_statement(place, reader):
    image = place.signed("release", tag="1.0")
    place.judge()
    page = show(reader, url(place, image))
    assert said(page) == "Verified. Signed by release-signer 03, accepted by statement release."
    assert "badge is-verified" in page
    assert "Nearest fix" not in page
    assert f"notation verify {place.repository.reference}@{image.digest}" in page


def test_a_page_that_no_worker_judged_yet_is_judged_on_the_spot(place, reader):
    image = place.signed("release", tag="1.0")
    assert said(show(reader, url(place, image))).startswith("Verified.")


def test_the_ladder_shows_value_seen_value_wanted_the_fix_and_where_notation_stops(place, reader):
    image = place.signed("build", tag="1.0")
    page = show(reader, url(place, image))
    assert said(page).startswith("Untrusted. Intact and from a trusted root, but signed by")
    before, stop, after = page.partition("notation stops here")
    assert stop
    (here,) = re.findall(r'<li class="rung [^"]* here">.*?</li>', page, re.DOTALL)
    assert "Identity" in here
    assert "<mark>OU=Build</mark>" in here
    assert "<mark>OU=Release</mark>" in here
    assert "Sign the same digest with a certificate of OU=Release." in text(here)
    assert "Expiry" in after
    assert "Identity" in before


def test_a_broken_envelope_proves_no_signer(place, reader):
    image = place.signed("release", defects=["payload changed"], tag="1.0")
    page = show(reader, url(place, image))
    assert said(page).startswith("Failed.")
    assert "Signer not proven" in page
    assert "Claims" in page
    assert "Signed by" not in text(page)


def test_the_name_of_an_impostor_is_shown_as_a_claim_wherever_it_stands(place, reader):
    image = place.signed("stranger", tag="1.0")
    place.judge()
    page = show(reader, url(place, image))
    assert said(page).startswith("Untrusted. Signed by somebody who claims to be")
    assert "Signer not proven" in page
    assert "Claims to be" in page
    assert "Why: <bdi>somebody who claims to be" in page
    assert "leaf, until" not in text(page)
    assert "claims, not proven" in page
    (signature,) = re.findall(r"/signatures/(sha256:[0-9a-f]{64})/", page)[:1]
    one = show(reader, url(place, image, "signature", signature))
    assert "<h1>Signature by somebody who claims to be" in re.sub(r"</?bdi>", "", one)
    assert "Only claimed: no trusted root vouches for these names" in one
    assert "claims " in text(show(reader, url(place, image, "artifact_tree")))


def test_an_unsigned_artifact_says_what_a_signature_would_have_to_satisfy(place, reader):
    image = place.image("1.0")
    place.list(image)
    page = show(reader, url(place, image))
    assert said(page) == "Unsigned. The registry lists no signature for this artifact."
    assert "What a signature would have to satisfy" in page
    assert "OU=Release" in page


def test_another_signature_can_be_selected(place, reader):
    image = place.signed("release", "build", tag="1.0")
    page = show(reader, url(place, image))
    assert "Why: <bdi>release-signer 03</bdi>" in page
    digests = re.findall(r"\?signature=(sha256:[0-9a-f]{64})#why", page)
    assert len(digests) == 2
    other = show(reader, url(place, image) + f"?signature={digests[1]}")
    assert "Why: <bdi>Acme Build 07</bdi>" in other
    assert said(other) == said(page)


def test_a_signature_that_nobody_listed_selects_the_best(place, reader):
    image = place.signed("release", tag="1.0")
    page = show(reader, url(place, image) + "?signature=sha256:" + "0" * 64)
    assert "Why: <bdi>release-signer 03</bdi>" in page


def test_without_a_policy_a_signed_artifact_is_not_checked(now, reader):
    place = Place(at=now)
    image = place.signed("release", tag="1.0")
    page = show(reader, url(place, image))
    assert said(page).startswith("Not checked. No trust policy has been uploaded yet")
    assert "badge is-verified" not in page


def test_what_was_never_listed_is_unknown(place, reader):
    image = place.image("1.0")
    page = show(reader, url(place, image))
    assert said(page).startswith("Unknown.")
    assert "Never listed" in page


def test_an_aged_listing_takes_green_away(place, reader):
    image = place.signed("release", tag="1.0")
    Listing.objects.update(checked_at=timezone.now() - timedelta(days=2))
    page = show(reader, url(place, image))
    assert said(page).startswith("Stale.")
    assert 'class="badge is-stale"' in page.partition("Signatures")[0]


def test_what_is_stale_is_not_said_to_be_green_until_later(place, reader):
    image = place.signed("release", tag="1.0")
    assert "Green until" in show(reader, url(place, image))
    Listing.objects.update(checked_at=timezone.now() - timedelta(days=2))
    assert "Green until" not in show(reader, url(place, image))


def test_a_deadline_that_passed_is_told_in_the_past():
    at = timezone.now()
    said = sentence(Word.stale, "standing")
    context = {"said": said, "word": "stale", "reason": "standing", "judged": SimpleNamespace(at=at, revision=None)}
    part = "dashboard/parts/verdict.html"
    assert "Was green until" in render_to_string(part, {**context, "green_until": at - DAY})
    assert "reen until" not in render_to_string(part, {**context, "green_until": at + DAY})


def test_a_hostile_signer_and_annotations_are_inert(place, reader):
    image = place.signed("release", tag="1.0")
    place.judge()
    manifest = image
    manifest.annotations = {"<b>bold</b>\u202e": "<script>alert(1)</script>"}
    manifest.save()
    page = show(reader, url(place, image, "artifact_manifest"))
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "U+202E" in page


@pytest.mark.parametrize("signatures", [1, 30])
def test_the_trust_tab_takes_at_most_twelve_queries_however_many_signatures(
    place, reader, django_assert_max_num_queries, signatures
):
    image = place.image("1.0")
    place.list(image, *(place.sign(image, "build", signing_time=place.at - DAY * n) for n in range(1, signatures + 1)))
    place.judge()
    reader.get(url(place, image))  # a process reads a revision once
    with django_assert_max_num_queries(12):
        reader.get(url(place, image))


def test_many_signatures_are_shown_when_asked_for(place, reader):
    image = place.image("1.0")
    place.list(image, *(place.sign(image, "build", signing_time=place.at - DAY * n) for n in range(1, 31)))
    place.judge()
    page = show(reader, url(place, image))
    assert "Show 10 more" in page
    assert show(reader, url(place, image) + "?signatures=all").count('href="?signature=sha256') == 30


# -- who may look


@pytest.mark.parametrize("page", ["artifact", "artifact_tree", "artifact_manifest", "artifact_manifest_raw"])
def test_an_artifact_of_a_foreign_repository_does_not_exist(place, client, page):
    image = place.signed("release", tag="1.0")
    place.judge()
    mine = make_repository("mine/app")
    client.force_login(make_person("jonas", everything=False, repositories=[mine]))
    assert client.get(url(place, image, page)).status_code == 404
    shared = reverse(page, args=[mine.pk, image.digest])  # a digest that one knows opens nothing
    assert client.get(shared).status_code == 404


@pytest.mark.parametrize("page", ["artifact", "artifact_tree", "artifact_manifest", "artifact_manifest_raw"])
def test_a_digest_that_was_never_there_is_no_page(place, reader, page):
    assert reader.get(reverse(page, args=[place.repository.pk, "sha256:" + "0" * 64])).status_code == 404


# -- Tree


def test_the_tree_shows_children_and_referrers_with_their_words(place, reader):
    child = place.image(is_artifact=False)
    index = place.index(child, tag="1.0")
    signature = place.sign(index)
    sbom = place.attach(child, "application/spdx+json")
    place.list(index, signature)
    place.list(child, sbom)
    place.judge()
    page = show(reader, url(place, index, "artifact_tree"))
    assert page.count('role="treeitem"') == 4
    for manifest in (index, child, signature, sbom):
        assert manifest.digest.short in page
    assert "badge is-verified" in page
    assert "Covered by index" in page
    assert reverse("signature", args=[place.repository.pk, index.digest, signature.digest]) in page


def test_a_child_that_the_registry_does_not_have_is_shown_as_absent(place, reader):
    child, absent = place.image(is_artifact=False), place.image(is_artifact=False)
    index = place.index(child, absent, tag="1.0")
    place.list(index, place.sign(index))
    Presence.objects.filter(manifest=absent).delete()
    digest = absent.digest
    absent.delete()
    page = show(reader, url(place, index, "artifact_tree"))
    assert digest.short in page
    assert "Not in the registry" in page
    assert page.count('role="treeitem"') == 4


def test_like_siblings_are_folded_and_unfold_by_a_link(place, reader):
    image = place.image("1.0")
    scans = [place.attach(image, "application/sarif+json", f"{n}") for n in range(24)]
    place.list(image, *scans)
    page = show(reader, url(place, image, "artifact_tree"))
    assert "24 scan results" in page
    assert page.count('role="treeitem"') == 2
    (link,) = {*re.findall(r'href="(\?unfold=[0-9a-f]{12}[^"]*)"', page)}
    assert show(reader, url(place, image, "artifact_tree") + link).count('role="treeitem"') == 25
    assert show(reader, url(place, image, "artifact_tree") + "?unfold=all").count('role="treeitem"') == 25


def test_both_pictures_are_drawn_and_every_node_is_a_link(place, reader):
    image = place.signed("release", "build", tag="1.0")
    page = show(reader, url(place, image, "artifact_tree"))
    pictures = re.findall(r"<svg class=\"drawn\".*?</svg>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.count("<rect") == len(re.findall(r'<a class="g-node[^"]*" href="[^"]+">', picture))
    assert "release" in pictures[1]
    assert 'class="g-edge gap"' not in pictures[1]  # the path of the best signature does not break


def test_the_signature_graph_shows_where_the_path_breaks(place, reader):
    image = place.signed("build", tag="1.0")
    page = show(reader, url(place, image, "artifact_tree"))
    assert page.count('class="g-edge gap"') == 1


def test_a_tree_takes_queries_that_do_not_grow(place, reader, django_assert_max_num_queries):
    image = place.image("1.0")
    place.list(image, place.sign(image), *(place.attach(image, "application/sarif+json", f"{n}") for n in range(40)))
    place.judge()
    reader.get(url(place, image, "artifact_tree"))
    with django_assert_max_num_queries(18):
        reader.get(url(place, image, "artifact_tree") + "?unfold=all")


# -- Manifest


def test_the_manifest_is_shown_pretty_and_handed_out_byte_for_byte(place, reader):
    image = place.image("1.0")
    exact = bytes(Content.objects.get(digest=image.digest).content)
    page = show(reader, url(place, image, "artifact_manifest"))
    assert "&quot;schemaVersion&quot;: 2" in page
    assert "The bytes have this digest" in page
    raw = reader.get(url(place, image, "artifact_manifest_raw"))
    assert raw.content == exact
    assert raw.headers["Content-Type"] == "application/octet-stream"
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"


def test_bytes_that_are_no_strict_json_are_shown_as_they_are(place, reader):
    image = place.image("1.0")
    Content.objects.filter(digest=image.digest).update(content=b'{"a": 1, "a": <script>}')
    page = show(reader, url(place, image, "artifact_manifest"))
    assert "It is not strict JSON" in page
    assert "&lt;script&gt;" in page
    assert "do not have this digest" in page


def test_bytes_that_were_not_kept_are_missed_by_name(place, reader):
    image = place.image("1.0")
    Content.objects.all().delete()
    assert "not kept" in show(reader, url(place, image, "artifact_manifest"))
    assert reader.get(url(place, image, "artifact_manifest_raw")).status_code == 404


# -- Signature


def test_the_page_of_a_signature_shows_chain_attributes_and_payload(place, reader):
    image = place.image("1.0")
    signature = place.sign(image, expiry=place.at + 30 * DAY)
    place.list(image, signature)
    page = show(reader, url(place, image, "signature", signature.digest))
    assert said(page).startswith("Verified. Signed by release-signer 03")
    for shown in ("Leaf", "Root", "In store ca:acme", "Signing scheme", "notary.x509", "Expiry", str(image.digest)):
        assert shown in page
    assert f"notation inspect {place.repository.reference}@{image.digest}" in page


def test_what_a_broken_envelope_says_is_only_claimed(place, reader):
    image = place.image("1.0")
    signature = place.sign(image, defects=["payload changed"])
    place.list(image, signature)
    page = show(reader, url(place, image, "signature", signature.digest))
    assert "Signature, signer not proven" in page
    assert "Only claimed: the envelope does not hold" in page
    assert "In store" not in page


def test_a_signature_without_an_envelope_has_a_page_too(place, reader):
    image = place.image("1.0")
    signature = place.sign(image, envelope_kept=False)
    place.list(image, signature)
    page = show(reader, url(place, image, "signature", signature.digest))
    assert said(page).startswith("Unknown.")


def test_a_signature_of_another_artifact_is_no_page(place, reader):
    image, other = place.image("1.0"), place.image("2.0")
    signature = place.sign(image)
    place.list(image, signature)
    place.list(other)
    assert reader.get(url(place, other, "signature", signature.digest)).status_code == 404


def test_a_signature_manifest_leads_to_its_signature(place, reader):
    image = place.image("1.0")
    signature = place.sign(image)
    place.list(image, signature)
    response = reader.get(url(place, signature))
    assert response.status_code == 302
    assert response.url == url(place, image, "signature", signature.digest)


@pytest.mark.parametrize("level", ["permissive", "audit", "skip"])
def test_every_level_has_a_page(now, reader, level):
    publish(statement(level=level), at=now)
    place = Place(at=now)
    image = place.signed("release", "stranger", tag="1.0")
    page = show(reader, url(place, image))
    word = {"permissive": "Verified with exceptions.", "audit": "Verified with exceptions.", "skip": "Not checked."}
    assert said(page).startswith(word[level])


def test_what_is_gone_from_the_registry_says_so(place, reader):
    image = place.signed("release", tag="1.0")
    Presence.objects.filter(manifest=image).update(until=place.at)
    place.changed()
    place.judge()
    page = show(reader, url(place, image))
    assert "No longer in the registry" in page


def test_every_page_links_its_json(place, reader):
    image = place.signed("release", tag="1.0")
    for page in ("artifact", "artifact_tree", "artifact_manifest"):
        assert reverse("api_artifact_trust", args=[place.repository.pk, image.digest]) in show(
            reader, url(place, image, page)
        )
    answer = reader.get(reverse("api_artifact_trust", args=[place.repository.pk, image.digest]))
    assert json.loads(answer.content)
    assert Word.verified in answer.content.decode()


# -- the path of trust


@pytest.mark.parametrize(
    ("signer", "options", "step"),
    [
        ("build", {}, "Store ca:acme"),
        ("stranger", {}, "Northwind Labs CA"),
        ("release", {"defects": ["payload changed"]}, "Signature"),
    ],
)
def test_the_path_of_trust_breaks_where_the_ladder_does(place, reader, signer, options, step):
    image = place.signed(signer, tag="1.0", **options)
    page = show(reader, url(place, image))
    broken = re.findall(r'<li class="broken">.*?</li>', page, re.DOTALL)
    assert step in text(broken[0])
    assert "breaks here" in broken[0]


def test_the_path_of_a_good_signature_leads_from_signature_to_repository_unbroken(place, reader):
    image = place.signed("release", tag="1.0")
    page = show(reader, url(place, image))
    assert 'class="broken"' not in page
    steps = text(page.partition('<ol class="path">')[2].partition("</ol>")[0])
    order = ["Signature", "release-signer 03", "intermediate", "root", "Store ca:acme", "Statement release", "shop/api"]
    assert [steps.index(step) for step in order] == sorted(steps.index(step) for step in order)
