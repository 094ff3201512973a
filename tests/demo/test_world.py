import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from demo.registry import DemoRegistry
from demo.world import REPOSITORIES, World
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.manifest import parse_manifest
from registries.transport import Transport
from tests.simulators.wsgi import WSGIWire
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.outcome import Word
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores
from trust.signatures import list_signatures
from trust.statuses import artifact_status

LISTING_TAG = re.compile(r"sha256-[0-9a-f]{64}(\.sig)?")


@pytest.fixture(scope="module")
def client(sample):
    with Transport(app=WSGIWire(sample[1])) as transport:
        yield Client(transport, "http://registry.acme.example")


def stores_of(world):
    stores = [TrustStore.of(*name.split(":"), files) for name, files in world.trust_stores.items()]
    return TrustStores({(store.type, store.name): store for store in stores})


class Reader:
    """Reads an artifact from the registry and judges it under the world's own policy."""

    def __init__(self, world, client, at):
        self.world, self.client, self.at = world, client, at
        self.policy, self.stores = TrustPolicy.parse(world.policy), stores_of(world)

    def manifest(self, repository, digest):
        fetched = self.client.manifest(repository, digest)
        return parse_manifest(fetched.content, fetched.media_type)

    def outcomes(self, repository, digest):
        manifest = self.manifest(repository, digest)
        question = Question(f"{self.world.reference_name}/{repository}", manifest.descriptor)
        for listed in list_signatures(self.client, repository, digest).signatures:
            evidence = None if listed.fault else examine(listed.envelope, listed.media_type)
            yield listed.fault or judge(
                question, evidence.with_roots(self.stores), self.policy, self.stores, NO_ANSWERS, self.at
            )

    def status(self, repository, digest):
        choice = self.policy.choose(f"{self.world.reference_name}/{repository}")
        complete = list_signatures(self.client, repository, digest).complete
        return artifact_status(list(self.outcomes(repository, digest)), complete, choice)


@pytest.fixture(scope="module")
def reader(sample, client, now):
    return Reader(sample[0], client, now)


def surprises(reader):
    """Artifacts that get another word or reason than expected."""
    for expected in reader.world.expectations:
        status = reader.status(expected.repository, Digest.parse(expected.digest))
        reason = status.reason if expected.reason else ""
        if (status.word, reason) != (expected.word, expected.reason):
            yield expected.repository, expected.tags, expected.shows, status.word, status.reason


def test_every_artifact_gets_the_word_and_the_reason_expected(reader):
    assert list(surprises(reader)) == []


def test_the_same_is_said_of_a_registry_without_referrers_api(now, tmp_path):
    with closing(DemoRegistry(tmp_path, referrers_api=False)) as registry:
        world = World.build(registry, now)
        with Transport(app=WSGIWire(registry)) as transport:
            assert list(surprises(Reader(world, Client(transport, "http://registry.acme.example"), now))) == []


def test_every_word_but_stale_occurs(sample):
    assert {expected.word for expected in sample[0].expectations} == {word.value for word in Word} - {"stale"}


def test_every_tag_is_expected_once_and_leads_to_its_digest(sample, client):
    world, _ = sample
    expected = Counter((e.repository, tag, e.digest) for e in world.expectations for tag in e.tags)
    found = Counter(
        (repository, tag, str(client.resolve(repository, tag, None)))
        for repository in client.catalog(1000).names
        for tag in client.tags(repository).tags
        if not LISTING_TAG.fullmatch(tag)
    )
    assert expected == found


def test_the_catalog_names_some_forty_repositories_all_known_to_the_policy_or_meant_not_to_be(client):
    assert list(client.catalog(1000).names) == REPOSITORIES
    assert 40 <= len(REPOSITORIES) <= 50


def test_the_policy_is_one_that_notation_takes_with_scopes_of_the_reference_name_given(now, tmp_path):
    world = World.build(tmp_path, now, "localhost:5005")
    policy = TrustPolicy.parse(world.policy)
    assert policy.choose("localhost:5005/payments/ledger-api").statement.name == "release-images"
    assert policy.choose("registry.acme.example/payments/ledger-api").statement is None
    assert {statement.level.name for statement in policy.statements} == {
        "strict",
        "permissive",
        "audit",
        "skip",
        "custom",
    }


def test_every_trust_store_that_the_policy_names_can_be_used(sample):
    world, _ = sample
    stores = stores_of(world)
    named = {store for statement in TrustPolicy.parse(world.policy).statements for store in statement.trust_stores}
    assert {str(store) for store in named} == set(world.trust_stores)
    assert [stores.get(store.type, store.name).fault for store in named] == [""] * len(named)


