"""No browser and no proxy keeps an answer: what it says is for one person, and true for a moment only."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

type Handler = Callable[[HttpRequest], HttpResponseBase]


def no_store(get_response: Handler) -> Handler:
    """Middleware for all answers, those of the API included. Static files are answered before it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        patch_cache_control(response, no_store=True)
        return response

    return middleware
