"""A registry on a bad day: of what it is asked, a share is answered wrong, by a chance that only the seed decides."""

import json
import random
import re
import threading
from collections import Counter

import httpx

from tests.simulators.registry_quirks import changed_body, reply, silent, too_many_requests, truncated
from tests.simulators.wsgi import WSGIWire

CUT = "cut=off"  # the page that a list which breaks off links to
LISTS = {"tags": "tags", "repositories": "repositories", "manifests": "manifests"}


def reset(app, environ, start_response):
    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")


def reset_in_the_middle(app, environ, start_response):
    body = b"".join(app(environ, start_response))

    def part():
        yield body[: len(body) // 2] or b" "
        raise httpx.ReadError("[Errno 104] Connection reset by peer")

    return part()


def partial(app, environ, start_response):
    """A good page that ends too early, and a link to a next one that will not come."""
    kept = {}

    def remember(status, headers, exc_info=None):
        kept.update(status=status, headers=headers)

    body = b"".join(app(environ, remember))
    if kept["status"].startswith("200"):
        document = json.loads(body)
        member = next(name for name in LISTS if name in document)
        entries = document[member] or []
        document[member] = entries[: len(entries) // 2]
        body = json.dumps(document).encode()
        left_out = {"content-length", "link"}
        kept["headers"] = [field for field in kept["headers"] if field[0].lower() not in left_out]
        kept["headers"].append(("Link", f'<{environ["PATH_INFO"]}?{CUT}&n=1>; rel="next"'))
    start_response(kept["status"], kept["headers"])
    return [body]


ERROR = b'{"errors":[{"code":"UNKNOWN","message":"try again"}]}'
broken_down = reply("500 Internal Server Error", b"oops")
overloaded = reply("503 Service Unavailable", ERROR, "application/json")
patience = too_many_requests(7)
patience_without_end = reply("429 Too Many Requests", ERROR, "application/json")
error_as_success = reply("200 OK", ERROR, "application/json")
no_such_page = reply("404 Not Found", b"404 page not found\n")
flipped = changed_body(
    lambda body: body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
)
noise = changed_body(lambda body: b"\x1f\x8b" + body[::-1])

ANY = [broken_down, overloaded, broken_down, overloaded, silent, reset]
RARE = [patience, patience_without_end]  # each ends a run, and keeps everybody away for a while
IN_BODIES = [truncated, reset_in_the_middle, flipped]
IN_LISTS = [truncated, reset_in_the_middle, noise, partial, partial, partial, error_as_success]


class Chaos:
    """Wraps a registry; counts what it was asked and how much of that it answered wrong."""

    def __init__(self, app, seed, share):
        self.app, self.seed, self.share = app, seed, share
        self.requests = 0
        self.faults = Counter()
        self._asked = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        query = environ.get("QUERY_STRING", "")
        line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{query}"
        with self._lock:
            self.requests += 1
            self._asked[line] += 1
            fault = self._fault(line, self._asked[line])
            if fault:
                self.faults[getattr(fault, "__name__", "reply")] += 1
        return fault(self.app, environ, start_response) if fault else self.app(environ, start_response)

    def _fault(self, line, number):
        chance = random.Random(f"{self.seed} {number} {line}")  # whichever thread comes first
        if CUT in line:
            return chance.choice([*ANY, no_such_page])
        if chance.random() >= self.share:
            return None
        kinds = ANY * 6 + RARE
        if re.search("[?&](last|cursor)=", line):
            kinds += [no_such_page] * 6
        if re.search("/tags/list|/referrers/|/_catalog", line):
            kinds += IN_LISTS * 6
        elif line.startswith("GET"):
            kinds += IN_BODIES * 8
        return chance.choice(kinds)

    def wire(self):
        return WSGIWire(self)
