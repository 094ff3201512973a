"""Judged repositories copied inside PostgreSQL, with digests of their own."""

from collections.abc import Iterable, Mapping

from django.db import connection, models

from registries.models import Listing, Manifest, Presence, Repository, Served
from trust.models import ArtifactStatus, Judgement, Signature, Verdict

HERE = "copies.here = old.repository_id"
THERE = {"repository_id": "copies.copy"}


def own(column: str) -> str:
    """The digest that stands in the copy for the one in a column."""
    return f"'sha256:' || encode(sha256((copies.copy || {column})::bytea), 'hex')"


def present(key: str) -> str:
    """What lies in the repository that is copied, of rows that name none."""
    return f"EXISTS (SELECT FROM registries_presence AS p WHERE p.repository_id = copies.here AND p.manifest_id = old.{key})"


EVIDENCE = (
    f"replace(replace(old.evidence::text, old.subject, {own('old.subject')}), old.envelope, {own('old.envelope')})"
)
COPIED: tuple[tuple[type[models.Model], str, Mapping[str, str]], ...] = (
    (Manifest, present("digest"), {"digest": own("old.digest"), "subject": own("old.subject")}),
    (
        Signature,
        present("manifest_id"),
        {"evidence": f"{EVIDENCE}::jsonb"}
        | {name: own(f"old.{name}") for name in ("manifest_id", "subject", "envelope")},
    ),
    (Served, HERE, THERE | {"digest": own("old.digest")}),
    (
        Listing,
        HERE,
        THERE | {"subject": own("old.subject"), "digests": f"jsonb_build_array({own('(old.digests->>0)')})"},
    ),
    (Verdict, HERE, THERE | {"signature_id": own("old.signature_id")}),
    (ArtifactStatus, HERE, THERE | {"manifest_id": own("old.manifest_id")}),
    (Judgement, HERE, THERE),
    (Presence, HERE, THERE | {"manifest_id": own("old.manifest_id")}),
)


def copy(made: Iterable[int]) -> None:
    """Fill every other repository with a copy of one of those that were made."""
    made = list(made)
    others = list(Repository.objects.exclude(pk__in=made).order_by("pk").values_list("pk", flat=True))
    if not others:
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what is copied need not be checked again
        cursor.execute("CREATE TEMPORARY TABLE copies (here bigint, copy bigint)")
        pairs = [(made[number % len(made)], other) for number, other in enumerate(others)]
        cursor.executemany("INSERT INTO copies VALUES (%s, %s)", pairs)
        cursor.execute("ANALYZE")
        for model, where, values in COPIED:
            cursor.execute(_statement(model, where, values))
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _statement(model: type[models.Model], where: str, values: Mapping[str, str]) -> str:
    columns = [field.attname for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(values.get(name, f'old."{name}"') for name in columns)
    table = model._meta.db_table
    return f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} AS old, copies WHERE {where} ORDER BY copy"
