"""The seam between indexing and the products: what an API beside the distribution specification may tell.

All of it is a hint where to look. Which tags there are, and what refers to what, is asked of the registry itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from registries.oci.client import Catalog
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.source import TagList


@dataclass(slots=True)
class Look:
    """The tags of a repository, and what the product's API says of them."""

    tags: TagList
    "As the registry lists them: the only list that says which tags there are."
    digests: dict[str, Digest] = field(default_factory=dict)
    "What tags name, as far as the API says. That a digest is there is proven by fetching it; that the tag names it, for one tag."
    claims: dict[Digest, str] = field(default_factory=dict)
    "What the registry says of signatures: shown as its claim, and counted for nothing."
    referrers: dict[Digest, set[Digest]] = field(default_factory=dict)
    "What it knows to refer to a manifest: worth asking for where we do not know it. What it lacks proves nothing."
    asked: bool = False
    error: OciError | None = None
    "Why the API told less than it might."


class Vendor(Protocol):
    """A product's own API."""

    name: str

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        """The repositories below these namespaces ("" or none: all that there is to see); errors are in the answer."""
        ...

    def look(self, repository: str) -> Look:
        """The tags of a repository with what the API adds; errors are in the answer."""
        ...


def namespaces_of(patterns: Sequence[str]) -> list[str]:
    """What stands before the first wild part of each pattern: the groups, projects or owners that are meant."""
    found: dict[str, None] = {}
    for pattern in patterns:
        parts = pattern.split("/")
        wild = next((place for place, part in enumerate(parts) if set("*?") & set(part)), len(parts))
        found["/".join(parts[:wild])] = None
    return [""] if "" in found or not found else list(found)


def digest_at(entry: Mapping[str, object], name: str) -> Digest | None:
    """The digest that an entry has there, if it is one that we can check."""
    try:
        return Digest.parse(str(entry.get(name) or ""))
    except OciError:
        return None
