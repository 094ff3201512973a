"""Harbor's REST API: projects and their repositories, artifacts with tags and accessories.

Its list of accessories is never taken for complete: it knows those that were pushed through it after their subject, so
what is missing from it may be in the registry all the same. One that we do not know yet is a reason to look now.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.digest import Digest
from registries.oci.reference import is_repository_name
from registries.vendors.api import Api, Entry, full, objects
from registries.vendors.asking import catalog_of, look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100
SIGNATURES = {"signature.notation": "notation", "signature.cosign": "cosign"}
PATH = "/api/v2.0"


class Harbor:
    name = "Harbor"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client
        self._api = Api(connection, lambda: credentials.basic)

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        """Those of the projects that are meant, proxy caches left out: asking these would ask their upstream."""
        wanted = {namespace.partition("/")[0] for namespace in namespaces} - {""}
        proxies: list[str] = []

        def names() -> Iterator[str]:
            for project, is_proxy in self._projects():
                if wanted and project not in wanted:
                    continue
                if is_proxy:
                    proxies.append(project)
                else:
                    yield from self._names_in(project)

        catalog = catalog_of(names(), limit)
        if not proxies:
            return catalog
        note = f"Left out, as they are caches of other registries: {', '.join(sorted(proxies)[:5])}"
        note += f" and {len(proxies) - 5:,} more." if len(proxies) > 5 else "."
        note += " Name a repository of theirs in the connection to have it indexed."
        return Catalog(catalog.names, catalog.complete, catalog.error, note)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, most: self._gather(look, repository, most), always=True)

    def _projects(self) -> Iterator[tuple[str, bool]]:
        for page in self._api.numbered(f"{PATH}/projects", "Harbor's projects", {"page_size": PAGE}, full(PAGE)):
            for entry in page:
                if is_repository_name(name := str(entry.get("name") or "")):
                    yield name, bool(entry.get("registry_id"))

    def _names_in(self, project: str) -> Iterator[str]:
        path = f"{PATH}/projects/{quote(project, safe='')}/repositories"
        for page in self._api.numbered(path, f"the repositories of {project[:80]!a}", {"page_size": PAGE}, full(PAGE)):
            yield from (str(entry.get("name") or "") for entry in page)

    def _gather(self, look: Look, repository: str, most: int) -> Iterator[None]:
        project, _, name = repository.partition("/")
        # A slash in the name is encoded twice: the proxy before Harbor's core decodes it once.
        path = f"{PATH}/projects/{quote(project)}/repositories/{quote(quote(name, safe=''), safe='')}/artifacts"
        query = {"with_tag": "true", "with_accessory": "true", "page_size": PAGE}
        what = f"Harbor's artifacts of {repository}"
        for page in self._api.numbered(path, what, query, full(PAGE), most=most):
            for entry in page:
                if digest := digest_at(entry, "digest"):
                    note_tags(look, digest, (tag.get("name") for tag in objects(entry.get("tags") or [], what)))
                    _note_accessories(look, digest, objects(entry.get("accessories") or [], what))
            yield


def _note_accessories(look: Look, subject: Digest, accessories: Sequence[Entry]) -> None:
    kinds = {SIGNATURES.get(str(accessory.get("type")), "") for accessory in accessories} - {""}
    look.claims[subject] = f"signed ({', '.join(sorted(kinds))})" if kinds else "not signed"
    found = {digest for accessory in accessories if (digest := digest_at(accessory, "digest"))}
    if found:
        look.referrers[subject] = found
