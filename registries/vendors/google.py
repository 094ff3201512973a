"""Google's registries say in the list of tags itself what each of them names: no request is needed for it."""

from collections.abc import Mapping, Sequence

from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import OciError
from registries.vendors.api import texts
from registries.vendors.asking import note_tags
from registries.vendors.vendor import Look, digest_at


class Google:
    name = "Google"

    def __init__(self, client: Client, connection: Connection, credentials: Credentials) -> None:
        self._client = client

    def repositories(self, namespaces: Sequence[str], limit: int) -> Catalog:
        return self._client.catalog(limit)

    def look(self, repository: str) -> Look:
        pages: list[Mapping[str, object]] = []
        look = Look(self._client.tags_heeding(repository, pages.append), asked=True)
        try:
            for page in pages:
                manifests = page.get("manifest") or {}
                if not isinstance(manifests, dict):
                    raise OciError("its map of manifests is none", code="bad_answer")
                for name, entry in manifests.items():
                    tags = texts(entry.get("tag")) if isinstance(entry, dict) else []
                    note_tags(look, digest_at({"digest": name}, "digest"), tags)
        except OciError as error:
            look.digests, look.error = {}, error
        return look
