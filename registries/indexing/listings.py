"""What a registry lists as referrers, checked against the referrers themselves, and kept with its history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from django.db import connection

from registries import events, models, polling
from registries.events import EventKind
from registries.indexing.manifests import Found, keep, named
from registries.indexing.referrers import LIMIT, Answer
from registries.indexing.run import PASSING, Run
from registries.models import Event, Listing, ListingHistory, ListingSource
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.manifest import Manifest
from registries.oci.media_types import NOTARY_SIGNATURE, Kind
from registries.polling import Tier

FOREIGN = "foreign_referrer"
NAMES = "UPDATE registries_schematag SET digest = %s WHERE repository_id = %s AND name = %s"


@dataclass(slots=True)
class Finding:
    """The referrers of one subject, as far as they were to be had."""

    subject: Digest
    source: str
    whole: bool
    "The list itself was read to its end, or to our limit: what it does not name is not listed."
    error_code: str = ""
    error: str = ""
    entries: tuple[Descriptor, ...] = ()
    "What is to be read of it."
    retained: tuple[Digest, ...] = ()
    "Referrers known from before that a list which broke off may only have failed to name."
    attached: list[Manifest] = field(default_factory=list)
    "Those whose own subject this is, in the order given."
    missing: list[tuple[Digest, int]] = field(default_factory=list)
    "What is listed as a signature and cannot be read, and how many are attached before it."
    dropped: set[Digest] = field(default_factory=set)
    "What a referrers tag lists no longer although it is still there."
    withdrawn: list[Digest] = field(default_factory=list)
    "What was known as dropped, and is not there any more."
    of: Manifest | None = None
    "The subject itself, if it could be read."
    reused: bool = False
    same: bool = False
    "The registry says what it said before, so nothing of it needs to be read again."

    @property
    def complete(self) -> bool:
        return not self.error_code

    def fail(self, code: str, message: str) -> None:
        if not self.error_code:
            self.error_code, self.error = code, message


def known_listings(run: Run, subjects: Sequence[Digest]) -> dict[Digest, Listing]:
    rows = Listing.objects.filter(repository=run.repository, subject__in=subjects)
    return {row.subject: row for row in rows}


def reused(row: Listing) -> Finding:
    digests = tuple(map(Digest.parse, row.digests))
    return Finding(row.subject, row.source, whole=True, retained=digests, reused=True)


def begun(run: Run, subject: Digest, answer: Answer, row: Listing | None) -> Finding:
    """What is to be read of an answer; notes what is odd about it."""
    before = [Digest.parse(text) for text in row.digests] if row else []
    entries, cut = _within_caps(run, answer.entries, frozenset(before))
    whole = answer.complete or answer.error_code == LIMIT
    finding = Finding(subject, answer.source, whole, answer.error_code, str(answer.error or ""), entries)
    if cut:
        finding.fail(LIMIT, f"{len(answer.entries):,} referrers are listed; the first {len(entries):,} are read")
    elif not answer.complete:
        finding.fail("incomplete", "the list of referrers broke off")
    if not whole:
        listed = {entry.digest for entry in entries}
        finding.retained = tuple(digest for digest in before if digest not in listed)
    if finding.error_code:
        run.fault(subject, finding.error_code, f"The referrers of {subject} could not all be listed: {finding.error}")
    for note in answer.notes:
        run.fault(subject, "referrers_tag", note)
    return finding


def is_as_before(finding: Finding, row: Listing | None) -> bool:
    """Whether a list names exactly what it named, all of which was read and believed."""
    if row is None or not row.complete or not finding.complete or finding.retained:
        return False
    return bool([str(entry.digest) for entry in finding.entries] == row.digests)


def _within_caps(
    run: Run, entries: tuple[Descriptor, ...], before: frozenset[Digest]
) -> tuple[tuple[Descriptor, ...], bool]:
    """The entries that are read: all those known already, then signatures, then others, each up to its limit."""
    left = {True: run.caps.signatures, False: run.caps.referrers}
    taken = []
    for entry in entries:
        of_signatures = entry.artifact_type == NOTARY_SIGNATURE
        if entry.digest in before or left[of_signatures] > 0:
            left[of_signatures] -= 1
            taken.append(entry)
    return tuple(taken), len(taken) < len(entries)


def wanted(findings: Iterable[Finding]) -> list[Digest]:
    """The manifests to read for these findings, those listed as signatures first."""
    entries = [entry for finding in findings for entry in finding.entries]
    entries.sort(key=lambda entry: entry.artifact_type != NOTARY_SIGNATURE)
    return [*(entry.digest for entry in entries), *(digest for finding in findings for digest in finding.retained)]


def attach(run: Run, finding: Finding, found: Found) -> None:
    """Attach what says of itself that it refers to this subject; a list alone proves nothing."""
    listed = [(entry.digest, named(found, entry)) for entry in finding.entries]
    for digest, manifest in [*listed, *((digest, found[digest]) for digest in finding.retained)]:
        if isinstance(manifest, OciError):
            _unread(run, finding, digest, manifest)
        elif manifest.subject is None or manifest.subject.digest != finding.subject:
            run.fault(digest, FOREIGN, _foreign(finding.subject, manifest), subject=finding.subject)
        else:
            finding.attached.append(manifest)


def _unread(run: Run, finding: Finding, digest: Digest, error: OciError) -> None:
    """Anything that is listed and cannot be read may be a signature, unless it is gone and never claimed to be one."""
    claims = any(entry.digest == digest and entry.artifact_type == NOTARY_SIGNATURE for entry in finding.entries)
    if claims:
        finding.missing.append((digest, len(finding.attached)))
    gone = error.code == "not_found" and not claims
    message = f"It is listed as a referrer of {finding.subject}, and cannot be read: {error}"
    run.fault(digest, error.code, message, subject=None if gone else finding.subject)
    if not gone:
        finding.fail(error.code, f"the referrer {digest} cannot be read: {error}")


def _foreign(subject: Digest, manifest: Manifest) -> str:
    own = f"refers to {manifest.subject.digest}" if manifest.subject else "refers to nothing"
    return f"It is listed as a referrer of {subject}, but itself {own}. It is not counted."


# rows


def write(run: Run, findings: Sequence[Finding], rows: Mapping[Digest, Listing], at: datetime) -> None:
    """Keep what was found; what was said before goes into the history where it was something else. `at`: when it was asked."""
    new: list[Listing] = []
    same: list[Listing] = []
    changed: list[Listing] = []
    history: list[ListingHistory] = []
    lost: list[tuple[Digest, set[str]]] = []
    for finding in findings:
        row = rows.get(finding.subject)
        if finding.reused:
            continue
        if finding.withdrawn:
            lost.append((finding.subject, set(map(str, finding.withdrawn))))
        if row is None:
            interest_at = polling.first_interest(
                at,
                watched=run.repository.indexed_at is not None,
                is_referrer=bool(finding.of and finding.of.subject),
                is_signature=bool(finding.of and finding.of.is_signature),
            )
            row = Listing(repository=run.repository, subject=finding.subject, since=at, interest_at=interest_at)
            new.append(_scheduled(run, _filled(row, finding, at), finding, at))
            continue
        if finding.same:
            same.append(_scheduled(run, row, finding, at))
            continue
        before = _history(row, at)
        _filled(row, finding, at)
        if row.digests != before.digests:
            row.interest_at = polling.changed_interest(row.interest_at, at)
            lost.append((row.subject, set(before.digests) - set(row.digests)))
        _scheduled(run, row, finding, at)
        if _facts(row) != _facts(before):
            history.append(before)
            row.since = at
            changed.append(row)
        elif _details(row) != _details(before) or not finding.whole:
            changed.append(row)
        else:
            same.append(row)
    if new or history:
        run.changed(urgent=bool(history))
    Listing.objects.bulk_create(new, ignore_conflicts=True)
    for (tier, due_at), rows_alike in _alike(same).items():
        Listing.objects.filter(pk__in=rows_alike).update(checked_at=at, tier=tier, due_at=due_at)
    fields = ["source", "complete", "error_code", "error", "digests", "missing", "checked_at", "since"]
    fields += ["tier", "due_at", "interest_at"]
    Listing.objects.bulk_update(changed, fields, batch_size=50)
    ListingHistory.objects.bulk_create(history)
    dropped = {digest for finding in findings for digest in finding.dropped}
    events.write(_withdrawn(run, lost, dropped, at))
    run.look_again = run.look_again or (not run.whole and any(gone for _, gone in lost))


def _alike(rows: Iterable[Listing]) -> dict[tuple[int, datetime], list[int]]:
    """The rows by what is written into them: an unchanged list costs its dates and nothing else."""
    found: dict[tuple[int, datetime], list[int]] = {}
    for row in rows:
        found.setdefault((row.tier, row.due_at), []).append(row.pk)
    return found


def _scheduled(run: Run, row: Listing, finding: Finding, at: datetime) -> Listing:
    """The row with the time of the next look. One that was not read to its end stays as recent as it was."""
    if finding.whole or row.pk is None:
        row.tier = polling.tier_of(row.interest_at, at)
    again = finding.error_code in PASSING or finding.subject in run.shaky
    row.due_at = at + (
        min(polling.interval(Tier.NEW), polling.interval(row.tier)) if again else polling.interval(row.tier)
    )
    return row


def _withdrawn(run: Run, lost: Sequence[tuple[Digest, set[str]]], dropped: set[Digest], at: datetime) -> list[Event]:
    """What is listed no more, told apart: to withdraw a signature is another act than to replace a scan."""
    gone = {Digest.parse(text) for _, digests in lost for text in digests}
    kinds: dict[Digest, str] = {}
    for batch in batched(gone, 500):
        kinds |= dict(models.Manifest.objects.filter(digest__in=batch).values_list("digest", "kind"))
    return [
        Event(
            repository=run.repository,
            kind=_kind_of_loss(kinds.get(Digest.parse(text)), is_dropped=Digest.parse(text) in dropped),
            digest=subject,
            thing=text,
            at=at,
        )
        for subject, digests in lost
        for text in sorted(digests)
    ]


def _kind_of_loss(kind: str | None, *, is_dropped: bool) -> EventKind:
    if is_dropped:
        return EventKind.DROPPED_FROM_TAG
    return EventKind.SIGNATURE_WITHDRAWN if kind == Kind.signature.value else EventKind.REFERRER_WITHDRAWN


def _filled(row: Listing, finding: Finding, at: datetime) -> Listing:
    """The row with what was found. A list that broke off takes nothing away, and does not renew the listing's age."""
    row.source = finding.source
    row.complete = finding.complete
    row.error_code, row.error = finding.error_code[:40], finding.error.replace("\0", "")
    row.digests = [str(manifest.digest) for manifest in finding.attached]
    row.missing = [[str(digest), before] for digest, before in finding.missing]
    if finding.whole or row.pk is None:
        row.checked_at = at
    return row


