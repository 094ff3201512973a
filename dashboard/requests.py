"""The request that our views are handed: somebody is signed in, and htmx may have sent it."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request of a person who is signed in (LoginRequiredMiddleware sees to it)."""

    user: User
    htmx: HtmxDetails
