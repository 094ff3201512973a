"""What vanished from a repository, for people to see: signatures withdrawn, tags moved back or gone, manifests gone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models

from registries.fields import DigestField

PRUNED = 1_000  # rows a time, so that no sweep takes long


class EventKind(models.TextChoices):
    SIGNATURE_WITHDRAWN = "signature_withdrawn", "Signature withdrawn"
    REFERRER_WITHDRAWN = "referrer_withdrawn", "Referrer no longer listed"
    DROPPED_FROM_TAG = "dropped_from_tag", "Dropped from the referrers tag"
    TAG_MOVED_BACK = "tag_moved_back", "Tag moved back"
    TAG_GONE = "tag_gone", "Tag gone"
    ARTIFACT_GONE = "artifact_gone", "Artifact gone"


class EventQuerySet(models.QuerySet["Event"]):
    def within(self, repositories: models.QuerySet) -> Self:  # type: ignore[type-arg]
        return self.filter(repository__in=repositories)


class Event(models.Model):
    """Something that was in a repository and is no more, as one index noticed it."""

    repository = models.ForeignKey("registries.Repository", models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind)
    digest = DigestField()  # the artifact that it is about
    thing = models.CharField(max_length=255, blank=True)  # the tag, or the digest of what was withdrawn
    at = models.DateTimeField(db_index=True)
    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["repository", "-at"])]


def write(events: Iterable[Event]) -> None:
    Event.objects.bulk_create(events, batch_size=500)


def prune(at: datetime) -> int:
    """Forget some of what vanished longer ago than events are kept; how many. What is present, and its history, stays."""
    if not settings.EVENTS_DAYS:
        return 0
    old = Event.objects.filter(at__lt=at - timedelta(days=settings.EVENTS_DAYS)).order_by("at")
    return Event.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PRUNED])).delete()[0]
