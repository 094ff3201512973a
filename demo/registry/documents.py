"""What the registry reads in a manifest that is pushed: its type, what it refers to, and its descriptor."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from demo.registry.errors import StoreError
from demo.registry.names import is_digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
ORAS_ARTIFACT = "application/vnd.cncf.oras.artifact.manifest.v1+json"  # before OCI had one
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEDIA_TYPES = frozenset({INDEX, MANIFEST, ARTIFACT, ORAS_ARTIFACT, DOCKER_LIST, DOCKER_MANIFEST})

MAX_MANIFEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as the registry understands it."""

    media_type: str
    artifact_type: str
    annotations: Mapping[str, str]
    subject: str
    blobs: tuple[str, ...]
    manifests: tuple[str, ...]

    def descriptor(self, digest: str, size: int) -> str:
        """The entry of this manifest in a referrers list, as JSON."""
        fields: dict[str, object] = {"mediaType": self.media_type, "digest": digest, "size": size}
        if self.artifact_type:
            fields["artifactType"] = self.artifact_type
        if self.annotations:
            fields["annotations"] = dict(self.annotations)
        return json.dumps(fields, separators=(",", ":"))


def read_document(content: bytes, media_type: str | None) -> Document:
    """Understand a pushed manifest, or raise StoreError."""
    if len(content) > MAX_MANIFEST:
        raise StoreError(
            f"the manifest has {len(content)} bytes; at most {MAX_MANIFEST} are taken", code="SIZE_INVALID"
        )
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"the manifest is not JSON: {error}", code="MANIFEST_INVALID") from error
    if not isinstance(fields, dict):
        raise StoreError("the manifest is not a JSON object", code="MANIFEST_INVALID")
    stated = fields.get("mediaType")
    if media_type and stated and stated != media_type:
        raise StoreError(f"the manifest says {stated}, the request {media_type}", code="MANIFEST_INVALID")
    final = media_type or stated
    if final not in MEDIA_TYPES:
        raise StoreError(f"manifests of type {final} are not taken", code="MANIFEST_INVALID")
    config = fields.get("config")
    return Document(
        media_type=final,
        artifact_type=_text(fields.get("artifactType")) or _text(_object(config).get("mediaType")),
        annotations={key: value for key, value in _object(fields.get("annotations")).items() if isinstance(value, str)},
        subject=_digest(fields["subject"]) if fields.get("subject") is not None else "",
        blobs=tuple(_digest(entry) for entry in _list(fields, "layers", "blobs") + ([config] if config else [])),
        manifests=tuple(_digest(entry) for entry in _list(fields, "manifests")),
    )


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(fields: dict[str, object], *names: str) -> list[object]:
    found: list[object] = []
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, list):
            raise StoreError(f"{name} is not a list", code="MANIFEST_INVALID")
        found += value
    return found


def _digest(entry: object) -> str:
    digest = _text(_object(entry).get("digest"))
    if not is_digest(digest):
        raise StoreError("a descriptor has no valid digest", code="MANIFEST_INVALID")
    return digest
