"""What is sent and not even read: more than the limits allow."""

from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

SAYS: Mapping[type[Exception], str] = {
    RequestDataTooBig: f"All text of a form together may be {settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20} MiB. "
    "Send it as a file, or in parts.",
    TooManyFilesSent: f"A form may carry {settings.DATA_UPLOAD_MAX_NUMBER_FILES} files. Send them in several goes; "
    "a whole configuration folder can be imported as one archive.",
    TooManyFieldsSent: f"A form may have {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields.",
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The limit that was passed, and what to do about it."""
    return render(request, "400.html", {"says": SAYS.get(type(exception), "")}, status=400)
