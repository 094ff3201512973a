"""What a preview found out, as pages show it: counts by change, what waits for evidence, and the artifacts themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.http import QueryDict

from trust import preview_groups
from trust.draft_rows import Draft, Preview, PreviewGroup, PreviewPart
from trust.models import GREEN, ArtifactStatus
from trust.notary.outcome import Word

PAGE_SIZE = 50
MOST_GROUPS = 20  # rows of the tables by repository and by signer
APART = "apart-"  # the place of a row beyond those that go by their course
WAITING = ~Q(hinges_on=[])


@dataclass(frozen=True, slots=True)
class Turn:
    """Artifacts whose word changes in the same way for the same reason."""

    before: str
    after: str
    reason: str
    artifacts: int


@dataclass(frozen=True, slots=True)
class Impact:
    """A preview as far as it has come; every figure is exact for the repositories that are done."""

    preview: Preview
    repositories: int
    done: int
    artifacts: int
    changed: int
    turns: tuple[Turn, ...]
    waiting: int
    "Artifacts whose word is decided once revocation was checked."
    chains: int
    greener: int
    "Artifacts that turn green."
    errors: tuple[PreviewPart, ...]
    is_outdated: bool
    "Another revision is active now, or the draft was changed."

    @property
    def runs(self) -> bool:
        return self.done < self.repositories and not self.is_outdated

    @classmethod
    def of(cls, draft: Draft, active: int | None) -> Self | None:
        """The draft's newest preview; None where there is none."""
        preview = Preview.objects.filter(draft=draft).order_by("-pk").first()
        if preview is None:
            return None
        parts = PreviewPart.objects.filter(preview=preview)
        counts = parts.aggregate(
            all=Count("pk"),
            done=Count("done_at"),
            artifacts=Sum("artifacts", default=0),
            changed=Sum("changed", default=0),
        )
        groups = PreviewGroup.objects.filter(part__preview=preview)
        decided = groups.exclude(WAITING).exclude(before=F("after"))
        rows = decided.values("before", "after", "reason").annotate(artifacts=Sum("artifacts")).order_by()
        turns = [Turn(**row) for row in rows]
        waiting = list(groups.filter(WAITING).order_by().values_list("hinges_on").annotate(Sum("artifacts")))
        return cls(
            preview=preview,
            repositories=counts["all"],
            done=counts["done"],
            artifacts=counts["artifacts"],
            changed=sum(turn.artifacts for turn in turns),
            turns=tuple(sorted(turns, key=_weight)),
            waiting=sum(number for _, number in waiting),
            chains=len({chain for chains, _ in waiting for chain in chains}),
            greener=sum(turn.artifacts for turn in turns if turn.after in GREEN and turn.before not in GREEN),
            errors=tuple(
                parts.filter(done_at=None, failed_at__isnull=False, attempts__gt=2).select_related(
                    "repository__registry"
                )[:5]
            ),
            is_outdated=preview.against != active or preview.version != draft.version,
        )


def _weight(turn: Turn) -> tuple[bool, int]:
    """What loses green first, then what many share."""
    return turn.before not in GREEN or turn.after in GREEN, -turn.artifacts


