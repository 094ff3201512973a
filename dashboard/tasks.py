"""The sweep: finds whatever is due and nudges workers; everything it does may happen twice or not at all."""

from celery import shared_task

import registries.tasks
import trust.tasks


@shared_task
def sweep() -> None:
    """Send one nudge for each row that is due (a bounded number a time)."""
    registries.tasks.nudge_due()
    trust.tasks.nudge_due()
