"""Docker Hub's API (hub.docker.com): the repositories of a namespace, and tags with their digests."""

import threading
from collections.abc import Iterator, Sequence

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import RegistryError
from registries.vendors.api import Api, member, read_json
from registries.vendors.asking import catalog_of, each_namespace, look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100


class DockerHub:
    name = "Docker Hub"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client, self._connection, self._credentials = client, connection, credentials
        self._token = ""
        self._lock = threading.Lock()
        self._api = Api(connection, self._authorization)

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        own = self._credentials.username
        return catalog_of(each_namespace([name.partition("/")[0] or own for name in namespaces], self._names_in), limit)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, most: self._gather(look, repository, most))

    def _authorization(self) -> str:
        """Nothing without a password: what is public needs none."""
        if not self._credentials.password:
            return ""
        with self._lock:
            if not self._token:
                what = "a token of Docker Hub's API"
                fields = {"identifier": self._credentials.username, "secret": self._credentials.password}
                given = member(read_json(self._connection.log_in("/v2/auth/token", fields, what), what), "access_token")
                if not isinstance(given, str) or not given.isascii() or not given.isprintable() or " " in given:
                    raise RegistryError(f"the answer to the request for {what} holds no token", code="bad_answer")
                self._token = given
            return f"Bearer {self._token}"

    def _names_in(self, namespace: str) -> Iterator[str]:
        if not namespace:
            raise RegistryError("Docker Hub lists the repositories of a namespace: name one, such as ORG/*")
        what = f"Docker Hub's repositories of {namespace[:80]!a}"
        path = f"/v2/repositories/{namespace}/"
        for page in self._api.numbered(path, what, {"page_size": PAGE}, read_page):
            yield from (f"{namespace}/{entry.get('name') or ''}" for entry in page)

    def _gather(self, look: Look, repository: str, most: int) -> Iterator[None]:
        what, path = f"Docker Hub's tags of {repository}", f"/v2/repositories/{repository}/tags/"
        for page in self._api.numbered(path, what, {"page_size": PAGE}, read_page, most=most):
            for entry in page:
                note_tags(look, digest_at(entry, "digest"), [entry.get("name")])
            yield


def read_page(document: object) -> tuple[object, bool]:
    return member(document, "results"), bool(member(document, "next"))  # where it leads to is not looked at
