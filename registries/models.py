"""What registries hold: content is global and immutable, presence is local and dated (design: facts apart from verdicts)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import batched
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from registries.budgets import HostBudget
from registries.claims import Claim
from registries.endpoints import Endpoint
from registries.events import Event
from registries.fields import DigestField
from registries.hints import Hint
from registries.leases import DueRow
from registries.oci.digest import Digest
from registries.oci.media_types import Kind
from registries.oci.reference import is_repository_name
from registries.polling import Tier, interval
from registries.referrers_tags import ReferrersTag
from registries.vendors.product import Product

__all__ = [
    "Child", "Claim", "Content", "Endpoint", "Event", "Fault", "Hint", "HostBudget", "Listing", "ListingHistory",
    "ListingSource", "Manifest", "Presence", "PresenceQuerySet", "Product", "ReferrersTag", "Registry", "Repository",
    "SchemaTag", "Served", "Survey", "Tag", "TagMove", "contents",
]  # fmt: skip


class Registry(models.Model):
    """A connection to one registry, or to one OCI layout directory that stands for a repository."""

    class Source(models.TextChoices):
        REGISTRY = "registry", "Registry"
        LAYOUT = "layout", "OCI layout directory"

    source = models.CharField(max_length=10, choices=Source, default=Source.REGISTRY)
    address = models.CharField(max_length=255)  # host[:port]; of a layout: its folder below SIGNBOARD_LAYOUT_ROOT
    reference_name = models.CharField(
        max_length=255, blank=True
    )  # what policies call it; "" for a layout that stands for nothing
    plain_http = models.BooleanField(default=False)
    allowed_networks = models.JSONField(
        default=list, blank=True
    )  # exact host:port or CIDR, for private and loopback addresses
    tls_ca = models.TextField(blank=True)  # PEM
    token_services = models.JSONField(default=list, blank=True)  # hosts beside its own that credentials may be sent to
    follow_redirects = models.BooleanField(default=False)  # of tags and manifests; blobs always are
    vendor = models.CharField(
        max_length=20, choices=Product, blank=True
    )  # as the operator says; "": asked as any registry
    api_host = models.CharField(max_length=255, blank=True)  # of the product's own API, where it is not known
    notation_compatible = models.BooleanField(default=False)  # says so to Harbor, which steps past its pull rules
    credential_helper = models.CharField(max_length=100, blank=True)  # docker-credential-<this> knows the password
    capabilities = models.JSONField(default=dict, blank=True)  # name → {"value": …, "seen_at": …}
    username = models.CharField(max_length=255, blank=True)
    password_file = models.BooleanField(default=False)  # the operator keeps the password in a file: password_files.py
    sealed_password = models.BinaryField(default=b"", blank=True)  # credentials.py
    push_username = models.CharField(max_length=255, blank=True)  # for writing alone: reading never uses it
    sealed_push_password = models.BinaryField(default=b"", blank=True)
    repository_patterns = models.JSONField(
        default=list, blank=True
    )  # names or patterns ("prod/*"); empty: every one of the catalog
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "address"], name="one_connection_an_address")]

    def __str__(self) -> str:
        return self.reference_name or self.address

    @property
    def names_all(self) -> bool:
        """Whether the connection itself says which repositories there are, so that no catalog is read."""
        named = self.repository_patterns and all(map(is_repository_name, self.repository_patterns))
        return self.source == self.Source.LAYOUT or bool(named)


class Survey(DueRow):
    """The due work of one registry: find its repositories (catalog, names and patterns)."""

    registry = models.OneToOneField(Registry, models.CASCADE, related_name="survey")
    finished_at = models.DateTimeField(null=True)
    complete = models.BooleanField(default=False)  # the catalog was read to its end
    note = models.TextField(default="")  # what an operator should know of the last one


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def due(self, at: datetime) -> Self:
        return self.filter(Q(due_at__lte=at), Q(leased_until=None) | Q(leased_until__lte=at))

    def ask_now(self, at: datetime) -> int:
        """Have all of it asked anew, even what an index that did not run through has just asked."""
        return self.update(due_at=at, tags_due_at=at, asked_at=at, cycle_began_at=None)


class Repository(DueRow):
    """One repository of a registry, and the due work of indexing it."""

    registry = models.ForeignKey(Registry, models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=255)
    referrers_api = models.BooleanField(null=True)  # None: not known yet
    referrers_api_seen_at = models.DateTimeField(null=True)  # when an answer last showed it
    generation = models.PositiveBigIntegerField(
        default=0
    )  # raised whenever what is known of it changed: trust asks for it
    referrers_probed_at = models.DateTimeField(null=True)  # when a registry without the API was last asked for it
    indexed_at = models.DateTimeField(null=True)  # end of the last index that ran through
    tags_due_at = models.DateTimeField(null=True)  # when its tags are to be read again; null: now
    asked_at = models.DateTimeField(null=True)  # somebody wants all of it asked anew; null: nobody
    interest_at = models.DateTimeField(null=True)  # when a tag last changed: polling.py
    cycle_began_at = models.DateTimeField(
        null=True
    )  # begin of an index that has not run through yet: the next resumes it
    tags_complete = models.BooleanField(default=False)  # the last tag listing was read to its end
    progress_done = models.PositiveIntegerField(default=0)  # subjects walked in the running (or last) index
    progress_total = models.PositiveIntegerField(default=0)
    requests = models.JSONField(default=dict)  # by kind, of the last index
    requests_total = models.JSONField(default=dict)  # by kind, of everything since it was connected
    objects = RepositoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [models.UniqueConstraint(fields=["registry", "name"], name="one_repository_a_name")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """`registry/repository` as policies spell it; "" where the connection stands for nothing."""
        return f"{self.registry.reference_name}/{self.name}" if self.registry.reference_name else ""


class Manifest(models.Model):
    """One manifest, whoever holds it: immutable, told from its own bytes."""

    digest = DigestField(primary_key=True)
    media_type = models.CharField(max_length=255)
    artifact_type = models.CharField(max_length=255, blank=True, db_index=True)
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    subject = DigestField(null=True, db_index=True)  # may name a manifest that nobody has
    size = models.PositiveIntegerField()
    annotations = models.JSONField(default=dict)
    summary = models.JSONField(
        default=dict
    )  # platforms, config and layer types, sizes: what pages show without reading bytes

    def __str__(self) -> str:
        return str(self.digest)

    @classmethod
    def placeholder(cls, digest: Digest) -> Manifest:
        """The row of a manifest that a registry names and does not give: its empty media type says so."""
        return cls(digest=digest, media_type="", kind=Kind.other.value, size=0)


class Child(models.Model):
    """An index names a manifest; the child may be one that the registry does not have."""

    parent = models.ForeignKey(Manifest, models.CASCADE, related_name="children")
    child = DigestField(db_index=True)
    position = models.PositiveIntegerField()
    platform = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parent", "position"], name="one_child_a_position")]


class Content(models.Model):
    """Exact bytes of a manifest, an envelope or a small document; never joined by lists."""

    MAX_SIZE = 4 * 1024 * 1024

    digest = DigestField(primary_key=True)
    size = models.PositiveIntegerField()
    content = models.BinaryField()


class ServedQuerySet(models.QuerySet["Served"]):
    def here(self, repository: Repository, digest: str) -> Exists:
        """Whether the repository may read the row at hand, whose digest is in the column `digest`."""
        return Exists(self.filter(repository=repository, digest=OuterRef(digest)))

    def among(self, repository: Repository, digests: Iterable[Digest]) -> set[Digest]:
        """Those of the digests whose bytes the repository may read."""
        batches = batched(digests, 500)
        rows = self.filter(repository=repository)
        return {
            digest for batch in batches for digest in rows.filter(digest__in=batch).values_list("digest", flat=True)
        }


class Served(models.Model):
    """The registry gave these bytes in this repository. Bytes known only from elsewhere are not to be read here.

    Whoever runs a registry, or may push an index, can name any digest; that proves nothing about who may read it.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="served")
    digest = DigestField()
    objects = ServedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "served"
        constraints = [models.UniqueConstraint(fields=["repository", "digest"], name="served_once_a_repository")]


