"""What the teams behind payments, web, mobile and the charts keep in the registry."""

from demo import signing
from demo.signing import Defect
from demo.world.builder import Builder

COSIGN_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"


def fill(world: Builder) -> None:
    for fill_repository in (ledger_api, fx_rates, settlement, payments, storefront, web, mobile, charts):
        fill_repository(world)


def ledger_api(world: Builder) -> None:
    repository = "payments/ledger-api"
    index = world.index(repository, "2.14.2", "2.14", "2", "latest", days=2)
    world.sign(index)
    world.sign(index, "release-next", "cose", days=0.5)
    world.provenance(index)
    for child in index.children:
        world.sbom(child)
    for number in range(24):
        world.scan(index.children[0], ("grype", "trivy", "snyk")[number % 3], days=2 - number / 24)
    world.expect(index, "verified", "verified", "two good signatures, JWS and COSE, by two signers")

    index = world.index(repository, "2.14.1", days=9, shows="a platform of an index with an untrusted signature")
    world.sign(index, "build", days=9)
    world.sbom(index.children[0])
    world.expect(index, "untrusted", "identity_mismatch", "signed by OU=Build, where OU=Release is wanted")

    image = world.image(repository, "2.13.9", "2.13", days=34)
    world.sign(image, days=34)
    world.sbom(image, days=34)
    world.provenance(image, days=34)
    for number in range(30):
        world.scan(image, "grype", days=1 + number)
    world.expect(image, "verified", "verified", "thirty referrers of one kind")

    image = world.image(repository, "2.15.0-rc.1", days=0.2)
    world.expect(image, "unsigned", "unsigned", "a release candidate that nobody signed yet")


def fx_rates(world: Builder) -> None:
    repository = "payments/fx-rates"
    image = world.image(repository, "0.8.0", "latest", days=5)
    world.sign(image, envelope_format="cose", days=5, expires=85)
    world.sbom(image, cyclonedx=True)
    world.expect(image, "verified", "verified", "a good COSE signature with an expiry ahead")

    image = world.image(repository, "0.7.2", days=60)
    world.sign(image, days=60, expires=-1)
    world.expect(image, "untrusted", "expired", "the signature's own expiry has passed")

    image = world.image(repository, "0.8.1", days=1)
    world.sign(image, days=1, expires=9)
    world.expect(image, "verified", "verified", "a signature that expires in nine days")


def settlement(world: Builder) -> None:
    repository = "batch/settlement"
    for number, version in enumerate(["1.9.3", "1.9.2", "1.9.1", "1.9.0", "1.8.4"]):
        image = world.image(repository, version, days=21 + number * 14)
        world.sign(image, "release-old-ca", days=21 + number * 14)
        world.expect(image, "verified", "verified", "rests on an intermediate that expires in nine days")
    image = world.image(repository, "1.9.4-rc.2", days=6)
    world.sign(image, "stranger", days=6)
    world.expect(image, "untrusted", "unknown_root", "signed by a company that the policy does not know")
    image = world.image(repository, "1.9.4-rc.1", days=8)
    world.sign(image, "impostor", days=8)
    world.expect(image, "untrusted", "unknown_root", "a root with the name of ours, but not ours")


def payments(world: Builder) -> None:
    image = world.image("payments/card-vault", "7.1.0", "latest", days=4)
    world.sign(image, "ocsp", days=4)
    world.expect(image, "unknown", "revocation_not_evaluated", "the leaf names OCSP, and revocation is enforced")
    image = world.image("payments/card-vault", "7.0.4", days=30)
    world.sign(image, "crl", "cose", days=30)
    world.expect(image, "unknown", "revocation_not_evaluated", "the leaf names a CRL, and revocation is enforced")
    image = world.image("payments/card-vault", "7.0.3", days=45)
    world.sign(image, "ocsp", days=45)
    world.sign(image, days=44)
    world.expect(image, "verified", "verified", "one signature cannot be decided, another is good")

    image = world.image("payments/reports", "2026.11", "latest", days=2)
    world.sign(image, metadata={"build.acme.example/run": "4811-7f", "approved-by": "Mara Lindqvist"})
    world.sbom(image)
    world.scan(image, "snyk")
    world.expect(image, "verified", "verified", "the signature carries user metadata")

    image = world.image("payments/fraud-rules", "88", "latest", days=7)
    world.sign(image, "release", form="new", days=7)
    world.expect(image, "verified", "verified", "a signature manifest of the new form")
    image = world.image("payments/fraud-rules", "87", days=17)
    world.sign(image, "laptop", days=0.5)
    world.expect(image, "untrusted", "unknown_root", "signed with a self-signed certificate")


