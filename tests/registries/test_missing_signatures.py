"""Signatures that a registry lists and does not give: shown, counted, and no reason to say more than notation would."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from demo.signing import make_envelope
from registries.models import Listing, Registry
from tests.simulators.images import SIGNATURE, descriptor, digest_of
from tests.trust.seeding import NOW, pki, publish

pytestmark = pytest.mark.django_db
GONE = b'{"this":"was never pushed"}'


def signed(old):
    """An image and a good signature of it; the registry has no referrers API, so its tag says what is listed."""
    old.at = NOW
    image = old.author.image(tags="1.0")
    target = {name: descriptor(image)[name] for name in ("mediaType", "digest", "size")}
    return image, old.author.signature(image, make_envelope("jws", target, pki()["release"], signing_time=NOW))


def verify(old):
    name = f"{Registry.objects.get().reference_name}/team/app:1.0"
    out, code = StringIO(), 0
    try:
        call_command("verify", name, "--json", "--at", old.at.isoformat(), stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, json.loads(out.getvalue())


@pytest.mark.parametrize(("first", "exit_code"), [("gone", 1), ("good", 0)])
def test_a_signature_that_is_not_to_be_had_ends_notation_when_its_turn_comes(old, first, exit_code):
    image, good = signed(old)
    entries = [descriptor(GONE, artifactType=SIGNATURE), descriptor(good, artifactType=SIGNATURE)]
    old.author.fallback(image, entries if first == "gone" else entries[::-1])
    old.index()
    publish()
    code, answer = verify(old)
    assert (code, answer["notation"]["verified"], answer["status"]) == (exit_code, not exit_code, "verified")
    assert answer["incomplete"] is True
    listed = [(one["manifest"], one["reason"], one["verified"]) for one in answer["signatures"]]
    wanted = [(digest_of(GONE), "manifest_missing", False), (digest_of(good), "verified", True)]
    assert listed == (wanted if first == "gone" else wanted[::-1])


def test_one_that_was_given_after_all_is_missing_no_more(old):
    image, good = signed(old)
    late = old.author.signature(image, b"no envelope")
    old.author.fallback(image, [descriptor(GONE, artifactType=SIGNATURE), descriptor(good, artifactType=SIGNATURE)])
    old.index()
    assert Listing.objects.get(subject=digest_of(image)).missing == [[digest_of(GONE), 0]]
    old.author.fallback(image, [descriptor(late, artifactType=SIGNATURE), descriptor(good, artifactType=SIGNATURE)])
    old.index()
    listing = Listing.objects.get(subject=digest_of(image))
    assert (listing.missing, listing.digests) == ([], [digest_of(late), digest_of(good)])


def test_what_claims_nothing_ends_nothing(old):
    image, good = signed(old)
    old.author.fallback(image, [descriptor(GONE), descriptor(good, artifactType=SIGNATURE)])
    old.index()
    publish()
    code, answer = verify(old)
    assert (code, answer["notation"]["verified"], len(answer["signatures"])) == (0, True, 1)
