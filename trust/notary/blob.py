"""A blob: bytes outside of any registry, with a signature in a file of its own."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Self

from registries.oci.digest import Digest
from trust.notary.algorithms import BY_NAME
from trust.notary.errors import UnsupportedError, quote
from trust.notary.evidence import Evidence
from trust.notary.media_types import COSE, JWS

HASHES = tuple(dict.fromkeys(algorithm.hash.name for algorithm in BY_NAME.values()))
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:; ?{_WORD}={_WORD})?", re.ASCII)
FORMATS = {"jws": JWS, "cose": COSE}


@dataclass(frozen=True, slots=True)
class Blob:
    """What is known of a blob: digests, at most one an algorithm, its size, and its media type if anybody says so."""

    digests: tuple[Digest, ...]
    size: int
    media_type: str = ""

    @classmethod
    def read(cls, chunks: Iterable[bytes], algorithms: Iterable[str] = HASHES, media_type: str = "") -> Self:
        """The blob whose bytes come in chunks, none of which is kept."""
        hashes = {name: hashlib.new(name) for name in algorithms}
        size = 0
        for chunk in chunks:
            size += len(chunk)
            for one in hashes.values():
                one.update(chunk)
        return cls(tuple(Digest(name, one.hexdigest()) for name, one in hashes.items()), size, media_type)

    def digest_by(self, algorithm: str) -> Digest | None:
        return next((digest for digest in self.digests if digest.algorithm == algorithm), None)

    def describe(self, algorithm: str) -> str:
        """The blob in words, by its digest of that algorithm if it is known."""
        known = self.digest_by(algorithm)
        digests = (known,) if known else self.digests
        return ", ".join(filter(None, (*map(str, digests), f"{self.size} bytes", self.media_type)))


def hash_of(evidence: Evidence) -> str:
    """The algorithm by which a signature names its blob: that of the signature itself. SHA-256 where none holds."""
    return BY_NAME[evidence.signed.algorithm].hash.name if evidence.signed else "sha256"


def envelope_type(file_name: str) -> str:
    """The media type that a signature file's name tells, as notation reads it: NAME.jws.sig or NAME.cose.sig."""
    parts = PurePath(file_name).name.split(".")
    found = FORMATS.get(parts[-2].lower()) if len(parts) > 2 and parts[-1].lower() == "sig" else None
    if found is None:
        raise UnsupportedError(f"{quote(file_name)} does not tell its format: call it NAME.jws.sig or NAME.cose.sig")
    return found


def is_media_type(text: str) -> bool:
    """Whether the text is `type/subtype`, perhaps with one parameter."""
    return len(text) <= 255 and _MEDIA_TYPE.fullmatch(text) is not None