class PresenceQuerySet(models.QuerySet["Presence"]):
    def within(self, repositories: models.QuerySet[Repository]) -> Self:
        return self.filter(repository__in=repositories)

    def current(self) -> Self:
        return self.filter(until=None)


class Presence(models.Model):
    """A manifest was in a repository from then until then; nothing is deleted when it vanishes from a registry."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="presences")
    manifest = models.ForeignKey(Manifest, models.PROTECT, related_name="presences")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)  # null: still there
    # An artifact is a manifest with a tag, or with neither parent nor subject; maintained by indexing.
    is_artifact = models.BooleanField(default=False)
    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "manifest"], condition=Q(until=None), name="one_current_presence"
            )
        ]
        indexes = [models.Index(fields=["manifest", "repository"])]


class Tag(models.Model):
    """A tag of a repository and what it names; tags of the referrers tag schema and of cosign's are listings, not tags."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=128)
    digest = DigestField(db_index=True)
    since = models.DateTimeField()  # when it was first seen to name this digest
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="one_tag_a_name")]


class TagMove(models.Model):
    """A tag named something else, appeared or vanished; the history of a tag."""

    tag = models.ForeignKey(Tag, models.CASCADE, related_name="moves")
    before = DigestField(null=True)
    after = DigestField(null=True)
    at = models.DateTimeField()


