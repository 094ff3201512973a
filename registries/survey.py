"""Finding the repositories of a registry: names that were given, and the catalog seen through patterns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from registries import connections
from registries.leases import Lease
from registries.models import Registry, Repository, Survey
from registries.oci.client import Catalog, Client
from registries.oci.errors import RegistryError, as_sentence
from registries.oci.layout import Layout
from registries.oci.reference import is_repository_name
from registries.polling import catalog_interval
from registries.vendors import ProductClient, namespaces_of

MOST = 20_000  # repositories a registry
# The registry answered, and its answer is that it has no list for us: asking again soon would not help.
NO_CATALOG = frozenset({"denied", "not_found", "unauthorized", "bad_answer"})
NAMES_HELP = NO_CATALOG - {"unauthorized"}  # a password that is refused for the list is refused for a repository, too


def survey(
    registry: Registry, source: connections.Opened, lease: Lease[Survey], *, now: Callable[[], datetime] = timezone.now
) -> None:
    """Add the repositories that are to be indexed, due at once. None is ever removed: what vanished is only not found."""
    if isinstance(source, Layout):
        _finish(registry, [source.repository], Catalog((), complete=True), "", lease, now())
        return
    patterns = [pattern for pattern in registry.repository_patterns if isinstance(pattern, str)]
    exact = [pattern for pattern in patterns if is_repository_name(pattern)]
    wild = [pattern for pattern in patterns if not is_repository_name(pattern)]
    catalog = Catalog((), complete=True)
    if wild or not patterns:
        catalog = _catalog(source, namespaces_of(wild))
    found = [name for name in catalog.names if not patterns or any(matches(pattern, name) for pattern in wild)]
    names = list(dict.fromkeys([*exact, *found]))
    note = _note(catalog, names, wild)
    if catalog.error and (catalog.error.code not in NO_CATALOG or not names):
        with transaction.atomic():
            lease.renew()
            _add(registry, names, now())
            lease.give_back(note, retry_after=connections.wait_of(catalog.error))
        return
    _finish(registry, names, catalog, note, lease, now())


def _catalog(source: Client, namespaces: Sequence[str]) -> Catalog:
    """The list of the product's own API, else the registry's; where it has none, whether it is a registry at all."""
    if not isinstance(source, ProductClient):
        return _plain_catalog(source)
    own = source.own_names(namespaces, MOST)
    if own.error is None:
        return own
    plain = _plain_catalog(source)
    note = f"{source.vendor.name}'s own API was of no use for the list of repositories: {as_sentence(str(own.error))}"
    # What it gave before it failed is there; that it lists no other proves nothing, nor does the registry's silence.
    names = tuple(sorted({*own.names, *plain.names}))
    return Catalog(names, plain.complete, plain.error, " ".join(filter(None, (note, own.note))))


def _plain_catalog(source: Client) -> Catalog:
    catalog = source.catalog(MOST)
    if catalog.error and catalog.error.code == "not_found":
        try:
            source.ping()
        except RegistryError as error:
            return replace(catalog, error=error)
    return catalog


def _finish(
    registry: Registry, names: Sequence[str], catalog: Catalog, note: str, lease: Lease[Survey], at: datetime
) -> None:
    with transaction.atomic():
        lease.renew()
        _add(registry, names, at)
        Survey.objects.filter(pk=lease.row.pk).update(finished_at=at, complete=catalog.complete, note=note)
        lease.finish(at + catalog_interval())


def _add(registry: Registry, names: Sequence[str], at: datetime) -> None:
    rows = [Repository(registry=registry, name=name, due_at=at) for name in names]
    Repository.objects.bulk_create(rows, ignore_conflicts=True)


def _note(catalog: Catalog, names: Sequence[str], wild: Sequence[str]) -> str:
    """What an operator should know of this survey; empty if all is well."""
    return " ".join(filter(None, (_note_of_list(catalog, names, wild), catalog.note)))


def _note_of_list(catalog: Catalog, names: Sequence[str], wild: Sequence[str]) -> str:
    if catalog.error:
        fault = f"The registry's list of repositories could not be read: {as_sentence(str(catalog.error))}"
        if names:
            return f"{fault} Repositories given by name are indexed."
        return f"{fault} Name the repositories in the connection." if catalog.error.code in NAMES_HELP else fault
    if not catalog.complete:
        return f"The registry lists more than {MOST:,} repositories; the first {MOST:,} are taken."
    missed = [pattern for pattern in wild if not any(matches(pattern, name) for name in catalog.names)]
    if missed:
        return f"No repository matches {', '.join(missed[:5])}."
    return "" if names else "The registry lists no repositories."


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern means a name: `*` is any text, `?` any one character; in time linear in their product."""
    position = at = 0
    star = resume = -1
    while at < len(name):
        if position < len(pattern) and pattern[position] == "*":
            star, resume = position, at
            position += 1
        elif position < len(pattern) and pattern[position] in ("?", name[at]):
            position += 1
            at += 1
        elif star >= 0:  # let the last star take one character more
            resume += 1
            position, at = star + 1, resume
        else:
            return False
    return all(character == "*" for character in pattern[position:])
