"""Nudges of the registries room: each takes an id, claims the row if it is due, calls one function, and may run twice."""

from collections.abc import Iterable

from celery import shared_task
from django.db.models import QuerySet
from django.utils import timezone

from registries import budgets, connections, indexing, leases, publishing, referrers_tags
from registries import survey as surveys
from registries.credentials import CredentialsError
from registries.leases import DueRow, Lease, due
from registries.models import ReferrersTag, Registry, Repository, Survey
from registries.nudging import Due, Nudges
from registries.oci.errors import OciError, as_sentence

NUDGES = 50  # rows of one kind a time
# A fleet takes long, and is due all the while: the queue would fill with what is waiting in it.
_SURVEYS, _REFERRERS_TAGS, _INDEXES = Nudges(), Nudges(), Nudges()


@shared_task
def survey_registry(registry_id: int) -> None:
    """Find the repositories of a registry, and have the new ones indexed."""
    row = Survey.objects.filter(registry=registry_id).first()
    if row is None:
        return
    with leases.claim(Survey.objects.filter(due(timezone.now())), row.pk) as lease:
        if lease:
            _surveyed(lease.row.registry, lease)
    nudge_indexing()


@shared_task
def index_repository(repository_id: int) -> None:
    """Index one repository."""
    with leases.claim(_askable().filter(due(timezone.now())), repository_id) as lease:
        if lease:
            _indexed(lease.row, lease)


@shared_task
def look_after_referrers_tag(pk: int) -> None:
    """See to it that what we added to a referrers tag still stands in it."""
    with leases.claim(ReferrersTag.objects.filter(due(timezone.now())), pk) as lease:
        if lease:
            _looked_after(lease.row, lease)


def nudge_due() -> None:
    """One message for each row that is due (a bounded number); messages may be lost or come twice."""
    for registry_id in _SURVEYS.fresh(_due(Survey.objects.all(), "registry_id")):
        survey_registry.delay(registry_id)
    for pk in _REFERRERS_TAGS.fresh(_due(ReferrersTag.objects.all())):
        look_after_referrers_tag.delay(pk)
    nudge_indexing()


def nudge_indexing() -> None:
    for pk in _INDEXES.fresh(_due(_askable())):
        index_repository.delay(pk)


def _askable() -> QuerySet[Repository]:
    """Repositories whose registry may be asked now."""
    paused = budgets.paused_hosts(timezone.now())
    resting = (
        [registry.pk for registry in Registry.objects.all() if connections.host_of(registry) in paused]
        if paused
        else []
    )
    return Repository.objects.exclude(registry__in=resting)


def _due[Row: DueRow](rows: QuerySet[Row], key: str = "pk") -> Iterable[Due]:
    """The rows whose work has waited longest, as far as a message each is sent for them at once."""
    return rows.filter(due(timezone.now())).order_by("due_at", "pk").values_list(key, "due_at", "fence")[:NUDGES]


def _surveyed(registry: Registry, lease: Lease[Survey]) -> None:
    try:
        with connections.open_source(registry) as source:
            surveys.survey(registry, source, lease)
    except (OciError, CredentialsError) as error:
        lease.give_back(as_sentence(str(error)))


def _indexed(repository: Repository, lease: Lease[Repository]) -> None:
    try:
        with connections.open_source(repository.registry) as source:
            indexing.index_repository(repository, source, lease)
    except (OciError, CredentialsError) as error:
        lease.give_back(as_sentence(str(error)))


def _looked_after(row: ReferrersTag, lease: Lease[ReferrersTag]) -> None:
    try:
        with publishing.open_destination(row.registry, row.repository) as place:
            referrers_tags.look_after(lease, (place.reader, place.pusher), timezone.now())
    except (OciError, CredentialsError) as error:
        if not lease.finished:
            lease.give_back(as_sentence(str(error)))
