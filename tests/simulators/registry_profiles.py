"""The ways of the registries of the field, as far as a client notices: the sample registry behind a few quirks each."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from demo.registry import Basic, Bearer
from tests.simulators.images import INDEX, SIGNATURE
from tests.simulators.registry_quirks import (
    changed_body,
    changed_headers,
    changed_query,
    given,
    line_of,
    reply,
    with_header,
    without_header,
)

ROBOT = {"robot$reader": "secret"}
PUSHER = {"pusher": "secret"}  # whoever else may come, this one may push
PAGE = 7  # names, so that little content has pages
STORAGE = "storage.elsewhere.test"
TAGS, CATALOG, REFERRERS = r"/tags/list", r"/v2/_catalog", r"/referrers/"
MANIFESTS, BLOBS = r"(GET|HEAD) .*/manifests/", r"GET .*/blobs/"


@dataclass(frozen=True)
class Profile:
    """What one kind of registry does otherwise than the sample registry."""

    options: dict = field(default_factory=dict)  # of the sample registry
    quirks: Callable[[], list] = list  # (pattern of "METHOD /path?query", quirk), new each time: some remember
    by_tag: bool = False  # clients write the referrers tag schema here
    credentials: dict = field(default_factory=dict)  # name: password
    catalog: str = ""  # what the note says where there is no list of repositories
    faults: tuple = ()  # what an index notes of content that is all right


class Layer:
    """A registry application with one of its ways changed."""

    def __init__(self, app, pattern, quirk):
        self.app, self.pattern, self.quirk = app, re.compile(pattern), quirk
        self.store = app.store

    def __call__(self, environ, start_response):
        if self.pattern.search(line_of(environ)):
            return self.quirk(self.app, environ, start_response)
        return self.app(environ, start_response)


def imitating(profile, app):
    """The registry with the ways of another."""
    for pattern, quirk in profile.quirks():
        app = Layer(app, pattern, quirk)
    return app


def error(status, code, message="", **headers):
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return reply(status, body, "application/json", **headers)


def _scoped(scope):
    return f'Bearer realm="http://registry.test/token",service="r",scope="{scope}",error="insufficient_scope"'


# lists


def largest_page(most, code):
    """A longer page is not shortened but refused."""
    refusal = error("400 Bad Request", code, f"n must be at most {most}")

    def quirk(app, environ, start_response):
        asked = re.search(r"\bn=(\d+)", environ.get("QUERY_STRING", ""))
        if asked and int(asked[1]) > most:
            return refusal(app, environ, start_response)
        return app(environ, start_response)

    return quirk


def page_without_asking(size):
    return changed_query(lambda query: {"n": str(size), **query})


everything_at_once = changed_query(
    lambda query: {name: value for name, value in query.items() if name not in ("n", "last")}
)


def changed_list(change, member="tags"):
    return changed_body(lambda body: json.dumps(_changed(json.loads(body), member, change)).encode())


def _changed(fields, member, change):
    return {**fields, member: change(fields[member])} if member in fields else fields


unsorted = changed_list(lambda names: names[::-1])
null_for_none = changed_list(lambda names: names or None)
digests_among_them = changed_list(lambda names: [*names, "sha256:" + "0" * 64, "", None])
of_google = changed_body(
    lambda body: json.dumps({"child": [], "manifest": {"sha256:" + "0" * 64: {"tag": []}}, **json.loads(body)}).encode()
)


def changed_links(change):
    """Other links to the next page."""
    return changed_headers(
        lambda _, headers: [(name, change(value) if name.lower() == "link" else value) for name, value in headers]
    )


bare_rel = changed_links(lambda link: link.replace('rel="next"', "rel=next"))
link_of_an_inner_host = changed_links(lambda link: link.replace("</", "<http://inner.test:8081/"))
link_with_more = changed_links(lambda link: link.replace(">;", "&orderby=>;"))


def token_for_last(app, environ, start_response):
    """A sealed token stands for the name after which the next page begins."""
    sealed = re.search(r"next_page=(\w+)", environ.get("QUERY_STRING", ""))
    if sealed:
        last = bytes.fromhex(sealed[1]).decode()
        environ = {**environ, "QUERY_STRING": environ["QUERY_STRING"].replace(sealed[0], f"last={quote(last)}")}

    def seal(link):
        return re.sub(r"last=([^&>]+)", lambda found: f"next_page={found[1].replace('%2F', '/').encode().hex()}", link)

    return changed_links(seal)(app, environ, start_response)


def vanished_last(status, code):
    """A name that is there no more begins no page."""

    def quirk(app, environ, start_response):
        last = re.search(r"last=([\w.-]+)", environ.get("QUERY_STRING", ""))
        name = environ["PATH_INFO"].removeprefix("/v2/").removesuffix("/tags/list")
        if last and not app.store.manifest(name, last[1]):
            return error(status, code, "last is unknown")(app, environ, start_response)
        return app(environ, start_response)

    return quirk


# manifests


def as_if_it_knew_nothing(app, environ, start_response):
    """No ETag, no 304."""
    asked = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
    return without_header("etag")(app, asked, start_response)


def an_etag_and_no_304(app, environ, start_response):
    return app({name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}, start_response)


def only_if_named(app, environ, start_response):
    """An OCI manifest is not found by whoever does not name its type; `*/*` names none."""
    status, headers, body = given(app, environ)
    served = dict(headers).get("Content-Type", "")
    if status.startswith("200") and served not in environ.get("HTTP_ACCEPT", ""):
        message = "OCI manifest found, but accept header does not support OCI manifests"
        return error("404 Not Found", "MANIFEST_UNKNOWN", message)(app, environ, start_response)
    start_response(status, headers)
    return [body]


def blocked_unless_a_signature(app, environ, start_response):
    """A policy of the project: what is not signed is not served, but for signatures themselves."""
    status, _, body = given(app, environ, REQUEST_METHOD="GET", HTTP_IF_NONE_MATCH="")
    if status.startswith("200") and json.loads(body).get("artifactType") != SIGNATURE:
        message = "The image is not signed by notation."
        return error("412 Precondition Failed", "PROJECTPOLICYVIOLATION", message)(app, environ, start_response)
    return app(environ, start_response)


def compressed(app, environ, start_response):
    """Packed although nobody asked for it."""
    status, headers, body = given(app, environ)
    if environ["REQUEST_METHOD"] != "GET" or not status.startswith("200"):
        return app(environ, start_response)
    packed = gzip.compress(body)
    kept = [field for field in headers if field[0] != "Content-Length"]
    start_response(status, [*kept, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))])
    return [packed]


def blobs_elsewhere(app, environ, start_response):
    """Blobs lie in a storage service, which refuses whoever comes with a second proof of who they are."""
    digest = environ["PATH_INFO"].rpartition("/")[2]
    if environ["HTTP_HOST"] != STORAGE:
        status, headers, body = given(app, environ, REQUEST_METHOD="HEAD")
        if status.startswith("200"):
            status, headers = "307 Temporary Redirect", [("Location", f"http://{STORAGE}/blobs/{digest}?signature=x")]
        start_response(status, headers)
        return [body]
    if "HTTP_AUTHORIZATION" in environ:
        return reply("400 Bad Request", b"Only one auth mechanism allowed")(app, environ, start_response)
    return reply("200 OK", app.store.read(digest), "application/octet-stream")(app, environ, start_response)


# referrers


def unless_subject(refusal):
    """The call fails where the subject is not there, as if the call itself were not."""

    def quirk(app, environ, start_response):
        name, _, digest = environ["PATH_INFO"].removeprefix("/v2/").partition("/referrers/")
        return (app if app.store.manifest(name, digest) else lambda *to: refusal(app, *to))(environ, start_response)

    return quirk


def nothing_for_a_repository_that_is_not_there(app, environ, start_response):
    name = environ["PATH_INFO"].removeprefix("/v2/").partition("/referrers/")[0]
    if app.store.has_repository(name):
        return app(environ, start_response)
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    return reply("200 OK", body, INDEX)(app, environ, start_response)


wrong_types = changed_body(
    lambda body: re.sub(rb'"artifactType": ?"[^"]*"', b'"artifactType":"application/vnd.oci.empty.v1+json"', body)
)


def restarting():
    """A cursor that is no longer known begins at the first page again, once."""
    restarted = []
    links = changed_links(lambda link: link.replace("cursor=", f"list={len(restarted)}&cursor="))

    def quirk(app, environ, start_response):
        if "cursor=" in environ.get("QUERY_STRING", "") and not restarted:
            restarted.append(environ["PATH_INFO"])
            environ = {**environ, "QUERY_STRING": ""}
        return links(app, environ, start_response)

    return quirk


# who is asking


def challenge(change):
    """Another way to write the challenges of a 401."""

    def changed(status, headers):
        kept = [field for field in headers if field[0].lower() != "www-authenticate"]
        values = [value for name, value in headers if name.lower() == "www-authenticate"]
        return [*kept, *(("WWW-Authenticate", other) for value in values for other in change(value))]

    return changed_headers(changed)


two_headers = challenge(lambda value: [value, 'Basic realm="Gitea Package API"'])
unquoted = challenge(lambda value: [value.replace("Bearer", "bearer").replace('"', "")])


def also_without_need(app, environ, start_response):
    """A challenge on an answer that nobody had to authenticate for."""
    status, headers, body = given(app, environ)
    offered = "bearer realm=http://registry.test/token,service=zot"
    start_response(status, headers if status.startswith("401") else [*headers, ("WWW-Authenticate", offered)])
    return [body]


PROFILES = {
    "docker hub": Profile(
        {"auth": Bearer(PUSHER, anonymous_pull=True), "page_size": PAGE},
        lambda: [
            (MANIFESTS, with_header("ratelimit-limit", "100;w=21600")),
            (MANIFESTS, with_header("ratelimit-remaining", "76;w=21600")),
            (MANIFESTS, with_header("docker-ratelimit-source", "203.0.113.7")),
        ],
        catalog="Name the repositories",
    ),
    "ghcr": Profile(
        {"auth": Bearer(PUSHER, anonymous_pull=True), "page_size": PAGE},
        lambda: [
            (REFERRERS, error("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown")),
            (CATALOG, error("403 Forbidden", "DENIED", "requested access to the resource is denied")),
            (BLOBS, blobs_elsewhere),
        ],
        by_tag=True,
        catalog="Name the repositories",
    ),
    "gitlab": Profile(
        {"auth": Bearer(ROBOT | PUSHER), "page_size": PAGE},
        lambda: [
            (REFERRERS, reply("404 Not Found", b"<!DOCTYPE html><title>404</title>", "text/html; charset=utf-8")),
            (CATALOG, error("401 Unauthorized", "UNAUTHORIZED", WWW_Authenticate=_scoped("registry:catalog:*"))),
        ],
        by_tag=True,
        credentials=ROBOT,
        catalog="Name the repositories",
    ),
    "ecr": Profile(
        {"auth": Basic({"AWS": "secret"} | PUSHER), "page_size": PAGE},
        lambda: [(TAGS, largest_page(1000, "UNSUPPORTED")), (TAGS, page_without_asking(PAGE))],
        credentials={"AWS": "secret"},
    ),
    "acr": Profile(
        {"auth": Bearer(ROBOT | PUSHER), "page_size": PAGE},
        lambda: [(TAGS, link_with_more), (CATALOG, link_with_more), (MANIFESTS, as_if_it_knew_nothing)],
        credentials=ROBOT,
    ),
    "gar": Profile(
        {"referrers_api": False},
        lambda: [
            (TAGS, of_google),
            (REFERRERS, reply("302 Found", Location="https://accounts.google.com/ServiceLogin?continue=x")),
        ],
        by_tag=True,
    ),
    "harbor": Profile(
        {"auth": Bearer(ROBOT | PUSHER), "page_size": PAGE},
        lambda: [(TAGS, vanished_last("400 Bad Request", "BAD_REQUEST"))],
        credentials=ROBOT,
    ),
    "quay": Profile(
        {"page_size": PAGE},
        lambda: [
            (TAGS, page_without_asking(PAGE)),
            (CATALOG, token_for_last),
            (MANIFESTS, as_if_it_knew_nothing),
            (REFERRERS, unless_subject(error("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown"))),
        ],
    ),
    "zot": Profile(
        {"auth": Bearer(ROBOT | PUSHER), "page_size": PAGE},
        lambda: [
            (MANIFESTS, as_if_it_knew_nothing),
            (TAGS, vanished_last("404 Not Found", "NAME_UNKNOWN")),
            (REFERRERS, nothing_for_a_repository_that_is_not_there),
            (".", unquoted),
            ("GET /v2/$", also_without_need),
        ],
        credentials=ROBOT,
    ),
    "distribution 2.8": Profile(
        {"referrers_api": False},
        lambda: [
            (CATALOG, largest_page(100, "PAGINATION_NUMBER_INVALID")),
            (TAGS, everything_at_once),
            (TAGS, unsorted),
            (TAGS, null_for_none),
            (MANIFESTS, only_if_named),
        ],
        by_tag=True,
    ),
    "distribution 3": Profile({"referrers_api": False, "page_size": PAGE}, by_tag=True),
    "artifactory": Profile(
        {"page_size": PAGE},
        lambda: [(TAGS, digests_among_them), (f"{TAGS}|{CATALOG}", link_of_an_inner_host), (REFERRERS, wrong_types)],
        faults=("not_tags",),
    ),
    "nexus": Profile(
        {"referrers_api": False},
        lambda: [
            (TAGS, null_for_none),
            (TAGS, everything_at_once),
            (MANIFESTS, as_if_it_knew_nothing),
            (MANIFESTS, without_header("docker-content-digest")),
        ],
        by_tag=True,
    ),
    "gitea": Profile(
        {"auth": Bearer(ROBOT | PUSHER), "referrers_api": False, "page_size": PAGE},
        lambda: [(".", two_headers), (MANIFESTS, an_etag_and_no_304)],
        by_tag=True,
        credentials=ROBOT,
    ),
    "olareg": Profile(
        {"referrers_page_size": 1},
        lambda: [
            (f"{TAGS}|{REFERRERS}", bare_rel),
            (REFERRERS, restarting()),
            (MANIFESTS, as_if_it_knew_nothing),
            (".", with_header("Warning", '299 - "this registry is for tests"')),
        ],
    ),
}