def _facts(row: Listing | ListingHistory) -> tuple[object, ...]:
    return row.source, row.complete, row.error_code, sorted(row.digests)


def _details(row: Listing | ListingHistory) -> tuple[object, ...]:
    """What is written, but is no other state of the listing: no history is made of it."""
    return row.error, row.digests, row.missing


def _history(row: Listing, at: datetime) -> ListingHistory:
    return ListingHistory(
        listing=row,
        source=row.source,
        complete=row.complete,
        error_code=row.error_code,
        error=row.error,
        digests=row.digests,
        missing=row.missing,
        since=row.since,
        until=at,
    )


def write_indexes(run: Run, answers: Iterable[Answer]) -> None:
    """Keep the bytes of referrers indexes, so that an unchanged one is not fetched again."""
    read = [(index.tag, index.fetched) for answer in answers for index in answer.indexes if index.fetched]
    if read:
        keep({fetched.digest: fetched.content for _, fetched in read})
        with connection.cursor() as cursor:
            cursor.executemany(NAMES, [(str(fetched.digest), run.repository.pk, tag) for tag, fetched in read])


def unreadable(run: Run, subject: Digest, error: OciError) -> Finding:
    """The listing of a subject that itself cannot be read: nothing is known of its referrers."""
    source = ListingSource.API if run.repository.referrers_api is not False else ListingSource.FALLBACK
    return Finding(subject, source, whole=True, error_code=error.code, error=str(error))
