"""Tasks of trust: nudges to judge and to ask what is due. Each may run twice, or not at all: the sweep finds the row again."""

from celery import shared_task
from django.conf import settings
from django.db.models import DateTimeField, F, Value
from django.utils import timezone

from registries import leases
from registries.nudging import Nudges
from registries.transport import Transport
from trust import previewing, revocation, verification

NUDGES = 50
PREVIEWERS = 4
_SOURCES, _JUDGEMENTS = Nudges(), Nudges()


@shared_task
def judge_repository(repository_id: int) -> None:
    """Judge one repository if it is due and nobody else does."""
    verification.ensure_judgements()
    at = timezone.now()
    row = verification.due_judgements(at).filter(repository=repository_id).values_list("pk", flat=True).first()
    if row is None:
        return
    with leases.claim(verification.due_judgements(at), row) as lease:
        if lease:
            verification.judge_repository(lease)


@shared_task
def collect_answer(source_id: int) -> None:
    """Ask one source about revocation if it is due and nobody else does."""
    with leases.claim(revocation.due_sources(timezone.now()), source_id) as lease:
        if lease:
            with Transport(allowed=settings.REVOCATION_NETWORKS) as transport:
                revocation.collect(lease, transport)


@shared_task
def preview(preview_id: int) -> None:
    """Preview what is due of it and nobody else does."""
    previewing.work(preview_id)


def nudge_previews() -> None:
    """Send a message for each worker that could join in; each goes on by itself."""
    due = previewing.due_parts(timezone.now())
    for preview_id in due.order_by("preview").values_list("preview", flat=True)[:PREVIEWERS]:
        preview.delay(preview_id)


def nudge_due() -> None:
    """Send one message for each repository and each source that is due, the longest waiting first."""
    verification.ensure_judgements()
    nudge_previews()
    at = timezone.now()
    revocation.follow_chains(at)
    sources = revocation.due_sources(at).order_by("due_at", "pk").values_list("pk", "due_at", "fence")
    for source_id in _SOURCES.fresh(sources[:NUDGES]):
        collect_answer.delay(source_id)
    due = verification.due_judgements(at).filter(leases.free(at)).order_by(F("judged_at").asc(nulls_first=True))
    # A message judges what is newest when it is read, so one that waits is enough whatever changes meanwhile.
    waiting = due.values_list("repository_id", Value(None, DateTimeField()), "fence")
    for repository_id in _JUDGEMENTS.fresh(waiting[:NUDGES]):
        judge_repository.delay(repository_id)
