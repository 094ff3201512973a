"""The overview: how many artifacts read what, what turned lately, how the registries are, what work is due."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Count, F, Min, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import access, certificate_list, work
from dashboard.certificate_page import sight_of
from dashboard.requests import Request
from dashboard.templatetags.signboard import span_text
from dashboard.words import LOOKS, Look, reason_text
from registries.models import Repository
from trust import revisions
from trust.models import ArtifactStatus, StatusChange
from trust.notary.outcome import Word
from trust.verification import due_judgements

LATELY = timedelta(hours=24)
MOST_CHANGES = 10
AHEAD = timedelta(days=90)
MOST_DEADLINES, MOST_LOOKED_AT = 5, 50
BAR_WIDTH = 1000
ORDER = (
    Word.verified, Word.verified_with_exceptions, Word.untrusted, Word.failed,
    Word.unsigned, Word.not_checked, Word.unknown, Word.stale,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """How many artifacts read one word, and what stands out among them."""

    word: Word
    look: Look
    number: int
    percent: float
    note: str


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the bar."""

    tone: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Turn:
    """An artifact whose word changed, and what it reads now."""

    change: StatusChange
    status: ArtifactStatus
    word: str


@dataclass(frozen=True, slots=True)
class Group:
    """The artifacts that read one word for one reason."""

    word: Word
    reason: str
    number: int
    covered: int  # by an index


@require_safe
def overview(request: Request) -> HttpResponse:
    now = timezone.now()
    repositories = access.repositories_of(request.user)
    revision = revisions.active_number()
    rows = ArtifactStatus.objects.within(repositories).artifacts().with_word_at(revision, now)
    groups = grouped(rows)
    figures = _figures(groups, partial(_about_stale, rows, repositories, now))
    registries = work.registry_rows(access.registries_of(request.user), repositories, now)
    progress = work.Progress.of(repositories, now)
    surveys = [row.survey for row in registries if row.survey]
    unread = sum(1 for survey in surveys if survey.last_error)
    context = {
        "at": now,
        "revision": revision,
        "figures": figures,
        "total": sum(figure.number for figure in figures),
        "bar": list(_bar(figures)),
        "turns": turns(repositories, revision, now),
        "revoked": sum(group.number for group in groups if group.reason == "revoked" and not group.word.is_green),
        "registries": registries,
        "progress": progress,
        "waiting": work.Waiting(registries=unread, repositories=progress.failing),
        "looked_up": sum(1 for survey in surveys if work.condition(survey, now) in (work.RUNNING, work.QUEUED)),
        "nobody_works": work.nobody_works(progress, now),
        "judgements": due_judgements(now).filter(repository__in=repositories).count(),
        "is_admin": access.is_admin(request.user),
    }
    if request.htmx:
        return render(request, "dashboard/overview.html#live", context)
    return render(request, "dashboard/overview.html", context | {"deadlines": next_deadlines(request.user, now)})


def next_deadlines(person: access.Person, at: datetime) -> list[certificate_list.Row]:
    """The certificates that expire next among those on which something rests; what turns then, the forecast says."""
    sight = sight_of(person)
    rows = sight.certificates.filter(not_after__gte=at, not_after__lt=at + AHEAD).order_by("not_after", "pk")
    found = certificate_list.rows_of(sight, list(rows[:MOST_LOOKED_AT]))
    return [row for row in found if row.resting.green or row.stores][:MOST_DEADLINES]


def grouped(rows: QuerySet[ArtifactStatus]) -> list[Group]:
    covered = _counted(rows.filter(Q(covered_by__isnull=False), Q(("covered_now", True))))
    return [
        Group(Word(word), reason, n, covered.get((word, reason), 0)) for (word, reason), n in _counted(rows).items()
    ]


def _counted(rows: QuerySet[ArtifactStatus]) -> dict[tuple[str, str], int]:
    counts = rows.order_by().values_list(F("word_now"), "reason").annotate(number=Count("pk"))
    return {(word, reason): number for word, reason, number in counts}


def _figures(groups: Iterable[Group], about_stale: Callable[[], str]) -> list[Figure]:
    numbers = dict.fromkeys(ORDER, 0)
    covered = 0
    reasons: dict[Word, tuple[int, str]] = {}
    for group in groups:
        numbers[group.word] += group.number
        if group.word is Word.unsigned:
            covered += group.covered
        elif group.reason != group.word.value:
            reasons[group.word] = max(reasons.get(group.word, (0, "")), (group.number, group.reason))
    total = sum(numbers.values())
    notes = {word: f"{number:,} {reason_text(reason).lower()}" for word, (number, reason) in reasons.items()}
    if covered:
        notes[Word.unsigned] = f"{covered:,} covered by index"
    if numbers[Word.stale]:
        notes[Word.stale] = about_stale()
    return [
        Figure(word, LOOKS[word], number, 100 * number / total if total else 0, notes.get(word, "") if number else "")
        for word, number in numbers.items()
    ]


def _about_stale(rows: QuerySet[ArtifactStatus], repositories: QuerySet[Repository], at: datetime) -> str:
    """Whether what is stale is looked at again, and if not, why."""
    stale = rows.filter(word_now=Word.stale.value)  # type: ignore[misc]  # annotated
    at_work = repositories.filter(Q(leased_until__gt=at) | Q(due_at__lte=at))
    if stale.filter(Q(repository__in=at_work) | Q(repository__in=due_judgements(at).values("repository"))).exists():
        return "re-checking"
    failed = stale.exclude(repository__last_error="")
    of_failing = failed.aggregate(number=Count("pk"), read=Min("repository__indexed_at"))
    if of_failing["read"]:
        return f"registry not read for {span_text(at - of_failing['read'])}"
    return "registry not read yet" if of_failing["number"] else "waits for its next check"


def _bar(figures: list[Figure]) -> Iterator[Slice]:
    """The words side by side, each wide enough to be seen."""
    shown = [figure for figure in figures if figure.number]
    total = sum(figure.number for figure in shown)
    free = BAR_WIDTH - 6 * len(shown)
    x = 0.0
    for figure in shown:
        width = 4 + free * figure.number / total
        yield Slice(figure.look.tone, round(x, 1), round(width, 1))
        x += width + 2


def turns(repositories: QuerySet[Repository], revision: int | None, at: datetime) -> list[Turn]:
    """What turned lately, worst first; what was merely seen for the first time did not turn."""
    changes = StatusChange.objects.filter(status__repository__in=repositories, at__gte=at - LATELY)
    turned = changes.exclude(cause=StatusChange.Cause.FIRST).order_by("status__severity", "-at", "-pk")
    latest: dict[int, StatusChange] = {}
    for change in turned[: 5 * MOST_CHANGES]:
        latest.setdefault(change.status_id, change)
    shown = dict(list(latest.items())[:MOST_CHANGES])
    statuses = ArtifactStatus.objects.filter(pk__in=shown).select_related("repository__registry")
    found = {row.pk: row for row in statuses.with_word_at(revision, at)}
    return [Turn(change, found[pk], vars(found[pk])["word_now"]) for pk, change in shown.items() if pk in found]