class ListingSource(models.TextChoices):
    API = "api", "referrers API"
    FALLBACK = "fallback", "referrers tag"
    BOTH = "both", "referrers API and tag"
    LAYOUT = "layout", "OCI layout"


class ListingFacts(models.Model):
    """What a registry listed as referrers of a subject."""

    source = models.CharField(max_length=10, choices=ListingSource)
    complete = models.BooleanField()
    error_code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    digests = models.JSONField(default=list)  # of the referrers whose own `subject` is this one, in the order given
    missing = models.JSONField(
        default=list
    )  # [digest, n]: listed as a signature, not to be had, n of `digests` before it

    class Meta:
        abstract = True


class Listing(ListingFacts):
    """The most recent answer to "which referrers has this subject", always with its age."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="listings")
    subject = DigestField(db_index=True)
    checked_at = models.DateTimeField()  # when it was last read to its end, or never was
    due_at = models.DateTimeField(default=timezone.now)  # when it is to be read again
    tier = models.PositiveSmallIntegerField(choices=Tier, default=Tier.RECENT)  # as of `checked_at`
    interest_at = models.DateTimeField(default=timezone.now)  # when it last changed, or somebody asked about it
    since = models.DateTimeField(default=timezone.now)  # when the registry first answered so

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "subject"], name="one_listing_a_subject")]
        indexes = [models.Index(fields=["repository", "due_at"])]

    @property
    def recent_until(self) -> datetime:
        """A listing is recent for twice its tier's interval."""
        return self.checked_at + 2 * interval(self.tier)

    @staticmethod
    def recent(at: datetime) -> Q:
        """The listings that are recent at `at`."""
        return Q(*(Q(tier=tier, checked_at__gt=at - 2 * interval(tier)) for tier in Tier), _connector=Q.OR)


class ListingHistory(ListingFacts):
    """A listing as it was before its source, completeness or content changed."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="history")
    since = models.DateTimeField()
    until = models.DateTimeField()


class Fault(models.Model):
    """Something in a repository that could not be had or believed, as the last index saw it."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="faults")
    digest = models.CharField(max_length=255)  # a digest, or a tag name
    subject = DigestField(null=True)  # whose referrer it would be
    code = models.CharField(max_length=40)
    message = models.TextField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "digest", "code"], name="one_fault_a_thing")]


class SchemaTag(models.Model):
    """A tag that is a listing: of the referrers tag schema, or of cosign's; counted apart, never an artifact."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="schema_tags")
    name = models.CharField(max_length=160)
    scheme = models.CharField(max_length=10, choices=[("referrers", "referrers tag schema"), ("cosign", "cosign")])
    subject = DigestField(null=True, db_index=True)  # null: the tag holds only half of a sha512 digest
    digest = DigestField(null=True)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="one_schema_tag_a_name")]


def contents(digests: Iterable[Digest], among: models.QuerySet[Content] | None = None) -> dict[Digest, bytes]:
    """The kept bytes of those digests that are kept."""
    kept = Content.objects.all() if among is None else among
    rows = kept.filter(digest__in=list(digests)).values_list("digest", "content")
    return {digest: bytes(content) for digest, content in rows}
