"""The trust policy of the sample world: which repository falls under which statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ACME_RELEASE = "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"
FJORD = "x509.subject: C=NO, ST=Oslo, O=Fjord Payments AS"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its scopes given as repositories without the registry."""

    name: str
    level: str
    repositories: Sequence[str]
    stores: Sequence[str] = ("ca:acme",)
    identities: Sequence[str] = (ACME_RELEASE,)
    override: Mapping[str, str] = field(default_factory=dict)
    verify_timestamp: str = ""

    def to_json(self, reference_name: str) -> dict[str, object]:
        verification: dict[str, object] = {"level": self.level}
        if self.override:
            verification["override"] = dict(self.override)
        if self.verify_timestamp:
            verification["verifyTimestamp"] = self.verify_timestamp
        fields: dict[str, object] = {
            "name": self.name,
            "registryScopes": [f"{reference_name}/{repository}" for repository in self.repositories],
            "signatureVerification": verification,
        }
        if self.level != "skip":
            fields |= {"trustStores": list(self.stores), "trustedIdentities": list(self.identities)}
        return fields


STATEMENTS = (
    Statement(
        "release-images",
        "strict",
        [
            "archive/billing",
            "batch/settlement",
            "build/toolchain",
            "charts/ledger-api",
            "charts/storefront",
            "edge/firmware",
            "edge/gateway",
            "edge/proxy",
            "edge/telemetry",
            "identity/login",
            "mobile/push-gateway",
            "payments/card-vault",
            "payments/fraud-rules",
            "payments/fx-rates",
            "payments/ledger-api",
            "payments/reports",
            "platform/base-images/debian-slim",
            "platform/base-images/debian-slim-with-tracing-and-a-long-name",
            "platform/base-images/distroless",
            "platform/ci-runner",
            "platform/log-shipper",
            "platform/registry-mirror",
            "platform/scheduler",
            "security/policies",
            "security/scanner",
            "tools/migrate",
            "web/checkout",
            "web/search",
            "web/storefront",
            "web/storefront-assets",
        ],
    ),
    Statement(
        "legacy-images",
        "permissive",
        ["archive/monolith", "data/feature-store", "data/notebooks", "web/cart"],
    ),
    Statement("observed", "audit", ["data/warehouse-loader", "vendor/northwind/labeler"]),
    Statement("partner-images", "strict", ["vendor/fjord/terminal"], stores=["ca:partner"], identities=[FJORD]),
    Statement(
        "signing-service",
        "strict",
        ["ml/model-server"],
        stores=["signingAuthority:acme"],
        identities=["x509.subject: C=DE, ST=BE, O=Acme GmbH"],
    ),
    Statement("timestamped", "strict", ["ml/embeddings"], stores=["ca:acme", "tsa:acme"]),
    Statement(
        "timestamped-when-expired",
        "strict",
        ["ml/feature-cache"],
        stores=["ca:acme", "tsa:acme"],
        verify_timestamp="afterCertExpiry",
    ),
    Statement("offline-kiosks", "strict", ["edge/kiosk"], override={"revocation": "skip"}),
    Statement("mobile-images", "strict", ["mobile/wallet-backend"], override={"expiry": "log"}),
    Statement("anyone-at-acme", "strict", ["identity/sessions"], identities=["*"]),
    Statement("sandbox", "skip", ["sandbox/playground", "sandbox/prototype"]),
)
NO_STATEMENT = ("tools/cli", "tools/release-bot")
REPOSITORIES = sorted([*NO_STATEMENT, *(name for statement in STATEMENTS for name in statement.repositories)])


def trust_policy(reference_name: str) -> bytes:
    """The policy document, its scopes spelled with the registry's reference name."""
    statements = [statement.to_json(reference_name) for statement in STATEMENTS]
    return (json.dumps({"version": "1.0", "trustPolicies": statements}, indent=2) + "\n").encode()
