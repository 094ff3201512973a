"""What a repository holds, as far as judging asks: its subjects, their listings, and the marks beside a verdict."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from registries.indexing.dropped import DROPPED
from registries.models import (
    Child,
    Fault,
    Listing,
    ListingHistory,
    Manifest,
    Presence,
    Repository,
    SchemaTag,
    Served,
    Tag,
    TagMove,
)
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.media_types import LEGACY_SIGNATURES, NOTARY_SIGNATURE, OCI_ARTIFACT, OCI_MANIFEST, Kind

COSIGN_SIGNATURE = ".sig"  # the ending of the tag; .att and .sbom are no signatures
OTHER_SIGNATURE = "other signature"  # cosign's, Notary v1's: noted, never counted
FACTS = ("digest", "media_type", "artifact_type", "kind", "subject", "size")
MANY = 5000  # digests in one query
PART = 2000  # subjects held at once


@dataclass(frozen=True, slots=True)
class Stay:
    """The presences of a manifest, taken together."""

    since: datetime
    present: bool
    is_artifact: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A manifest that has a status, and what is listed for it; then what changes no verdict, and stands beside it."""

    manifest: Manifest
    stay: Stay
    listing: Listing | None
    signatures: tuple[Manifest, ...]  # in the order listed
    faults: tuple[Fault, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    cosign: int = 0
    tags: tuple[str, ...] = ()
    signature_withdrawn: bool = False
    tag_moved_back: bool = False

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    @property
    def target(self) -> Descriptor:
        return Descriptor(self.manifest.media_type, self.manifest.digest, self.manifest.size)


def parts(repository: Repository) -> Iterator[list[Subject]]:
    """Every subject of the repository, some at a time: what is or was there, and is not itself a signature."""
    stays = _stays(Presence.objects.filter(repository=repository))
    tags, moved_back, cosign = _tags(repository), _moved_back(repository), _cosign(repository)
    dropped = set(Fault.objects.filter(repository=repository, code=DROPPED).values_list("digest", flat=True))
    for some in batched(stays, PART):
        listings = _listings(repository, some)
        withdrawn = _withdrawn(repository, listings, dropped)
        yield [
            replace(
                subject,
                cosign=cosign[subject.digest] + subject.cosign,
                tags=tuple(sorted(tags[subject.digest])),
                signature_withdrawn=subject.digest in withdrawn,
                tag_moved_back=subject.digest in moved_back,
            )
            for subject in _subjects(repository, {digest: stays[digest] for digest in some}, listings)
        ]


def samples(repository: Repository, digests: Collection[Digest]) -> Iterator[Subject]:
    """These subjects, as far as their verdicts ask: without what stands beside."""
    for some in batched(sorted(digests), PART):
        stays = _stays(Presence.objects.filter(repository=repository, manifest__in=some))
        yield from _subjects(repository, stays, _listings(repository, some))


def indexes(repository: Repository) -> list[Digest]:
    """What is here and names children."""
    return list(_children_here(repository).order_by("parent").values_list("parent", flat=True).distinct())


def _subjects(
    repository: Repository,
    stays: Mapping[Digest, Stay],
    listings: Mapping[Digest, Listing],
) -> Iterator[Subject]:
    faults, manifests = _faults(repository), _manifests(repository, stays, listings.values())
    for digest, stay in stays.items():
        manifest = manifests[str(digest)]
        if manifest.kind == Kind.signature:
            continue
        listing = listings.get(digest)
        referrers = [manifests[name] for name in listing.digests if name in manifests] if listing else []
        signatures, kinds = _sorted_out(referrers, digest)
        yield Subject(
            manifest=manifest,
            stay=stay,
            listing=listing,
            signatures=tuple(signatures),
            faults=tuple(faults.get(str(digest), ())),
            counts={kind: count for kind, count in sorted(kinds.items()) if kind != OTHER_SIGNATURE},
            cosign=kinds[OTHER_SIGNATURE],
        )


def is_signature_of(manifest: Manifest, subject: Digest) -> bool:
    """Whether it is a notation signature of that subject (`trust.evidence.IS_SIGNATURE`, of a row that is at hand)."""
    forms = (OCI_MANIFEST, OCI_ARTIFACT)
    return manifest.artifact_type == NOTARY_SIGNATURE and manifest.media_type in forms and manifest.subject == subject


def _sorted_out(referrers: Iterable[Manifest], subject: Digest) -> tuple[list[Manifest], Counter[str]]:
    """The notation signatures among the referrers, and how many there are of each kind."""
    signatures = []
    kinds: Counter[str] = Counter()
    for manifest in referrers:
        if is_signature_of(manifest, subject):
            signatures.append(manifest)
            kinds[Kind.signature] += 1
        elif manifest.artifact_type not in LEGACY_SIGNATURES:  # those are shown with the artifact, and counted nowhere
            kinds[OTHER_SIGNATURE if manifest.kind == Kind.signature else manifest.kind] += 1
    return signatures, kinds


def covered(indexes: Iterable[Digest], repository: Repository) -> dict[Digest, Digest]:
    """Each child of the given indexes, to the nearest of them that covers it: a digest pins the whole tree below."""
    children = defaultdict(list)
    for parent, child in _children_here(repository).order_by("parent", "position").values_list("parent", "child"):
        children[parent].append(child)
    covers: dict[Digest, Digest] = {}
    level = [(index, index) for index in sorted(indexes)]
    while level:
        below = [(cover, child) for cover, parent in level for child in children[parent]]
        level = []
        for cover, child in below:
            if child not in covers:
                covers[child] = cover
                level.append((cover, child))
    return covers


def _children_here(repository: Repository) -> QuerySet[Child]:
    here = Presence.objects.current().filter(repository=repository).values("manifest")
    return Child.objects.filter(Served.objects.here(repository, "parent"), parent__in=here)


def _listings(repository: Repository, subjects: Iterable[Digest]) -> dict[Digest, Listing]:
    return {listing.subject: listing for listing in Listing.objects.filter(repository=repository, subject__in=subjects)}


def _stays(presences: QuerySet[Presence]) -> dict[Digest, Stay]:
    stays: dict[Digest, Stay] = {}
    rows = presences.order_by("since", "id").values_list("manifest_id", "since", "until", "is_artifact")
    for digest, since, until, is_artifact in rows:
        before = stays.get(digest)
        stays[digest] = Stay(before.since if before else since, until is None, is_artifact)
    return dict(sorted(stays.items()))


def _manifests(repository: Repository, subjects: Iterable[Digest], listings: Iterable[Listing]) -> dict[str, Manifest]:
    """These manifests and what is listed for them, by digest."""
    found: dict[str, Manifest] = {}
    listed = {name for listing in listings for name in listing.digests}
    present = Exists(Presence.objects.filter(repository=repository, manifest=OuterRef("pk")))
    for names in batched(sorted(listed.union(map(str, subjects))), MANY):
        found |= _as_read_here(repository, Manifest.objects.filter(digest__in=names).annotate(present=present))
    return found


def _as_read_here(repository: Repository, rows: QuerySet[Manifest]) -> dict[str, Manifest]:
    """By digest; of one that is or was here and was never read here, nothing but that. The rows know `present`."""
    read = rows.only(*FACTS).annotate(read=Served.objects.here(repository, "digest"))
    return {
        str(manifest.digest): manifest
        if vars(manifest)["read"] or not vars(manifest)["present"]
        else Manifest.placeholder(manifest.digest)
        for manifest in read
    }


def _tags(repository: Repository) -> Mapping[Digest, list[str]]:
    tags = defaultdict(list)
    for name, digest in Tag.objects.filter(repository=repository, gone_at=None).values_list("name", "digest"):
        tags[digest].append(name)
    return tags


def _faults(repository: Repository) -> Mapping[str, list[Fault]]:
    """What could not be read of a manifest, or of what is listed for it."""
    faults = defaultdict(list)
    for fault in Fault.objects.filter(repository=repository).order_by("digest", "code"):
        faults[fault.digest].append(fault)
        if fault.subject and str(fault.subject) != fault.digest:
            faults[str(fault.subject)].append(fault)
    return faults


def _cosign(repository: Repository) -> Counter[Digest]:
    tags = SchemaTag.objects.filter(
        repository=repository, scheme="cosign", gone_at=None, name__endswith=COSIGN_SIGNATURE
    )
    return Counter(subject for subject in tags.values_list("subject", flat=True) if subject)


def _withdrawn(repository: Repository, listings: Mapping[Digest, Listing], dropped: Collection[str]) -> set[Digest]:
    """Subjects whose registry listed a signature once, and says now, completely, that it is none of theirs."""
    here = Exists(Presence.objects.filter(repository=repository, manifest=OuterRef("pk")))
    rows = Manifest.objects.filter(here, Served.objects.here(repository, "digest"), subject__in=list(listings))
    unlisted: dict[int, set[str]] = defaultdict(set)
    for manifest in rows.filter(artifact_type=NOTARY_SIGNATURE).only(*FACTS):
        listing = listings[manifest.subject]  # type: ignore[index]  # each is of one of these
        name = str(manifest.digest)
        if listing.complete and is_signature_of(manifest, listing.subject) and name not in {*listing.digests, *dropped}:
            unlisted[listing.pk].add(name)
    return {subject for pk, subject, digests in _histories(unlisted) if not unlisted[pk].isdisjoint(digests)}


def _histories(listings: Iterable[int]) -> Iterator[tuple[int, Digest, list[str]]]:
    for some in batched(sorted(listings), MANY):
        rows = ListingHistory.objects.filter(listing__in=some)
        yield from rows.values_list("listing_id", "listing__subject", "digests").iterator()


def _moved_back(repository: Repository) -> set[Digest]:
    """Digests that a tag left for another and names again: perhaps an old release made to look new."""
    moves = TagMove.objects.filter(tag__repository=repository, tag__gone_at=None)
    left_before = Exists(TagMove.objects.filter(tag=OuterRef("tag"), before=OuterRef("after"), id__lt=OuterRef("id")))
    went_elsewhere = Q(before=F("tag__digest"), after__isnull=False)
    came_back = Q(left_before, after=F("tag__digest"), before__isnull=False)
    return set(moves.filter(went_elsewhere | came_back).values_list("tag__digest", flat=True))
