"""notation-core-go and we, asked about the same chains with the same answers: each certificate stands alike."""

import base64
import os
import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp as library

from registries.oci.errors import RegistryError
from registries.oci.exchange import Answer as HttpAnswer
from registries.oci.exchange import Headers
from tests.simulators.revocation import (
    INVALIDITY_DATE,
    SERIAL,
    answer_of_parts,
    chain_of,
    entry,
    general_time,
    make_crl,
    make_issuer,
    make_leaf,
    make_ocsp,
    make_single,
    points,
    refusal,
    responder,
)
from tests.trust.notary.making import key_of
from trust.asking import answers_for, walks
from trust.notary.revocation import Standing, standing_of

pytestmark = pytest.mark.interop

NOW = datetime.now(UTC).replace(microsecond=0)  # notation asks no other clock
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAME = {
    "OK": Standing.good,
    "NonRevokable": Standing.no_source,
    "Revoked": Standing.revoked,
    "Unknown": Standing.unknown,
}
UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
ISSUER_SERIAL = 0x11
TIMES = {"this_update": NOW - HOUR, "next_update": NOW + DAY}
REASONS = [None, "unspecified", "keyCompromise", "superseded", "certificateHold", "removeFromCRL"]


class World:
    """One chain, drawn at random, and what lies at the addresses that it names."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.places = {}
        self.number = 0
        draw = self.random.choice
        leaf, issuer = ([self.urls(draw([0, 1, 1, 2])), self.urls(draw([0, 0, 1, 2]))] for _ in range(2))
        extensions = [points("http://r/fresh", kind=x509.FreshestCRL)] if self.random.random() < 0.05 else []
        usage = ("key_cert_sign",) if self.random.random() < 0.05 else ("key_cert_sign", "crl_sign")
        self.chain = chain_of(
            make_leaf(*leaf, extensions=extensions), make_issuer(*issuer, usage=usage, serial=ISSUER_SERIAL)
        )
        self.signed_at = NOW - draw([1, 5, 20]) * DAY if self.random.random() < 0.4 else None
        for position, (ocsp_urls, crl_urls) in enumerate((leaf, issuer)):
            for url in ocsp_urls:
                self.put(url, self.ocsp(position))
            for url in crl_urls:
                self.put(url, self.crl(position))

    def urls(self, count):
        self.number += count
        scheme = "https" if self.random.random() < 0.05 else "http"
        return [f"{scheme}://r/{self.number - index}x" for index in range(count)]

    def put(self, url, body):
        status = self.random.choice([200] * 9 + [404, 500])
        self.places[url] = (status, body)

    # -- what responders say

    def ocsp(self, position):
        below = self.chain[position:]
        key = key_of("issuing" if position == 0 else "root")
        status = self.random.choice(["good", "good", "revoked", "revoked", "unknown"])
        kinds = {
            "plain": lambda: make_ocsp(below, status, issuer_key=key, **TIMES),
            "expired": lambda: make_ocsp(below, status, issuer_key=key, this_update=NOW - DAY, next_update=NOW - HOUR),
            "endless": lambda: make_ocsp(below, status, issuer_key=key, this_update=NOW - DAY, next_update=None),
            "future": lambda: make_ocsp(below, status, issuer_key=key, this_update=NOW + HOUR, next_update=NOW + DAY),
            "delegated": lambda: make_ocsp(
                below, status, delegate=responder(purposes=self.random.choice([(), (x509.ExtendedKeyUsageOID.OCSP_SIGNING,)]),
                issuer_key="issuing" if position == 0 else "root"), **TIMES
            ),
            "foreign": lambda: make_ocsp(below, status, delegate=responder(issuer_key="p521"), **TIMES),
            "embedded": lambda: make_ocsp(below, status, issuer_key=key, embedded=[below[1].der], **TIMES),
            "forged": lambda: answer_of_parts(self.single(below, status), key=key_of("p521")),
            "undelegated": lambda: answer_of_parts(self.single(below, status), key=key, certificates=[responder()]),
            "weak": lambda: answer_of_parts(self.single(below, status), key=key, algorithm="sha1"),
            "several": lambda: answer_of_parts(
                self.single(below, status, serial=5), self.single(below, status), self.single(below, "good"), key=key
            ),
            "other": lambda: answer_of_parts(self.single(below, status, serial=5), key=key),
            "critical": lambda: answer_of_parts(self.single(below, status, extensions=[("2a0304", True, b"\x05\x00")]), key=key),
            "dated": lambda: answer_of_parts(
                self.single(below, "revoked", extensions=[(INVALIDITY_DATE, False, general_time(NOW - self.days()))]), key=key
            ),
            "undated": lambda: answer_of_parts(
                self.single(below, "revoked", extensions=[(INVALIDITY_DATE, False, b"\x05\x00")]), key=key
            ),
            "hash": lambda: answer_of_parts(self.single(below, status, hash_oid="608648016503040204"), key=key),
            "refusal": lambda: refusal(self.random.choice([s for s in library.OCSPResponseStatus if s.value])),
            "junk": lambda: b"<html>",
            "cut": lambda: make_ocsp(below, status, issuer_key=key, **TIMES)[:-5],
            "large": lambda: b"\0" * 20_481,
        }  # fmt: skip
        return kinds[self.random.choice([*kinds, "plain", "plain", "plain", "delegated", "dated"])]()

    def single(self, below, status, **options):
        return make_single(below, status, **{"next_update": NOW + DAY} | options)

    def days(self):
        return self.random.choice([2, 3, 10, 30]) * DAY

    # -- what lies at the places of CRLs

    def crl(self, position):
        name, key = (None, key_of("issuing")) if position == 0 else ("root", key_of("root"))
        options = {"key": key, "number": 7} | TIMES | ({"issuer": name} if name else {})
        entries = self.entries(position)
        kinds = {
            "plain": lambda: make_crl(*entries, **options),
            "expired": lambda: make_crl(*entries, **options | {"this_update": NOW - DAY, "next_update": NOW - HOUR}),
            "forged": lambda: make_crl(*entries, **options | {"key": key_of("p521")}),
            "named": lambda: make_crl(*entries, **options | {"issuer": "somebody else"}),
            "critical": lambda: make_crl(*entries, **options, extensions=[UNKNOWN]),
            "odd": lambda: make_crl(*entries, **options, extensions=[(UNKNOWN[0], False)]),
            "scope": lambda: make_crl(*entries, **options, extensions=[(x509.IssuingDistributionPoint(
                None, None, True, False, None, False, False), True)]),
            "delta": lambda: make_crl(*entries, **options, deltas=[self.delta(position, options)]),
            "deltas": lambda: make_crl(*entries, **options, deltas=[self.delta(position, options) for _ in "12"]),
            "only delta": lambda: make_crl(*entries, **options, base=5),
            "junk": lambda: b"<html>",
            "cut": lambda: make_crl(*entries, **options)[:-5],
        }  # fmt: skip
        return kinds[self.random.choice([*kinds, "plain", "plain", "plain", "delta", "delta"])]()

    def delta(self, position, options):
        """The address of a delta, which may or may not be there, and may or may not fit."""
        self.number += 1
        url = f"{self.random.choice(['http'] * 9 + ['https'])}://r/{self.number}d"
        changes = self.random.choice([
            {}, {}, {}, {"number": 7}, {"base": 8}, {"base": None}, {"key": key_of("p521")},
            {"this_update": NOW - DAY, "next_update": NOW - HOUR},
        ])  # fmt: skip
        body = make_crl(*self.entries(position), **options | {"number": 8, "base": 7} | changes)
        if self.random.random() < 0.85:
            self.put(url, self.random.choice([body] * 6 + [b"<html>"]))
        return url

    def entries(self, position):
        serial = SERIAL if position == 0 else ISSUER_SERIAL
        return [
            entry(
                self.random.choice([serial, serial, 5]),
                self.random.choice(REASONS),
                at=NOW - self.days(),
                invalid_since=NOW - self.days() if self.random.random() < 0.3 else None,
                extensions=[UNKNOWN] if self.random.random() < 0.05 else (),
            )
            for _ in range(self.random.choice([0, 1, 1, 2]))
        ]

    # -- both answers

    def notations(self, oracle):
        return oracle(
            do="revoked",
            certificates=[base64.b64encode(one.der).decode() for one in self.chain],
            places={
                url: {"status": status, "body": base64.b64encode(body).decode()}
                for url, (status, body) in self.places.items()
            },
            signedAt=self.signed_at.isoformat() if self.signed_at else "",
        )

    def ours(self):
        answers = answers_for([self.chain], self.send, NOW, NOW)
        assert not any(walk.missing for walk in walks(self.chain, answers, NOW))
        return [one.standing for one in standing_of(self.chain, answers, NOW, self.signed_at).certificates]

    def send(self, method, url, *, max_bytes, **options):
        found = (404, b"")
        for place, one in self.places.items():
            if url == place or url.startswith(f"{place}/"):
                found = one
        if len(found[1]) > max_bytes:
            raise RegistryError("too large", code="too_large")
        return HttpAnswer(found[0], Headers([]), found[1])


def compare(oracle, seeds):
    """The seeds whose worlds stand otherwise with us than with notation, and how often each standing came up."""
    different, seen = [], dict.fromkeys(SAME, 0)
    for seed in seeds:
        world = World(seed)
        theirs = world.notations(oracle)
        assert theirs.get("standings"), (seed, theirs)
        for name in theirs["standings"][:-1]:
            seen[name] += 1
        if [SAME[name] for name in theirs["standings"][:-1]] != (ours := world.ours()):
            different.append((seed, theirs["standings"], ours))
    return different, seen


def test_every_certificate_stands_as_with_notation(oracle):
    different, seen = compare(oracle, range(400))
    print(f"\n{seen}")
    assert different == []
    assert min(seen.values()) > 40


@pytest.mark.soak
def test_every_certificate_of_many_chains_stands_as_with_notation(oracle):
    seed = int(os.environ.get("SIGNBOARD_SOAK_SEED", "1")) * 10_000
    print(f"\nseed {seed}")
    assert compare(oracle, range(seed, seed + 10_000))[0] == []
