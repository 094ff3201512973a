"""Disconnecting a registry: all that is known of its repositories goes, and the bytes that no other repository gave."""

from collections.abc import Iterable
from itertools import batched

from django.db import transaction
from django.db.models import F

from registries.leases import DueRow
from registries.models import Content, Manifest, Presence, Registry, Repository, SchemaTag, Served, Survey
from registries.oci.digest import Digest

BATCH = 500


def disconnect(registry: Registry) -> None:
    """Remove the connection, its repositories and what only they held, in the caller's transaction."""
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "a registry goes whole, in the transaction of the act, or not at all"
        )
    _fence_off(registry)
    held = _digests_of(registry)
    registry.delete()
    _remove_unheld(held)


def _fence_off(registry: Registry) -> None:
    """Whoever works on the registry may write nothing more; a write that has begun is waited for."""
    Survey.objects.filter(registry=registry).update(fence=F("fence") + 1)
    registry.repositories.update(fence=F("fence") + 1)
    for relation in Repository._meta.related_objects:  # trust's due rows, which this room does not know
        work = relation.related_model
        if isinstance(work, type) and issubclass(work, DueRow):
            rows = work._default_manager.filter(**{f"{relation.field.name}__registry": registry})
            rows.update(fence=F("fence") + 1)


def _digests_of(registry: Registry) -> set[Digest]:
    columns = (
        (Served, "digest"),
        (Presence, "manifest_id"),
        (SchemaTag, "digest"),  # listings kept as bytes
    )
    return {
        digest
        for model, column in columns
        for digest in model._default_manager.filter(repository__registry=registry).values_list(column, flat=True)
        if digest
    }


def _remove_unheld(digests: Iterable[Digest]) -> None:
    """Of these, what no repository holds any more: manifests with all that was found out about them, and bytes."""
    for batch in batched(sorted(digests), BATCH):
        wanted = set(batch)
        served = set(Served.objects.filter(digest__in=batch).values_list("digest", flat=True))
        served |= {tag.digest for tag in SchemaTag.objects.filter(digest__in=batch) if tag.digest}
        present = set(Presence.objects.filter(manifest__in=batch).values_list("manifest_id", flat=True))
        Manifest.objects.filter(digest__in=wanted - present - served).delete()
        Content.objects.filter(digest__in=wanted - served - present).delete()
