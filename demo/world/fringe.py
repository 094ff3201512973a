"""What partners, data science, security and the archive keep in the registry: other levels, other schemes, hostile text."""

import json

from demo import signing, timestamping
from demo.world.builder import CREATED, OCI_INDEX, OCI_MANIFEST, Builder, rfc3339

OVERRIDE, ISOLATE = "\u202e", "\u2067"  # make what follows run from right to left


def fill(world: Builder) -> None:
    for fill_repository in (vendors, data, models, identities, sandbox, archive, scanner, policies):
        fill_repository(world)


def vendors(world: Builder) -> None:
    for version, days in (("12.0.1", 3.0), ("12.0.0", 33.0)):
        image = world.image("vendor/fjord/terminal", version, days=days)
        world.sign(image, "partner", "cose", days=days)
        world.expect(image, "verified", "verified", "signed by a partner, whom a statement of its own trusts")
    image = world.image("vendor/fjord/terminal", "11.9.9", days=50)
    world.sign(image, "release", days=50)
    world.expect(image, "untrusted", "unknown_root", "our own signature, where the partner's is wanted")

    image = world.image("vendor/northwind/labeler", "0.4", "latest", days=20)
    world.sign(image, "stranger", days=20)
    world.expect(image, "untrusted", "unknown_root", "audit level lets it pass, and still nobody knows the root")


def data(world: Builder) -> None:
    image = world.image("data/warehouse-loader", "6.2", "latest", days=4)
    world.sign(image, days=4)
    world.expect(image, "verified_with_exceptions", "revocation_logged", "good, under audit")
    image = world.image("data/warehouse-loader", "6.1", days=44)
    world.sign(image, "build", days=44)
    world.expect(image, "untrusted", "identity_mismatch", "audit level lets another identity pass")

    image = world.image("data/notebooks", "2026-11", "latest", days=6)
    world.sign(image, "RSA-3072", days=6)
    world.expect(image, "verified_with_exceptions", "revocation_logged", "good, under permissive")
    image = world.image("data/notebooks", "2025-12", days=300)
    world.sign(image, "expired", days=300)
    world.expect(
        image, "verified_with_exceptions", "authentic_timestamp_logged", "an expired certificate, which is only logged"
    )

    image = world.image("data/feature-store", "0.60", "latest", days=9)
    world.sign(image, "ocsp", days=9)
    world.expect(
        image, "verified_with_exceptions", "revocation_logged", "revocation was not asked, which is only logged"
    )


def models(world: Builder) -> None:
    image = world.image("ml/model-server", "24.10", "latest", days=3)
    world.sign(image, "service", scheme=signing.SIGNING_AUTHORITY, days=3)
    world.expect(image, "verified", "verified", "signed by a signing authority (JWS)")
    image = world.image("ml/model-server", "24.09", days=33)
    world.sign(image, "service", "cose", scheme=signing.SIGNING_AUTHORITY, days=33)
    world.expect(image, "verified", "verified", "signed by a signing authority (COSE)")
    image = world.image("ml/model-server", "24.08", days=63)
    world.sign(image, "release", days=63)
    world.expect(image, "untrusted", "no_store_for_scheme", "a person's signature, where the authority's is wanted")

    image = world.image("ml/embeddings", "3", "latest", days=2)
    world.sign(image, timestamp_token=world.stamp())
    world.expect(image, "verified", "verified", "a timestamp, where one is wanted")
    image = world.image("ml/embeddings", "2", days=22)
    world.sign(image, days=22)
    world.expect(image, "untrusted", "timestamp_missing", "no timestamp, where one is wanted")
    image = world.image("ml/embeddings", "1", days=99)
    world.sign(image, "expired", "cose", days=99, timestamp_token=world.stamp(99))
    world.expect(image, "verified", "verified", "an expired certificate that a timestamp rescues")
    image = world.image("ml/embeddings", "0.9", days=50)
    world.sign(image, days=50, timestamp_token=timestamping.make_token(world.pki.timestamper, b"", world.ago(50)))
    world.expect(image, "untrusted", "timestamp_imprint", "a timestamp that was made for another signature")
    image = world.image("ml/feature-cache", "1", "latest", days=22)
    world.sign(image, days=22)
    world.expect(image, "verified", "verified", "a timestamp is wanted only once the certificate has expired")


