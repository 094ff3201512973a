"""What the platform, edge and tools teams keep in the registry: base images, and most of what goes wrong."""

import json

from demo import documents, signing
from demo.pki import KEY_TYPES
from demo.signing import Defect, Extended, Format
from demo.world.builder import OCI_MANIFEST, Builder


def fill(world: Builder) -> None:
    for fill_repository in (
        base_images,
        gateway,
        proxy,
        edge,
        telemetry,
        ci_runner,
        log_shipper,
        mirror,
        scheduler,
        tools,
    ):
        fill_repository(world)


def base_images(world: Builder) -> None:
    formats: tuple[Format, Format] = ("jws", "cose")
    for number, key_type in enumerate(KEY_TYPES):
        day = 4 + number * 7
        tag = f"bookworm-2026110{number + 1}"
        index = world.index("platform/base-images/debian-slim", tag, *(["bookworm"] if not number else []), days=day)
        for envelope_format in formats:
            world.sign(index, key_type, envelope_format, days=day)
        world.sbom(index)
        for scan in range(3):
            world.scan(index.children[0], "trivy", days=1 + scan)
        world.expect(index, "verified", "verified", f"signed with an {key_type} key, JWS and COSE")

    image = world.image("platform/base-images/distroless", "static", "latest", days=11)
    for key_type in KEY_TYPES:
        for envelope_format in formats:
            world.sign(image, key_type, envelope_format, days=11)
    world.expect(image, "verified", "verified", "twelve signatures: six kinds of key in both formats")

    repository = "platform/base-images/debian-slim-with-tracing-and-a-long-name"
    image = world.image(
        repository, "bookworm-20261104-with-tracing-and-a-tag-that-goes-on-and-on-for-quite-a-while", days=17
    )
    world.sign(image, days=17)
    world.sbom(image)
    world.sbom(image, cyclonedx=True)
    world.expect(image, "verified", "verified", "long names")


def gateway(world: Builder) -> None:
    repository = "edge/gateway"
    older = world.image(repository, "5.0.0", days=30)
    world.sign(older, days=30)
    world.expect(older, "verified", "verified", "the release whose signature was moved to 5.0.2")
    image = world.image(repository, "5.0.1", days=19)
    world.sbom(image)
    for number in range(12):
        world.scan(image, "grype", days=1 + number)
    world.expect(image, "unsigned", "unsigned", "twelve scan results and no signature")
    image = world.image(repository, "5.0.2", "latest", days=0.4)
    world.sign(image, target=older, days=0.3)
    world.sbom(image)
    world.expect(image, "failed", "target_mismatch", "a good signature of 5.0.0, hung on another artifact")
    index = world.index(repository, "5.1.0-rc.1", days=0.2)
    world.sign(index, days=0.2)
    for child in index.children:
        world.sign(child, days=0.2)
    world.expect(index, "verified", "verified", "an index signed together with each of its platforms")
    for number, child in enumerate(index.children):
        place = next(i for i, known in enumerate(world.expectations) if known.digest == child.digest)
        del world.expectations[place]
        world.expect(child, "verified", "verified", f"platform {number + 1} of an index, signed itself")


def proxy(world: Builder) -> None:
    broken: list[tuple[str, Format, Defect, str, str]] = [
        ("1.27.4", "jws", Defect.header_changed, "signature_invalid", "a protected header was changed (JWS)"),
        ("1.27.3", "cose", Defect.header_changed, "signature_invalid", "a protected header was changed (COSE)"),
        ("1.27.2", "jws", Defect.signature_changed, "signature_invalid", "one bit of the signature was changed (JWS)"),
        (
            "1.27.1",
            "cose",
            Defect.signature_changed,
            "signature_invalid",
            "one bit of the signature was changed (COSE)",
        ),
        ("1.27.0", "jws", Defect.truncated, "envelope_unreadable", "half of the envelope is missing (JWS)"),
        ("1.26.9", "cose", Defect.truncated, "envelope_unreadable", "half of the envelope is missing (COSE)"),
        ("1.26.8", "jws", Defect.root_left_out, "chain_without_root", "the chain ends before its root"),
        ("1.26.7", "jws", Defect.crit_missing, "critical_missing", "no header is marked critical"),
        ("1.26.6", "jws", Defect.duplicate_key, "envelope_unreadable", "a member stands in the JSON twice"),
        (
            "1.26.5",
            "jws",
            Defect.expiry_before_signing,
            "expiry_before_signing",
            "it expired at the instant it was made",
        ),
        ("1.26.4", "jws", Defect.foreign_content_type, "content_type", "what was signed is no payload of notation"),
        ("1.26.3", "jws", Defect.wrong_algorithm, "algorithm_mismatch", "the algorithm does not fit the key"),
    ]
    for number, (tag, envelope_format, defect, reason, shows) in enumerate(broken):
        image = world.image("edge/proxy", tag, *(["latest"] if not number else []), days=2 + number)
        world.sign(image, "release", envelope_format, defects=[defect], days=1 + number)
        world.expect(image, "failed", reason, shows)
    image = world.image("edge/proxy", "1.26.2", days=20)
    world.sign(image, "stranger", shown="release", days=20)
    world.expect(image, "failed", "signature_invalid", "a stranger's signature beside our certificates")


