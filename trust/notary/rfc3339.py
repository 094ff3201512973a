"""RFC 3339 times, as strictly as Go's `time.RFC3339` reads them: of ISO 8601, which Python reads, they are a small part."""

import re
from datetime import UTC, datetime

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


def parse_rfc3339(text: object) -> datetime:
    """The instant in UTC; ValueError where this is no such text, or its offset leads out of the calendar."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("not RFC 3339")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:  # 0001-01-01T00:00:00+14:00
        raise ValueError(str(error)) from error
