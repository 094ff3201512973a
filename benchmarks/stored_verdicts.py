"""Repositories with many signatures, as indexing and examining leave them: made without a registry."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.x509.oid import ExtendedKeyUsageOID
from django.db import connection
from django.utils import timezone

from benchmarks.seeding import POLICY
from demo.pki import ACME, Identity, make_authority, make_signer
from demo.signing import make_envelope
from demo.timestamping import timestamps
from registries import leases
from registries.models import Listing, ListingSource, Manifest, Presence, Registry, Repository, Served
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.media_types import NOTARY_SIGNATURE, OCI_MANIFEST, Kind
from trust import evidence, revisions, rulings, verification
from trust.models import Judgement, Verdict
from trust.notary.evidence import Evidence, examine
from trust.notary.media_types import JWS
from trust.notary.payload import Payload
from trust.notary.timestamp import TimestampEvidence

BATCH = 2000
STORE = ("ca", "acme", "root.crt")
TSA_STORE = ("tsa", "acme", "root.crt")


def seed(verdicts: int, signers: int, repositories: int, *, stamped: bool = False) -> list[int]:
    """`verdicts` images with one signature each, evenly over signers and repositories; `stamped`: each at a time of its own.

    On PostgreSQL some repositories are made so; the others are copied from them once those are judged (`copy`).
    """
    now = timezone.now()
    registry = Registry.objects.create(address="bench.example", reference_name="bench.example")
    rows = [Repository(registry=registry, name=f"app-{n}", due_at=None, generation=1) for n in range(repositories)]
    kept = Repository.objects.bulk_create(rows)
    each = verdicts // repositories
    made = min(repositories, -(-signers // each)) if connection.vendor == "postgresql" else repositories
    samples = _samples(signers, stamped=stamped)
    for start in range(0, made * each, BATCH):
        numbers = range(start, min(start + BATCH, made * each))
        _store([(kept[n // each], n, samples[n % signers]) for n in numbers], now)
    return [repository.pk for repository in kept[:made]]


@cache
def timestamp_root() -> Identity:
    """The authority above the timestamps; made again, it is not the same one."""
    now = datetime.now(UTC).replace(microsecond=0)
    return make_authority({**ACME, "CN": "Bench timestamps"}, now - timedelta(days=9), now + timedelta(days=30))


def _samples(signers: int, *, stamped: bool) -> list[Evidence]:
    """What examining a signature of each signer gives."""
    now = datetime.now(UTC).replace(microsecond=0)
    token = timestamps(_timestamper(now), now - timedelta(hours=20)) if stamped else None
    validity = (now - timedelta(days=1), now + timedelta(days=30))
    root = make_authority({**ACME, "CN": "Bench root"}, *validity)
    revisions_root[STORE] = root.pem
    found = []
    for number in range(signers):
        signer = make_signer({**ACME, "CN": f"Signer {number}"}, *validity, issuer=root)
        target = Descriptor(OCI_MANIFEST, Digest.of(b"sample"), 6).to_json()
        found.append(examine(make_envelope("jws", target, signer, signing_time=now, timestamp_token=token), JWS))
    assert not any(one.integrity for one in found)
    return found


def _timestamper(now: datetime) -> Identity:
    root, validity = timestamp_root(), (now - timedelta(days=8), now + timedelta(days=29))
    subject = {**ACME, "CN": "Bench TSA"}
    return make_signer(
        subject, *validity, issuer=root, purposes=[ExtendedKeyUsageOID.TIME_STAMPING], only_these_purposes=True
    )


def _at_its_own_time(timestamp: TimestampEvidence | None, number: int) -> TimestampEvidence | None:
    if timestamp is None or timestamp.info is None:
        return timestamp
    gen_time = timestamp.info.gen_time + timedelta(seconds=number % 36_000)
    return replace(timestamp, info=replace(timestamp.info, gen_time=gen_time, serial=f"{number}"))


revisions_root: dict[tuple[str, str, str], bytes] = {}


def _store(items: list[tuple[Repository, int, Evidence]], now: datetime) -> None:
    images, signatures, examined, presences, listings, served = [], [], [], [], [], []
    for repository, number, sample in items:
        image = Manifest(digest=Digest.of(f"i{number}".encode()), media_type=OCI_MANIFEST, kind=Kind.image, size=500)
        mark = Digest.of(f"s{number}".encode())
        signature = Manifest(
            digest=mark, media_type=OCI_MANIFEST, artifact_type=NOTARY_SIGNATURE, kind=Kind.signature, size=700
        )
        signature.subject = image.digest
        envelope = Descriptor(JWS, Digest.of(f"e{number}".encode()), sample.size)
        assert sample.signed is not None
        signed = replace(sample.signed, target=Payload(Descriptor(OCI_MANIFEST, image.digest, image.size)))
        images.append(image)
        signatures.append(signature)
        examined.append(
            evidence.Examined(
                signature,
                envelope,
                replace(
                    sample,
                    envelope=envelope.digest,
                    signed=signed,
                    timestamp=_at_its_own_time(sample.timestamp, number),
                ),
            )
        )
        presences += [
            Presence(repository=repository, manifest_id=image.digest, since=now, is_artifact=True),
            Presence(repository=repository, manifest_id=mark, since=now),
        ]
        listings.append(
            Listing(
                repository=repository,
                subject=image.digest,
                checked_at=now,
                source=ListingSource.API,
                complete=True,
                digests=[str(mark)],
            )
        )
        served += [Served(repository=repository, digest=one) for one in (image.digest, mark, envelope.digest)]
    Manifest.objects.bulk_create(images + signatures)
    Presence.objects.bulk_create(presences)
    Listing.objects.bulk_create(listings)
    Served.objects.bulk_create(served)
    evidence.store(examined, now)


def change_policy(name: str, *, met: bool = True) -> None:
    """Another revision in force: a statement of another name, which the signers meet or none does."""
    policy = json.loads(json.dumps(POLICY))
    policy["trustPolicies"][0]["trustedIdentities"] = ["*" if met else "x509.subject: C=DE, ST=BE, O=Nobody"]
    policy["trustPolicies"][0]["name"] = name.replace(" ", "-")
    based_on = revisions.active_number()
    revisions.publish(json.dumps(policy).encode(), revisions_root, author=None, reason="bench", based_on=based_on)


def repositories() -> list[int]:
    return list(Repository.objects.values_list("pk", flat=True))


def judge(repository: int) -> int:
    """Judge one repository as a worker does; how many distinct questions it put."""
    questions = 0
    real = rulings.Rulings.outcome

    def counted(self: rulings.Rulings, target: Descriptor, found: Evidence) -> object:
        nonlocal questions
        questions += 1
        return real(self, target, found)

    rulings.Rulings.outcome = counted  # type: ignore[assignment,method-assign]
    row, _ = Judgement.objects.get_or_create(repository_id=repository)
    with leases.claim(Judgement.objects.all(), row.pk) as lease:
        assert lease is not None
        verification.judge_repository(lease)
    rulings.Rulings.outcome = real  # type: ignore[method-assign]
    return questions


def words() -> dict[str, int]:
    return dict(Counter(Verdict.objects.values_list("word", flat=True)))
