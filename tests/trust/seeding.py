"""Rows of a repository as indexing would leave them, with real envelopes: what the tests of trust start from."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache

from demo.pki import Pki
from demo.signing import MEDIA_TYPES, make_envelope, signature_manifest
from registries.leases import take
from registries.models import (
    Child,
    Content,
    Listing,
    ListingHistory,
    Manifest,
    Presence,
    Registry,
    Repository,
    Served,
    Tag,
)
from registries.oci.digest import Digest
from registries.oci.manifest import parse_manifest
from trust import revisions, verification
from trust.models import (
    ArtifactStatus,
    Certificate,
    Chain,
    Judgement,
    Signature,
    StatusChange,
    TrustRevision,
    Verdict,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
RELEASE = "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"


@cache
def pki():
    return Pki.build(NOW)


def statement(
    name="release", scopes=("*",), level="strict", stores=("ca:acme",), identities=(RELEASE,), **verification_
):
    fields = {"name": name, "registryScopes": list(scopes), "signatureVerification": {"level": level, **verification_}}
    if level != "skip":
        fields |= {"trustStores": list(stores), "trustedIdentities": list(identities)}
    return fields


def policy(*statements):
    return json.dumps({"version": "1.0", "trustPolicies": list(statements or [statement()])}).encode()


def blob_statement(name="release", *, is_global=False, **members):
    fields = {key: value for key, value in statement(name, **members).items() if key != "registryScopes"}
    return fields | ({"globalPolicy": True} if is_global else {})


def store_files(*names):
    stores = pki().trust_stores
    return {(*store.split(":"), file): content for store in names or stores for file, content in stores[store].items()}


def publish(*statements, files=None, at=NOW, blob_policy=b""):
    """The next revision, whatever is active."""
    return revisions.publish(
        policy(*statements),
        store_files() if files is None else files,
        blob_policy=blob_policy,
        author=None,
        reason="test",
        based_on=revisions.active_number(),
        at=at,
    )


class Place:
    """A repository that tests fill."""

    def __init__(self, name="shop/api", registry="registry.acme.example", at=NOW):
        connection, _ = Registry.objects.get_or_create(address=registry, reference_name=registry)
        self.repository = Repository.objects.create(registry=connection, name=name)
        self.at = at
        self.number = 0

    @staticmethod
    def clear():
        """Nothing was ever there: for the many worlds of one property test."""
        for model in (StatusChange, ArtifactStatus, Verdict, Signature, Chain, Certificate, TrustRevision, Repository):
            model.objects.all().delete()
        Manifest.objects.all().delete()
        Content.objects.all().delete()

    # -- what indexing writes

    def keep(self, content):
        digest = Digest.of(content)
        Served.objects.get_or_create(repository=self.repository, digest=digest)
        Content.objects.get_or_create(digest=digest, defaults={"size": len(content), "content": content})
        return digest

    def put(self, content, *, is_artifact=True, tag="", kept=True):
        """A manifest that is in the repository."""
        parsed = parse_manifest(content)
        Served.objects.get_or_create(repository=self.repository, digest=parsed.digest)
        if kept:
            self.keep(content)
        row, _ = Manifest.objects.get_or_create(
            digest=parsed.digest,
            defaults={
                "media_type": parsed.media_type,
                "artifact_type": parsed.artifact_type,
                "kind": parsed.kind,
                "subject": parsed.subject.digest if parsed.subject else None,
                "size": parsed.size,
                "annotations": dict(parsed.annotations),
            },
        )
        for position, child in enumerate(parsed.manifests):
            Child.objects.get_or_create(parent=row, position=position, defaults={"child": child.digest})
        Presence.objects.get_or_create(
            repository=self.repository,
            manifest=row,
            until=None,
            defaults={"since": self.at, "is_artifact": is_artifact},
        )
        if tag:
            Tag.objects.create(repository=self.repository, name=tag, digest=parsed.digest, since=self.at)
        return row

    def image(self, tag="", *, is_artifact=True, seed=None):
        self.number += 1
        annotations = {"seed": seed or f"{self.repository.name} {self.number}"}
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}
        fields = {"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [], "annotations": annotations}
        return self.put(json.dumps(fields).encode(), is_artifact=is_artifact, tag=tag)

    def index(self, *children, tag=""):
        fields = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(child) for child in children]}
        return self.put(json.dumps(fields).encode(), tag=tag)

    def attach(self, subject, artifact_type, text=""):
        """A referrer that is not a signature."""
        config = {"mediaType": artifact_type, "digest": "sha256:" + "0" * 64, "size": 2}
        fields = {
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": artifact_type, "config": config,
            "layers": [], "subject": descriptor(subject), "annotations": {"text": text},
        }  # fmt: skip
        return self.put(json.dumps(fields).encode(), is_artifact=False)

    def sign(
        self, subject, signer="release", *, over=None, envelope_format="jws", envelope_kept=True, layers=1, **options
    ):
        """A signature manifest for `subject`; `over`: what its payload names instead."""
        identity = pki()[signer] if isinstance(signer, str) else signer
        signing_time = options.pop("signing_time", self.at - DAY)
        envelope = make_envelope(
            envelope_format, descriptor(over or subject), identity, signing_time=signing_time, **options
        )
        return self.attach_envelope(
            subject, envelope, MEDIA_TYPES[envelope_format],
            kept=envelope_kept, layers=layers, created=signing_time, thumbprints=identity.thumbprints,
        )  # fmt: skip

    def attach_envelope(
        self, subject, envelope, media_type, *, kept=True, layers=1, created=NOW, size=None, thumbprints=()
    ):
        if kept:
            self.keep(envelope)
        layer = {"mediaType": media_type, "digest": str(Digest.of(envelope)), "size": size or len(envelope)}
        content = signature_manifest(descriptor(subject), [layer] * layers, created=created, thumbprints=thumbprints)
        return self.put(content, is_artifact=False)

    def list(self, subject, *referrers, complete=True, at=None, **fields):
        """What the registry lists for a subject from now on."""
        at = at or self.at
        digests = [str(referrer.digest) for referrer in referrers]
        before = Listing.objects.filter(repository=self.repository, subject=subject.digest).first()
        if before and (before.digests, before.complete) != (digests, complete):
            ListingHistory.objects.create(
                listing=before, source="api", complete=before.complete, digests=before.digests,
                error_code=before.error_code, error=before.error,
                since=before.since, until=at,
            )  # fmt: skip
            fields.setdefault("since", at)
        if before is None:
            fields.setdefault("since", at)
        listing, _ = Listing.objects.update_or_create(
            repository=self.repository,
            subject=subject.digest,
            defaults={"source": "api", "complete": complete, "digests": digests, "checked_at": at, **fields},
        )
        self.changed()
        return listing

    def signed(self, *signers, tag="", **options):
        """An image with one listed signature by each signer."""
        image = self.image(tag)
        self.list(image, *(self.sign(image, signer, **options) for signer in signers))
        return image

    def changed(self):
        self.repository.generation += 1
        self.repository.save(update_fields=["generation"])

    # -- what trust makes of it

    def judge(self, at=None, *, must_be_due=True):
        """One run of a worker; False if there was nothing to do."""
        verification.ensure_judgements()
        row = Judgement.objects.get(repository=self.repository)
        candidates = verification.due_judgements(at or self.at) if must_be_due else Judgement.objects.all()
        lease = take(candidates, row.pk)
        if lease is None:
            return False
        verification.judge_repository(lease, at or self.at)
        return True

    def status(self, manifest):
        return ArtifactStatus.objects.get(repository=self.repository, manifest=manifest)

    def word_now(self, manifest, at=None):
        """The word that a list shows."""
        rows = ArtifactStatus.objects.with_word_at(revisions.active_number(), at or self.at)
        return rows.get(repository=self.repository, manifest=manifest).word_now

    def spot(self, manifest, at=None):
        return verification.judge_artifact(self.spot_repository(), manifest.digest, at or self.at)

    def spot_repository(self):
        """The repository with its registry, as pages have it."""
        return Repository.objects.select_related("registry").get(pk=self.repository.pk)


def descriptor(manifest):
    return {"mediaType": manifest.media_type, "digest": str(manifest.digest), "size": manifest.size}