def test_the_referrers_of_the_world_are_of_every_kind_of_evidence(sample, reader, client):
    kinds, artifact_types = Counter(), Counter()
    for repository in ("payments/ledger-api", "payments/reports", "payments/fx-rates"):
        for expected in sample[0].expectations:
            if expected.repository == repository:
                for descriptor in client.referrers(repository, Digest.parse(expected.digest), limit=1000).descriptors:
                    kinds[reader.manifest(repository, descriptor.digest).kind] += 1
                    artifact_types[descriptor.artifact_type] += 1
    assert set(kinds) == {"signature", "sbom", "scan", "provenance"}
    assert len(artifact_types) == 7  # notation, SPDX, CycloneDX, SARIF, Trivy, Snyk, in-toto


def test_thirty_referrers_of_one_kind_hang_on_one_image(sample, client):
    expected = sample[0].expected("payments/ledger-api", "2.13.9")
    listed = client.referrers("payments/ledger-api", Digest.parse(expected.digest), limit=1000).descriptors
    assert Counter(entry.artifact_type for entry in listed)["application/sarif+json"] == 30


def test_one_tree_is_four_deep(sample, client):
    depth, level = 0, [Digest.parse(sample[0].expected("edge/telemetry", "edge").digest)]
    while level := [
        entry.digest for digest in level for entry in client.referrers("edge/telemetry", digest, limit=100).descriptors
    ]:
        depth += 1
    assert depth == 4


def test_a_good_signature_hung_on_another_artifact_is_intact_and_still_no_signature_of_it(sample, reader):
    digest = Digest.parse(sample[0].expected("edge/gateway", "5.0.2").digest)
    (outcome,) = reader.outcomes("edge/gateway", digest)
    assert outcome.result("integrity").status == "pass"
    assert outcome.result("authenticity").status == "pass"
    assert outcome.result("target").status == "fail"


def test_one_digest_has_another_word_in_another_repository(sample):
    world, _ = sample
    here, there = world.expected("web/checkout", "5.2.0"), world.expected("sandbox/prototype", "checkout-5.2.0")
    assert here.digest == there.digest
    assert (here.word, there.word) == ("verified", "not_checked")


def test_the_world_is_the_same_whenever_it_is_built_for_one_instant(sample, now, tmp_path):
    again = World.build(tmp_path, now)
    assert again.expectations == sample[0].expectations
    assert again.trust_stores == sample[0].trust_stores


@pytest.mark.parametrize("referrers_api", [True, False])
def test_later_a_tag_moves_back_a_signature_vanishes_and_a_release_comes(now, tmp_path, referrers_api):
    registry = DemoRegistry(tmp_path, referrers_api=referrers_api)
    world = World.build(registry, now)
    world.change(registry, now + timedelta(hours=1))
    with Transport(app=WSGIWire(registry)) as transport:
        reader = Reader(world, Client(transport, "http://registry.acme.example"), now)
        moved = reader.client.resolve("web/storefront", "stable", None)
        assert str(moved) == world.expected("web/storefront", "2026.46").digest
        withdrawn = reader.client.resolve("payments/fx-rates", "0.8.1", None)
        assert reader.status("payments/fx-rates", withdrawn).word == "unsigned"
        released = reader.client.resolve("payments/ledger-api", "latest", None)
        assert reader.status("payments/ledger-api", released).word == "verified"
    registry.close()


def test_the_command_leaves_a_registry_and_everything_notation_wants_to_know(tmp_path):
    command = [sys.executable, "-m", "demo.world", "--root", tmp_path / "registry", "--out", tmp_path / "out"]
    arguments = ["--reference-name", "127.0.0.1:5005", "--now", "2026-11-21T09:00:00+00:00"]
    subprocess.run([*command, *arguments], check=True, cwd=Path(__file__).parents[2])
    policy = TrustPolicy.parse((tmp_path / "out" / "trustpolicy.json").read_bytes())
    stores = TrustStores.read(tmp_path / "out" / "truststore")
    assert policy.choose("127.0.0.1:5005/edge/kiosk").statement.name == "offline-kiosks"
    assert stores.get("ca", "acme").certificates
    expected = json.loads((tmp_path / "out" / "expected.json").read_text())
    with closing(DemoRegistry(tmp_path / "registry")) as registry:
        assert registry.store.manifest("edge/kiosk", "latest").digest in {entry["digest"] for entry in expected}
