"""Azure's own calls at the registry: its catalog, and tags with their digests."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from registries.oci.client import MAX_LIST, Catalog, Client, Credentials
from registries.oci.connection import Call, Connection
from registries.oci.names import names_of
from registries.vendors.api import KIND, MAX_PAGE, member, objects, read_json
from registries.vendors.asking import catalog_of, look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100


class Azure:
    name = "Azure"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client
        self._connection = connection

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        what = "Azure's list of repositories"
        call = Call(KIND, "/acr/v1/_catalog", what, "application/json", "registry:catalog:*", MAX_LIST)
        names = names_of(self._connection, call, "repositories", limit)
        catalog = catalog_of(names.texts, limit)
        return Catalog(catalog.names, catalog.complete and names.complete, names.error)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, _: self._gather(look, repository))

    def _gather(self, look: Look, repository: str) -> Iterator[None]:
        what = f"Azure's tags of {repository}"
        scope = f"repository:{repository}:metadata_read"
        call = Call(KIND, f"/acr/v1/{repository}/_tags", what, "application/json", scope, MAX_PAGE)
        for answer, _ in self._connection.pages(call, query="?" + urlencode({"n": PAGE})):
            if answer.status != 200:
                raise self._connection.failure(answer, what)
            for entry in objects(member(read_json(answer, what), "tags"), what):
                note_tags(look, digest_at(entry, "digest"), [entry.get("name")])
            yield