def edge(world: Builder) -> None:
    image = world.image("edge/firmware", "24.11", "latest", days=5)
    world.sign(image, days=5)
    bill = world.sbom(image, days=5)
    world.sign(bill, "release", "cose", days=5)
    world.expect(image, "verified", "verified", "image and bill of materials are both signed")
    world.expect(bill, "verified", "verified", "a signature on a bill of materials")
    image = world.image("edge/firmware", "24.10", days=36)
    world.sign(image, "unmatchable", days=36)
    world.expect(image, "untrusted", "subject_unreadable", "a certificate that no trusted identity can name")

    image = world.image("edge/kiosk", "9", "latest", days=8)
    world.sign(image, "ocsp", days=8)
    world.expect(image, "verified_with_exceptions", "revocation_skipped", "an override skips revocation")


def telemetry(world: Builder) -> None:
    """Four deep: image ← bill of materials ← signature ← note ← signature of the note."""
    image = world.image("edge/telemetry", "edge", "2026.11", days=1)
    world.sign(image, days=1)
    bill = world.sbom(image, days=1)
    signature = world.sign(bill, days=1)
    note = world.attach(
        signature,
        "application/vnd.acme.review-note.v1+json",
        json.dumps({"reviewed": signature.digest, "by": "Aiko Tanaka", "finding": "complete"}).encode(),
        days=0.5,
    )
    world.sign(note, "release-next", days=0.4)
    world.attach(image, "application/vnd.acme.unheard-of.v0+cbor", bytes(range(256)) * 4, days=1)
    world.expect(image, "verified", "verified", "a tree four deep, with a document of an unknown type")
    world.expect(bill, "verified", "verified", "a signed bill of materials that is reviewed in turn")
    world.expect(note, "verified", "verified", "a signed note about a signature")


def ci_runner(world: Builder) -> None:
    repository = "platform/ci-runner"
    image = world.image(repository, "2.320.0", days=100)
    world.sign(image, "expired", days=100)
    world.expect(image, "untrusted", "certificate_expired", "the signing certificate has expired")
    image = world.image(repository, "2.321.0", "latest", days=1)
    world.sign(image, "not-yet-valid", days=0.5)
    world.expect(image, "untrusted", "certificate_not_yet_valid", "the signing certificate is not valid yet")
    image = world.image(repository, "2.319.1", days=130)
    world.sign(image, "expired", days=130)
    world.sign(image, "release-next", "cose", days=0.3)
    world.expect(image, "verified", "verified", "signed again before the certificate expired")


def log_shipper(world: Builder) -> None:
    repository = "platform/log-shipper"
    image = world.image(repository, "0.31.0", "latest", days=3)
    world.sign(image, attributes=[Extended("com.acme.residency", "eu-only", critical=True)])
    world.expect(image, "unknown", "critical_attribute_unknown", "a critical attribute that nobody here knows")
    image = world.image(repository, "0.30.0", days=15)
    world.sign(image, envelope_format="cose", attributes=[Extended("com.acme.residency", "eu-only", critical=True)])
    world.expect(image, "unknown", "critical_attribute_unknown", "the same in COSE")
    image = world.image(repository, "0.29.0", days=25)
    world.sign(image, attributes=[Extended("com.acme.ticket", "OPS-4711")])
    world.expect(image, "verified", "verified", "an attribute that is not critical")
    image = world.image(repository, "0.28.0", days=45)
    plugin = [Extended("io.cncf.notary.verificationPlugin", "com.acme.hsm", critical=True)]
    world.sign(image, attributes=plugin, days=45)
    world.expect(image, "unknown", "plugin_needed", "asks for a verification plugin")


