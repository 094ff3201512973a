"""GitHub's REST API: the container packages of an owner, and the tags of their versions. It answers to a token alone."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import RegistryError
from registries.vendors.api import Api, Entry, full, member, texts
from registries.vendors.asking import catalog_of, each_namespace, look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100
OWNERS = ("orgs", "users")  # an owner is one or the other, and only asking tells


class GitHub:
    name = "GitHub"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client, self._credentials = client, credentials
        self._api = Api(connection, self._authorization)
        self._kinds: dict[str, str] = {}

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        own = self._credentials.username
        return catalog_of(each_namespace([name.partition("/")[0] or own for name in namespaces], self._names_in), limit)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, most: self._gather(look, repository, most))

    def _authorization(self) -> str:
        if not self._credentials.password:
            raise RegistryError("GitHub's API wants a personal access token with read:packages", code="unauthorized")
        return f"Bearer {self._credentials.password}"

    def _names_in(self, owner: str) -> Iterator[str]:
        what = f"GitHub's packages of {owner[:80]!a}"
        for page in self._of(owner, "packages", what, {"package_type": "container", "per_page": PAGE}, 100):
            yield from (f"{owner}/{entry.get('name') or ''}".lower() for entry in page)

    def _gather(self, look: Look, repository: str, most: int) -> Iterator[None]:
        owner, _, name = repository.partition("/")
        rest = f"packages/container/{quote(name, safe='')}/versions"
        for page in self._of(owner, rest, f"GitHub's versions of {repository}", {"per_page": PAGE}, most):
            for entry in page:
                note_tags(look, digest_at(entry, "name"), texts(member(entry, "metadata", "container", "tags")))
            yield

    def _of(self, owner: str, rest: str, what: str, query: Entry, most: int) -> Iterator[list[Entry]]:
        """The pages of something of an owner, who is found out to be an organisation or a person."""
        kinds = [self._kinds[owner]] if owner in self._kinds else list(OWNERS)
        for kind in kinds:
            path = f"/{kind}/{quote(owner, safe='')}/{rest}"
            try:
                for page in self._api.numbered(path, what, query, full(PAGE), most=most):
                    self._kinds[owner] = kind
                    yield page
            except RegistryError as error:
                if error.code == "not_found" and kind != kinds[-1] and owner not in self._kinds:
                    continue
                raise
            return
