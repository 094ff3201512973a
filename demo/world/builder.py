"""The acts by which teams fill a registry: push an image or an index, attach a document, sign."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from demo import documents, signing
from demo.pki import Pki
from demo.registry import DemoRegistry
from demo.signing import Defect, Extended, Format, Stamp
from demo.timestamping import timestamps

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CREATED = "org.opencontainers.image.created"
TITLE = "org.opencontainers.image.title"

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest in a repository, as somebody pushed it."""

    repository: str
    media_type: str
    digest: str
    size: int
    tags: tuple[str, ...] = ()
    children: tuple["Artifact", ...] = ()

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    @property
    def fallback_tag(self) -> str:
        return self.digest.replace(":", "-")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What Signboard has to say of an artifact of the sample world under its policy.

    An empty reason promises nothing: the word alone counts.
    """

    repository: str
    digest: str
    tags: tuple[str, ...]
    word: str
    reason: str
    shows: str


@dataclass(slots=True)
class Builder:
    """Fills a registry, and notes what is to be expected of each artifact."""

    registry: DemoRegistry
    pki: Pki
    now: datetime
    expectations: list[Expectation] = field(default_factory=list)

    def ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def expect(self, artifact: Artifact, word: str, reason: str, shows: str) -> Artifact:
        expectation = Expectation(artifact.repository, artifact.digest, artifact.tags, word, reason, shows)
        self.expectations.append(expectation)
        return artifact

    # pushing

    def image(
        self,
        repository: str,
        *tags: str,
        days: float = 3,
        platform: str = "linux/amd64",
        annotations: Mapping[str, str] | None = None,
        docker: bool = False,
    ) -> Artifact:
        """A small image of two layers, the lower one shared by all images of a platform."""
        version = tags[0] if tags else "untagged"
        base = documents.archive({"etc/os-release": f"PRETTY_NAME=Debian GNU/Linux 12\nPLATFORM={platform}\n"})
        own = documents.archive({"app/version": f"{repository} {version} {platform} {days}\n"})
        config = documents.image_config(repository, version, platform.split("/")[1], self.ago(days), [base, own])
        layer_type = DOCKER_LAYER if docker else OCI_LAYER
        fields: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
            "config": self.blob(repository, DOCKER_CONFIG if docker else OCI_CONFIG, config),
            "layers": [self.blob(repository, layer_type, layer) for layer in (base, own)],
        }
        if not docker:
            fields["annotations"] = {
                CREATED: rfc3339(self.ago(days)),
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.source": f"https://git.acme.example/{repository}",
                **(annotations or {}),
            }
        return self.manifest(repository, fields, tags)

    def index(
        self,
        repository: str,
        *tags: str,
        days: float = 3,
        platforms: Sequence[str] = PLATFORMS,
        extra: Sequence[Mapping[str, object]] = (),
        shows: str = "a platform of a signed index",
    ) -> Artifact:
        """A multi-arch image; its platforms carry no signature of their own, and are expected so."""
        children = [self.image(repository, days=days, platform=platform) for platform in platforms]
        for child in children:
            self.expect(child, "unsigned", "unsigned", shows)
        entries = [
            {**child.descriptor, "platform": dict(zip(("os", "architecture"), platform.split("/"), strict=True))}
            for child, platform in zip(children, platforms, strict=True)
        ]
        annotations = {CREATED: rfc3339(self.ago(days)), "org.opencontainers.image.version": tags[0]}
        fields = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [*entries, *extra],
            "annotations": annotations,
        }
        return self.manifest(repository, fields, tags, children=tuple(children))

    def chart(self, repository: str, tag: str, *, days: float = 3) -> Artifact:
        """A Helm chart."""
        config, archive = documents.chart(repository.rpartition("/")[2], tag)
        fields = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.blob(repository, "application/vnd.cncf.helm.config.v1+json", config),
            "layers": [self.blob(repository, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive)],
            "annotations": {CREATED: rfc3339(self.ago(days)), TITLE: repository.rpartition("/")[2]},
        }
        return self.manifest(repository, fields, [tag])

    def attach(
        self,
        subject: Artifact,
        artifact_type: str,
        content: bytes,
        *,
        days: float = 3,
        layer_type: str = "",
        annotations: Mapping[str, str] | None = None,
    ) -> Artifact:
        """A document that refers to an artifact of the same repository."""
        empty = self.blob(subject.repository, signing.EMPTY, b"{}")
        fields = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": empty,
            "layers": [self.blob(subject.repository, layer_type or artifact_type, content)],
            "subject": subject.descriptor,
            "annotations": {CREATED: rfc3339(self.ago(days)), **(annotations or {})},
        }
        return self.manifest(subject.repository, fields, ())

    def sbom(self, subject: Artifact, *, days: float = 3, cyclonedx: bool = False) -> Artifact:
        name = f"{subject.repository}@{subject.digest}"
        if cyclonedx:
            content = documents.cyclonedx(subject.repository, subject.digest, self.ago(days))
            return self.attach(subject, documents.CYCLONEDX, content, days=days)
        return self.attach(subject, documents.SPDX, documents.spdx(name, self.ago(days)), days=days)

    def scan(
        self, subject: Artifact, tool: Literal["grype", "trivy", "snyk"] = "grype", *, days: float = 1
    ) -> Artifact:
        """Scan results; another day's results are another document."""
        run = f"{subject.repository}/{rfc3339(self.ago(days))}"
        findings = documents.FINDINGS[: 1 + int(days * 7) % len(documents.FINDINGS)]
        media_type, content = {
            "grype": (documents.SARIF, documents.sarif(subject.repository, run, findings)),
            "trivy": (documents.TRIVY, documents.trivy(run, self.ago(days), findings)),
            "snyk": (documents.SNYK, documents.snyk(run, findings)),
        }[tool]
        return self.attach(subject, media_type, content, days=days, annotations={TITLE: f"{tool} results"})

    def provenance(self, subject: Artifact, *, days: float = 3) -> Artifact:
        content = documents.slsa(
            subject.repository, subject.digest, self.ago(days), source=f"https://git.acme.example/{subject.repository}"
        )
        return self.attach(
            subject,
            documents.IN_TOTO,
            content,
            days=days,
            annotations={"in-toto.io/predicate-type": documents.SLSA_PREDICATE},
        )

    def copy(self, artifact: Artifact, repository: str, *tags: str) -> Artifact:
        """The same manifest, and what refers to it, in another repository, as a promotion leaves it."""
        store = self.registry.store
        self._copy(artifact.digest, artifact.repository, repository, tags)
        for entry in store.referrers(artifact.repository, artifact.digest, None, "", 1000).items:
            self._copy(json.loads(entry)["digest"], artifact.repository, repository, ())
        return replace(artifact, repository=repository, tags=tags)

    def _copy(self, digest: str, source: str, repository: str, tags: Sequence[str]) -> None:
        content = self.registry.store.read(digest)
        fields = json.loads(content)
        for blob in (fields["config"], *fields["layers"]):
            self.registry.store.mount_blob(repository, blob["digest"], source)
        self.registry.put_manifest(repository, content, fields["mediaType"], tags=tags)

    # signing

    def sign(
        self,
        subject: Artifact,
        signer: str = "release",
        envelope_format: Format = "jws",
        *,
        days: float = 2,
        expires: float | None = None,
        form: Literal["legacy", "new", "artifact"] = "legacy",
        target: Artifact | None = None,
        scheme: str = signing.X509,
        attributes: Sequence[Extended] = (),
        metadata: Mapping[str, str] | None = None,
        timestamp_token: Stamp | bytes | None = None,
        shown: str = "",
        defects: Collection[Defect] = (),
        media_type: str = "",
        annotations: Mapping[str, str] | None = None,
    ) -> Artifact:
        """A signature by one of the world's signers, `days` ago; `expires` counts in days from now."""
        envelope = signing.make_envelope(
            envelope_format,
            (target or subject).descriptor,
            self.pki[signer],
            signing_time=self.ago(days),
            expiry=None if expires is None else self.ago(-expires),
            scheme=scheme,
            attributes=attributes,
            metadata=metadata,
            timestamp_token=timestamp_token,
            shown=self.pki[shown] if shown else None,
            defects=defects,
        )
        blob = self.blob(subject.repository, media_type or signing.MEDIA_TYPES[envelope_format], envelope)
        return self.attach_envelopes(subject, [blob], signer, days=days, form=form, annotations=annotations)

    def stamp(self, days: float = 2) -> Stamp:
        """What makes timestamp tokens, `days` ago."""
        return timestamps(self.pki.timestamper, self.ago(days))

    def attach_envelopes(
        self,
        subject: Artifact,
        envelopes: Sequence[Mapping[str, object]],
        signer: str = "release",
        *,
        days: float = 2,
        form: Literal["legacy", "new", "artifact"] = "legacy",
        annotations: Mapping[str, str] | None = None,
    ) -> Artifact:
        """A signature manifest over blobs that are there, or are not."""
        self.registry.put_blob(subject.repository, b"{}")
        content = signing.signature_manifest(
            subject.descriptor,
            envelopes,
            form=form,
            thumbprints=self.pki[signer].thumbprints,
            created=self.ago(days),
            annotations=annotations,
        )
        return self.put(subject.repository, content)

    # where the registry has no referrers API

    def list_by_tag(self) -> None:
        """List every referrer under the tag of its subject, as clients do where the registry does not list them."""
        for repository, subject in self.registry.store.subjects():
            page = self.registry.store.referrers(repository, subject, None, "", 10_000)
            fields = {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [json.loads(item) for item in page.items],
            }
            self.manifest(repository, fields, [subject.replace(":", "-")])

    # beneath

    def blob(self, repository: str, media_type: str, content: bytes) -> dict[str, object]:
        """The descriptor of a blob that the repository now has."""
        return {"mediaType": media_type, "digest": self.registry.put_blob(repository, content), "size": len(content)}

    def missing_blob(self, media_type: str, content: bytes) -> dict[str, object]:
        """The descriptor of a blob that no repository has."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def manifest(
        self, repository: str, fields: Mapping[str, object], tags: Sequence[str], children: tuple[Artifact, ...] = ()
    ) -> Artifact:
        return self.put(repository, json.dumps(fields, ensure_ascii=False).encode(), tags, children)

    def put(
        self, repository: str, content: bytes, tags: Sequence[str] = (), children: tuple[Artifact, ...] = ()
    ) -> Artifact:
        media_type = json.loads(content)["mediaType"]
        digest = self.registry.put_manifest(repository, content, media_type, tags=tags)
        return Artifact(repository, media_type, digest, len(content), tuple(tags), children)


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
