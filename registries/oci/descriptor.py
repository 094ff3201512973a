"""Descriptors: what a manifest says of something else (image-spec, descriptor.md)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Self

from registries.oci.digest import Digest
from registries.oci.errors import DigestError, ManifestError
from registries.oci.strict_json import LARGEST_INTEGER
from registries.oci.values import quickly_made

MAX_ANNOTATIONS = 256
_MEDIA_TYPE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
_PLATFORM_PART = re.compile(r"[\x20-\x7e]{0,64}", re.ASCII)
_FIELDS = frozenset({"mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"})


@quickly_made
@dataclass(frozen=True, slots=True)
class Descriptor:
    """A claim about some bytes: their digest, size and type; none of it holds before the bytes were read."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "annotations", MappingProxyType(dict(self.annotations)))

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The descriptor of a parsed JSON object."""
        fields = object_fields(value, "a descriptor", _FIELDS)
        name = fields.get("digest")
        try:
            digest = Digest.parse(name)
        except DigestError as error:
            raise ManifestError(f"a descriptor names no usable digest: {error}", code=error.code) from error
        size = fields.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_INTEGER:
            raise ManifestError(f"the descriptor of {name} has no usable size")
        return cls(
            media_type=media_type(fields.get("mediaType"), "the media type of", name),
            digest=digest,
            size=size,
            artifact_type=optional_media_type(fields.get("artifactType"), "the artifact type of", name),
            annotations=annotations(fields.get("annotations"), "the descriptor of", name),
            platform=_platform(fields.get("platform"), digest),
        )

    @classmethod
    def from_listing(cls, value: object) -> Self:
        """The descriptor of an entry in a list that anyone may add to: decoration that is malformed is dropped."""
        try:
            return cls.from_json(value)
        except ManifestError:
            if not isinstance(value, dict):
                raise
            return cls.from_json({name: value.get(name) for name in ("mediaType", "digest", "size")})

    def to_json(self) -> dict[str, object]:
        """The members that the specification has for it, without empty ones and without the platform."""
        fields: dict[str, object] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.artifact_type:
            fields["artifactType"] = self.artifact_type
        if self.annotations:
            fields["annotations"] = dict(self.annotations)
        return fields

    @property
    def may_stay_away(self) -> bool:
        """Whether it names a layer that registries and layouts need not hold (image-spec, "Non-Distributable Layers")."""
        return "nondistributable" in self.media_type or ".foreign." in self.media_type

    def same_content(self, other: "Descriptor") -> bool:
        """Whether both mean the same bytes read as the same type."""
        return (self.media_type, self.digest, self.size) == (other.media_type, other.digest, other.size)


def object_fields(value: object, what: str, known: frozenset[str]) -> dict[str, object]:
    """The members of a JSON object; refuses names that only a reader without regard to case would take for known."""
    if not isinstance(value, dict):
        raise ManifestError(f"{what} is not a JSON object")
    if value.keys() <= known:
        return value
    folded = _folded(known)
    for name in value:
        if folded.get(name.casefold(), name) != name:
            raise ManifestError(f"{what} spells {folded[name.casefold()]} as {name!a}")
    return value


@lru_cache(maxsize=16)
def _folded(known: frozenset[str]) -> Mapping[str, str]:
    return {name.casefold(): name for name in known}


def media_type(value: object, *what: object) -> str:
    """The media type; `what` is the words by which an error names it."""
    if not isinstance(value, str) or not _MEDIA_TYPE.fullmatch(value):
        raise ManifestError(f"{_joined(what)} is missing or not a media type")
    return value


def optional_media_type(value: object, *what: object) -> str:
    return "" if value is None or value == "" else media_type(value, *what)


def annotations(value: object, *what: object) -> Mapping[str, str]:
    """Annotations as they are, hostile text included; only what no database can hold is refused."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ManifestError(f"the annotations of {_joined(what)} are not a map of texts")
    if len(value) > MAX_ANNOTATIONS:
        raise ManifestError(f"{_joined(what)} has more than {MAX_ANNOTATIONS} annotations", code="too_many_annotations")
    if any("\0" in name or "\0" in text for name, text in value.items()):
        raise ManifestError(f"an annotation of {_joined(what)} holds a NUL character")
    return value


def _joined(words: Iterable[object]) -> str:
    return " ".join(map(str, words))


def _platform(value: object, digest: Digest) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict):
        raise ManifestError(f"the platform of {digest} is not a JSON object")
    parts = [value.get(name) or "" for name in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) and _PLATFORM_PART.fullmatch(part) for part in parts):
        raise ManifestError(f"the platform of {digest} is not made of short texts")
    return "/".join(parts).strip("/")