def chains_of(waiting: QuerySet[PreviewGroup]) -> set[str]:
    """The chains about whose revocation nobody was asked yet."""
    return {chain for chains in waiting.values_list("hinges_on", flat=True).distinct() for chain in chains}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list of changes is narrowed to."""

    before: str = ""
    after: str = ""
    reason: str = ""
    repository: int | None = None
    signer: str = ""
    waiting: bool = False

    @classmethod
    def parse(cls, query: QueryDict) -> Self:
        repository = query.get("repository", "")
        return cls(
            before=_word(query.get("before")),
            after=_word(query.get("after")),
            reason=_text(query.get("reason"))[:60],
            repository=int(repository)
            if repository.isascii() and repository.isdigit() and len(repository) < 16
            else None,
            signer=_text(query.get("signer")),
            waiting=query.get("waiting") == "yes",
        )

    def query(self) -> str:
        query = QueryDict(mutable=True)
        values = {
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "repository": self.repository,
            "signer": self.signer,
            "waiting": "yes" if self.waiting else "",
        }
        query.update({name: str(value) for name, value in values.items() if value})
        return query.urlencode()

    def groups(self, preview: Preview) -> QuerySet[PreviewGroup]:
        """The groups that the filters leave: those that change, or those that wait for evidence."""
        groups = PreviewGroup.objects.filter(part__preview=preview)
        groups = groups.filter(WAITING) if self.waiting else groups.exclude(WAITING).exclude(before=F("after"))
        wanted = {
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "part__repository": self.repository,
            "signer": self.signer,
        }
        return groups.filter(**{name: value for name, value in wanted.items() if value})


def _word(text: str | None) -> str:
    return text if text in list(Word) else ""


def _text(text: str | None) -> str:
    return (text or "").replace("\0", "").strip()[:1000]


@dataclass(frozen=True, slots=True)
class Row:
    """One artifact whose word would change."""

    status: ArtifactStatus
    group: PreviewGroup


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next: str = ""


def page(filters: Filters, preview: Preview, after: str = "", size: int = PAGE_SIZE) -> Page:
    """The artifacts after a place; three queries, however many there are: those that go by their questions come last."""
    groups = filters.groups(preview)
    rows = preview_groups.artifacts(preview).select_related("repository__registry").order_by("pk")
    if filters.repository:
        rows = rows.filter(repository=filters.repository)
    by_course, apart = rows.filter(_in_one_of(groups, "course")), after.startswith(APART)
    found = [] if apart else list(by_course.filter(pk__gt=_place(after))[: size + 1])
    first = len(found)
    if first <= size:
        by_question = rows.exclude(course=F("question")).filter(_in_one_of(groups, "question"))
        found += by_question.filter(pk__gt=_place(after.removeprefix(APART)) if apart else 0)[: size + 1 - first]
    shown = found[:size]
    place = f"{'' if size <= first else APART}{shown[-1].pk}" if len(found) > size else ""
    return Page(_with_groups(shown, groups), place)


def _in_one_of(groups: QuerySet[PreviewGroup], key: str) -> Exists:
    """Whether an artifact is one of those that the groups count: by its course, or by its question (`PreviewGroup`)."""
    mine = groups.filter(
        Q(old_listing=False, recent_since=None)
        | Q(old_listing=False, recent_since__lt=OuterRef("listed_at"))
        | Q(old_listing=True, recent_since__gte=OuterRef("listed_at")),
        question=OuterRef(key),
        part__repository=OuterRef("repository"),
        before=OuterRef("word_now"),
    )
    return Exists(mine)


def _with_groups(statuses: Sequence[ArtifactStatus], groups: QuerySet[PreviewGroup]) -> list[Row]:
    asked = {
        "question__in": {key for row in statuses for key in (row.course, row.question)},
        "part__repository__in": {row.repository_id for row in statuses},
    }
    known = {
        (group.part.repository_id, group.question, group.before, group.old_listing): group
        for group in groups.filter(**asked).select_related("part")
    }
    rows = []
    for status in statuses:
        recent, old = (
            known.get((status.repository_id, status.course, vars(status)["word_now"], age))
            or known.get((status.repository_id, status.question, vars(status)["word_now"], age))
            for age in (False, True)
        )
        is_old = old and (
            not recent or (status.listed_at and old.recent_since and status.listed_at <= old.recent_since)
        )
        rows.append(Row(status, old if is_old and old else recent or old))  # type: ignore[arg-type]  # one of them let it through
    return rows


def every(filters: Filters, preview: Preview) -> Iterator[Row]:
    """All artifacts that change so, for an export."""
    place = ""
    while True:
        found = page(filters, preview, place, size=1000)
        yield from found.rows
        if not found.next:
            return
        place = found.next


def _place(text: str) -> int:
    """The artifact after which a page begins."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@dataclass(frozen=True, slots=True)
class Share:
    """How many changes one repository, or one signer, has."""

    name: str
    artifacts: int
    key: int | None = None


def by_repository(groups: QuerySet[PreviewGroup]) -> list[Share]:
    rows = (
        groups.order_by()
        .values("part__repository")
        .annotate(
            artifacts=Sum("artifacts"),
            registry=Max("part__repository__registry__reference_name"),
            name=Max("part__repository__name"),
        )
        .order_by("-artifacts", "part__repository")[:MOST_GROUPS]
    )
    return [Share(f"{row['registry']}/{row['name']}", row["artifacts"], row["part__repository"]) for row in rows]


def by_signer(groups: QuerySet[PreviewGroup]) -> list[Share]:
    rows = groups.order_by().values("signer").annotate(artifacts=Sum("artifacts"))
    return [Share(row["signer"], row["artifacts"]) for row in rows.order_by("-artifacts", "signer")[:MOST_GROUPS]]
