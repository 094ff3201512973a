"""Judged repositories copied inside PostgreSQL, with digests of their own: half a million rows in a minute or so."""

from collections.abc import Iterable, Mapping

from django.db import connection, models

from registries.models import Listing, Manifest, Presence, Repository, Served
from trust.models import ArtifactStatus, Judgement, Signature, Verdict

HERE = "repository_id = {here}"
THERE = {"repository_id": "{copy}"}


def own(column: str) -> str:
    """The digest that stands in the copy for the one in a column."""
    return f"'sha256:' || encode(sha256(({{copy}} || {column})::bytea), 'hex')"


IN_EVIDENCE = f"replace(replace(evidence::text, subject, {own('subject')}), envelope, {own('envelope')})::jsonb"
SIGNED_HERE = "manifest_id IN (SELECT manifest_id FROM registries_presence WHERE repository_id = {here})"
COPIED: tuple[tuple[type[models.Model], str, Mapping[str, str]], ...] = (
    (
        Manifest,
        SIGNED_HERE.replace("manifest_id IN", "digest IN"),
        {"digest": own("digest"), "subject": own("subject")},
    ),
    (Presence, HERE, THERE | {"manifest_id": own("manifest_id")}),
    (Served, HERE, THERE | {"digest": own("digest")}),
    (Listing, HERE, THERE | {"subject": own("subject"), "digests": f"jsonb_build_array({own('(digests->>0)')})"}),
    (
        Signature,
        SIGNED_HERE,
        {
            "manifest_id": own("manifest_id"),
            "subject": own("subject"),
            "envelope": own("envelope"),
            "evidence": IN_EVIDENCE,
        },
    ),
    (Verdict, HERE, THERE | {"signature_id": own("signature_id")}),
    (ArtifactStatus, HERE, THERE | {"manifest_id": own("manifest_id")}),
    (Judgement, HERE, THERE),
)


def copy(made: Iterable[int]) -> None:
    """Fill every other repository with a copy of one of those that were made."""
    made = list(made)
    others = Repository.objects.exclude(pk__in=made).order_by("pk").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what is copied need not be checked again
        for number, other in enumerate(others):
            for model, where, values in COPIED:
                cursor.execute(_statement(model, where, values).format(here=made[number % len(made)], copy=other))
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")


def _statement(model: type[models.Model], where: str, values: Mapping[str, str]) -> str:
    columns = [field.attname for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(values.get(name, f'"{name}"') for name in columns)
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {chosen} FROM {model._meta.db_table} WHERE {where}"
