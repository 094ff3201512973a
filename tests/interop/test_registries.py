"""Real registries over real HTTP: what they hold is indexed completely, and our verdicts equal notation-go's."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from django.utils import timezone

from demo.pki import Pki
from registries.models import Listing, Manifest
from registries.oci.digest import Digest
from tests.interop.pushing import Pusher
from tests.interop.site import Site, judge
from trust import revisions, verification

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]

NAME = "registry.interop.example"
JOSE, COSE = "application/jose+json", "application/cose"
POLICY = {
    "version": "1.0",
    "trustPolicies": [
        {
            "name": "release",
            "registryScopes": [f"{NAME}/team/app"],
            "signatureVerification": {"level": "strict"},
            "trustStores": ["ca:acme"],
            "trustedIdentities": ["x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"],
        }
    ],
}


@pytest.fixture(scope="module")
def pki():
    return Pki.build(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def signers(pki, tmp_path_factory):
    """Key and chain files, as notation-go reads them."""
    folder = tmp_path_factory.mktemp("signers")
    files = {}
    for name in ("release", "build", "stranger", "EC-384", "EC-521", "RSA-2048", "RSA-3072", "RSA-4096"):
        identity = pki[name]
        key, chain = folder / f"{name}.key", folder / f"{name}.crt"
        key.write_bytes(
            identity.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        chain.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in identity.chain))
        files[name] = {"key": str(key), "chain": str(chain)}
    return files


@pytest.fixture(scope="module")
def configuration(pki, tmp_path_factory):
    """notation's configuration folder with the trust store."""
    folder = tmp_path_factory.mktemp("notation")
    for store, files in pki.trust_stores.items():
        kind, _, name = store.partition(":")
        directory = folder / "truststore" / "x509" / kind / name
        directory.mkdir(parents=True)
        for file, content in files.items():
            (directory / file).write_bytes(content)
    return folder


def index(address):
    repository = Site(address, reference_name=NAME).index()
    assert not repository.last_error
    return repository


def sign(oracle, address, signer, digest, media_type, **options):
    answer = oracle(
        do="sign", repository=f"{address}/team/app", reference=digest, mediaType=media_type, **signer, **options
    )
    assert not answer.get("error"), answer
    return answer


@pytest.fixture(params=["olareg", "docker_registry"])
def address(request):
    return request.getfixturevalue(request.param)


def test_verdicts_equal_those_of_notation_go(address, oracle, signers, configuration, pki, request):
    pusher = Pusher(address, "team/app")
    by_tag = "docker" in request.node.name
    signed = {}
    for number, (name, media_type) in enumerate(
        [(name, media_type) for name in signers for media_type in (JOSE, COSE)]
    ):
        image = pusher.image(f"v{number}", layer=f"{address} {number}".encode())
        sign(oracle, address, signers[name], image["digest"], media_type, referrersTag=by_tag)
        signed[image["digest"]] = name
    several = pusher.image("several", layer=f"{address} several".encode())
    for name in ("stranger", "build", "release"):
        sign(oracle, address, signers[name], several["digest"], JOSE, referrersTag=by_tag)
    unsigned = pusher.image("unsigned", layer=f"{address} unsigned".encode())
    revisions.publish(
        json.dumps(POLICY).encode(),
        {(*store.split(":"), file): content for store, files in pki.trust_stores.items() for file, content in files.items()},
        author=None, reason="test", based_on=None,
    )  # fmt: skip

    repository = index(address)
    judge(repository)

    words = {"release": "verified", "build": "untrusted", "stranger": "untrusted"}
    for digest in (*signed, several["digest"], unsigned["digest"]):
        theirs = oracle(
            do="verify", repository=f"{address}/team/app", scope=f"{NAME}/team/app", reference=digest,
            config=str(configuration), policy=POLICY,
        )  # fmt: skip
        assert not theirs.get("error"), theirs
        ours = verification.judge_artifact(repository, Digest.parse(digest), timezone.now())
        assert ours.notation.verified == theirs["verified"], (digest, ours.verdict, theirs)
        assert {str(one.row.manifest_id): one.outcome.verified for one in ours.signatures} == {
            one["digest"]: one["verified"] for one in theirs.get("signatures", [])
        }
        if digest in signed:
            assert ours.verdict.word == words.get(signed[digest], "verified"), signed[digest]
    assert (
        verification.judge_artifact(repository, Digest.parse(several["digest"]), timezone.now()).verdict.word
        == "verified"
    )
    assert (
        verification.judge_artifact(repository, Digest.parse(unsigned["digest"]), timezone.now()).verdict.word
        == "unsigned"
    )


def test_a_tree_is_indexed_as_oras_lists_it(address, oracle, request):
    pusher = Pusher(address, "team/app")
    images = [pusher.image(f"tree-{name}", layer=f"{address} {name}".encode()) for name in ("amd64", "arm64")]
    index_ = pusher.index("tree", *images)
    sbom = pusher.document(index_, "application/spdx+json", b'{"spdxVersion":"SPDX-2.3"}')
    scan = pusher.document(index_, "application/sarif+json", b'{"version":"2.1.0","runs":[]}')
    note = pusher.document(sbom, "application/vnd.example.note", b"a note on the SBOM")
    if "docker" in request.node.name:
        typed = [{**sbom, "artifactType": "application/spdx+json"}, {**scan, "artifactType": "application/sarif+json"}]
        pusher.refer_by_tag(index_, *typed)
        pusher.refer_by_tag(sbom, {**note, "artifactType": "application/vnd.example.note"})

    repository = index(address)

    for subject in (index_, sbom, scan, *images):
        theirs = oracle(do="referrers", repository=f"{address}/team/app", reference=subject["digest"])
        listing = Listing.objects.get(repository=repository, subject=subject["digest"])
        assert listing.complete
        assert sorted(listing.digests) == sorted(theirs.get("referrers", []))
    kinds = dict(Manifest.objects.filter(digest__in=[sbom["digest"], scan["digest"]]).values_list("digest", "kind"))
    assert {str(digest): kind for digest, kind in kinds.items()} == {sbom["digest"]: "sbom", scan["digest"]: "scan"}


def test_a_second_index_asks_for_no_body_again(address):
    pusher = Pusher(address, "team/app")
    image = pusher.image("again", layer=f"{address} again".encode())
    pusher.document(image, "application/spdx+json", b'{"spdxVersion":"SPDX-2.3"}')
    site = Site(address)
    site.index()
    site.requests.clear()
    site.index()
    assert site.requests["manifest"] == site.requests["blob"] == 0, site.requests
