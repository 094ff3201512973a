"""Tags of a repository: what they name now, how they moved, and those that are listings and not tags."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from registries import events
from registries.events import EventKind
from registries.indexing import hinted
from registries.indexing.fetching import InterruptedIndexError
from registries.indexing.run import Run
from registries.models import Event, SchemaTag, Tag, TagMove
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.layout import Layout
from registries.oci.source import TagList
from registries.polling import first_interest

SLICE = 500
_REFERRERS = re.compile(r"(sha256|sha384|sha512)-([0-9a-f]{64})", re.ASCII)
_COSIGN = re.compile(r"sha256-([0-9a-f]{64})\.(?:sig|att|sbom)", re.ASCII)


@dataclass(slots=True)
class Tags:
    """What the tags of a repository say: where its artifacts begin, and which referrers indexes there are."""

    complete: bool
    roots: list[Digest] = field(default_factory=list)
    "What tags name, each once, in the order of the tags; of a tag that could not be asked, what it named last."
    indexes: dict[str, Digest | None] = field(default_factory=dict)
    "Tags of the referrers tag schema, and what they named when last read."
    subjects: list[Digest] = field(default_factory=list)
    "What else is to be visited, wherever it hangs."


def read(run: Run) -> Tags:
    """List the tags and resolve each; raises InterruptedIndexError where not even a part of the list is to be had."""
    look = hinted.look(run)
    listed = look.tags
    if listed.error and not listed.tags:
        raise InterruptedIndexError(listed.error)
    _note_oddities(run, listed)
    rows = {row.name: row for row in Tag.objects.filter(repository=run.repository)}
    tags = Tags(listed.complete, indexes=schema_tags(run, listed))
    ordinary = [name for name in listed.tags if scheme_of(name) is None]
    if not listed.complete:  # what we know and did not see may well be there still: ask for it by name
        ordinary += sorted(name for name, row in rows.items() if row.gone_at is None and name not in set(ordinary))
    named: dict[Digest, None] = {}
    for batch in batched(ordinary, SLICE):
        told = hinted.proven(run, {name: look.digests[name] for name in batch if name in look.digests})
        resolved = told | _resolve(run, [name for name in batch if name not in told], rows)
        _write(run, resolved, rows)
        names = (resolved.get(name) or (rows[name].digest if name in rows else None) for name in batch)
        named.update((digest, None) for digest in names if digest)
    if listed.complete:
        _write_gone(run, [row for name, row in rows.items() if row.gone_at is None and name not in set(ordinary)])
    if isinstance(run.source, Layout):
        named.update(dict.fromkeys(run.source.untagged()))
    tags.roots = list(named)
    return tags


def resolved_now(run: Run, names: Sequence[str]) -> list[Digest]:
    """What these tags name now. One that is gone, or cannot be asked, calls for the whole list."""
    rows = {row.name: row for row in Tag.objects.filter(repository=run.repository, name__in=names)}
    resolved: dict[str, Digest] = {}

    def ask(name: str) -> Digest:
        return _asked(run, name, known.get(name))

    known = {name: row.digest for name, row in rows.items() if row.gone_at is None}
    for name, answer in run.fetcher.each(ask, names):
        if isinstance(answer, OciError):
            run.look_again = True
        else:
            resolved[name] = answer
    _write(run, resolved, rows)
    moved = {digest for name, digest in resolved.items() if known.get(name) not in (None, digest)}
    run.look_again = run.look_again or bool(moved)  # what the tag named before may be an artifact no more
    return list(dict.fromkeys(resolved.values()))


def scheme_of(name: str) -> tuple[str, Digest | None] | None:
    """`referrers` or `cosign` and the subject, for a tag that is a listing; None for an ordinary tag."""
    if match := _REFERRERS.fullmatch(name):
        return "referrers", Digest("sha256", match[2]) if match[1] == "sha256" else None
    if match := _COSIGN.fullmatch(name):
        return "cosign", Digest("sha256", match[1])
    return None


def _note_oddities(run: Run, listed: TagList) -> None:
    if listed.error:
        message = f"The list of tags broke off, so no tag is taken for deleted: {listed.error}"
        run.fault(run.name, "tags_incomplete", message)
    if listed.rejected:
        run.fault(
            run.name, "not_tags", f"{listed.rejected} entries in the list of tags are no tags; they are left out."
        )


def _resolve(run: Run, names: Iterable[str], rows: Mapping[str, Tag]) -> dict[str, Digest]:
    """What each tag names now; a tag that cannot be asked is a fault and is left out."""

    def ask(name: str) -> Digest:
        return _asked(run, name, known.get(name))

    known = {name: row.digest for name, row in rows.items() if row.gone_at is None}
    resolved: dict[str, Digest] = {}
    for name, answer in run.fetcher.each(ask, names):
        if isinstance(answer, OciError):
            run.fault(name, answer.code, str(answer))
        else:
            resolved[name] = answer
    return resolved


def _asked(run: Run, name: str, known: Digest | None) -> Digest:
    """What a tag names now. Of one that is new the manifest is wanted as well."""
    ahead = None if known else run.ahead.resolve(name)
    return ahead or run.source.resolve(run.name, name, known)


def _write(run: Run, resolved: Mapping[str, Digest], rows: dict[str, Tag]) -> None:
    """Write new tags and moves of known ones."""
    at = run.now()
    new: list[Tag] = []
    moved: list[Tag] = []
    moves: list[TagMove] = []
    back: list[Event] = []
    for name, digest in resolved.items():
        row = rows.get(name)
        if row is None:
            row = rows[name] = Tag(repository=run.repository, name=name, digest=digest, since=at)
            new.append(row)
            moves.append(TagMove(tag=row, before=None, after=digest, at=at))
        elif row.digest != digest or row.gone_at:
            if not row.gone_at and _named_before(row, digest):
                back += _events(run, EventKind.TAG_MOVED_BACK, [row], at)  # what it named until now
            moves.append(TagMove(tag=row, before=None if row.gone_at else row.digest, after=digest, at=at))
            row.digest, row.since, row.gone_at = digest, at, None
            moved.append(row)
    if moves:
        run.changed(urgent=bool(moved))
        with run.commit(interest_at=_interest(run, at)):
            events.write(back)
            Tag.objects.bulk_create(new)
            Tag.objects.bulk_update(moved, ["digest", "since", "gone_at"])
            TagMove.objects.bulk_create(moves)


def _write_gone(run: Run, rows: list[Tag]) -> None:
    at = run.now()
    for batch in batched(rows, SLICE):
        moves = [TagMove(tag=row, before=row.digest, after=None, at=at) for row in batch]
        run.changed(urgent=True)
        with run.commit(interest_at=_interest(run, at)):
            events.write(_events(run, EventKind.TAG_GONE, batch, at))
            Tag.objects.filter(pk__in=[row.pk for row in batch]).update(gone_at=at)
            TagMove.objects.bulk_create(moves)


def _named_before(row: Tag, digest: Digest) -> bool:
    return TagMove.objects.filter(tag=row, before=digest).exists()


def _interest(run: Run, at: datetime) -> datetime:
    """Since when the repository is of interest, now that a tag changed."""
    run.repository.interest_at = first_interest(at, watched=run.repository.indexed_at is not None)
    return run.repository.interest_at


def _events(run: Run, kind: EventKind, rows: Iterable[Tag], at: datetime) -> list[Event]:
    return [Event(repository=run.repository, kind=kind, digest=row.digest, thing=row.name, at=at) for row in rows]


def schema_tags(run: Run, listed: TagList) -> dict[str, Digest | None]:
    """Keep tags that are listings apart; answers those of the referrers tag schema."""
    at = run.now()
    here = {name: scheme for name in listed.tags if (scheme := scheme_of(name))}
    rows = {row.name: row for row in SchemaTag.objects.filter(repository=run.repository)}
    new = [
        SchemaTag(repository=run.repository, name=name, scheme=scheme, subject=subject)
        for name, (scheme, subject) in here.items()
        if name not in rows
    ]
    back = [row.pk for name, row in rows.items() if name in here and row.gone_at]
    gone = [row.pk for name, row in rows.items() if name not in here and not row.gone_at and listed.complete]
    # A tag that came or went changes what its subject's list says, due or not.
    run.forced.update(row.subject for row in new if row.subject)
    run.forced.update(row.subject for row in rows.values() if row.subject and row.pk in {*back, *gone})
    if new or back or gone:
        run.changed()
        with run.commit():
            SchemaTag.objects.bulk_create(new)
            for pks, moment in ((back, None), (gone, at)):
                for batch in batched(pks, SLICE):
                    SchemaTag.objects.filter(pk__in=batch).update(gone_at=moment)
    known = {
        name: rows[name].digest if name in rows else None for name, (scheme, _) in here.items() if scheme == "referrers"
    }
    if not listed.complete:
        unseen = (row for row in rows.values() if row.scheme == "referrers" and not row.gone_at)
        known |= {row.name: row.digest for row in unseen if row.name not in known}
    return known
