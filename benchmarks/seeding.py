"""The registry that the benchmarks read: made once, with real signatures, and served by a process of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.pki import Pki
from demo.registry import DemoRegistry, running
from demo.signing import make_envelope, signature_manifest

NAME = "registry.bench.example"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "", "size": 2}
OTHERS = ("application/spdx+json", "application/sarif+json", "application/vnd.in-toto+json")
POLICY = {
    "version": "1.0",
    "trustPolicies": [
        {
            "name": "all",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:acme"],
            "trustedIdentities": ["*"],
        }
    ],
}


def build(root: Path, images: int, repositories: int) -> dict[tuple[str, str, str], bytes]:
    """`images` tagged images over `repositories`; answers the trust store files that verify the signatures."""
    now = datetime.now(UTC).replace(microsecond=0)
    pki = Pki.build(now)
    registry = DemoRegistry(root)
    with registry.batch():
        for number in range(images):
            _add_image(registry, f"team/app-{number % repositories}", number, pki, now)
    registry.close()
    files = pki.trust_stores["ca:acme"]
    return {("ca", "acme", name): content for name, content in files.items()}


def _add_image(registry: DemoRegistry, repository: str, number: int, pki: Pki, now: datetime) -> None:
    config = registry.put_blob(repository, json.dumps({"image": number}).encode())
    layer = registry.put_blob(repository, f"layer {number}".encode())
    empty = registry.put_blob(repository, b"{}")
    image = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 20},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 10}],
    }
    content = json.dumps(image).encode()
    digest = registry.put_manifest(repository, content, MANIFEST, tags=[f"1.0.{number}"])
    subject = {"mediaType": MANIFEST, "digest": digest, "size": len(content)}
    for envelope_format, media_type in (("jws", "application/jose+json"), ("cose", "application/cose")):
        envelope = make_envelope(envelope_format, subject, pki["release"], signing_time=now - timedelta(hours=1))  # type: ignore[arg-type]
        blob = {"mediaType": media_type, "digest": registry.put_blob(repository, envelope), "size": len(envelope)}
        registry.put_manifest(repository, signature_manifest(subject, [blob], created=now), MANIFEST)
    for media_type in OTHERS:
        document = json.dumps({"of": number, "type": media_type}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": media_type,
            "config": {**EMPTY, "digest": empty},
            "layers": [
                {"mediaType": media_type, "digest": registry.put_blob(repository, document), "size": len(document)}
            ],
            "subject": subject,
        }
        registry.put_manifest(repository, json.dumps(manifest).encode(), MANIFEST)


@contextmanager
def serve(root: Path) -> Iterator[str]:
    """The address of the registry while the block runs."""
    with running(root) as registry:
        yield registry.address
