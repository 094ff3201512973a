"""Payloads: members of the target descriptor that mean nothing here still have to be what they say."""

import json

import pytest

from tests.trust.notary.making import TARGET
from trust.notary.errors import EnvelopeError
from trust.notary.payload import Payload


def payload(**members):
    return json.dumps({"targetArtifact": TARGET | members}).encode()


@pytest.mark.parametrize(
    "members",
    [
        {"urls": ["https://mirror.example/a"], "data": "eyJhIjoxfQ==", "platform": {"os": "linux"}},
        {"urls": None, "data": None, "platform": None, "artifactType": None, "annotations": None},
        {"urls": [], "data": "", "platform": {}, "note": {"anything": [1]}},
        {"urls": [None], "data": "eyJh\r\nIjoxfQ==\n"},
        {"platform": {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "1", "os.features": ["a"]}},
        {"platform": {"os": None, "os.features": None, "note": 1}},
    ],
)
def test_members_that_are_of_their_types_are_taken(members):
    assert Payload.parse(payload(**members)).target.digest.encoded == "ab" * 32


@pytest.mark.parametrize(
    "members",
    [
        {"urls": "https://mirror.example/a"},
        {"urls": {}},
        {"urls": 1},
        {"urls": [1]},
        {"data": 1},
        {"data": {}},
        {"data": "not base64"},
        {"data": "YQ"},
        {"data": [97]},
        {"platform": "linux"},
        {"platform": []},
        {"platform": {"os": 0}},
        {"platform": {"os": False}},
        {"platform": {"architecture": []}},
        {"platform": {"variant": 7}},
        {"platform": {"os.version": 11}},
        {"platform": {"os.features": "win32k"}},
        {"platform": {"os.features": [1]}},
        {"platform": {"OS": 1}},
        {"Data": 1},
    ],
)
def test_a_member_of_another_type_makes_the_target_unreadable_as_in_notation(members):
    with pytest.raises(EnvelopeError) as refused:
        Payload.parse(payload(**members))
    assert refused.value.code == "payload_target"
