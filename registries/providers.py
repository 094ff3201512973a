"""What to know when connecting the registries that people have: where they lie, which credential they want."""

from dataclasses import dataclass

from registries.oci.reference import canonical_registry
from registries.vendors.product import Product


@dataclass(frozen=True, slots=True)
class Provider:
    """A registry product or service; the notes are for the person who connects it."""

    name: str
    note: str
    hosts: tuple[str, ...] = ()
    "Endings of host names that only this service has."
    product: Product | None = None
    "What may be suggested as the product of the connection; only the operator knows."

    def serves(self, address: str) -> bool:
        host = canonical_registry(address).partition(":")[0]
        return any(host == ending or host.endswith("." + ending) for ending in self.hosts)


PROVIDERS = (
    Provider(
        "Docker Hub",
        "Address docker.io. User name and a personal access token that may read. There is no catalog: name repositories "
        "(official images as library/NAME), or choose the product and give a pattern such as ORG/*. Reading manifests counts "
        "against the pull limit, asking for tags does not.",
        ("docker.io",),
        Product.DOCKER_HUB,
    ),
    Provider(
        "GitHub (GHCR)",
        "Address ghcr.io. Any user name and a classic personal access token with read:packages; public images need none. "
        "Name repositories as OWNER/IMAGE, or choose the product and give a pattern such as OWNER/*: there is no usable "
        "catalog. Referrers are found by their tags.",
        ("ghcr.io",),
        Product.GITHUB,
    ),
    Provider(
        "Amazon ECR",
        "User name AWS; the password of aws ecr get-login-password ends after 12 hours: use the credential helper "
        "docker-credential-ecr-login if the operator installed it, or a password file that is written anew in time. "
        "Repositories must exist before anything is pushed.",
        ("amazonaws.com", "public.ecr.aws"),
        Product.ECR,
    ),
    Provider(
        "Azure (ACR)",
        "A token or service principal with AcrPull as user name and password. A refresh token of az acr login "
        "--expose-token is taken with the user name <token>.",
        ("azurecr.io", "azurecr.cn", "azurecr.us"),
        Product.AZURE,
    ),
    Provider(
        "Google (GAR)",
        "User name _json_key and the whole key file of a service account as password (or _json_key_base64). "
        "Name repositories as PROJECT/REPOSITORY/IMAGE.",
        ("pkg.dev", "gcr.io"),
        Product.GOOGLE,
    ),
    Provider(
        "Quay",
        "A robot account such as ORG+NAME with its token. The catalog needs a log-in; repositories can be named. As the "
        "chosen product, public namespaces are read by its API; private ones with the user $oauthtoken and such a token.",
        ("quay.io",),
        Product.QUAY,
    ),
    Provider(
        "Harbor",
        "A robot account such as robot$NAME with pull, and with reading artifacts and repositories for its API. Its catalog needs "
        "a system administrator: choose the product, or name repositories. Where a content trust or vulnerability rule "
        "blocks pulling, artifacts read unknown, with that cause. Proxy-cache projects, which ask their upstream and "
        "count against its limits, are left out if the product is chosen.",
        product=Product.HARBOR,
    ),
    Provider(
        "GitLab",
        "A deploy token or access token with read_registry. A self-managed GitLab gives tokens from its own host: add that "
        "to the token services. Name repositories as GROUP/PROJECT, or choose the product (with read_api) and give a pattern "
        "such as GROUP/*.",
        ("registry.gitlab.com",),
        Product.GITLAB,
    ),
    Provider(
        "zot",
        "A user name and password, or an API key as password. It has a catalog and a referrers API; with the search "
        "extension, choose the product.",
        product=Product.ZOT,
    ),
    Provider(
        "distribution (registry:2, registry:3)",
        "User name and password, or none. It has no referrers API: referrers are found by their tags, which costs less. "
        "Inside a private network, name its address under allowed private addresses.",
    ),
)


def provider_of(address: str) -> Provider | None:
    """The provider that an address can only belong to."""
    return next((provider for provider in PROVIDERS if provider.serves(address)), None)
