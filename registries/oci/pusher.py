"""Writing to a registry (distribution-spec, "Push"): blobs, manifests, and nothing that is there already."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode, urljoin, urlsplit

from registries.oci import media_types
from registries.oci.authorization import Origin
from registries.oci.connection import MAX_SMALL, Call, Connection
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, ReferenceFormatError, RegistryError
from registries.oci.exchange import Answer, Outgoing
from registries.oci.failures import is_immutable, shown
from registries.oci.reference import is_repository_name, is_tag
from registries.oci.source import BlobCheck, check_digest


class Way(StrEnum):
    """How a repository came to have a blob."""

    present = "present"
    mounted = "mounted"
    uploaded = "uploaded"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A manifest that the registry took."""

    digest: Digest
    subject: Digest | None = None
    "The subject that the registry says it noted. A hint and no more: some say so and have no referrers API."


class PreconditionError(RegistryError):
    """What was to be replaced is not what it was any more."""


class Pusher:
    """Puts things into the repositories of one registry. Every call may be repeated: what is there stays as it is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self) -> None:
        """The registry takes the credentials, as far as it tells without being written to; RegistryError otherwise."""
        what = "the start page /v2/"
        answer = self._connection.ask(Call("ping", "/v2/", what, "application/json", "", MAX_SMALL))
        if answer.status != 200:
            raise self._connection.failure(answer, what)

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Whether the repository has the blob."""
        what = f"the blob {digest} of {repository}"
        answer = self._ask("blob_head", "HEAD", repository, f"blobs/{digest}", what)
        if answer.status not in (200, 404):
            raise self._connection.failure(answer, what)
        return answer.status == 200

    def push_blob(self, repository: str, digest: Digest, content: Outgoing, *, mount_from: str = "") -> Way:
        """The repository has the blob; where that works it is taken over from another repository of the registry.

        Content that is not what its digest says is not sent to its end, so the registry keeps nothing of it.
        """
        if self.has_blob(repository, digest):
            return Way.present
        if mount_from and mount_from != repository:
            begun = self._try_to_mount(repository, digest, mount_from)
            if begun and begun.status == 201:
                return Way.mounted
        else:
            begun = None
        what = f"uploading the blob {digest} to {repository}"
        begun = begun or self._ask("upload", "POST", repository, "blobs/uploads/", what)
        if begun.status != 202:
            raise self._connection.failure(begun, what)
        path = self._upload_path(begun, digest, what)
        done = self._put(path, repository, what, _checked(digest, content), "application/octet-stream")
        if done.status != 201:
            raise self._connection.failure(done, what)
        return Way.uploaded

    def push_manifest(
        self,
        repository: str,
        digest: Digest,
        content: bytes,
        media_type: str,
        *,
        tag: str = "",
        replacing: Digest | None = None,
    ) -> Pushed:
        """The repository has the manifest, under the tag if one is given.

        `replacing`: what the tag named when it was read. Raises PreconditionError where the registry says that it does
        not any more; most registries do not look.
        """
        check_digest(content, digest, "the manifest to be pushed")
        if tag and not is_tag(tag):
            raise ReferenceFormatError(f"{shown(tag)!a} is not a tag")
        what = f"pushing the manifest {tag or digest} to {repository}"
        condition = f'"{replacing}"' if replacing else ""
        path = f"/v2/{repository}/manifests/{tag or digest}"
        answer = self._put(path, repository, what, content, media_type, condition)
        if answer.status == 412 and replacing and not is_immutable(answer):
            raise PreconditionError(str(self._connection.failure(answer, what)), code="precondition")
        if answer.status != 201:
            raise self._connection.failure(answer, what)
        named = answer.headers.get("docker-content-digest")
        if named and named != str(digest):
            raise RegistryError(f"{what}: the registry names it {shown(named)}", code="digest_mismatch")
        return Pushed(digest, _subject(answer))

    def has_manifest(self, repository: str, digest: Digest) -> bool:
        """Whether the repository gives the manifest."""
        return self._is_there(repository, str(digest))

    def has_tag(self, repository: str, tag: str) -> bool:
        """Whether there is such a tag."""
        if not is_tag(tag):
            raise ReferenceFormatError(f"{shown(tag)!a} is not a tag")
        return self._is_there(repository, tag)

    def _is_there(self, repository: str, reference: str) -> bool:
        what = f"the manifest {reference} of {repository}"
        answer = self._ask("manifest_head", "HEAD", repository, f"manifests/{reference}", what)
        if answer.status not in (200, 404):
            raise self._connection.failure(answer, what)
        return answer.status == 200

    def _try_to_mount(self, repository: str, digest: Digest, source: str) -> Answer | None:
        """The answer to the wish to mount: it did (201), it began an upload instead (202), or it refused (None)."""
        what = f"mounting the blob {digest} of {source} in {repository}"
        try:
            begun = self._ask(
                "upload", "POST", repository, "blobs/uploads/", what, {"mount": str(digest), "from": source}
            )
        except RegistryError as error:
            if error.code in ("denied", "unauthorized"):  # no token for both repositories
                return None
            raise
        return begun if begun.status in (201, 202) else None

    def _upload_path(self, begun: Answer, digest: Digest, what: str) -> str:
        """Where the content goes: a place of the registry itself, since the request carries our credentials."""
        home = self._connection.origin
        location = begun.headers.get("location")
        refused = RegistryError(
            f"{what}: the registry wants the content at {shown(location.partition('?')[0]) or 'no place'}, which is "
            "another than itself. Nothing was sent there.",
            code="redirect",
        )
        if not location:
            raise refused
        try:
            url = urljoin(f"{home.scheme}://{home.authority}/", location)
            parts = urlsplit(url)
            if Origin.of(url) != home:
                raise refused
        except (ValueError, ReferenceFormatError) as error:
            raise refused from error
        query = "&".join(filter(None, (parts.query, urlencode({"digest": str(digest)}))))
        return f"{parts.path}?{query}"

    def _put(
        self, path: str, repository: str, what: str, content: bytes | Outgoing, content_type: str, if_match: str = ""
    ) -> Answer:
        call = self._call("push", "PUT", path, repository, what)
        return self._connection.ask(call.with_content(content, content_type, if_match))

    def _ask(
        self, kind: str, method: str, repository: str, rest: str, what: str, query: dict[str, str] | None = None
    ) -> Answer:
        path = f"/v2/{repository}/{rest}" + (f"?{urlencode(query)}" if query else "")
        source = f" repository:{query['from']}:pull" if query else ""
        return self._connection.ask(self._call(kind, method, path, repository, what, source))

    def _call(self, kind: str, method: str, path: str, repository: str, what: str, more_scopes: str = "") -> Call:
        if not is_repository_name(repository):
            raise ReferenceFormatError(f"{shown(repository)!a} is not a repository name")
        accept = media_types.MANIFEST_ACCEPT if kind == "manifest_head" else "*/*"
        return Call(kind, path, what, accept, f"repository:{repository}:pull,push{more_scopes}", MAX_SMALL, method)


def _checked(digest: Digest, content: Outgoing) -> Outgoing:
    """The content, of which the last piece goes out only if all of it is what its digest says."""

    def pieces() -> Iterator[bytes]:
        check = BlobCheck(digest, content.size)
        held = b""
        for piece in content:
            check.saw(piece)
            if held:
                yield held
            held = piece
        check.finish()
        yield held

    return Outgoing(content.size, pieces)


def _subject(answer: Answer) -> Digest | None:
    try:
        return Digest.parse(answer.headers.get("oci-subject"))
    except DigestError:
        return None
