"""Sources and answers in the database: from values to rows, and back."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import batched, pairwise

from django.db.models import Q

from registries.oci.digest import Digest
from trust import chains, models
from trust.answer_json import says_from_json, says_to_json
from trust.asking import Collected
from trust.models import AnswerContent, Chain, RevocationSource
from trust.notary.certificates import Certificate
from trust.notary.revocation import Answer, Asked, RevocationAnswers, Source, SourceKind

MANY = 500  # rows in one query
LARGE = 1 << 16  # bytes of a superseded answer that are let go; what it said and its digest stay


def key_of(source: Source) -> str:
    """The name of a source, whatever the length of its address."""
    return hashlib.sha256("\n".join((source.kind, source.issuer, source.certificate, source.url)).encode()).hexdigest()


def source_of(row: RevocationSource) -> Source:
    return Source(SourceKind(row.kind), row.url, row.issuer_id, row.certificate_id or "")


def new_source(source: Source, at: datetime) -> RevocationSource:
    """A row that is due at once."""
    return RevocationSource(
        key=key_of(source),
        kind=source.kind.value,
        url=source.url,
        issuer_id=source.issuer,
        certificate_id=source.certificate or None,
        due_at=at,
    )


def answers_of(some: Iterable[Sequence[Certificate]]) -> RevocationAnswers:
    """What the sources that these chains name have answered; a query for some hundreds of them."""
    keys = {key_of(source) for chain in some for source in sources_named(chain)}
    asked: dict[Source, Asked] = {}
    for few in batched(sorted(keys), MANY):
        rows = RevocationSource.objects.filter(Q(answer__isnull=False) | Q(failed_at__isnull=False), key__in=few)
        asked |= {source_of(row): _asked(row) for row in rows.select_related("answer")}
    return RevocationAnswers(asked)


def sources_named(chain: Sequence[Certificate]) -> Iterator[Source]:
    """Every source that a certificate below the root names."""
    for certificate, issuer in pairwise(chain):
        for url in certificate.ocsp_urls:
            yield Source(SourceKind.ocsp, url, issuer.thumbprint, certificate.thumbprint)
        for url in certificate.crl_urls:
            yield Source(SourceKind.crl, url, issuer.thumbprint)


def chains_of(some: Iterable[Chain]) -> dict[str, tuple[Certificate, ...]]:
    """The certificates of chains, by fingerprint; one query, whatever their number."""
    rows = list(some)
    known = chains.certificates_of(thumbprint for row in rows for thumbprint in row.thumbprints)
    return {row.fingerprint: tuple(known[thumbprint] for thumbprint in row.thumbprints) for row in rows}


def keep(row: RevocationSource, collected: Collected, *, imported: bool = False) -> None:
    """Add an answer to its source. It counts from now on, unless it is an older one served again."""
    answer = collected.answer
    before = answer_of(row.answer) if row.answer else None
    if before and (before.digest, before.delta) == (answer.digest, answer.delta) and before.says == answer.says:
        return
    contents = {answer.digest: collected.content}
    if answer.delta and collected.delta is not None:
        contents[answer.delta] = collected.delta
    AnswerContent.objects.bulk_create(
        (AnswerContent(digest=digest, content=content) for digest, content in contents.items()), ignore_conflicts=True
    )
    added = models.RevocationAnswer.objects.create(
        source=row,
        digest=answer.digest,
        delta=answer.delta,
        collected_at=answer.collected_at,
        this_update=answer.this_update,
        next_update=answer.next_update,
        number=str(answer.number),
        signed_by=answer.signed_by,
        says=says_to_json(answer.says),
        imported=imported,
    )
    if before is None or answer.is_newer_than(before):
        row.answer = added
        row.save(update_fields=["answer"])
        _let_go(row, before)


def content_of(answer: models.RevocationAnswer) -> tuple[bytes, bytes | None] | None:
    """The bytes of an answer and of its delta; None where they were let go."""
    wanted = [digest for digest in (answer.digest, answer.delta) if digest]
    found = {row.digest: bytes(row.content) for row in AnswerContent.objects.filter(digest__in=wanted)}
    if len(found) < len(wanted):
        return None
    return found[answer.digest], found[answer.delta] if answer.delta else None


def answer_of(row: models.RevocationAnswer) -> Answer:
    return Answer(
        digest=row.digest,
        delta=row.delta,
        collected_at=row.collected_at,
        this_update=row.this_update,
        next_update=row.next_update,
        number=int(row.number),
        signed_by=row.signed_by,
        says=says_from_json(row.says),
    )


def _asked(row: RevocationSource) -> Asked:
    return Asked(answer_of(row.answer) if row.answer else None, row.last_error if row.failed_at else "")


def _let_go(row: RevocationSource, before: Answer | None) -> None:
    """Drop the bytes of the answer that another one took the place of, if they are large and no source needs them."""
    if before is None or row.answer is None:
        return
    old: set[Digest] = {digest for digest in (before.digest, before.delta) if digest}
    current = RevocationSource.objects.filter(Q(answer__digest__in=old) | Q(answer__delta__in=old))
    needed = {digest for pair in current.values_list("answer__digest", "answer__delta") for digest in pair}
    for content in AnswerContent.objects.filter(digest__in=old - needed):
        if len(content.content) > LARGE:
            content.delete()
