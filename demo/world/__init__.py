"""The sample world: some forty repositories with every condition that a reviewer meets, and what to expect of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from demo.pki import Pki
from demo.registry import DemoRegistry
from demo.world import business, fringe, platform
from demo.world.blobs import blob_policy, blobs
from demo.world.builder import Artifact, Builder, Expectation
from demo.world.statements import NO_STATEMENT, REPOSITORIES, trust_policy

__all__ = ["NO_STATEMENT", "REPOSITORIES", "Artifact", "Builder", "Expectation", "World"]

REFERENCE_NAME = "registry.acme.example"


@dataclass(frozen=True, slots=True)
class World:
    """What was put into a registry, and what an organisation that trusts Acme has to say of it."""

    now: datetime
    reference_name: str
    policy: bytes
    trust_stores: Mapping[str, Mapping[str, bytes]]  # "ca:acme" → file name → PEM
    expectations: tuple[Expectation, ...]
    blob_policy: bytes
    blobs: Mapping[str, bytes]  # by file name, signatures among them

    @classmethod
    def build(cls, target: DemoRegistry | Path, now: datetime, reference_name: str = REFERENCE_NAME) -> "World":
        """Fill a registry (or a registry directory); validity, expiry and ages are counted from `now`."""
        registry = DemoRegistry(target) if isinstance(target, Path) else target
        pki = Pki.build(now)
        builder = Builder(registry, pki, now)
        with registry.batch():
            for module in (business, platform, fringe):
                module.fill(builder)
            if not registry.referrers_api:
                builder.list_by_tag()
        if registry is not target:
            registry.close()
        return cls(
            now,
            reference_name,
            trust_policy(reference_name),
            pki.trust_stores,
            tuple(builder.expectations),
            blob_policy(),
            blobs(pki, now),
        )

    def expected(self, repository: str, reference: str) -> Expectation:
        """What to expect of a tag or digest."""
        for expectation in self.expectations:
            if expectation.repository == repository and reference in (expectation.digest, *expectation.tags):
                return expectation
        raise KeyError(f"{repository} {reference}")

    def write(self, directory: Path) -> None:
        """Leave the policies and the trust stores as notation's own files, the blobs and the expectations beside them."""
        (directory / "blobs").mkdir(parents=True, exist_ok=True)
        (directory / "trustpolicy.json").write_bytes(self.policy)
        (directory / "trustpolicy.blob.json").write_bytes(self.blob_policy)
        for name, content in self.blobs.items():
            (directory / "blobs" / name).write_bytes(content)
        for store, files in self.trust_stores.items():
            kind, _, name = store.partition(":")
            folder = directory / "truststore" / "x509" / kind / name
            folder.mkdir(parents=True, exist_ok=True)
            for file, content in files.items():
                (folder / file).write_bytes(content)
        listed = [asdict(expectation) for expectation in self.expectations]
        (directory / "expected.json").write_text(json.dumps(listed, ensure_ascii=False, indent=1) + "\n")

    def change(self, registry: DemoRegistry, at: datetime) -> None:
        """What happens after a first look: a tag moves back, a signature vanishes, a release comes in."""
        builder = Builder(registry, Pki.build(self.now), at)
        older = registry.store.manifest("web/storefront", "2026.46")
        subject = registry.store.manifest("payments/fx-rates", "0.8.1")
        assert older is not None
        assert subject is not None
        registry.put_manifest("web/storefront", registry.store.read(older.digest), older.media_type, tags=["stable"])
        for entry in registry.store.referrers("payments/fx-rates", subject.digest, None, "", 100).items:
            registry.store.delete_manifest("payments/fx-rates", json.loads(entry)["digest"])
            registry.store.delete_tag("payments/fx-rates", subject.digest.replace(":", "-"))
        release = builder.image("payments/ledger-api", "2.14.3", "latest", days=0)
        builder.sign(release, "release-next", days=0)
        if not registry.referrers_api:
            builder.list_by_tag()
