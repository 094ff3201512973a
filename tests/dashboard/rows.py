"""Rows for tests of pages: artifacts with a status, in registries that somebody may see."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from dashboard.models import Membership, Role, Team
from registries.models import Manifest, Presence, Registry, Repository, Served, Tag
from registries.oci.digest import Digest
from trust.models import ArtifactStatus, Certificate, Chain, TrustRevision

AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
SEVERITY = {
    "failed": 10, "untrusted": 20, "unknown": 30, "stale": 40,
    "verified_with_exceptions": 50, "unsigned": 60, "not_checked": 70, "verified": 80,
}  # fmt: skip
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


def make_person(name="mara", role=Role.REVIEWER, *, everything=True, repositories=(), registries=()):
    team, _ = Team.objects.get_or_create(name=f"team of {name}", defaults={"sees_everything": everything})
    team.repositories.set(repositories)
    team.registries.set(registries)
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, team=team, role=role)
    return user


def make_repository(name="web/cart", registry="registry.acme.example"):
    holder, _ = Registry.objects.get_or_create(address=registry, defaults={"reference_name": registry})
    return Repository.objects.get_or_create(registry=holder, name=name)[0]


def make_revision(number=1, at=AT):
    return TrustRevision.objects.create(
        number=number, policy=b"{}", fingerprint=f"{number:064d}", author_name="sam", reason="first", created_at=at
    )


def make_chain(name="leaf"):
    leaf, _ = Certificate.objects.get_or_create(
        thumbprint=Digest.of(name.encode()).encoded,
        defaults={
            "der": b"", "subject": f"CN={name}", "issuer": "CN=root", "serial": "1", "common_name": name, "is_ca": False,
            "self_signed": False, "not_before": AT - timedelta(days=10), "not_after": AT + timedelta(days=90),
        },
    )  # fmt: skip
    chain, _ = Chain.objects.get_or_create(
        fingerprint=leaf.thumbprint,
        defaults={"thumbprints": [leaf.thumbprint], "leaf": leaf, "standing": Chain.Standing.NO_SOURCE},
    )
    return chain


def make_artifact(repository, word="unsigned", *, tag="1.0", name="", reason=None, revision=1, **fields):
    """An artifact of that word, tagged unless `tag` is empty."""
    digest = Digest.of((name or f"{repository}:{tag}").encode())
    manifest, _ = Manifest.objects.get_or_create(
        digest=digest, defaults={"media_type": MEDIA_TYPE, "kind": "image", "size": 528}
    )
    Served.objects.get_or_create(repository=repository, digest=digest)
    since = fields.setdefault("since", AT - timedelta(days=3))
    Presence.objects.get_or_create(
        repository=repository, manifest=manifest, until=None, defaults={"since": since, "is_artifact": True}
    )
    if tag:
        Tag.objects.get_or_create(repository=repository, name=tag, defaults={"digest": digest, "since": since})
    green = word in ("verified", "verified_with_exceptions")
    values = {
        "word": word, "severity": SEVERITY[word], "reason": reason or word, "revision": revision,
        "judged_at": AT, "changed_at": AT - timedelta(hours=1), "listed_at": AT - timedelta(minutes=4),
        "tags": [tag] if tag else [], "counts": {"signature": 1} if word != "unsigned" else {},
        "chain": make_chain() if green else None, "green_until": AT + timedelta(days=365) if green else None,
        "signer": "Acme Release 01" if green else "",
    } | fields  # fmt: skip
    return ArtifactStatus.objects.create(repository=repository, manifest=manifest, **values)
