"""Answers about revocation as of an instant: those that had been collected by then, and what all of them tell of it."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from datetime import datetime
from functools import reduce
from itertools import batched

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Least, Length

from trust.models import RevocationAnswer, RevocationSource
from trust.notary.certificates import Certificate
from trust.notary.revocation import Answer, Asked, Entry, RevocationAnswers, Source, Statement
from trust.notary.revocation_answers import OF_SIGNER
from trust.revocation_rows import MANY, answer_of, key_of, source_of, sources_named

TEMPORARY = ("certificateHold", "removeFromCRL")  # a revocation for any other reason is never taken back


def collected_by(chains: Set[tuple[Certificate, ...]], at: datetime) -> RevocationAnswers:
    """The answers that counted at `at`, as `revocation_rows.keep` chose them then. Asking in vain leaves no trace."""
    asked: dict[Source, Asked] = {}
    sources = {vars(row)["newest"]: row for row in _sources(chains, newest=_newest(at)) if vars(row)["newest"]}
    for few in batched(sources, MANY):
        for pk, found in RevocationAnswer.objects.in_bulk(few).items():
            answer = answer_of(found)
            if any(doubt in OF_SIGNER for said in answer.says.values() for doubt in said.doubts):
                answer = _in_turn(sources[pk], at)  # whether one takes the place of another depends on that other
            asked[source_of(sources[pk])] = Asked(answer)
    return RevocationAnswers(asked)


def telling_of(chains: Set[tuple[Certificate, ...]], at: datetime) -> RevocationAnswers:
    """What the newest answers tell of the earlier instant `at`: revocations count from when they took effect.

    A revocation that an older answer told, and the newest no longer lists as the certificate has expired, still counts.
    """
    asked: dict[Source, Asked] = {}
    for row in _sources(chains):
        if row.answer:
            told = _lasting(row, _named(chains))
            asked[source_of(row)] = Asked(_as_of(answer_of(row.answer), told, at))
    return RevocationAnswers(asked)


def _sources(chains: Iterable[tuple[Certificate, ...]], **extra: Subquery) -> Iterator[RevocationSource]:
    keys = sorted({key_of(source) for chain in chains for source in sources_named(chain)})
    for few in batched(keys, MANY):
        yield from RevocationSource.objects.filter(key__in=few).select_related("answer").annotate(**extra)


def _newest(at: datetime) -> Subquery:
    """The answer that is newest by its own dates (`Answer.is_newer_than`), of those collected by `at`."""
    rows = RevocationAnswer.objects.filter(source=OuterRef("pk"), collected_at__lte=at)
    age = Least("this_update", "collected_at")
    return Subquery(
        rows.order_by(age.desc(), Length("number").desc(), "-number", "-collected_at", "-pk").values("pk")[:1]
    )


def _in_turn(row: RevocationSource, at: datetime) -> Answer:
    """The same found as it was found then: one answer after the other."""
    answers = map(answer_of, row.answers.filter(collected_at__lte=at).order_by("collected_at", "pk").iterator())
    return reduce(lambda counts, answer: answer if answer.is_newer_than(counts) else counts, answers)


def _named(chains: Iterable[tuple[Certificate, ...]]) -> set[str]:
    return {certificate.thumbprint for chain in chains for certificate in chain}


def _lasting(row: RevocationSource, thumbprints: Set[str]) -> dict[str, list[Entry]]:
    """Every revocation for good that any answer told of these certificates, and nobody doubts."""
    told: dict[str, list[Entry]] = {}
    for each in row.answers.order_by("collected_at", "pk").iterator():
        for thumbprint, said in answer_of(each).says.items():
            if thumbprint in thumbprints and not said.doubts:
                entries = told.setdefault(thumbprint, [])
                entries += [one for one in said.entries if one.reason not in TEMPORARY and one not in entries]
    return told


def _as_of(answer: Answer, told: dict[str, list[Entry]], at: datetime) -> Answer:
    says = {
        thumbprint: replace(said, entries=_effective(said, told.get(thumbprint, []), at))
        for thumbprint, said in answer.says.items()
    }
    # It is an answer about `at`, and no longer dated later than the time of checking.
    return replace(answer, says=says, this_update=min(answer.this_update, at))


def _effective(said: Statement, told: list[Entry], at: datetime) -> tuple[Entry, ...]:
    entries = dict.fromkeys((*told, *said.entries))
    return tuple(one for one in entries if one.fault or min(one.revoked_at, one.invalid_since or one.revoked_at) <= at)
