"""Judging repositories: which are due, and what a run over one of them does. `judge_artifact` judges one artifact on the spot."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from registries.leases import Lease
from registries.models import Repository
from registries.oci.digest import Digest
from trust import again, holdings, remembering, revisions
from trust.chains import store_authorities
from trust.evidence import examine_missing
from trust.judging import judge_subjects
from trust.models import ArtifactStatus, Judgement
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.on_the_spot import JudgedArtifact, JudgedSignature, judge_artifact
from trust.records import Records, outcomes_of
from trust.remembering import Memory
from trust.rulings import Rulings

__all__ = [
    "JudgedArtifact",
    "JudgedSignature",
    "due_judgements",
    "ensure_judgements",
    "judge_artifact",
    "judge_repository",
]

MOMENT = timedelta(seconds=1)  # certificates count seconds, and hold through their last one


def ensure_judgements() -> None:
    """Give every repository the row of its judging."""
    new = Repository.objects.filter(judgement=None)
    Judgement.objects.bulk_create((Judgement(repository=repository) for repository in new), ignore_conflicts=True)


def due_judgements(at: datetime) -> QuerySet[Judgement]:
    """Rows whose repository, revision or verifier is not the one that was judged, or whose first deadline passed."""
    active = revisions.active_number()
    same_revision = Q(revision=None) if active is None else Q(revision=active, revision__isnull=False)
    current = same_revision & Q(
        generation__isnull=False,
        generation=F("repository__generation"),
        evidence_version=EVIDENCE_VERSION,
        judge_version=JUDGE_VERSION,
    )
    backing_off = Q(failed_at__isnull=False, due_at__isnull=False, due_at__gt=at)
    found = Judgement.objects.filter(Q(due_at__isnull=False, due_at__lte=at) | (~current & ~backing_off))
    # One table only, so that two workers that claim the same row see each other's claim.
    return Judgement.objects.filter(pk__in=found.values("pk"))


def judge_repository(lease: Lease[Judgement], at: datetime | None = None) -> None:
    """Examine and judge every subject of a repository; whatever it was stopped at before, the rows are right afterwards.

    Without `at` it is judged as of now, or of shortly before, if this worker has answers of then and nothing came since.
    """
    now = at or timezone.now()
    # What changes after this line raises the generation again, or makes another revision active: then it is due again.
    repository = Repository.objects.select_related("registry").get(pk=lease.row.repository_id)
    revision = revisions.active()
    memory = Memory(at) if at else remembering.current(lease.row, revision, now)
    rulings = Rulings.of(repository.reference, revision, memory.at)
    if not again.judge_again(repository, rulings, lease, memory.known(rulings)):
        rulings = Rulings.of(repository.reference, revision, now)
        _judge_anew(repository, rulings, lease)
    _finish(lease, repository, rulings)


def _judge_anew(repository: Repository, rulings: Rulings, lease: Lease[Judgement]) -> None:
    """From all that the repository holds, whatever was written before."""
    examine_missing(repository, at=rulings.at, lease=lease)
    covers = holdings.covered(_green_indexes(repository, rulings, lease), repository)
    for subjects in holdings.parts(repository):
        judged = judge_subjects(repository, subjects, rulings, lease)
        judged = [replace(each, covered_by=covers.get(each.subject.digest)) for each in judged]
        store_authorities({outcome.authentic_time.chain for outcome in outcomes_of(judged)})
        Records.load(repository, rulings, [each.digest for each in subjects]).write(judged, lease)


def _green_indexes(repository: Repository, rulings: Rulings, lease: Lease[Judgement]) -> list[Digest]:
    """What covers its children: judged before all else, as their rows name it."""
    judged = judge_subjects(repository, holdings.samples(repository, holdings.indexes(repository)), rulings, lease)
    return [each.subject.digest for each in judged if each.subject.stay.present and each.verdict.word.is_green]


def _finish(lease: Lease[Judgement], repository: Repository, rulings: Rulings) -> None:
    with transaction.atomic():
        lease.renew()
        statuses = ArtifactStatus.objects.filter(repository=repository, green_until__gte=rulings.at)
        ahead = statuses.aggregate(first=Min("green_until"))["first"]
        Judgement.objects.filter(pk=lease.row.pk).update(
            generation=repository.generation,
            revision=rulings.revision.number if rulings.revision else None,
            evidence_version=EVIDENCE_VERSION,
            judge_version=JUDGE_VERSION,
            judged_at=rulings.at,
        )
        lease.finish(ahead + MOMENT if ahead else None)
