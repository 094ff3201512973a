"""How many rows an answer has, and where its neighbours are."""

from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from dashboard import listing
from dashboard.api.renderers import RowsCsv

SIZES = {  # rows of a page: usually, and at most
    JSONRenderer.format: (listing.PAGE_SIZE, 200),
    RowsCsv.format: (listing.COUNTED, listing.COUNTED),
}


def limit_of(text: str | None, usual: int, most: int) -> int:
    """How many rows a page has."""
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise ValidationError({"limit": [f"“{text[:80]}” is not understood. It may be a number from 1 on."]})
    return min(int(text), most)


def neighbour(request: Request, name: str, cursor: str) -> str | None:
    """The address of a neighbouring page of the same query."""
    if not cursor:
        return None
    query = request.query_params.copy()
    for old in ("after", "before"):
        query.pop(old, None)
    query[name] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
