"""zot's search extension: what its tags name, and what it says of their signatures."""

from collections.abc import Iterator, Sequence

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import LimitError, RegistryError
from registries.oci.failures import shown
from registries.vendors.api import Api, Entry, member, objects
from registries.vendors.asking import look_at, note_tags
from registries.vendors.vendor import Look, digest_at

PAGE = 100
PATH = "/v2/_zot/ext/search"
QUERY = (  # a repository name has no character that could end the quoted text
    '{{ImageList(repo:"{}",requestedPage:{{limit:{},offset:{}}})'
    "{{Page{{TotalCount ItemCount}} Results{{Tag Digest IsSigned SignatureInfo{{Tool IsTrusted Author}}}}}}}}"
)


class Zot:
    name = "zot"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client
        self._api = Api(connection)

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        """Its catalog is whole, and shows what these credentials may read."""
        return self._client.catalog(limit)

    def look(self, repository: str) -> Look:
        return look_at(self._client, repository, lambda look, most: self._gather(look, repository, most), always=True)

    def _gather(self, look: Look, repository: str, most: int) -> Iterator[None]:
        what = f"zot's list of images in {repository}"
        scope = f"repository:{repository}:pull"
        for page in range(most):
            query = {"query": QUERY.format(repository, PAGE, page * PAGE)}
            document = self._api.get(PATH, what, scope=scope, query=query)
            if member(document, "errors") and not member(document, "data", "ImageList"):
                raise RegistryError(f"{what} could not be given", code="bad_answer")
            results = objects(member(document, "data", "ImageList", "Results"), what)
            for entry in results:
                if digest := digest_at(entry, "Digest"):
                    note_tags(look, digest, [entry.get("Tag")])
                    look.claims[digest] = _claim(entry, what)
            yield
            if len(results) < PAGE:
                return
        raise LimitError(f"{what}: more than {most} pages", code="too_many_pages")


def _claim(entry: Entry, what: str) -> str:
    if entry.get("IsSigned") is not True:
        return "not signed"
    said = []
    for signature in objects(entry.get("SignatureInfo") or [], what)[:5]:
        author = shown(str(signature.get("Author") or ""))[:80]
        trusted = "trusted" if signature.get("IsTrusted") is True else "not trusted"
        said.append(", ".join(filter(None, (shown(str(signature.get("Tool") or ""))[:20], trusted, author))))
    return f"signed ({'; '.join(said)})" if said else "signed"
