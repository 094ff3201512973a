"""The products' own APIs, where the operator says which product a registry is (docs/registries.md)."""

from collections.abc import Callable, Sequence
from typing import Any

from registries.oci.authorization import Origin
from registries.oci.client import Catalog, Client, Credentials
from registries.oci.connection import Connection
from registries.oci.errors import OciError
from registries.oci.exchange import Carry
from registries.vendors.azure import Azure
from registries.vendors.docker_hub import DockerHub
from registries.vendors.github import GitHub
from registries.vendors.gitlab import GitLab
from registries.vendors.google import Google
from registries.vendors.harbor import Harbor
from registries.vendors.product import ELSEWHERE, Product
from registries.vendors.quay import Quay
from registries.vendors.vendor import Look, Vendor, namespaces_of
from registries.vendors.zot import Zot

__all__ = ["Look", "Product", "ProductClient", "Vendor", "has_api", "namespaces_of"]

Make = Callable[[Client, Connection, Credentials], Vendor]
VENDORS: dict[str, Make] = {  # Amazon's API wants signed requests of its own: ECR is asked as the specification says
    Product.DOCKER_HUB: DockerHub,
    Product.GITHUB: GitHub,
    Product.GITLAB: GitLab,
    Product.AZURE: Azure,
    Product.GOOGLE: Google,
    Product.QUAY: Quay,
    Product.HARBOR: Harbor,
    Product.ZOT: Zot,
}


class ProductClient(Client):
    """A client of a registry whose product has an API of its own; both count into the same requests."""

    def __init__(
        self, send: Carry, base_url: str, *, product: str, api_host: str, credentials: Credentials, **options: Any
    ) -> None:
        super().__init__(send, base_url, credentials=credentials, **options)
        self.at_home = not api_host
        "The API is at the registry itself."
        connection = self._connection
        if api_host:
            scheme = "http" if _is_plain(base_url, api_host) else "https"
            connection = Connection(send, f"{scheme}://{api_host}", requests=self.requests)
        self.vendor = VENDORS[product](self, connection, credentials)

    def own_names(self, namespaces: Sequence[str], limit: int) -> Catalog:
        """The repositories as the product's API lists them."""
        catalog = self.vendor.repositories(namespaces, limit)
        self._saw(catalog.error)
        return catalog

    def look(self, repository: str) -> Look:
        """The tags of a repository, and what the product's API adds."""
        look = self.vendor.look(repository)
        if look.asked:
            self._saw(look.error)
        return look

    def _saw(self, error: OciError | None) -> None:
        self.observed["vendor"] = f"{self.vendor.name}: its own API {'does not answer' if error else 'answers'}"


def has_api(product: str, api_host: str) -> bool:
    """Whether there is an API to be asked, and it is known where."""
    return product in VENDORS and (product not in ELSEWHERE or bool(api_host))


def _is_plain(base_url: str, api_host: str) -> bool:
    """Whether the API is at the very host of a registry that speaks plain HTTP; any other is asked over https alone."""
    origin = Origin.of(base_url)
    return origin.scheme == "http" and Origin.of(f"http://{api_host}").host == origin.host
