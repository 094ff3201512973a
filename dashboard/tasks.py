"""The sweep: finds whatever is due and nudges workers; everything it does may happen twice or not at all."""

from celery import shared_task
from django.utils import timezone

import registries.tasks
import trust.tasks
from registries import events


@shared_task
def sweep() -> None:
    """Send one nudge for each row that is due (a bounded number a time), and forget events that are too old."""
    registries.tasks.nudge_due()
    trust.tasks.nudge_due()
    events.prune(timezone.now())
