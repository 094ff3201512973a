"""What indexing reads from: a registry (`client.Client`) and a layout directory (`layout.Layout`) answer alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from registries.oci.descriptor import Descriptor
from registries.oci.digest import HASHES, Digest
from registries.oci.errors import OciError, RegistryError
from registries.oci.manifest import MAX_MANIFEST


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository as far as they could be read."""

    tags: tuple[str, ...]
    "Valid, sorted, each once."
    complete: bool
    "The list was read to its end: only then does a tag that is missing from it no longer exist."
    rejected: int = 0
    "Entries that are no tags (some registries list digests or nulls)."
    error: OciError | None = None


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """The exact bytes of a manifest, whose digest was computed from them."""

    digest: Digest
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ReferrerList:
    """What a source lists as referring to a subject; each entry is a claim until its manifest was read."""

    descriptors: tuple[Descriptor, ...]
    "In the order given, each digest once."
    complete: bool
    supported: bool | None = None
    "Whether the repository has the referrers API; None: this answer does not say."
    error: OciError | None = None
    source: str = "api"
    "api or tag"
    note: str = ""


class Source(Protocol):
    """A place that holds repositories."""

    def tags(self, repository: str) -> TagList:
        """Every tag; a fault part-way is in the list's `error`, one at the start as well."""
        ...

    def resolve(self, repository: str, tag: str, known: Digest | None) -> Digest:
        """The digest that the tag names now; asking is cheap when it is still `known`."""
        ...

    def manifest(self, repository: str, reference: Digest | str, *, max_size: int = MAX_MANIFEST) -> FetchedManifest:
        """The manifest under a digest or a tag."""
        ...

    def referrers(self, repository: str, subject: Digest, *, limit: int) -> ReferrerList:
        """What the referrers API lists."""
        ...

    def referrers_by_tag(self, repository: str, subject: Digest) -> ReferrerList:
        """What the referrers tag schema lists: an index under a tag made from the subject's digest."""
        ...

    def blob(self, repository: str, descriptor: Descriptor, *, max_size: int) -> bytes:
        """The bytes that the descriptor means."""
        ...

    def copy_blob(
        self, repository: str, descriptor: Descriptor, into: Callable[[bytes], object], *, max_size: int
    ) -> None:
        """Hand the blob on by pieces. Where an error is raised, what was handed on is void."""
        ...


def check_digest(content: bytes, expected: Digest, what: str) -> None:
    if not expected.matches(content):
        raise RegistryError(
            f"{what} has other bytes than its digest says: asked for {expected}, got "
            f"{Digest.of(content, expected.algorithm)}. A proxy may be rewriting it, or it was tampered with.",
            code="digest_mismatch",
        )


def check_blob(content: bytes, descriptor: Descriptor) -> None:
    check = BlobCheck(descriptor.digest, descriptor.size)
    check.saw(content)
    check.finish()


class BlobCheck:
    """Sees a blob go by in pieces, and says at its end whether it was the one that was meant."""

    def __init__(self, digest: Digest, size: int) -> None:
        self._digest, self._size = digest, size
        self._hash = HASHES[digest.algorithm]()
        self._seen = 0

    def saw(self, piece: bytes) -> None:
        """Raises RegistryError as soon as it is longer than it should be."""
        self._hash.update(piece)
        self._seen += len(piece)
        if self._seen > self._size:
            raise self._wrong_size()

    def finish(self) -> None:
        """Raises RegistryError unless size and digest are right."""
        if self._seen != self._size:
            raise self._wrong_size()
        if self._hash.hexdigest() != self._digest.encoded:
            raise RegistryError(
                f"the blob has other bytes than its digest says: asked for {self._digest}, got "
                f"{self._digest.algorithm}:{self._hash.hexdigest()}. A proxy may be rewriting it, or it was tampered with.",
                code="digest_mismatch",
            )

    def _wrong_size(self) -> RegistryError:
        return RegistryError(
            f"the blob {self._digest} has {self._seen} bytes where its descriptor says {self._size}",
            code="size_mismatch",
        )
