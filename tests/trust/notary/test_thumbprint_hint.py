"""The thumbprint annotation: noted where it names other certificates, and otherwise ignored."""

import json

import pytest

from tests.trust.notary.making import make_jws
from trust.notary.evidence import examine
from trust.notary.thumbprint_hint import LONGEST, THUMBPRINTS, thumbprint_note

EVIDENCE = examine(make_jws(), "application/jose+json")
CHAIN = [certificate.thumbprint for certificate in EVIDENCE.chain]


def note(hint, evidence=EVIDENCE):
    found = thumbprint_note({THUMBPRINTS: hint}, evidence)
    return found.code if found else ""


def test_the_envelopes_own_certificates_leaf_first_are_no_news():
    assert len(CHAIN) == 2
    assert note(json.dumps(CHAIN)) == ""
    assert thumbprint_note({}, EVIDENCE) is None


@pytest.mark.parametrize("hint", [CHAIN[::-1], CHAIN[:1], [*CHAIN, CHAIN[0]], [], ["00"], [CHAIN[0].upper(), CHAIN[1]]])
def test_other_certificates_are_noted(hint):
    assert note(json.dumps(hint)) == "thumbprint_mismatch"


@pytest.mark.parametrize(
    "hint", ["", "null", "{}", "7", "[7]", '"00"', "[" * 10_000, "\ud800", json.dumps(["0" * LONGEST])]
)
def test_what_is_no_list_of_thumbprints_is_noted(hint):
    assert note(hint) == "thumbprint_unreadable"


def test_an_envelope_without_certificates_has_nothing_to_compare():
    assert note(json.dumps(CHAIN), examine(b"junk", "application/jose+json")) == ""
