"""What happened to one artifact: its words with their causes, tags, signatures, listings, presence, and revisions; newest first.

Every source is read from its newest row before an instant, so a page costs the same however long the history is.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from registries.models import Listing, ListingHistory, Manifest, Presence, Repository, TagMove
from registries.oci.digest import Digest
from registries.oci.media_types import Kind as ManifestKind
from trust.holdings import FACTS, is_signature_of
from trust.models import StatusChange, TrustRevision

NAMED = 5  # signatures of one change that are named; the others are counted


class Kind(StrEnum):
    """What kind of thing happened."""

    status = "status"
    signatures = "signatures"
    listing = "listing"
    tag = "tag"
    presence = "presence"
    revision = "revision"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. `code` says what; the other fields are what that code has."""

    at: datetime
    kind: Kind
    code: str
    before: str = ""  # a word, or the digest that a tag named
    after: str = ""
    reason: str = ""  # of a word; the error of a listing; the reason of a revision
    cause: str = ""  # why a word changed
    name: str = ""  # a tag; the author of a revision
    revision: int | None = None
    digests: tuple[Digest, ...] = ()  # signatures, as far as they are named
    number: int = 0  # of signatures or of other referrers


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the history, and where the older part of it begins."""

    rows: tuple[Happening, ...]
    older: datetime | None


def history_of(repository: Repository, digest: Digest, before: datetime | None = None, size: int = 50) -> Page:
    """What happened before an instant, newest first; what happened at one instant stays together."""
    most = size + 1
    sources = (
        _changes(repository, digest, before, most),
        _tags(repository, digest, before, most),
        _stays(repository, digest, before, most),
        _listings(repository, digest, before, most),
        _revisions(repository, digest, before, most),
    )
    found = sorted((each for source in sources for each in source), key=lambda each: each.at, reverse=True)
    if len(found) <= size:
        return Page(tuple(found), None)
    last = found[size - 1].at
    return Page(tuple(each for each in found if each.at >= last), last if found[-1].at < last else None)


def _earlier(before: datetime | None, name: str = "at") -> Q:
    return Q(**{f"{name}__lt": before}) if before else Q()


def _changes(repository: Repository, digest: Digest, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = StatusChange.objects.filter(_earlier(before), status__repository=repository, status__manifest=digest)
    for row in rows.order_by("-at", "-pk")[:most]:
        yield Happening(
            row.at,
            Kind.status,
            "turned" if row.before else "first_judged",
            before=row.before,
            after=row.after,
            reason=row.reason,
            cause=row.cause,
            revision=row.revision,
        )


def _tags(repository: Repository, digest: Digest, before: datetime | None, most: int) -> Iterator[Happening]:
    concerned = Q(before=digest) | Q(after=digest)
    rows = TagMove.objects.filter(_earlier(before), concerned, tag__repository=repository).select_related("tag")
    for row in rows.order_by("-at", "-pk")[:most]:
        came = row.after == digest
        code = "tag_came" if came else "tag_left" if row.after else "tag_deleted"
        yield Happening(
            row.at, Kind.tag, code, before=str(row.before or ""), after=str(row.after or ""), name=row.tag.name
        )


def tags_at(places: Collection[tuple[int, Digest]], at: datetime) -> Mapping[tuple[int, Digest], list[str]]:
    """The tags that then named each digest in its repository; one query."""
    digests = {digest for _, digest in places}
    moves = TagMove.objects.filter(
        Q(before__in=digests) | Q(after__in=digests),
        tag__repository__in={repository for repository, _ in places},
        at__lte=at,
    )
    named: dict[tuple[int, Digest], dict[str, bool]] = {place: {} for place in places}
    rows = moves.order_by("at", "pk").values_list("tag__repository_id", "tag__name", "before", "after")
    for repository, name, before, after in rows:
        for digest in digests.intersection(filter(None, (before, after))):
            named.get((repository, digest), {})[name] = digest == after
    return {place: sorted(name for name, holds in tags.items() if holds) for place, tags in named.items()}


def _stays(repository: Repository, digest: Digest, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = list(Presence.objects.filter(repository=repository, manifest=digest).order_by("-since", "-pk")[:most])
    for place, row in enumerate(rows):
        first = place == len(rows) - 1 and len(rows) < most
        if before is None or row.since < before:
            yield Happening(row.since, Kind.presence, "first_seen" if first else "came_back")
        if row.until and (before is None or row.until < before):
            yield Happening(row.until, Kind.presence, "gone")


def _revisions(repository: Repository, digest: Digest, before: datetime | None, most: int) -> Iterator[Happening]:
    """Those that became active while the artifact was known."""
    first = Presence.objects.filter(repository=repository, manifest=digest).order_by("since").values("since")[:1]
    rows = TrustRevision.objects.filter(_earlier(before, "created_at"), created_at__gte=first)
    for row in rows.defer("policy", "blob_policy").order_by("-number")[:most]:
        yield Happening(
            row.created_at,
            Kind.revision,
            "revision_active",
            name=row.author_name,
            reason=row.reason,
            revision=row.number,
        )


type Facts = Listing | ListingHistory


def _listings(repository: Repository, digest: Digest, before: datetime | None, most: int) -> Iterator[Happening]:
    """What each listing said that the one before it did not."""
    row = Listing.objects.filter(repository=repository, subject=digest).first()
    if row is None:
        return
    older = ListingHistory.objects.filter(_earlier(before, "since"), listing=row).order_by("-since", "-pk")
    # One at a time: each may name ten thousand referrers.
    states: Iterator[Facts] = older[: most + 1].iterator(chunk_size=2)
    now: Facts | None = next(states, None) if before and row.since >= before else row
    signatures = _signatures(digest)
    for _ in range(most):
        if now is None:
            return
        was = next(states, None)
        yield from _said(now, was, signatures)
        now = was


def _signatures(subject: Digest) -> set[str]:
    """The digests of all that ever was a signature of the subject."""
    rows = Manifest.objects.filter(subject=subject, kind=ManifestKind.signature).only(*FACTS)
    return {str(row.digest) for row in rows if is_signature_of(row, subject)}


def _said(now: Facts, was: Facts | None, signatures: set[str]) -> Iterator[Happening]:
    at = now.since
    before = set(was.digests) if was else set()
    came = [name for name in now.digests if name not in before]
    went = [name for name in (was.digests if was else []) if name not in set(now.digests)]
    yield from _of_signatures(at, "signature_appeared", came, signatures)
    yield from _of_signatures(at, "signature_withdrawn", went, signatures)
    for code, names in (("referrers_appeared", came), ("referrers_gone", went)):
        if others := sum(name not in signatures for name in names):
            yield Happening(at, Kind.listing, code, number=others)
    if was is None:
        yield Happening(at, Kind.listing, "first_listed", reason=_fault(now), number=len(now.digests))
    elif was.complete and not now.complete:
        yield Happening(at, Kind.listing, "listing_broke", reason=_fault(now))
    elif now.complete and not was.complete:
        yield Happening(at, Kind.listing, "listing_whole")
    elif not now.complete and now.error_code != was.error_code:
        yield Happening(at, Kind.listing, "listing_still_broken", reason=_fault(now))
    if was and was.source != now.source:
        yield Happening(
            at, Kind.listing, "listing_source", before=was.get_source_display(), after=now.get_source_display()
        )


def _of_signatures(at: datetime, code: str, names: Sequence[str], signatures: set[str]) -> Iterator[Happening]:
    if found := [Digest.parse(name) for name in names if name in signatures]:
        yield Happening(at, Kind.signatures, code, digests=tuple(found[:NAMED]), number=len(found))


def _fault(facts: Facts) -> str:
    return "" if facts.complete else facts.error or facts.error_code
