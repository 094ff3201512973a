"""A registry that misbehaves: WSGI middleware that breaks chosen answers of a real one."""

import re
import threading
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.simulators.wsgi import WSGIWire


class Quirks:
    """Wraps a registry application; each quirk applies to the requests whose "METHOD /path" it matches."""

    def __init__(self, app):
        self.app = app
        self.log = []
        self._quirks = []
        self._lock = threading.Lock()

    def break_(self, pattern, quirk, *, times=None, after=0):
        """Let `quirk` answer requests matching `pattern`, after that many good ones, that many times."""
        self._quirks.append({"pattern": re.compile(pattern), "quirk": quirk, "times": times, "after": after})

    def mend(self):
        self._quirks.clear()

    def asked(self, pattern):
        return [line for line in self.log if re.search(pattern, line)]

    def __call__(self, environ, start_response):
        line = line_of(environ)
        quirk = None
        with self._lock:
            self.log.append(line)
            for entry in self._quirks:
                if quirk is None and entry["pattern"].search(line):
                    quirk = self._due(entry)
        return quirk(self.app, environ, start_response) if quirk else self.app(environ, start_response)

    def _due(self, entry):
        if entry["after"]:
            entry["after"] -= 1
            return None
        if entry["times"] is not None:
            if not entry["times"]:
                return None
            entry["times"] -= 1
        return entry["quirk"]

    def wire(self):
        """What carries requests here instead of the network."""
        return WSGIWire(self)


def line_of(environ):
    query = environ.get("QUERY_STRING", "")
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" + (f"?{query}" if query else "")


def reply(status, body=b"", content_type="text/plain", **headers):
    """Another answer altogether."""

    def quirk(app, environ, start_response):
        fields = [("Content-Type", content_type), *((name.replace("_", "-"), value) for name, value in headers.items())]
        start_response(status, fields)
        return [body]

    return quirk


def html_page(body=b"<!doctype html><title>Log in</title><p>Please log in."):
    return reply("200 OK", body, "text/html; charset=utf-8")


def too_many_requests(seconds):
    body = b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'
    return reply("429 Too Many Requests", body, "application/json", Retry_After=str(seconds))


def given(app, environ, **changes):
    """What the registry itself says to this request, or to one that differs: status, headers, body."""
    kept = {}

    def remember(status, headers, exc_info=None):
        kept.update(status=status, headers=headers)

    body = b"".join(app({**environ, **changes}, remember))
    return kept["status"], kept["headers"], body


def changed_body(change):
    """The real answer with another body."""

    def quirk(app, environ, start_response):
        status, headers, body = given(app, environ)
        start_response(status, [(name, value) for name, value in headers if name.lower() != "content-length"])
        return [change(body)]

    return quirk


wrong_bytes = changed_body(lambda body: body + b" ")
truncated = changed_body(lambda body: body[: len(body) // 2])


def unreachable(app, environ, start_response):
    raise httpx.ConnectError("[Errno 111] Connection refused")


def silent(app, environ, start_response):
    raise httpx.ReadTimeout("timed out")


def changed_headers(change):
    """The real answer with other headers: `change` is handed the status and the list of fields."""

    def quirk(app, environ, start_response):
        def other(status, headers, exc_info=None):
            return start_response(status, change(status, headers))

        return app(environ, other)

    return quirk


def without_header(name):
    """The real answer less one header."""
    return changed_headers(lambda _, headers: _less(headers, name))


def with_header(name, value):
    """The real answer with this value of a header."""
    return changed_headers(lambda _, headers: [*_less(headers, name), (name, value)])


def _less(headers, name):
    return [field for field in headers if field[0].lower() != name.lower()]


def changed_query(change):
    """The real answer to another query; `change` is handed the parameters, a dict."""

    def quirk(app, environ, start_response):
        parameters = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        return app({**environ, "QUERY_STRING": urlencode(change(parameters))}, start_response)

    return quirk
