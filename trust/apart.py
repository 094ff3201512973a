"""Large CRLs are read in a process of their own, which may use only so much memory and time.

`python -m trust.apart` is that process: a line of JSON and the bytes come in, a line of JSON goes out.
"""

import json
import math
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from trust.answer_json import answer_from_json, answer_to_json
from trust.notary import crl
from trust.notary.certificates import Certificate
from trust.notary.errors import RevocationError
from trust.notary.revocation import Answer

LARGE = 1 << 20
MEMORY = 1 << 29
SECONDS = 30
NO_SECRETS = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
ROOT = Path(__file__).resolve().parents[1]


def examine_crl(
    base: bytes,
    delta: bytes | None,
    url: str,
    issuer: Certificate,
    certificates: Sequence[Certificate],
    collected_at: datetime,
) -> Answer:
    """`crl.examine`, where it matters in a process of its own; raises RevocationError."""
    if len(base) + len(delta or b"") <= LARGE:
        return crl.examine(base, delta, url, issuer, certificates, collected_at)
    fields = {
        "delta": None if delta is None else len(delta),
        "url": url,
        "issuer": issuer.der.hex(),
        "certificates": [certificate.der.hex() for certificate in certificates],
        "collected_at": collected_at.isoformat(),
    }
    return answer_from_json(_in_child("examine", fields, base + (delta or b"")))


def delta_urls(content: bytes) -> tuple[str, ...]:
    """Where the delta to a CRL lies; raises RevocationError if that cannot be read."""
    if len(content) <= LARGE:
        return crl.RevocationList.read(content).delta_urls
    return tuple(_in_child("delta_urls", {}, content))


def _in_child(task: str, fields: Mapping[str, object], content: bytes) -> Any:
    command = [sys.executable, "-m", "trust.apart", str(MEMORY), str(SECONDS)]
    head = json.dumps({"task": task, **fields}).encode() + b"\n"
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=ROOT, env=NO_SECRETS, input=head + content, capture_output=True, timeout=SECONDS, check=True
        )
        got = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise RevocationError("the CRL takes more memory or time than it may", code="limit") from error
    if "error" in got:
        raise RevocationError(got["error"], code=got["code"])
    return got["result"]


def _main() -> None:
    memory, seconds = int(sys.argv[1]), math.ceil(float(sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    fields = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    try:
        result = _delta_urls(content) if fields["task"] == "delta_urls" else _examine(fields, content)
        print(json.dumps({"result": result}))  # noqa: T201 - the answer
    except RevocationError as error:
        print(json.dumps({"error": str(error), "code": error.code}))  # noqa: T201 - the answer


def _delta_urls(content: bytes) -> list[str]:
    return list(crl.RevocationList.read(content).delta_urls)


def _examine(fields: dict[str, Any], content: bytes) -> dict[str, Any]:
    split = len(content) - (fields["delta"] or 0)
    certificates = [Certificate.parse(bytes.fromhex(der)) for der in fields["certificates"]]
    answer = crl.examine(
        content[:split],
        None if fields["delta"] is None else content[split:],
        fields["url"],
        Certificate.parse(bytes.fromhex(fields["issuer"])),
        certificates,
        datetime.fromisoformat(fields["collected_at"]),
    )
    return answer_to_json(answer)


if __name__ == "__main__":
    _main()
