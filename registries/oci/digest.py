"""Digests: `algorithm:encoded` (image-spec, descriptor.md), of which we accept what we can check."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Self

from registries.oci.errors import DigestError

ENCODED = {  # sha384 is no algorithm of the image-spec, but notation names blobs by it
    "sha256": re.compile(r"[a-f0-9]{64}", re.ASCII),
    "sha384": re.compile(r"[a-f0-9]{96}", re.ASCII),
    "sha512": re.compile(r"[a-f0-9]{128}", re.ASCII),
}
HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_ANY_ALGORITHM = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The name of some bytes, made from the bytes."""

    algorithm: str
    encoded: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """The digest that a text spells in its one lawful spelling."""
        if not isinstance(text, str):
            raise DigestError("a digest is a text such as sha256:<64 hexadecimal digits>")
        algorithm, _, encoded = text[:200].partition(":")
        pattern = ENCODED.get(algorithm)
        if pattern and len(text) <= 200 and pattern.fullmatch(encoded):
            return cls(algorithm, encoded)
        if not pattern and len(text) <= 200 and _ANY_ALGORITHM.fullmatch(text):
            raise DigestError(
                f"the digest algorithm {algorithm[:40]} is not supported ({', '.join(ENCODED)} are)",
                code="unsupported_algorithm",
            )
        raise DigestError(f"{text[:100]!a} is not a digest such as sha256:<64 lower-case hexadecimal digits>")

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Self:
        if algorithm not in ENCODED:
            raise DigestError(f"the digest algorithm {algorithm!a} is not supported", code="unsupported_algorithm")
        return cls(algorithm, HASHES[algorithm](content).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"

    def matches(self, content: bytes) -> bool:
        return hmac.compare_digest(HASHES[self.algorithm](content).hexdigest(), self.encoded)

    @property
    def short(self) -> str:
        return self.encoded[:12]

    @property
    def fallback_tag(self) -> str:
        """The tag of the referrers index where there is no referrers API (distribution-spec, Referrers Tag Schema)."""
        return f"{self.algorithm[:32]}-{self.encoded[:64]}"

    @property
    def untruncated_fallback_tag(self) -> str:
        """The same tag as oras-go and go-containerregistry write it; differs from the specification's for sha512."""
        return f"{self.algorithm}-{self.encoded}"