def identities(world: Builder) -> None:
    """Signatures that old tools list under a tag of their own, beside the referrers API."""
    image = world.image("identity/login", "4.0", "latest", days=10)
    signature = world.sign(image, days=10)
    entry = {**signature.descriptor, "artifactType": signing.SIGNATURE}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    world.manifest("identity/login", index, [image.fallback_tag])
    world.expect(image, "verified", "verified", "also listed under a tag, as notation 1 does by default")

    image = world.image("identity/sessions", "2.2", "latest", days=10)
    world.sign(image, "build", days=10)
    world.expect(image, "verified", "verified", "the statement accepts every name below its root")
    image = world.image("identity/sessions", "2.1", days=40)
    world.sign(image, "hostile", days=40)
    world.expect(image, "untrusted", "unknown_root", "a signer whose name is markup")


def sandbox(world: Builder) -> None:
    image = world.image("sandbox/prototype", "latest", "jonas-test", days=63)
    world.sign(image, "build", days=63)
    world.expect(image, "not_checked", "level_skip", "the statement skips verification")
    image = world.image("sandbox/playground", "latest", days=1)
    world.expect(image, "unsigned", "unsigned", "no signature, and none wanted")


def archive(world: Builder) -> None:
    image = world.image("archive/billing", "2019.4", "final", days=2500, docker=True)
    world.sign(image, "laptop", days=0.5)
    world.expect(image, "untrusted", "unknown_root", "a Docker image with a self-signed signature")
    image = world.image("archive/monolith", "1.0", "final", days=2000, docker=True)
    world.sign(image, "RSA-2048", "cose", days=20)
    world.expect(image, "verified_with_exceptions", "revocation_logged", "a Docker image, signed years later")


def scanner(world: Builder) -> None:
    """Text that tries to break a page, in every place where a pusher may put some."""
    repository = "security/scanner"
    image = world.image(
        repository,
        "3.0",
        "latest",
        days=2,
        annotations={
            "org.opencontainers.image.title": f"invoice{OVERRIDE}fdp.exe",
            "org.opencontainers.image.description": "<script>alert(1)</script><img src=x onerror=alert(2)>",
            "org.opencontainers.image.url": "javascript:alert(3)",
            "org.opencontainers.image.authors": f"שלום / مرحبا {ISOLATE}\u0007\u001b[31m",
            "long": "a" * 5000,
            "<b>key</b>": "{{ 7 * 7 }} {% debug %} ' OR 1=1 --",
        },
    )
    world.sign(image, metadata={"<i>note</i>": f"{OVERRIDE}<script>alert(4)</script>", "emoji": "🦺" * 50})
    world.attach(
        image,
        "application/vnd.<script>alert+json",
        b"<html><script>alert(5)</script></html>",
        layer_type="text/html",
        annotations={"org.opencontainers.image.title": f"../../etc/passwd{OVERRIDE}", CREATED: "yesterday"},
    )
    world.expect(image, "verified", "verified", "hostile text in annotations and user metadata")
    image = world.image(repository, "2.9", days=12)
    world.sign(image, "hostile", days=12)
    world.expect(image, "untrusted", "unknown_root", "hostile text in the certificate's subject")


def policies(world: Builder) -> None:
    repository = "security/policies"
    for version, days in (("v41", 3.0), ("v40", 18.0)):
        content = f"package acme.admission\n\n# {version}\ndefault allow := false\n".encode()
        fields = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": world.blob(repository, "application/vnd.cncf.openpolicyagent.config.v1+json", b"{}"),
            "layers": [world.blob(repository, "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego", content)],
            "annotations": {CREATED: rfc3339(world.ago(days))},
        }
        bundle = world.manifest(repository, fields, [version])
        world.sign(bundle, days=days)
        world.expect(bundle, "verified", "verified", "a signed policy bundle")
    report = {"generated": rfc3339(world.now), "denied": 3}
    fields = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.acme.admission-report.v1+json",
        "config": world.blob(repository, signing.EMPTY, b"{}"),
        "layers": [world.blob(repository, "application/json", json.dumps(report).encode())],
    }
    world.expect(world.manifest(repository, fields, ["report"]), "unsigned", "unsigned", "an artifact of our own type")
