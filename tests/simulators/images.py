"""Content for a registry: images, indexes, and whatever refers to them."""

import hashlib
import json

from registries.oci.digest import Digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SIGNATURE = "application/vnd.cncf.notary.signature"
JWS = "application/jose+json"
SPDX = "application/spdx+json"
SARIF = "application/sarif+json"


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def descriptor(content, media_type=MANIFEST, **more):
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


class Author:
    """Writes content into one repository of a registry."""

    def __init__(self, registry, repository="team/app"):
        self.registry = registry
        self.repository = repository

    def blob(self, content):
        self.registry.put_blob(self.repository, content)
        return content

    def push(self, fields, *, tags=(), media_type=None):
        """Store a manifest; answers its bytes."""
        content = json.dumps(fields).encode()
        self.registry.put_manifest(
            self.repository, content, media_type or fields["mediaType"], tags=[tags] if isinstance(tags, str) else tags
        )
        return content

    def image(self, name="image", *, tags=(), **more):
        config = self.blob(json.dumps({"architecture": "amd64", "os": "linux", "name": name}).encode())
        layer = self.blob(b"layer of " + name.encode())
        fields = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(config, CONFIG),
            "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
        }
        return self.push(fields | more, tags=tags)

    def index(self, children, *, tags=(), **more):
        """Children are (bytes, platform)."""
        entries = []
        for content, platform in children:
            media_type = json.loads(content)["mediaType"]
            entries.append(descriptor(content, media_type, platform=platform))
        return self.push({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries} | more, tags=tags)

    def referrer(self, subject, blob=b"{}", *, artifact_type=SPDX, tags=(), **more):
        """An artifact of one blob that refers to a subject (bytes of its manifest; None: to nothing)."""
        self.blob(blob)
        self.blob(b"{}")
        fields = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(b"{}", EMPTY),
            "layers": [descriptor(blob, artifact_type)],
        }
        if subject is not None:
            fields["subject"] = descriptor(subject, json.loads(subject)["mediaType"])
        return self.push(fields | more, tags=tags)

    def signature(self, subject, envelope=b'{"payload":"","signature":""}', **more):
        return self.referrer(
            subject, envelope, artifact_type=SIGNATURE, **({"layers": [descriptor(self.blob(envelope), JWS)]} | more)
        )

    def fallback(self, subject, entries, *, tag=None):
        """The index of the referrers tag schema; entries are manifests' bytes or whole descriptors."""
        listed = []
        for entry in entries:
            if isinstance(entry, bytes):
                fields = json.loads(entry)
                entry = descriptor(entry, fields["mediaType"], artifactType=fields.get("artifactType", ""))
            listed.append(entry)
        name = tag or Digest.of(subject).fallback_tag
        return self.push({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}, tags=name)
