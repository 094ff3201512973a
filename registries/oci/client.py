"""A client of the OCI distribution specification: reads one registry and takes nothing it says on trust."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from registries.oci import media_types
from registries.oci.authorization import Credentials
from registries.oci.connection import MAX_SMALL, Call, Connection
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, LimitError, ManifestError, OciError, ReferenceFormatError, RegistryError
from registries.oci.exchange import Answer, Carry, Headers
from registries.oci.failures import error_codes, not_a_registry, shown
from registries.oci.manifest import MAX_MANIFEST
from registries.oci.names import Heed, check_growth, is_json, names_of
from registries.oci.paging import read_artifacts, read_descriptors
from registries.oci.reference import is_repository_name, is_tag
from registries.oci.schema1 import without_signatures
from registries.oci.source import BlobCheck, FetchedManifest, ReferrerList, TagList, check_blob, check_digest

__all__ = ["Answer", "Capabilities", "Catalog", "Client", "Credentials", "Headers"]

MAX_LIST = 32 * 1024 * 1024  # Docker's registry gives all tags of a repository in one page
MAX_REFERRERS_PAGE = 16 * 1024 * 1024
EMPTY_BLOB = Digest.of(b"{}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a registry lets this connection do, as just tried."""

    authenticated: bool
    "The registry asked for credentials and took ours."
    catalog: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The repositories that a registry lists, as far as it does."""

    names: tuple[str, ...]
    complete: bool
    error: OciError | None = None
    note: str = ""


class Client:
    """One registry, asked through `send`."""

    def __init__(
        self,
        send: Carry,
        base_url: str,
        *,
        credentials: Credentials | None = None,
        realm_hosts: Sequence[str] = (),
        follow_redirects: bool = False,
        notation_compatible: bool = False,
        renew: Callable[[], Credentials] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        deadline: float = 10.0,
    ) -> None:
        """`notation_compatible`: say so, with tokens that allow pushing, which takes a reader past Harbor's pull rules."""
        self._manifest_actions = "pull,push" if notation_compatible else "pull"
        self._connection = Connection(
            send,
            base_url,
            credentials=credentials,
            realm_hosts=realm_hosts,
            follow_redirects=follow_redirects,
            notation_compatible=notation_compatible,
            renew=renew,
            monotonic=monotonic,
            deadline=deadline,
        )

    @property
    def observed(self) -> dict[str, str]:
        """What the answers so far showed of the registry: which of its traits are there (capabilities.py names them)."""
        return self._connection.observed

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent, by kind; those refused until we authenticate, and those for tokens, are kinds of their own."""
        return self._connection.requests

    @property
    def nearly_spent(self) -> float:
        """For how many seconds a limit on requests counts of which less than a tenth is left; 0 if none is near."""
        return self._connection.nearly_spent

    def check(self) -> Capabilities:
        """Whether an OCI registry answers here and takes our credentials; raises RegistryError with what to do."""
        self.ping()
        catalog = self.catalog(1)
        asked_for = self._connection.authorized
        access = "it took the credentials" if asked_for else "it asked for no credentials"
        self.observed["catalog"] = "no" if catalog.error else "yes"
        listing = "It lists its repositories."
        if catalog.error:
            listing = f"It does not list its repositories, so they have to be named: {catalog.error}"
        return Capabilities(asked_for, catalog.error is None, f"The registry answers; {access}. {listing}")

    def ping(self) -> None:
        """An OCI registry answers here and takes our credentials, or RegistryError says what to do."""
        what = "the start page /v2/"
        answer = self._connection.ask(Call("ping", "/v2/", what, "application/json", "", MAX_SMALL))
        marked = bool(answer.headers.get("docker-distribution-api-version"))
        if answer.status == 404 and not marked:
            raise RegistryError(
                "there is no OCI registry at this address: it answers 404 to /v2/. Check host and port.",
                code="not_a_registry",
            )
        if answer.status != 200:
            raise self._connection.failure(answer, what)
        if not marked and answer.body.strip() and not is_json(answer):
            raise not_a_registry(answer, what)

    def catalog(self, limit: int) -> Catalog:
        """At most `limit` repository names; many hosted registries list none, and `error` says so."""
        call = Call(
            "catalog", "/v2/_catalog", "the list of repositories", "application/json", "registry:catalog:*", MAX_LIST
        )
        names = names_of(self._connection, call, "repositories", limit)
        valid = sorted(filter(is_repository_name, names.texts))
        return Catalog(tuple(valid[:limit]), names.complete and len(valid) <= limit, names.error)

    def tags(self, repository: str) -> TagList:
        return self.tags_heeding(repository, None)

    def tags_heeding(self, repository: str, heed: Heed | None) -> TagList:
        """The tags; `heed` is given each page, for what a product says beside them."""
        call = self._call("tags", repository, "tags/list", f"the tags of {repository}", "application/json", MAX_LIST)
        names = names_of(self._connection, call, "tags", heed=heed)
        tags = sorted(filter(is_tag, names.texts))
        return TagList(tuple(tags), names.complete, names.odd + len(names.texts) - len(tags), names.error)

    def resolve(self, repository: str, tag: str, known: Digest | None = None) -> Digest:
        call = self._manifest_call(repository, _checked_tag(tag), MAX_SMALL, kind="manifest_head", known=known)
        answer = self._connection.ask(call)
        if answer.status == 304 and known:  # it carries no digest header: what we asked about still holds
            self.observed["conditional"] = "yes"
            return known
        if answer.status in (405, 412):  # of a policy that blocks it, only GET has the registry's words
            return self.manifest(repository, tag).digest
        if answer.status != 200:
            raise self._connection.failure(answer, call.what)
        try:
            digest = Digest.parse(answer.headers.get("docker-content-digest"))
        except DigestError:
            self.observed["digest_header"] = "no"
            return self.manifest(repository, tag).digest
        self.observed["digest_header"] = "yes"
        if digest == known:
            self.observed["conditional"] = "no"
        return digest

    def manifest(self, repository: str, reference: Digest | str, *, max_size: int = MAX_MANIFEST) -> FetchedManifest:
        name = str(reference) if isinstance(reference, Digest) else _checked_tag(reference)
        answer = self._get_manifest(self._manifest_call(repository, name, max_size))
        media_type, content = answer.content_type, answer.body
        if media_type == media_types.DOCKER_SCHEMA1_SIGNED:
            media_type, content = media_types.DOCKER_SCHEMA1, without_signatures(content)
        if isinstance(reference, Digest):
            digest = reference
        else:
            try:
                digest = Digest.parse(answer.headers.get("docker-content-digest"))
                self.observed["digest_header"] = "yes"
            except DigestError:
                digest = Digest.of(content)
                self.observed["digest_header"] = "no"
        check_digest(content, digest, f"the manifest {name} of {repository}")
        return FetchedManifest(digest, media_type, content)

    def has_manifest(self, repository: str, digest: Digest) -> bool:
        """Whether the registry gives it; no body travels."""
        call = self._manifest_call(repository, str(digest), MAX_SMALL, kind="manifest_head")
        answer = self._connection.ask(call)
        if answer.status not in (200, 404):
            raise self._connection.failure(answer, call.what)
        return answer.status == 200

    def referrers(self, repository: str, subject: Digest, *, limit: int) -> ReferrerList:
        """What the API lists. `supported` False: there is no such API here, and so nothing was listed at all."""
        everything = self._referrers(repository, subject, limit, "")
        if not isinstance(everything.error, LimitError):
            return everything
        # Whoever may push can list junk before the signatures: ask for these alone, so that it hides none.
        signatures = self._referrers(repository, subject, limit, f"?artifactType={media_types.NOTARY_SIGNATURE}")
        first = [entry for entry in signatures.descriptors if entry.artifact_type == media_types.NOTARY_SIGNATURE]
        merged = {entry.digest: entry for entry in (*first, *everything.descriptors)}
        return ReferrerList(tuple(merged.values())[:limit], complete=False, supported=True, error=everything.error)

    def referrers_oras(self, repository: str, subject: Digest, *, limit: int) -> ReferrerList:
        """What the call of the ORAS artifact specification lists, which some registries had before OCI 1.1."""
        return self._referrers(repository, subject, limit, f"?digest={subject}", oras=True)

    def referrers_by_tag(self, repository: str, subject: Digest) -> ReferrerList:
        found: dict[Digest, Descriptor] = {}
        notes: list[str] = []
        error: OciError | None = None
        for tag in dict.fromkeys((subject.fallback_tag, subject.untruncated_fallback_tag)):
            try:
                answer = self._get_manifest(self._manifest_call(repository, tag, MAX_MANIFEST))
                if answer.content_type != media_types.OCI_INDEX:
                    notes.append(f"the tag {tag} names no OCI index, so it lists no referrers")
                    continue
                descriptors, odd = read_descriptors(answer.body)
            except (RegistryError, ManifestError) as fault:
                too_long = fault.code == "bad_answer" and not is_tag(tag)
                if fault.code != "not_found" and not too_long:
                    error = fault
                continue
            if odd:
                error = ManifestError(f"{odd} entries of the referrers tag {tag} could not be read")
            for descriptor in descriptors:
                found.setdefault(descriptor.digest, descriptor)
        note = "; ".join(notes)
        return ReferrerList(tuple(found.values()), complete=error is None, error=error, source="tag", note=note)

    def blob(self, repository: str, descriptor: Descriptor, *, max_size: int) -> bytes:
        if descriptor.size > max_size:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes; at most {max_size} are read")
        if descriptor.digest == EMPTY_BLOB:
            check_blob(b"{}", descriptor)
            return b"{}"
        largest = max(descriptor.size, MAX_SMALL)  # an error document may be longer than the blob
        what = f"the blob {descriptor.digest} of {repository}"
        call = self._call("blob", repository, f"blobs/{descriptor.digest}", what, "*/*", largest)
        answer = self._connection.ask(call)
        if answer.status != 200:
            raise self._connection.failure(answer, what)
        check_blob(answer.body, descriptor)
        return answer.body

    def copy_blob(
        self, repository: str, descriptor: Descriptor, into: Callable[[bytes], object], *, max_size: int
    ) -> None:
        if descriptor.size > max_size:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes; at most {max_size} are read")
        check = BlobCheck(descriptor.digest, descriptor.size)

        def take(piece: bytes) -> None:
            check.saw(piece)
            into(piece)

        what = f"the blob {descriptor.digest} of {repository}"
        call = self._call("blob", repository, f"blobs/{descriptor.digest}", what, "*/*", max(descriptor.size, 1))
        answer = self._connection.ask(replace(call, into=take))
        if answer.status != 200:
            raise self._connection.failure(answer, what)
        check.finish()

    def _referrers(
        self, repository: str, subject: Digest, limit: int, query: str, *, oras: bool = False
    ) -> ReferrerList:
        what = f"the referrers of {subject} in {repository}"
        rest = "_oras/artifacts/referrers" if oras else f"referrers/{subject}"
        accept = "application/json" if oras else media_types.OCI_INDEX
        kind, read = ("referrers_oras", read_artifacts) if oras else ("referrers", read_descriptors)
        call = self._call(kind, repository, rest, what, accept, MAX_REFERRERS_PAGE)
        found: dict[Digest, Descriptor] = {}
        supported: bool | None = None
        odd = repeated = 0
        error: OciError | None = None
        try:
            for answer, _ in self._connection.pages(call, query=query):
                if supported is None and self._lacks_referrers(answer, call):
                    if "MANIFEST_UNKNOWN" in error_codes(answer) and not self._has(repository, subject):
                        raise self._connection.failure(answer, what)  # Quay has the call, but not the subject
                    self.observed[kind] = "no"
                    return ReferrerList((), complete=False, supported=False)
                if answer.status != 200:
                    raise self._connection.failure(answer, what)
                descriptors, unread = read(answer.body)
                supported, odd, before = True, odd + unread, len(found)
                self.observed[kind] = "yes"
                for descriptor in descriptors:
                    found.setdefault(descriptor.digest, descriptor)
                repeated = repeated + 1 if len(found) == before else 0
                check_growth(repeated, what)
                if len(found) > limit:
                    raise LimitError(f"more than {limit} referrers are listed", code="too_many_referrers")
        except OciError as fault:
            error = fault
        if odd and not error:
            error = ManifestError(f"{odd} entries of {what} could not be read")
        return ReferrerList(tuple(found.values())[:limit], complete=error is None, supported=supported, error=error)

    def _lacks_referrers(self, answer: Answer, call: Call) -> bool:
        """Whether the answer to a real digest means that there is no referrers API, and not that something failed."""
        if answer.status == 404:
            return "NAME_UNKNOWN" not in error_codes(answer)
        if answer.status == 200:
            return answer.content_type not in (media_types.OCI_INDEX, "application/json")
        return answer.status in (400, 405, 406, 501) or self._connection.leads_elsewhere(answer, call)

    def _has(self, repository: str, digest: Digest) -> bool:
        call = self._manifest_call(repository, str(digest), MAX_SMALL, kind="manifest_head")
        return self._connection.ask(call).status != 404

    def _get_manifest(self, call: Call) -> Answer:
        answer = self._connection.ask(call)
        if answer.status != 200:
            raise self._connection.failure(answer, call.what)
        if "html" in answer.content_type:
            raise not_a_registry(answer, call.what)
        return answer

    def _manifest_call(
        self, repository: str, name: str, max_bytes: int, *, kind: str = "manifest", known: Digest | None = None
    ) -> Call:
        return self._call(
            kind,
            repository,
            f"manifests/{name}",
            f"the manifest {name} of {repository}",
            media_types.MANIFEST_ACCEPT,
            max_bytes,
            method="HEAD" if kind == "manifest_head" else "GET",
            if_none_match=f'"{known}"' if known else "",
        )

    def _call(
        self,
        kind: str,
        repository: str,
        rest: str,
        what: str,
        accept: str,
        max_bytes: int,
        *,
        method: str = "GET",
        if_none_match: str = "",
    ) -> Call:
        if not is_repository_name(repository):
            raise ReferenceFormatError(f"{shown(repository)!a} is not a repository name")
        scope = f"repository:{repository}:{self._manifest_actions if kind.startswith('manifest') else 'pull'}"
        return Call(kind, f"/v2/{repository}/{rest}", what, accept, scope, max_bytes, method, if_none_match)


def _checked_tag(text: str) -> str:
    if not is_tag(text):
        raise ReferenceFormatError(f"{shown(text)!a} is not a tag")
    return text
