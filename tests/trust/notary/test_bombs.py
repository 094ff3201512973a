"""Bombs: small inputs made to cost much. Each ends within a second and 64 MiB, in a process that could have no more.

The bombs against single rooms stand beside these rooms' other tests; here all of them go off.
"""

import functools
import json

import pytest

from tests.trust.notary import measured, test_evidence, test_timestamp_corruption
from tests.trust.notary.making import PAYLOAD_TYPE, SCHEME, TIME, base64url, make_cose, make_jws, sound_chain
from tests.trust.notary.synthetic import document, statement
from trust.notary.evidence import MAX_ENVELOPE

LEAF = sound_chain()[0]
X509 = "x509.subject:C=DE,ST=BE,O="


def policy(*statements):
    return "policy", document(*statements)


def spelling(number):
    """One of many spellings of one host name."""
    return "".join(c.upper() if number >> bit & 1 else c for bit, c in enumerate("registryacmeexample"))


def header_of(size):
    """A protected header of about that size, full of attributes."""
    return {f"attribute {number}": number for number in range(size // 24)}


POLICIES = {
    "many statements": policy(*(statement(name=f"s{n}", registryScopes=[f"r.example/a{n}"]) for n in range(5500))),
    "many statements of one name": policy(*[statement()] * 5000),
    "many identities": policy(statement(trustedIdentities=[f"{X509}{n}" for n in range(20_000)])),
    "as many identities as are taken": policy(
        *(
            statement(name=f"s{n}", registryScopes=[f"r.example/a{n}"], trustedIdentities=identities)
            for n, identities in enumerate([[f"{X509}{n},OU={n % 2}" for n in range(500)]] * 45)
        )
    ),
    "identities that differ by little": policy(
        statement(trustedIdentities=[f"{X509}a," + ",".join(f"{i}={n >> i & 1}" for i in range(9)) for n in range(500)])
    ),
    "identities of other kinds": policy(statement(trustedIdentities=[f"a:{n}" for n in range(60_000)])),
    "a long name": policy(statement(trustedIdentities=[X509 + "a" * 900_000])),
    "a long name of escapes": policy(statement(trustedIdentities=[X509 + "\\41" * 200_000])),
    "a name of many attributes": policy(
        statement(trustedIdentities=[X509 + "a," + ",".join(f"{n}=b" for n in range(80_000))])
    ),
    "a name of many blanks": policy(statement(trustedIdentities=[X509 + " " * 900_000 + "a"])),
    "many scopes": policy(statement(registryScopes=[f"r.example/a{n}" for n in range(40_000)])),
    "many spellings of one scope": policy(statement(registryScopes=[f"{spelling(n)}/a" for n in range(35_000)])),
    "a long scope": policy(statement(registryScopes=["a/" + "a-" * 400_000])),
    "a long host": policy(statement(registryScopes=["a-" * 200_000 + "." + "a." * 200_000 + "/a"])),
    "a scope of separators": policy(statement(registryScopes=["r/a" + "_" * 400_000 + "-" * 400_000])),
    "many stores": policy(statement(trustStores=[f"ca:{n}" for n in range(60_000)])),
    "many unknown members": policy(statement(**{f"x{n}": 0 for n in range(60_000)})),
    "nested": ("policy", b'{"version": "1.0", "trustPolicies": ' + b"[" * 400_000 + b"]" * 400_000 + b"}"),
    "many objects": ("policy", b'{"trustPolicies":[' + b"{}," * 300_000 + b"{}]}"),
    "a long number": ("policy", b'{"version":' + b"9" * 1_000_000 + b"}"),
    "too large": ("policy", document(statement()) + b" " * (8 << 20)),
}
PEM = b"-----BEGIN %s-----\n%s\n-----END %s-----\n"
CERTIFICATES = {
    "nothing but begins": b"-----BEGIN A-----\n" * 58_000,
    "nothing but ends": b"-----END A-----\n" * 65_000,
    "blocks of nothing": PEM % (b"A", b"", b"A") * 25_000,
    "blocks whose labels look like headers": b"-----BEGIN a:-----\n-----END a:-----\n" * 28_000,
    "headers": b"-----BEGIN A-----\n" + b"A: b\n" * 200_000 + b"-----END A-----\n",
    "headers of many blocks": (b"-----BEGIN A-----\n" + b"A: b\n" * 100 + b"-----END B-----\n") * 1900,
    "one long line": b"-----BEGIN " + b"A" * 1_000_000,
    "blanks": PEM % (b"A", b" " * 1_000_000, b"A"),
    "nested": b"\x30\x80" * 500_000,
    "lengths that lie": b"\x30\x84\xff\xff\xff\xff" * 160_000,
    "many empty elements": b"\x30\x00" * 500_000,
    "a long object identifier": LEAF.replace(bytes.fromhex("06082a8648ce3d040302"), b"\x06\x82\xff\xff" + b"\x81" * 65535),
    "one certificate many times": LEAF * (500_000 // len(LEAF)),
}  # fmt: skip
ENVELOPES = {
    "many attributes": ("jws", make_jws(header=header_of(MAX_ENVELOPE // 2))),
    "many attributes in cose": ("cose", make_cose(header=header_of(MAX_ENVELOPE // 2))),
    "a critical list that names one many times": ("jws", make_jws(header={"crit": [SCHEME] * 20_000})),
    "a critical list that names many": ("jws", make_jws(header={"crit": [f"{n}" for n in range(60_000)]})),
    "a critical list of cose that names many": ("cose", make_cose(header={2: [SCHEME, *map(str, range(60_000))]})),
    "a long payload": ("jws", make_jws(payload=b'{"targetArtifact":' + b"[" * 300_000 + b"]" * 300_000 + b"}")),
    "many annotations": ("jws", make_jws(payload=json.dumps({"a": {f"{n}": "" for n in range(50_000)}}).encode())),
    "a long time": ("jws", make_jws(header={TIME: "2026-01-01T00:00:00." + "0" * 500_000 + "Z"})),
    "a long signature": ("jws", make_jws(top={"signature": base64url(bytes(700_000))})),
    "a long type": ("jws", make_jws(header={"cty": PAYLOAD_TYPE * 10_000})),
    "too large": ("jws", b"{" * (MAX_ENVELOPE * 8)),
    "too large cose": ("cose", b"\x81" * (MAX_ENVELOPE * 8)),
}


@functools.cache
def bombs():
    """All of them, by name."""
    both = {
        f"{name} as {form}": (form, content)
        for name, content in test_evidence.BOMBS.items()
        for form in ("jws", "cose")
    }
    files = {f"certificates: {name}": ("certificates", content) for name, content in CERTIFICATES.items()}
    tokens = {f"token: {name}": ("token", make()) for name, make in test_timestamp_corruption.BOMBS.items()}
    policies = {f"policy: {name}": bomb for name, bomb in POLICIES.items()}
    return both | files | tokens | policies | ENVELOPES


@functools.cache
def told():
    return measured.defuse(bombs() | MEASURES)


MEASURES = {  # what would happen to a bomb that goes off
    "measure: memory": ("memory", b""),
    "measure: time": ("time", b""),
    "measure: error": ("error", b""),
}


def test_a_reader_that_took_more_memory_or_time_or_broke_would_be_noticed():
    assert told()["measure: memory"] == "MemoryError escaped"
    assert told()["measure: time"] == "killed (9)"
    assert told()["measure: error"] == "RecursionError escaped"


def test_every_bomb_ends_within_a_second_and_64_mebibytes_and_nothing_but_our_errors_escapes():
    assert {name: what for name, what in told().items() if what not in ("refused", "taken")} == {
        name: told()[name] for name in MEASURES
    }


def test_bombs_of_every_kind_went_off():
    kinds = [reader for reader, _ in bombs().values()]
    assert {reader: kinds.count(reader) >= 10 for reader in sorted(set(kinds))} == dict.fromkeys(
        ("certificates", "cose", "jws", "policy", "token"), True
    )


@pytest.mark.parametrize("kind", ["certificates", "policy"])
def test_a_bomb_that_is_taken_is_one_that_says_something(kind):
    """Most are refused: those that are read have a meaning, and are within the limits."""
    taken = {name for name, (reader, _) in bombs().items() if reader == kind and told()[name] == "taken"}
    assert taken <= {
        "certificates: one certificate many times",
        "policy: many statements",
        "policy: as many identities as are taken",
        "policy: identities that differ by little",
        "policy: identities of other kinds",
        "policy: a long name",
        "policy: a long name of escapes",
        "policy: a name of many attributes",
        "policy: a name of many blanks",
        "policy: many scopes",
        "policy: many spellings of one scope",
        "policy: many stores",
        "policy: many unknown members",
    }
