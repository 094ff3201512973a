"""A registry that answers exactly what a test says; what it was asked is kept."""

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from registries.oci.exchange import Answer, Headers, Outgoing


def answer(status=200, body=b"", content_type="application/json", **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    fields = [("Content-Type", content_type)] if content_type else []
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(status, Headers(fields), body)


@dataclass
class Asked:
    """A request that was sent."""

    method: str
    url: str
    headers: dict
    body: bytes | None

    @property
    def host(self):
        return urlsplit(self.url).netloc

    @property
    def target(self):
        parts = urlsplit(self.url)
        return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass
class Scripted:
    """Answers by path with query, else by path; a list is answered in turn, the last for ever; a function is called."""

    answers: dict
    asked: list = field(default_factory=list)

    def __call__(self, method, url, *, headers, body=None, max_bytes, deadline, into=None):
        request = Asked(method, url, dict(headers), b"".join(body) if isinstance(body, Outgoing) else body)
        self.asked.append(request)
        path = urlsplit(url).path
        found = self.answers.get(url, self.answers.get(request.target, self.answers.get(path)))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(request)
        if isinstance(found, Exception):
            raise found
        if found is None:
            return answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]})
        if into and found.status == 200:
            into(found.body)
            return Answer(found.status, found.headers)
        return found
