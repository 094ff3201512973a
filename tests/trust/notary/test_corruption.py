"""Damage: of a good envelope every byte is changed and every length is cut, and only honest evidence comes out."""

import base64
import functools
import json

import cbor2
import pytest

from tests.trust.notary.making import VECTORS, make_cose, make_jws, sound_chain
from tests.trust.notary.synthetic import document, statement
from trust.notary.certificates import read_certificates
from trust.notary.errors import NotaryError
from trust.notary.evidence import examine
from trust.notary.media_types import COSE, JWS
from trust.notary.trust_policy import TrustPolicy

GOOD_JWS = (VECTORS / "envelopes" / "jws-control.jws.json").read_bytes()
GOOD_COSE = (VECTORS / "envelopes" / "cose-control.cose").read_bytes()
BITS = (0x01, 0x20, 0x80)
TOKEN, AGENT = "io.cncf.notary.timestampSignature", "io.cncf.notary.signingAgent"


def mutants(content):
    """Each byte changed in some of its bits, with its position."""
    for position in range(len(content)):
        for bit in BITS:
            yield position, content[:position] + bytes([content[position] ^ bit]) + content[position + 1 :]


@functools.cache
def examined(content, media_type):
    """Each mutant's evidence, with the position of the change and the mutant."""
    return [(position, mutant, examine(mutant, media_type)) for position, mutant in mutants(content)]


@pytest.mark.parametrize(("content", "media_type"), [(GOOD_JWS, JWS), (GOOD_COSE, COSE)])
def test_a_changed_byte_breaks_integrity_unless_nothing_that_is_signed_changed(content, media_type):
    sound = examine(content, media_type)
    assert sound.integrity is None
    holds = 0
    for position, mutant, evidence in examined(content, media_type):
        if evidence.integrity is None:
            holds += 1
            assert (evidence.signed, evidence.chain) == (sound.signed, sound.chain), position
            assert signed_bytes(mutant, media_type) == signed_bytes(content, media_type), position
        else:
            assert evidence.signed is None
    assert 0 < holds < len(content)


def signed_bytes(content, media_type):
    """What the signature covers, the signature, and the decoded chain: none of it may differ."""
    if media_type == JWS:
        document = json.loads(content)
        chain = [base64.b64decode(text) for text in document["header"]["x5c"]]
        return document["protected"], document["payload"], document["signature"], chain
    protected, unprotected, payload, signature = cbor2.loads(content).value
    return protected, payload, signature, unprotected[33]


def test_in_a_jws_only_what_notation_ignores_may_change():
    document = json.loads(GOOD_JWS)
    agent = document["header"][AGENT]
    ignored = place_of(AGENT) | place_of(agent)  # under another name it is no agent
    for text in document["header"]["x5c"]:  # the bits that the last character has too many
        ignored |= {GOOD_JWS.index(text.encode()) + len(text.rstrip("=")) - 1} if text.endswith("=") else set()
    for position, mutant, evidence in examined(GOOD_JWS, JWS):
        if evidence.integrity is None:
            assert position in ignored, (position, mutant[position])


def test_in_a_cose_only_what_notation_ignores_may_change():
    agent = cbor2.loads(GOOD_COSE).value[1][AGENT]
    ignored = place_of(AGENT, GOOD_COSE) | place_of(agent, GOOD_COSE)
    ignored |= {GOOD_COSE.index(agent.encode()) - 1}  # its type: bytes are no agent
    for position, mutant, evidence in examined(GOOD_COSE, COSE):
        if evidence.integrity is None:
            assert position in ignored, (position, mutant[position])


def place_of(text, content=GOOD_JWS):
    assert content.count(text.encode()) == 1
    start = content.index(text.encode())
    return set(range(start, start + len(text)))


@pytest.mark.parametrize(("content", "media_type"), [(GOOD_JWS.rstrip(), JWS), (GOOD_COSE, COSE)])
def test_a_cut_envelope_never_holds(content, media_type):
    for length in range(len(content)):
        evidence = examine(content[:length], media_type)
        assert evidence.integrity.kind == "failed"
        assert evidence.signed is None


@pytest.mark.parametrize(("content", "media_type"), [(GOOD_JWS, JWS), (GOOD_COSE, COSE)])
def test_a_byte_more_or_less_anywhere_changes_nothing_that_is_signed(content, media_type):
    sound = examine(content, media_type)
    for position in range(0, len(content), 3):
        for mutant in (
            content[:position] + content[position + 1 :],
            content[:position] + content[position : position + 1] + content[position:],
            content[:position] + b"\x00" + content[position:],
        ):
            evidence = examine(mutant, media_type)
            assert evidence.integrity or (evidence.signed, evidence.chain) == (sound.signed, sound.chain)


@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_a_damaged_token_or_agent_never_touches_integrity(make, media_type):
    token = b"token" if media_type == COSE else base64.b64encode(b"token").decode()
    with_token = examine(make(unprotected={TOKEN: token, AGENT: "other"}), media_type)
    assert with_token.integrity is None
    assert (with_token.unverified_timestamp_token, with_token.unverified_signing_agent) == (b"token", "other")


def test_parts_of_two_good_envelopes_do_not_fit_together():
    one, two = json.loads(make_jws()), json.loads(make_jws(payload=b'{"a":1}'))
    for name in ("payload", "protected", "signature"):
        if one[name] != two[name]:
            mixed = json.dumps(one | {name: two[name]}).encode()
            assert examine(mixed, JWS).integrity.code == "signature_invalid"


CERTIFICATE, POLICY = sound_chain()[0], document(statement(trustedIdentities=["x509.subject: C=DE, ST=BE, O=Acme"]))
PEM = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(CERTIFICATE) + b"-----END CERTIFICATE-----\n"
READERS = pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (lambda content: [one.der for one in read_certificates(content)], CERTIFICATE, "certificate"),
        (lambda content: [one.der for one in read_certificates(content)], PEM, "PEM file"),
        (lambda content: TrustPolicy.parse(content).statements, POLICY, "policy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)


@READERS
def test_a_changed_byte_of_a_certificate_or_policy_is_read_otherwise_or_refused_by_an_error_of_ours(
    read, content, said
):
    refused = 0
    for position, mutant in mutants(content):
        try:
            read(mutant)
        except NotaryError as error:
            refused += 1
            assert str(error).isprintable(), (said, position)
    assert refused > len(content) // 10  # many change a name or a number only


@READERS
def test_a_certificate_or_policy_that_was_cut_is_refused(read, content, said):
    for length in range(len(content.rstrip())):
        with pytest.raises(NotaryError):
            read(content[:length])
