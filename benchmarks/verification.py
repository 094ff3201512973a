"""Examining and judging signatures beside notation-go: the same envelopes in the same run, signatures per second of one core.

    python -m benchmarks.verification [--signatures N] [--rounds N]

RSA-2048, RSA-3072, P-256 and P-384; JWS and COSE; chains of three: once all signatures share one chain, once each has its own three
certificates. Both sides are given the bytes in memory, the policy read and the trust store loaded. Each round begins with empty
caches, as a fresh process does, and ends with every signature judged by itself. What is read of a certificate or a chain is remembered
within a round, so one that is shared is read and verified once; notation-go remembers nothing. No key is remembered: distinct
certificates that share one pay for it each time. The two take turns; of each the best round counts, in CPU time. Needs Go.
"""

import argparse
import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.certificates import KEY_TYPES, make_chain
from demo.signing import IMAGE_MANIFEST, MEDIA_TYPES, Format, make_envelope
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust.notary import certificates, remembered
from trust.notary.evidence import examine
from trust.notary.judge import Bench, Question
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores

PEERS = Path(__file__).parents[1] / "tests" / "interop" / "peers"
REPOSITORY = "registry.bench.example/team/app"
POLICY = json.dumps(
    {
        "version": "1.0",
        "trustPolicies": [
            {
                "name": "release",
                "registryScopes": [REPOSITORY],
                "signatureVerification": {"level": "strict"},
                "trustStores": ["ca:acme"],
                "trustedIdentities": ["x509.subject: C=DE, ST=BE, O=Acme GmbH"],
            }
        ],
    }
).encode()


@dataclass(frozen=True)
class Course:
    """Signatures of one kind, and the roots that they lead to."""

    media_type: str
    envelopes: Sequence[tuple[bytes, Descriptor]]
    roots: Sequence[bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signatures", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peers"
        subprocess.run(["go", "build", "-o", program, "."], cwd=PEERS, check=True)
        with subprocess.Popen([program, "time"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as notation:
            _print_table(notation, options.signatures, options.rounds)


def _print_table(notation: subprocess.Popen[str], count: int, rounds: int) -> None:
    print(
        "examined and judged one by one; a chain that is shared is verified once by Signboard, each time by notation-go"
    )
    print(f"{'signatures of one core':32} {'Signboard/s':>12} {'notation-go/s':>14} {'ratio':>7}")
    for shared, what in ((True, "one chain"), (False, "chains distinct")):
        ratios = []
        for key_type in KEY_TYPES:
            for form in MEDIA_TYPES:
                course = _make_course(key_type, form, count, shared=shared)
                ours, theirs = _race(notation, course, rounds)
                ratios.append(theirs / ours)
                line = f"{what}, {key_type}, {form}"
                print(f"{line:32} {count / ours:12.0f} {count / theirs:14.0f} {ratios[-1]:6.2f}x", flush=True)
        print(f"{what}: worst {min(ratios):.2f}x, mean {sum(ratios) / len(ratios):.2f}x")


def _make_course(key_type: str, form: Format, count: int, *, shared: bool) -> Course:
    now = datetime.now(UTC).replace(microsecond=0)
    common = make_chain(key_type, 0, now)
    envelopes: list[tuple[bytes, Descriptor]] = []
    roots: dict[bytes, None] = {}
    for number in range(count):
        signer = common if shared else make_chain(key_type, number, now)
        content = f"image {number}".encode()
        target = Descriptor(IMAGE_MANIFEST, Digest.of(content), len(content))
        envelope = make_envelope(form, target.to_json(), signer, signing_time=now - timedelta(hours=1))
        envelopes.append((envelope, target))
        roots[signer.ders[-1]] = None
    return Course(MEDIA_TYPES[form], envelopes, list(roots))


def _race(notation: subprocess.Popen[str], course: Course, rounds: int) -> tuple[float, float]:
    """The best time of each, in seconds."""
    line = _as_line(course)
    times = [(_time_ours(course), _time_theirs(notation, line)) for _ in range(rounds)]
    return min(ours for ours, _ in times), min(theirs for _, theirs in times)


def _time_ours(course: Course) -> float:
    remembered.forget()
    policy = TrustPolicy.parse(POLICY)
    roots = tuple(map(certificates.Certificate.parse, course.roots))
    stores = TrustStores.of(TrustStore("ca", "acme", roots))
    bench = Bench(policy, stores, NO_ANSWERS, datetime.now(UTC))
    began = time.process_time()
    for envelope, target in course.envelopes:
        evidence = examine(envelope, course.media_type).with_roots(stores)
        outcome = bench.judge(Question(REPOSITORY, target), evidence)
        assert outcome.verified, outcome.error
    return time.process_time() - began


def _time_theirs(notation: subprocess.Popen[str], line: str) -> float:
    assert notation.stdin is not None
    assert notation.stdout is not None
    notation.stdin.write(line)
    notation.stdin.flush()
    return float(notation.stdout.readline())


def _as_line(course: Course) -> str:
    specimens = [
        {
            "envelope": base64.b64encode(envelope).decode(),
            "mediaType": course.media_type,
            "policy": base64.b64encode(POLICY).decode(),
            "reference": f"{REPOSITORY}@{target.digest}",
            "target": target.to_json(),
        }
        for envelope, target in course.envelopes
    ]
    stores = {"ca:acme": [base64.b64encode(der).decode() for der in course.roots]}
    return json.dumps({"specimens": specimens, "stores": stores}) + "\n"


if __name__ == "__main__":
    main()
