"""What registries say of the requests that are left to us, as Docker Hub and GitLab write it."""

import re

from registries.oci.exchange import Headers

UNSTATED_WINDOW = 60.0  # seconds; GitLab's limits hold for a minute and do not say so
_COUNT = re.compile(r"(\d{1,9})(?:\s*;\s*w=(\d{1,7}))?", re.ASCII)


def nearly_spent(headers: Headers) -> float:
    """For how many seconds the limit counts of which less than a tenth is left; 0 where enough is left, or nothing is said."""
    limit = _COUNT.fullmatch(headers.get("ratelimit-limit"))
    left = _COUNT.fullmatch(headers.get("ratelimit-remaining"))
    if not limit or not left or 10 * int(left[1]) >= int(limit[1]):
        return 0.0
    return float(left[2] or limit[2] or UNSTATED_WINDOW)
