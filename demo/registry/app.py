"""The WSGI application: distribution specification 1.1 over a Store."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode
from wsgiref.types import StartResponse, WSGIEnvironment

from demo.registry.auth import Access, Basic, Bearer
from demo.registry.documents import INDEX, MAX_MANIFEST
from demo.registry.errors import Refusal, StoreError
from demo.registry.names import is_digest, is_name, is_tag
from demo.registry.store import Store

CHUNK = 64 * 1024
NOT_FOUND = "404 Not Found"
BAD_REQUEST = "400 Bad Request"
STATUS_OF_CODE = {"MANIFEST_BLOB_UNKNOWN": NOT_FOUND, "SIZE_INVALID": "413 Content Too Large"}
ROUTES = [
    (re.compile(r"/v2/?"), "ping"),
    (re.compile(r"/v2/_catalog"), "catalog"),
    (re.compile(r"/token"), "token"),
    (re.compile(r"/v2/(?P<name>.+)/tags/list"), "tags"),
    (re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)"), "manifest"),
    (re.compile(r"/v2/(?P<name>.+)/referrers/(?P<reference>[^/]+)"), "referrers"),
    (re.compile(r"/v2/(?P<name>.+)/_oras/artifacts/referrers"), "oras"),
    (re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]*)"), "upload"),
    (re.compile(r"/v2/(?P<name>.+)/blobs/(?P<reference>[^/]+)"), "blob"),
]
ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}  # every other method pushes


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with what every answer needs of the environment."""

    environ: WSGIEnvironment
    method: str
    name: str
    reference: str
    query: Mapping[str, list[str]]

    def parameter(self, name: str) -> str | None:
        values = self.query.get(name)
        return values[0] if values else None

    def header(self, name: str) -> str:
        return str(self.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

    @property
    def content_type(self) -> str:
        return str(self.environ.get("CONTENT_TYPE", "")).partition(";")[0].strip()

    @property
    def base_url(self) -> str:
        return f"{self.environ['wsgi.url_scheme']}://{self.header('Host') or self.environ['SERVER_NAME']}"

    def chunks(self) -> Iterator[bytes]:
        stream = self.environ["wsgi.input"]
        length = self.environ.get("CONTENT_LENGTH")
        if length:
            left = int(length)
            while left > 0 and (chunk := stream.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk
        elif "chunked" in self.header("Transfer-Encoding").lower():
            while chunk := stream.read(CHUNK):
                yield chunk

    def body(self, limit: int) -> bytes:
        content = bytearray()
        for chunk in self.chunks():
            content += chunk
            if len(content) > limit:
                raise Refusal("413 Content Too Large", "SIZE_INVALID", f"at most {limit} bytes are taken")
        return bytes(content)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back: HEAD gets the headers alone."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes | Path = b""


class DemoRegistry:
    """A registry as a WSGI callable; its options switch on what registries in the field do differently."""

    def __init__(
        self,
        root: Path,
        *,
        auth: Basic | Bearer | None = None,
        referrers_api: bool = True,
        oras_api: bool = False,
        page_size: int = 1000,
        referrers_page_size: int = 1000,
        digest_on_304: bool = False,
        read_only: bool = False,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.store = Store(root)
        self.auth = auth
        self.referrers_api = referrers_api
        self.oras_api = oras_api
        self.page_size = page_size
        self.referrers_page_size = referrers_page_size
        self.digest_on_304 = digest_on_304
        self.read_only = read_only
        self.requests: Counter[str] = Counter()  # "manifest HEAD" → how many
        self._lock = threading.Lock()
        self._answers: dict[str, Callable[[Request], Response]] = {
            "ping": self._ping,
            "catalog": self._catalog,
            "token": self._token,
            "tags": self._tags,
            "manifest": self._manifest,
            "referrers": self._referrers,
            "oras": self._oras_referrers,
            "upload": self._upload,
            "blob": self._blob,
        }

    # seeding without HTTP

    def put_blob(self, repository: str, content: bytes, *, algorithm: str = "sha256") -> str:
        """Store a blob; answers its digest."""
        return self.store.put_blob(repository, content, algorithm=algorithm)

    def put_manifest(
        self, repository: str, content: bytes, media_type: str | None = None, *, tags: Iterable[str] = ()
    ) -> str:
        """Store a manifest as it is, whether or not what it refers to exists; answers its digest."""
        return self.store.put_manifest(repository, content, media_type, tags=tags)[0]

    def batch(self) -> AbstractContextManager[None]:
        """Make many puts one transaction."""
        return self.store.batch()

    def close(self) -> None:
        self.store.close()

    # serving

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            response = self._answer(environ)
        except Refusal as refusal:
            response = _refused(refusal)
        except StoreError as error:
            response = _refused(Refusal(STATUS_OF_CODE.get(error.code, BAD_REQUEST), error.code, str(error)))
        for _ in _unread(environ):
            pass  # a kept connection must not find the rest of a refused body where the next request should be
        return _send(response, str(environ["REQUEST_METHOD"]), start_response)

    def _answer(self, environ: WSGIEnvironment) -> Response:
        path = str(environ["PATH_INFO"])
        kind, match = next(
            ((kind, match) for pattern, kind in ROUTES if (match := pattern.fullmatch(path))), ("", None)
        )
        method = str(environ["REQUEST_METHOD"])
        with self._lock:
            self.requests[f"{kind or 'other'} {method}"] += 1
        absent = (kind == "referrers" and not self.referrers_api) or (kind == "oras" and not self.oras_api)
        if match is None or absent:
            return Response(NOT_FOUND, [("Content-Type", "text/plain; charset=utf-8")], b"404 page not found\n")
        query = parse_qs(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
        request = Request(
            environ, method, match.groupdict().get("name", ""), match.groupdict().get("reference", ""), query
        )
        if request.name and not is_name(request.name):
            raise Refusal(BAD_REQUEST, "NAME_INVALID", "this is not a repository name")
        if self.auth is not None and kind != "token":
            self.auth.authorize(request.header("Authorization"), _access(kind, request), request.base_url)
        if self.read_only and method not in {"GET", "HEAD"} and kind != "token":
            raise Refusal("405 Method Not Allowed", "UNSUPPORTED", "this registry is read-only")
        return self._answers[kind](request)

    def _ping(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD")
        return _json({})

    def _token(self, request: Request) -> Response:
        _allow(request, "GET", "POST")
        if not isinstance(self.auth, Bearer):
            raise Refusal(NOT_FOUND, "UNSUPPORTED", "this registry issues no tokens")
        if request.method == "POST":
            form = parse_qs(request.body(64 * 1024).decode(errors="replace"))
            body = self.auth.token_for_form(form)
        else:
            body = self.auth.token_for_query(request.header("Authorization"), request.query)
        return Response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")], body)

    def _catalog(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD")
        limit = self._limit(request)
        page = self.store.repositories(request.parameter("last") or "", limit)
        return _json(
            {"repositories": page.items}, _next(request, n=str(limit), last=page.cursor) if page.cursor else []
        )

    def _tags(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD")
        self._require_repository(request.name)
        limit = self._limit(request)
        page = self.store.tags(request.name, request.parameter("last") or "", limit)
        link = _next(request, n=str(limit), last=page.cursor) if page.cursor else []
        return _json({"name": request.name, "tags": page.items}, link)

    def _referrers(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD")
        if not is_digest(request.reference):
            raise Refusal(BAD_REQUEST, "DIGEST_INVALID", "this is not a digest")
        self._require_repository(request.name)
        cursor = request.parameter("cursor") or ""
        if not re.fullmatch(r"[0-9]{0,18}", cursor):
            raise Refusal(BAD_REQUEST, "PAGINATION_NUMBER_INVALID", "this cursor is not ours")
        artifact_type = request.parameter("artifactType")
        page = self.store.referrers(
            request.name, request.reference, artifact_type, cursor, self._limit(request, self.referrers_page_size)
        )
        body = f'{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{",".join(page.items)}]}}'.encode()
        headers = [("Content-Type", INDEX)]
        if artifact_type is not None:
            headers.append(("OCI-Filters-Applied", "artifactType"))
        if page.cursor:
            kept = {name: value for name in ("artifactType", "n") if (value := request.parameter(name)) is not None}
            headers += _next(request, **kept, cursor=page.cursor)
        return Response("200 OK", headers, body)

    def _oras_referrers(self, request: Request) -> Response:
        """The call of the ORAS artifact specification, which came before the referrers API."""
        _allow(request, "GET")
        subject, cursor = request.parameter("digest") or "", request.parameter("cursor") or ""
        if not is_digest(subject) or not re.fullmatch(r"[0-9]{0,18}", cursor):
            raise Refusal(BAD_REQUEST, "DIGEST_INVALID", "this is not a digest, or not a cursor of ours")
        self._require_repository(request.name)
        page = self.store.referrers(request.name, subject, None, cursor, self._limit(request, self.referrers_page_size))
        headers = [("Content-Type", "application/json"), ("ORAS-Api-Version", "oras/1.0")]
        if page.cursor:
            headers += _next(request, digest=subject, cursor=page.cursor)
        return Response("200 OK", headers, f'{{"referrers":[{",".join(page.items)}]}}'.encode())

    def _manifest(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD", "PUT", "DELETE")
        if not is_digest(request.reference) and not is_tag(request.reference):
            raise Refusal(BAD_REQUEST, "MANIFEST_INVALID", "this is neither a tag nor a digest")
        if request.method == "PUT":
            return self._push_manifest(request)
        if request.method == "DELETE":
            delete = self.store.delete_manifest if is_digest(request.reference) else self.store.delete_tag
            if not delete(request.name, request.reference):
                raise Refusal(NOT_FOUND, "MANIFEST_UNKNOWN", "there is no such manifest or tag")
            return Response("202 Accepted", [])
        manifest = self.store.manifest(request.name, request.reference)
        if manifest is None:
            self._require_repository(request.name)
            raise Refusal(NOT_FOUND, "MANIFEST_UNKNOWN", "there is no such manifest or tag")
        unchanged = self._not_modified(request, manifest.digest)
        if unchanged:
            return unchanged
        headers = [
            ("Content-Type", manifest.media_type),
            ("Docker-Content-Digest", manifest.digest),
            ("ETag", f'"{manifest.digest}"'),
            ("Content-Length", str(manifest.size)),
        ]
        return Response("200 OK", headers, self.store.read(manifest.digest) if request.method == "GET" else b"")

    def _push_manifest(self, request: Request) -> Response:
        content = request.body(MAX_MANIFEST)
        by_digest = is_digest(request.reference)
        digest, subject = self.store.put_manifest(
            request.name,
            content,
            request.content_type or None,
            tags=[] if by_digest else [request.reference],
            digest=request.reference if by_digest else None,
            check=True,
        )
        headers = [("Location", f"/v2/{request.name}/manifests/{digest}"), ("Docker-Content-Digest", digest)]
        if subject and self.referrers_api:
            headers.append(("OCI-Subject", subject))
        return Response("201 Created", headers)

    def _blob(self, request: Request) -> Response:
        _allow(request, "GET", "HEAD", "DELETE")
        if not is_digest(request.reference):
            raise Refusal(BAD_REQUEST, "DIGEST_INVALID", "this is not a digest")
        if request.method == "DELETE":
            if not self.store.delete_blob(request.name, request.reference):
                raise Refusal(NOT_FOUND, "BLOB_UNKNOWN", "there is no such blob")
            return Response("202 Accepted", [])
        size = self.store.blob_size(request.name, request.reference)
        if size is None:
            raise Refusal(NOT_FOUND, "BLOB_UNKNOWN", "there is no such blob")
        unchanged = self._not_modified(request, request.reference)
        if unchanged:
            return unchanged
        headers = [
            ("Content-Type", "application/octet-stream"),
            ("Docker-Content-Digest", request.reference),
            ("ETag", f'"{request.reference}"'),
            ("Accept-Ranges", "bytes"),
        ]
        path = self.store.content_path(request.reference)
        wanted = re.fullmatch(r"bytes=(\d{1,15})-(\d{0,15})", request.header("Range"))
        if wanted is None:
            return Response("200 OK", [*headers, ("Content-Length", str(size))], path)
        first, last = int(wanted[1]), min(int(wanted[2] or size), size - 1)
        if first > last:
            refused = [("Content-Range", f"bytes */{size}")]
            raise Refusal("416 Range Not Satisfiable", "SIZE_INVALID", "the blob has no such bytes", refused)
        headers += [("Content-Range", f"bytes {first}-{last}/{size}"), ("Content-Length", str(last - first + 1))]
        return Response("206 Partial Content", headers, _part(path, first, last))

    def _upload(self, request: Request) -> Response:
        if request.reference == "":
            _allow(request, "POST")
            return self._start_upload(request)
        _allow(request, "GET", "PATCH", "PUT", "DELETE")
        size = self.store.upload_size(request.name, request.reference)
        if size is None:
            raise Refusal(NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
        if request.method == "GET":
            return _upload_state("204 No Content", request, request.reference, size)
        if request.method == "DELETE":
            self.store.cancel_upload(request.reference)
            return Response("204 No Content", [])
        start = re.fullmatch(r"(?:bytes )?(\d+)-\d+(?:/\S+)?", request.header("Content-Range"))
        if start is not None and int(start[1]) != size:
            return _upload_state("416 Range Not Satisfiable", request, request.reference, size)
        self.store.append(request.reference, request.chunks())
        if request.method == "PATCH":
            size = self.store.upload_size(request.name, request.reference) or 0
            return _upload_state("202 Accepted", request, request.reference, size)
        return self._finish_upload(request, request.reference)

    def _start_upload(self, request: Request) -> Response:
        mounted, source = request.parameter("mount"), request.parameter("from")
        if mounted and source and self.store.mount_blob(request.name, mounted, source):
            headers = [("Location", f"/v2/{request.name}/blobs/{mounted}"), ("Docker-Content-Digest", mounted)]
            return Response("201 Created", headers)
        upload = self.store.start_upload(request.name)
        if request.parameter("digest"):  # the whole blob came with the POST
            self.store.append(upload, request.chunks())
            return self._finish_upload(request, upload)
        return _upload_state("202 Accepted", request, upload, 0)

    def _finish_upload(self, request: Request, upload: str) -> Response:
        digest = request.parameter("digest") or ""
        if not is_digest(digest):
            raise Refusal(BAD_REQUEST, "DIGEST_INVALID", "the digest parameter is not a digest")
        self.store.finish_upload(request.name, upload, digest)
        headers = [("Location", f"/v2/{request.name}/blobs/{digest}"), ("Docker-Content-Digest", digest)]
        return Response("201 Created", headers)

    def _require_repository(self, name: str) -> None:
        if not self.store.has_repository(name):
            raise Refusal(NOT_FOUND, "NAME_UNKNOWN", "there is no such repository")

    def _limit(self, request: Request, most: int | None = None) -> int:
        most = self.page_size if most is None else most
        asked = request.parameter("n")
        if asked is None:
            return most
        if not re.fullmatch(r"[0-9]{1,9}", asked):
            raise Refusal(BAD_REQUEST, "PAGINATION_NUMBER_INVALID", "n is not a number")
        return min(int(asked), most)

    def _not_modified(self, request: Request, digest: str) -> Response | None:
        known = [entry.strip().removeprefix("W/").strip('"') for entry in request.header("If-None-Match").split(",")]
        if digest not in known and "*" not in known:
            return None
        headers = [("ETag", f'"{digest}"')]
        if self.digest_on_304:
            headers.append(("Docker-Content-Digest", digest))
        return Response("304 Not Modified", headers)


def _access(kind: str, request: Request) -> Access:
    if kind == "catalog":
        return Access("registry:catalog", "*")
    if kind == "ping":
        return Access("", "pull")
    return Access(f"repository:{request.name}", ACTIONS.get(request.method, "push"))


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        allow = [("Allow", ", ".join(methods))]
        raise Refusal("405 Method Not Allowed", "UNSUPPORTED", f"{request.method} is not possible here", allow)


def _refused(refusal: Refusal) -> Response:
    return Response(refusal.status, [("Content-Type", "application/json"), *refusal.headers], refusal.body)


def _json(value: object, headers: Iterable[tuple[str, str]] = ()) -> Response:
    return Response("200 OK", [("Content-Type", "application/json"), *headers], json.dumps(value).encode())


def _next(request: Request, **parameters: str) -> list[tuple[str, str]]:
    path = quote(str(request.environ["PATH_INFO"]), safe="/:")
    return [("Link", f'<{path}?{urlencode(parameters)}>; rel="next"')]


def _upload_state(status: str, request: Request, upload: str, size: int) -> Response:
    location = f"/v2/{request.name}/blobs/uploads/{upload}"
    headers = [("Location", location), ("Range", f"0-{max(size - 1, 0)}"), ("Docker-Upload-UUID", upload)]
    return Response(status, headers)


def _unread(environ: WSGIEnvironment) -> Iterator[bytes]:
    """What is left of the request's body, up to a point; beyond it the server closes the connection."""
    length = environ.get("CONTENT_LENGTH")
    if length and environ["REQUEST_METHOD"] in {"POST", "PUT", "PATCH"}:
        for _ in range(256):
            chunk = environ["wsgi.input"].read(CHUNK)
            if not chunk:
                return
            yield chunk


def _send(response: Response, method: str, start_response: StartResponse) -> Iterable[bytes]:
    headers = [*response.headers, ("Docker-Distribution-Api-Version", "registry/2.0")]
    bodiless = response.status.startswith(("204", "304"))
    if isinstance(response.body, Path):
        start_response(response.status, headers)
        return [] if method == "HEAD" else _file(response.body)
    if not bodiless and not any(name == "Content-Length" for name, _ in headers):
        headers.append(("Content-Length", str(len(response.body))))
    start_response(response.status, headers)
    return [] if method == "HEAD" or bodiless else [response.body]


def _part(path: Path, first: int, last: int) -> bytes:
    with path.open("rb") as file:
        file.seek(first)
        return file.read(last - first + 1)


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
