"""Time travel: one artifact as of an instant. Two questions, one evaluator, and what of the past cannot be known.

*Then*: what Signboard knew at the instant (the listing, the answers about revocation and the revision of then).
*Now*: what is known today of that instant (everything collected since, judged at the instant, by the revision of then).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from registries.models import Listing, ListingHistory, Presence, Repository
from registries.oci.digest import Digest
from trust.models import StatusChange, TrustRevision
from trust.notary.checks import as_text
from trust.notary.outcome import Note, Word
from trust.on_the_spot import JudgedArtifact, Known, judge_listed
from trust.past_answers import collected_by, telling_of

OPEN_REVOCATION = ("revocation_not_evaluated", "tsa_revocation_not_evaluated")


class Asked(StrEnum):
    """Which of the two questions is asked of an instant."""

    then = "then"  # what Signboard knew then
    now = "now"  # what is known now of then


@dataclass(frozen=True, slots=True)
class Past:
    """The answer about one artifact as of an instant."""

    at: datetime
    asked: Asked
    judged: JudgedArtifact | None  # None: Signboard had not seen the artifact then
    recorded: StatusChange | None  # the word that was on record then
    present: bool  # the registry had it then
    gaps: tuple[Note, ...]  # what of the past cannot be known, or was not known then

    @property
    def revision(self) -> TrustRevision | None:
        return self.judged.revision if self.judged else None


def revision_at(at: datetime) -> TrustRevision | None:
    """The revision that was active."""
    return TrustRevision.objects.filter(created_at__lte=at).order_by("-number").first()


def judge_past(repository: Repository, digest: Digest, at: datetime, asked: Asked) -> Past:
    """Judge one artifact as of `at`; raises Manifest.DoesNotExist for one that never was in the repository."""
    stays = list(
        Presence.objects.filter(repository=repository, manifest=digest).order_by("since").values_list("since", "until")
    )
    present = any(since <= at and (until is None or at < until) for since, until in stays)
    changes = StatusChange.objects.filter(status__repository=repository, status__manifest=digest)
    recorded = changes.filter(at__lte=at).order_by("-at", "-pk").first()
    if asked is Asked.then and stays and at < stays[0][0]:
        return Past(at, asked, None, None, present, (_unseen(stays[0][0]),))
    listing, listing_gaps = _listing(repository, digest, at, asked)
    judged = judge_listed(repository, digest, listing, at, known=_known(at, asked))
    gaps = [
        *_presence_gaps(stays, at, present=present),
        *listing_gaps,
        *_judging_gaps(judged, asked),
        *_version_gaps(changes.filter(at__gt=at, cause=StatusChange.Cause.VERSION).order_by("at").first()),
        *(_record_gaps(judged, recorded) if asked is Asked.then else ()),
    ]
    return Past(at, asked, judged, recorded, present, tuple(gaps))


def _known(at: datetime, asked: Asked) -> Known:
    collected = collected_by if asked is Asked.then else telling_of
    # Of faults the last index alone is on record; what it saw later says nothing of then.
    return Known(revision_at(at), lambda chains: collected(chains, at), Q(seen_at__lte=at))


def _listing(repository: Repository, digest: Digest, at: datetime, asked: Asked) -> tuple[Listing | None, list[Note]]:
    """The listing that was in force, and what is not known of it."""
    row = Listing.objects.filter(repository=repository, subject=digest).first()
    if row is None:
        return None, []
    if row.checked_at <= at:
        return row, []
    history = ListingHistory.objects.filter(listing=row)
    in_force = row if row.since <= at else history.filter(since__lte=at, until__gt=at).order_by("-since", "-pk").first()
    if in_force:
        message = (
            f"The registry answered so from {as_text(in_force.since)} on. When it was last asked before the instant is not"
            " kept: the listing is taken for recent, and what would have been stale for its age reads green."
        )
        return _as_listing(row, in_force, at), [Note("listing_age", message)] if asked is Asked.then else []
    first = history.order_by("since", "pk").first() or row
    if asked is Asked.then:
        message = f"Signboard first asked for its signatures at {as_text(first.since)}."
        return None, [Note("before_first_listing", message)]
    message = (
        f"No listing of then is known. The first one, of {as_text(first.since)}, stands in for it: which signatures were"
        " attached earlier cannot be known."
    )
    return _as_listing(row, first, at), [Note("before_first_listing", message)]


def _as_listing(row: Listing, facts: Listing | ListingHistory, at: datetime) -> Listing:
    """A listing as it then was; not to be saved."""
    return Listing(
        repository_id=row.repository_id,
        subject=row.subject,
        source=facts.source,
        complete=facts.complete,
        error_code=facts.error_code,
        error=facts.error,
        digests=facts.digests,
        missing=facts.missing,
        checked_at=at,
        since=facts.since,
        tier=row.tier,
    )


def _unseen(first: datetime) -> Note:
    return Note("not_seen", f"Signboard first saw this artifact at {as_text(first)}, and knew nothing of it before.")


def _presence_gaps(stays: list[tuple[datetime, datetime | None]], at: datetime, *, present: bool) -> Iterator[Note]:
    if not stays or present:
        return
    if at < stays[0][0]:
        yield _unseen(stays[0][0])
    else:
        gone = max(until for since, until in stays if until and until <= at)
        yield Note("gone", f"The registry did not have it then: it was gone from {as_text(gone)} on.")


def _judging_gaps(judged: JudgedArtifact, asked: Asked) -> Iterator[Note]:
    if judged.revision is None:
        yield Note("no_revision", "No trust policy was active then.")
    later = sum(one.row.examined_at > judged.at for one in judged.signatures)
    if later and asked is Asked.then:
        many = "One signature was" if later == 1 else f"{later:,} signatures were"
        message = f"{many} last examined after the instant. The bytes are those of then, and so is what they prove."
        yield Note("examined_later", message)
    if judged.verdict.reason in OPEN_REVOCATION and asked is Asked.then:
        yield Note("asked_in_vain", "Whether somebody was asked in vain about revocation is not kept.")


def _version_gaps(change: StatusChange | None) -> Iterator[Note]:
    if change:
        message = (
            f"A newer Signboard changed its word at {as_text(change.at)}: an older one judged otherwise than this one."
        )
        yield Note("newer_version", message)


def _record_gaps(judged: JudgedArtifact, recorded: StatusChange | None) -> Iterator[Note]:
    """Where the record of then and today's evaluation of then disagree, both are said."""
    if recorded is None:
        yield Note(
            "not_recorded", "No worker had judged it by then; whoever asked was answered from the same evidence."
        )
        return
    if recorded.after == judged.verdict.word:
        return
    was = recorded.after.replace("_", " ")
    if judged.verdict.word is Word.stale:
        return
    message = (
        f"On record is {was}, since {as_text(recorded.at)}: the evidence that is kept of then comes to another word. It may"
        " have come between two runs of the worker, or by an older version."
    )
    yield Note("unlike_the_record", message)


def without_deadline(judged: JudgedArtifact) -> JudgedArtifact:
    """The same without saying until when it is green: that instant has come, or depends on a listing's age that is not kept."""
    return replace(judged, verdict=replace(judged.verdict, green_until=None, stands_until=None))
