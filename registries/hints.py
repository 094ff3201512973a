"""Hints that something changed: where to look first. What they say is never taken for a fact."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from registries.leases import DueRow

MOST = 100  # a repository; beyond it all of its tags are read again


class Hint(models.Model):
    """A tag or a digest of a repository that is said to have changed."""

    repository = models.ForeignKey("registries.Repository", models.CASCADE, related_name="hints")
    reference = models.CharField(max_length=255)  # a tag or a digest
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "reference"], name="one_hint_a_reference")]


def leave(repository: DueRow, references: Iterable[str], at: datetime) -> None:
    """Have an index look at these soon; without any, at all of the repository's tags."""
    mine = type(repository)._default_manager.filter(pk=repository.pk)
    wanted = list(dict.fromkeys(references))
    if not wanted or len(wanted) + Hint.objects.filter(repository=repository.pk).count() > MOST:
        mine.update(tags_due_at=at)  # type: ignore[misc]  # a repository's
    else:
        Hint.objects.bulk_create(
            [Hint(repository_id=repository.pk, reference=reference[:255], at=at) for reference in wanted],
            update_conflicts=True,
            unique_fields=["repository", "reference"],
            update_fields=["at"],
        )
    look_soon(mine, at)


def look_soon(repositories: models.QuerySet[Any], at: datetime) -> None:
    """Have them indexed as soon as may be.

    A registry that failed or asked for patience is asked when its time has come. A running index may have passed the
    place: its row gets a new date, which its end then leaves alone.
    """
    waits = Q(due_at__gt=at) | Q(due_at=None) | Q(leased_until__gt=at)
    repositories.filter(waits, last_error="").update(due_at=at)