def mirror(world: Builder) -> None:
    """Signature manifests that are odd before any envelope is read."""
    repository = "platform/registry-mirror"
    image = world.image(repository, "1", days=1)
    world.sign(image, defects=[Defect.empty])
    world.expect(image, "failed", "envelope_empty", "the envelope is empty")
    image = world.image(repository, "2", days=2)
    jws, cose = (
        world.blob(
            repository,
            signing.MEDIA_TYPES[envelope_format],
            signing.make_envelope(
                envelope_format, image.descriptor, world.pki["release"], signing_time=world.ago(1)
            ),
        )
        for envelope_format in ("jws", "cose")
    )  # fmt: skip
    world.attach_envelopes(image, [jws, cose])
    world.expect(image, "failed", "", "two envelopes in one signature manifest")
    image = world.image(repository, "3", days=3)
    world.attach_envelopes(image, [])
    world.expect(image, "failed", "", "no envelope in the signature manifest")
    image = world.image(repository, "4", days=4)
    world.sign(image, media_type="application/vnd.acme.envelope.v0+protobuf")
    world.expect(image, "unknown", "", "an envelope of an unknown format")
    image = world.image(repository, "5", days=5)
    world.attach_envelopes(image, [world.missing_blob(signing.JWS, b"never pushed")])
    world.expect(image, "unknown", "", "the envelope is not in the registry")
    image = world.image(repository, "6", days=6)
    world.sign(image, "release", "cose", media_type=signing.JWS)
    world.expect(image, "failed", "envelope_unreadable", "COSE that is labelled JWS")
    image = world.image(repository, "7", days=7)
    world.sign(image, form="artifact")
    world.expect(image, "verified", "verified", "a signature as release candidates of notation 1 wrote it")
    missing = {**world.image(repository, days=8).descriptor, "digest": f"sha256:{'d0' * 32}"}
    index = world.index(repository, "8", days=8, platforms=["linux/amd64"], extra=[missing])
    world.sign(index, days=8)
    world.expect(index, "verified", "verified", "an index of which one platform was never pushed")
    image = world.image(repository, "9", days=9)
    world.sign(image, "release-next", days=9, annotations={signing.THUMBPRINTS: f'["{"ab" * 32}"]'})
    world.expect(image, "verified", "verified", "the unsigned thumbprint annotation says something else")


def scheduler(world: Builder) -> None:
    image = world.image("platform/scheduler", "4.4.1", "latest", days=3)
    world.sign(image, "misused", days=3)
    world.expect(image, "failed", "chain_leaf_key_usage", "the certificate may also encipher keys")
    image = world.image("platform/scheduler", "4.4.0", days=13)
    world.sign(image, "server", days=13)
    world.expect(image, "failed", "chain_leaf_extended_key_usage", "a web server's certificate")
    image = world.image("platform/scheduler", "4.3.0", days=43)
    world.sign(image, "stranger", days=43)
    world.sign(image, "misused", days=42)
    world.expect(image, "failed", "chain_leaf_key_usage", "one signature does not hold, the other is by a stranger")


def tools(world: Builder) -> None:
    index = world.index("tools/migrate", "3.1.0", "latest", days=5, platforms=["linux/amd64"])
    world.sign(index, days=5)
    world.expect(index, "verified", "verified", "an index with one platform")
    arm = world.image("tools/migrate", "3.1.0-arm64", days=5, platform="linux/arm64")
    both = world.manifest(
        "tools/migrate",
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [
                {**index.children[0].descriptor, "platform": {"os": "linux", "architecture": "amd64"}},
                {**arm.descriptor, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            ],
        },
        ["3.1.0-multi"],
    )
    world.sign(both, days=5)
    world.expect(both, "verified", "verified", "a second index over the same platform")
    world.expect(arm, "unsigned", "unsigned", "a platform with a tag of its own, covered by its index")

    image = world.image("tools/release-bot", "1.2.0", "latest", days=12)
    world.sign(image, days=12)
    world.expect(image, "not_checked", "no_statement", "signed, but no statement names the repository")
    image = world.image("tools/cli", "8.0.0", "latest", days=12)
    world.expect(image, "unsigned", "unsigned", "neither signed nor named by a statement")

    _buildkit(world)


def _buildkit(world: Builder) -> None:
    """An index as BuildKit writes it, with an unsigned attestation beside the platform it is about."""
    repository = "build/toolchain"
    platform = world.image(repository, days=6)
    statement = world.blob(
        repository,
        documents.IN_TOTO,
        documents.slsa(repository, platform.digest, world.ago(6), source="https://git.acme.example/build/toolchain"),
    )
    statement["annotations"] = {"in-toto.io/predicate-type": documents.SLSA_PREDICATE}
    attestation = world.manifest(
        repository,
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": world.blob(repository, "application/vnd.oci.image.config.v1+json", b'{"os":"unknown"}'),
            "layers": [statement],
        },
        (),
    )
    entries = [
        {**platform.descriptor, "platform": {"os": "linux", "architecture": "amd64"}},
        {
            **attestation.descriptor,
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": platform.digest,
            },
        },
    ]
    fields = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    index = world.manifest(repository, fields, ["14.2", "latest"])
    world.sign(index, days=6)
    world.expect(index, "verified", "verified", "an index with an attestation by BuildKit")
