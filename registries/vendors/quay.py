"""Quay's API: repositories of a namespace, tags with their digests. A robot account is not known to it: what is public is read."""

from collections.abc import Iterator, Sequence

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import LimitError, RegistryError
from registries.vendors.api import MAX_PAGES, Api, member, objects
from registries.vendors.asking import catalog_of, each_namespace, look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100
PATH = "/api/v1/repository"
OAUTH_USER = "$oauthtoken"  # its password is a token that the API takes, too


class Quay:
    name = "Quay"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials
        self._api = Api(connection, self._authorization)

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        own = self._credentials.username.partition("+")[0] if "+" in self._credentials.username else ""
        return catalog_of(each_namespace([name or own for name in namespaces], self._names_in), limit)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, most: self._gather(look, repository, most))

    def _authorization(self) -> str:
        return f"Bearer {self._credentials.password}" if self._credentials.username == OAUTH_USER else ""

    def _names_in(self, namespace: str) -> Iterator[str]:
        if not namespace:
            raise RegistryError(
                "Quay lists the repositories of a namespace: name one, such as ORG/*", code="bad_answer"
            )
        what, following = f"Quay's repositories of {namespace[:80]!a}", ""
        for _ in range(MAX_PAGES):
            query = {"namespace": namespace} | ({"next_page": following} if following else {})
            document = self._api.get(PATH, what, query=query)
            for entry in objects(member(document, "repositories"), what):
                yield f"{entry.get('namespace') or namespace}/{entry.get('name') or ''}"
            before, following = following, str(member(document, "next_page") or "")[:4096]
            if not following:
                return
            if following == before:
                raise RegistryError(f"the pages of {what} go round in circles", code="bad_answer")
        raise LimitError(f"{what}: more than {MAX_PAGES} pages", code="too_many_pages")

    def _gather(self, look: Look, repository: str, most: int) -> Iterator[None]:
        what, query = f"Quay's tags of {repository}", {"limit": PAGE, "onlyActiveTags": "true"}
        for page in self._api.numbered(
            f"{PATH}/{repository}/tag/",
            what,
            query,
            lambda document: (member(document, "tags"), member(document, "has_additional") is True),
            most=most,
        ):
            for entry in page:
                note_tags(look, digest_at(entry, "manifest_digest"), [entry.get("name")])
            yield