def storefront(world: Builder) -> None:
    repository = "web/storefront"
    for week, days in ((48, 0.1), (46, 14), (45, 21), (44, 28)):
        index = world.index(repository, f"2026.{week}", *(["latest", "stable"] if week == 48 else []), days=days)
        world.sign(index, "EC-384", "cose", days=days, expires=30)
        world.sbom(index)
        world.expect(index, "verified", "verified", "a weekly release")
    image = world.image(repository, "2026.47", days=7)
    world.sign(image, "build", days=7)
    world.provenance(image)
    world.sbom(image)
    world.expect(image, "untrusted", "identity_mismatch", "the release job used the build certificate")

    image = world.image("web/storefront-assets", "2026.47", "latest", days=2)
    world.sbom(image)
    world.expect(image, "unsigned", "unsigned", "a bill of materials, but no signature")
    image = world.image("web/storefront-assets", "2026.46", days=9)
    world.scan(image, "trivy", days=1)
    world.expect(image, "unsigned", "unsigned", "scan results, but no signature")


def web(world: Builder) -> None:
    image = world.image("web/cart", "1.0.4", "latest", days=2)
    world.sign(image, days=50, expires=-2)
    world.sbom(image)
    world.expect(image, "verified_with_exceptions", "expiry_logged", "expired, which this statement only logs")
    image = world.image("web/cart", "1.0.3", days=90)
    world.sign(image, days=90)
    world.expect(image, "verified_with_exceptions", "revocation_logged", "all good, but revocation is only logged")

    image = world.image("web/checkout", "5.2.0", "latest", days=1)
    world.sign(image, "stranger", days=1)
    world.sign(image, "build", days=0.9)
    world.sign(image, "release", days=0.8)
    world.expect(image, "verified", "verified", "three signers, of whom the statement trusts one")
    copy = world.copy(image, "sandbox/prototype", "checkout-5.2.0")
    world.expect(copy, "not_checked", "level_skip", "verified elsewhere, and not checked in this repository")
    image = world.image("web/checkout", "5.1.9", days=12)
    world.sign(image, "build", days=12)
    world.sign(image, "stranger", days=11)
    world.expect(image, "untrusted", "identity_mismatch", "two signers, of whom the statement trusts none")
    image = world.image("web/checkout", "5.1.8", days=19)
    world.sign(image, defects=[Defect.signature_changed], days=19)
    world.sign(image, days=18)
    world.expect(image, "verified", "verified", "one signature does not hold, another is good")

    image = world.image("web/search", "3.3.1", "latest", days=3)
    world.sign(image, defects=[Defect.payload_changed], days=3)
    world.expect(image, "failed", "signature_invalid", "the payload was changed after signing (JWS)")
    image = world.image("web/search", "3.3.0", days=10)
    world.sign(image, "release", "cose", defects=[Defect.payload_changed], days=10)
    world.expect(image, "failed", "signature_invalid", "the payload was changed after signing (COSE)")
    image = world.image("web/search", "3.2.9", days=17)
    world.sign(image, days=17)
    world.expect(image, "verified", "verified", "the last good release")


def mobile(world: Builder) -> None:
    repository = "mobile/push-gateway"
    image = world.image(repository, "1.4.0", "latest", days=6)
    _cosign(world, image.repository, image.digest, image.fallback_tag)
    world.expect(image, "unsigned", "unsigned", "has a cosign signature, which is noted and not verified")
    image = world.image(repository, "1.3.0", days=26)
    world.sign(image, days=26)
    _cosign(world, image.repository, image.digest, image.fallback_tag)
    world.expect(image, "verified", "verified", "a good signature, and a cosign signature beside it")

    image = world.image("mobile/wallet-backend", "11.0", "latest", days=40)
    world.sign(image, days=40, expires=-3)
    world.expect(image, "verified_with_exceptions", "expiry_logged", "expired, which an override only logs")
    image = world.image("mobile/wallet-backend", "11.1", days=4)
    world.sign(image, "EC-256", days=4, expires=26)
    world.expect(image, "verified", "verified", "not expired")


def _cosign(world: Builder, repository: str, digest: str, tag: str) -> None:
    payload = (
        f'{{"critical":{{"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}}}}'
    )
    layer = world.blob(repository, COSIGN_LAYER, payload.encode())
    layer["annotations"] = {"dev.cosignproject.cosign/signature": "MEUCIQDsample+only=="}
    fields = {
        "schemaVersion": 2,
        "mediaType": signing.IMAGE_MANIFEST,
        "config": world.blob(repository, "application/vnd.oci.image.config.v1+json", b'{"architecture":"","os":""}'),
        "layers": [layer],
    }
    world.manifest(repository, fields, [f"{tag}.sig"])


def charts(world: Builder) -> None:
    for version, days in (("2.14.2", 2.0), ("2.14.1", 9.0), ("2.13.9", 34.0)):
        chart = world.chart("charts/ledger-api", version, days=days)
        world.sign(chart, days=days)
        world.provenance(chart, days=days)
        world.expect(chart, "verified", "verified", "a signed Helm chart")
    chart = world.chart("charts/storefront", "0.9.0", days=2)
    world.expect(chart, "unsigned", "unsigned", "a Helm chart that nobody signed")
    chart = world.chart("charts/storefront", "0.8.9", days=22)
    world.sign(chart, "stranger", days=22)
    world.expect(chart, "untrusted", "unknown_root", "a Helm chart signed by a stranger")
