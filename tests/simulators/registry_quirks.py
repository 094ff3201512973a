"""A registry that misbehaves: WSGI middleware that breaks chosen answers of a real one."""

import re
import threading

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
        query = environ.get("QUERY_STRING", "")
        line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" + (f"?{query}" if query else "")
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


def changed_body(change):
    """The real answer with another body."""

    def quirk(app, environ, start_response):
        kept = {}

        def remember(status, headers, exc_info=None):
            kept.update(status=status, headers=headers)

        body = change(b"".join(app(environ, remember)))
        headers = [(name, value) for name, value in kept["headers"] if name.lower() != "content-length"]
        start_response(kept["status"], headers)
        return [body]

    return quirk


wrong_bytes = changed_body(lambda body: body + b" ")
truncated = changed_body(lambda body: body[: len(body) // 2])


def unreachable(app, environ, start_response):
    raise httpx.ConnectError("[Errno 111] Connection refused")


def silent(app, environ, start_response):
    raise httpx.ReadTimeout("timed out")


def without_header(name):
    """The real answer less one header."""

    def quirk(app, environ, start_response):
        def less(status, headers, exc_info=None):
            return start_response(status, [field for field in headers if field[0].lower() != name.lower()])

        return app(environ, less)

    return quirk
