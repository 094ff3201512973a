"""Manifests: image manifests, indexes and their Docker and artifact kin (image-spec, manifest.md, image-index.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from registries.oci import media_types, strict_json
from registries.oci.descriptor import Descriptor, annotations, object_fields, optional_media_type
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError
from registries.oci.media_types import Kind, essence

MAX_MANIFEST = 4 * 1024 * 1024
_FIELDS = frozenset({
    "schemaVersion", "mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject", "annotations",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the bytes of a manifest say; its digest and size are those of the bytes."""

    digest: Digest
    media_type: str
    size: int
    artifact_type: str
    "The manifest's own, or else its config's media type (the rule of the referrers API)."
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    "Layers of an image manifest, blobs of an artifact manifest."
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str] = field(hash=False)
    kind: Kind

    @property
    def is_index(self) -> bool:
        return self.media_type in media_types.INDEXES

    @property
    def is_signature(self) -> bool:
        """Whether notation takes it for a signature: listed under that type, and in a form that notation reads."""
        forms = (media_types.OCI_MANIFEST, media_types.OCI_ARTIFACT)
        return self.artifact_type == media_types.NOTARY_SIGNATURE and self.media_type in forms

    @property
    def legacy_signature(self) -> Descriptor | None:
        """The blob that holds a signature from before notation 1.0, if this manifest attaches one."""
        if self.artifact_type == media_types.NV2_SIGNATURE:
            return self.config if self.config and self.config.media_type == media_types.NV2_SIGNATURE else None
        is_alpha = self.artifact_type == media_types.NOTARY_ALPHA and len(self.layers) == 1
        return self.layers[0] if is_alpha else None

    @property
    def blobs(self) -> list[Descriptor]:
        """What has to be where the manifest is: its config and its layers, but those that may stay away."""
        named = (*([self.config] if self.config else []), *self.layers)
        return [one for one in named if not one.may_stay_away]

    @property
    def descriptor(self) -> Descriptor:
        """How a referrers list or an index names it."""
        return Descriptor(self.media_type, self.digest, self.size, self.artifact_type, self.annotations)


def parse_manifest(content: bytes, media_type: str | None = None, *, algorithm: str = "sha256") -> Manifest:
    """The manifest in the bytes; `media_type` is what the registry or a descriptor called it, None if nobody did."""
    if len(content) > MAX_MANIFEST:
        raise LimitError(f"the manifest has {len(content)} bytes; at most {MAX_MANIFEST} (4 MiB) are read")
    try:
        value = strict_json.loads(content)
    except strict_json.StrictJsonError as error:
        raise ManifestError(f"the manifest is not JSON that we accept: {error}", code="not_json") from error
    fields = object_fields(value, "the manifest", _FIELDS)
    _refuse_two_meanings(fields)
    type_ = _agreed_type(fields, media_type)
    _check_schema_version(fields, type_)
    return _read(fields, type_, Digest.of(content, algorithm), len(content))


def _read(fields: dict[str, object], type_: str, digest: Digest, size: int) -> Manifest:
    config = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    if type_ in media_types.IMAGES:
        config = Descriptor.from_json(fields.get("config"))
        layers = _descriptors(fields, "layers")
    elif type_ in media_types.ARTIFACTS:
        layers = _descriptors(fields, "blobs")
    elif type_ in media_types.INDEXES:
        manifests = _descriptors(fields, "manifests")
    own_type = optional_media_type(fields.get("artifactType"), "the artifact type of the manifest")
    claims = MappingProxyType(dict(annotations(fields.get("annotations"), "the manifest")))
    config_type = config.media_type if config else ""
    return Manifest(
        digest=digest,
        media_type=type_,
        size=size,
        artifact_type=own_type or config_type,
        config=config,
        layers=layers,
        manifests=manifests,
        subject=None if fields.get("subject") is None else Descriptor.from_json(fields["subject"]),
        annotations=claims,
        kind=media_types.kind_of(
            type_,
            artifact_type=own_type,
            config=config_type,
            layers=[layer.media_type for layer in layers],
            annotations=claims,
            layer_annotations=[layer.annotations for layer in layers],
        ),
    )


def _refuse_two_meanings(fields: dict[str, object]) -> None:
    """One document that two readers take for two things (CVE-2021-41190)."""
    present: list[str] = [name for name in ("manifests", "layers", "blobs") if name in fields]
    if "config" in fields and "layers" not in present:
        present.append("config")
    if len(present) > 1:
        raise ManifestError(f"the manifest has both {present[0]} and {present[1]}: it could be read in two ways")


def _agreed_type(fields: dict[str, object], given: str | None) -> str:
    inner = optional_media_type(fields.get("mediaType"), "the media type of the manifest")
    outer = essence(given or "")
    if inner and outer and essence(inner) != outer:
        raise ManifestError(
            f"the manifest calls itself {inner} but is served as {outer[:100]!a}", code="media_type_mismatch"
        )
    # OCI alone lets the body leave it out; having refused mixtures, its shape is unambiguous.
    shape = media_types.OCI_INDEX if "manifests" in fields else media_types.OCI_MANIFEST
    type_ = essence(inner) or outer or shape
    if type_ not in media_types.MANIFESTS:
        raise ManifestError(f"{type_[:100]!a} is not a manifest type that we know", code="unsupported_media_type")
    is_schema1 = type_ in media_types.SCHEMA1 and fields.get("schemaVersion") == 1
    if not inner and type_ != shape and not is_schema1:  # else two registries could make two things of the same bytes
        raise ManifestError(
            f"the manifest names no media type of its own, which makes it {shape}, but is served as {type_}",
            code="media_type_mismatch",
        )
    return type_


def _check_schema_version(fields: dict[str, object], type_: str) -> None:
    expected = 1 if type_ in media_types.SCHEMA1 else 2
    version = fields.get("schemaVersion", expected)
    if type(version) is not int or version != expected:
        raise ManifestError(f"the manifest's schemaVersion is {ascii(version)[:20]}, not {expected}")


def _descriptors(fields: dict[str, object], name: str) -> tuple[Descriptor, ...]:
    values = fields.get(name)
    if values is None:
        return ()
    if not isinstance(values, list):
        raise ManifestError(f"{name} of the manifest is not a list")
    return tuple(Descriptor.from_json(value) for value in values)
