"""Products with an API of their own, as WSGI over the demo registry: paged, with their authentication, at their own hosts."""

import json
import re
from urllib.parse import parse_qs, unquote

USER, PASSWORD = "robot", "s3cret"
BASIC = "Basic cm9ib3Q6czNjcmV0"


class Refused(Exception):
    """Another answer than 200."""

    def __init__(self, status, body=None, **headers):
        super().__init__(status)
        self.status, self.body = status, body if body is not None else {"errors": [{"code": "ANY", "message": "no"}]}
        self.headers = [(name.replace("_", "-"), value) for name, value in headers.items()]


class Product:
    """A registry and its own API. `routes`: pattern of a path → method; `host`: where the API is, if elsewhere."""

    host = ""
    page = 100
    routes = {}

    def __init__(self, demo, *, password=PASSWORD):
        self.demo = demo
        self.password = password  # "": nobody is asked
        self.credentials_at = []  # (host, path, what was sent)

    def __call__(self, environ, start_response):
        host, path = environ["HTTP_HOST"].partition(":")[0], environ["PATH_INFO"]
        self.credentials_at.append((host, path, environ.get("HTTP_AUTHORIZATION", "")))
        if self.host and host == self.host and path.startswith("/v2/") and not self.is_api(path):
            raise AssertionError("the registry is not at the host of its API")
        at_api = not self.host or host == self.host
        for pattern, method in self.routes.items():
            if at_api and (match := re.fullmatch(pattern, path)):
                return self._answer(getattr(self, method), match, environ, start_response)
        return self.registry(environ, start_response)

    def is_api(self, path):
        return any(re.fullmatch(pattern, path) for pattern in self.routes)

    def registry(self, environ, start_response):
        """The distribution API, with what the product does differently."""
        return self.demo(environ, start_response)

    def _answer(self, method, match, environ, start_response):
        query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            self.authorize(environ.get("HTTP_AUTHORIZATION", ""), match)
            answer = method(match, query, environ["wsgi.input"].read(length))
            document, headers = answer if isinstance(answer, tuple) else (answer, [])
            start_response("200 OK", [("Content-Type", "application/json"), *headers])
        except Refused as refused:
            document = refused.body
            start_response(refused.status, [("Content-Type", "application/json"), *refused.headers])
        return [json.dumps(document).encode()]

    def authorize(self, authorization, match):
        if self.password and authorization != BASIC:
            raise Refused("401 Unauthorized", WWW_Authenticate='Basic realm="api"')

    # what the registry holds

    def names(self):
        return self.demo.store.repositories("", 10_000).items

    def tags(self, repository):
        """(tag, digest) of each."""
        names = self.demo.store.tags(repository, "", 10_000).items
        return [(name, self.demo.store.manifest(repository, name).digest) for name in names]

    def by_digest(self, repository):
        """Digests with all their tags, in the order of their first one."""
        found = {}
        for tag, digest in self.tags(repository):
            found.setdefault(digest, []).append(tag)
        return found

    def referrers(self, repository, digest):
        return [json.loads(item) for item in self.demo.store.referrers(repository, digest, None, "", 10_000).items]

    def numbered(self, entries, query, size="page_size"):
        """The page that was asked for, and whether another follows."""
        size, page = min(int(query.get(size, 10)), self.page), int(query.get("page", 1))
        return entries[(page - 1) * size : page * size], len(entries) > page * size


def part(match, name):
    return unquote(match[name])
