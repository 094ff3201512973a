"""GitLab's REST API: the container repositories of a group or project. What its tags name, only the registry tells."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import RegistryError
from registries.vendors.api import Api, full
from registries.vendors.asking import catalog_of, each_namespace
from registries.vendors.vendor import Look

PAGE = 100
OWNERS = ("groups", "projects")


class GitLab:
    name = "GitLab"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client
        password = credentials.password
        self._api = Api(connection, lambda: f"Bearer {password}" if password else "")

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        return catalog_of(each_namespace(namespaces, self._names_in), limit)

    def look(self, repository: str) -> Look:
        return Look(self._client.tags(repository))

    def _names_in(self, namespace: str) -> Iterator[str]:
        if not namespace:
            raise RegistryError("GitLab lists the repositories of a group or project: name one, such as GROUP/*")
        what = f"GitLab's repositories of {namespace[:80]!a}"
        for kind in OWNERS:
            path = f"/api/v4/{kind}/{quote(namespace, safe='')}/registry/repositories"
            try:
                for page in self._api.numbered(path, what, {"per_page": PAGE}, full(PAGE)):
                    yield from (str(entry.get("path") or "") for entry in page)
            except RegistryError as error:
                if error.code == "not_found" and kind != OWNERS[-1]:
                    continue
                raise
            return
