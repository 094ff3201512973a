"""How often the registry is asked again: what is new or asked about every few minutes, what rests for weeks every few days."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

NEW_FOR = timedelta(hours=24)
RECENT_FOR = timedelta(days=30)
PROBE = timedelta(days=1)
"A registry without the referrers API may have got it since: asked once in so long."


class Tier(models.IntegerChoices):
    """How much something moves, or is asked about."""

    NEW = 0, "new or asked about within a day"
    RECENT = 1, "new, changed or asked about within 30 days"
    OLD = 2, "longer ago"


def tier_of(interest_at: datetime, at: datetime) -> Tier:
    """The tier of what last changed, or was last asked about, then."""
    age = at - interest_at
    return Tier.NEW if age < NEW_FOR else Tier.RECENT if age < RECENT_FOR else Tier.OLD


def interval(tier: int) -> timedelta:
    """How long after one look at a list of referrers the next one is due."""
    return timedelta(seconds=settings.POLLING_TIERS[tier])


def tags_interval(tier: int) -> timedelta:
    """The same of the tags of a repository: one list tells of everything that is new."""
    return timedelta(seconds=settings.POLLING_TAGS[tier])


def catalog_interval() -> timedelta:
    return timedelta(seconds=settings.POLLING_CATALOG)


def first_interest(at: datetime, *, watched: bool, is_referrer: bool = False, is_signature: bool = False) -> datetime:
    """Since when something is of interest that was found just now.

    Only where we watched is it new. To a referrer little is attached, and to a signature next to nothing, ever.
    """
    if is_signature:
        return at - RECENT_FOR
    return at if watched and not is_referrer else at - NEW_FOR


def changed_interest(interest_at: datetime, at: datetime) -> datetime:
    """The same of a list that changed: worth a look a day again, but one signature does not announce the next."""
    return max(interest_at, at - NEW_FOR)
