"""What all products have in common: names and tag maps are gathered as far as they go, and an error is a part of the answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from registries.oci.client import Catalog, Client
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, OciError, RegistryError
from registries.oci.failures import shown
from registries.oci.reference import is_repository_name
from registries.vendors.api import MAX_PAGES
from registries.vendors.vendor import Look

MOST_NAMESPACES = 100


def catalog_of(names: Iterable[str], limit: int, note: str = "") -> Catalog:
    """The repositories among the names, at most `limit`, up to the first error."""
    found: set[str] = set()
    try:
        for name in names:
            if is_repository_name(name):
                found.add(name)
            if len(found) > limit:
                raise LimitError(f"more than {limit} repositories are listed", code="too_many_repositories")
    except LimitError:
        return Catalog(tuple(sorted(found)[:limit]), complete=False, note=note)
    except OciError as error:
        return Catalog(tuple(sorted(found)), complete=False, error=error, note=note)
    return Catalog(tuple(sorted(found)), complete=True, note=note)


def each_namespace(namespaces: Sequence[str], names_in: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """The names in each, asked for by names that lead to no other path; "" is for the product to refuse."""
    for namespace in map(str.lower, namespaces[:MOST_NAMESPACES]):
        if namespace and not is_repository_name(namespace):
            raise RegistryError(f"{shown(namespace)!a} is not the name of an owner, a group or a namespace")
        yield from names_in(namespace)
    if len(namespaces) > MOST_NAMESPACES:
        raise LimitError(f"more than {MOST_NAMESPACES} namespaces are named", code="too_many_repositories")


def look_at(
    client: Client, repository: str, gather: Callable[[Look, int], Iterable[None]], *, always: bool = False
) -> Look:
    """The tags as the registry lists them, with what `gather` writes into the look, page by page.

    A page for each tag would save nothing: it is asked for no more of them than there are tags, and stops once all are
    known. `always`: it tells more than what tags name, so it is worth asking to its end.
    """
    look = Look(client.tags(repository))
    if len(look.tags.tags) < (1 if always else 2):
        return look
    look.asked = True
    most = MAX_PAGES if always else min(MAX_PAGES, len(look.tags.tags))
    wanted = set(look.tags.tags)
    try:
        for _ in gather(look, most):
            if not always and wanted <= look.digests.keys():
                break
    except LimitError as error:
        look.error = error if always else None  # the rest of the tags is asked for one by one
    except OciError as error:  # what fails or contradicts itself is not heeded in part either
        look.digests, look.claims, look.referrers, look.error = {}, {}, {}, error
    return look


def note_tags(look: Look, digest: Digest | None, tags: Iterable[object]) -> None:
    """What these tags name; raises OciError where the API says two things of one."""
    for tag in tags if digest else ():
        if isinstance(tag, str) and digest and look.digests.setdefault(tag, digest) != digest:
            raise OciError(f"it says two things of the tag {tag[:128]!a}", code="bad_answer")
