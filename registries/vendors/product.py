"""Which products have an API of their own that indexing uses, and where it lies if not at the registry itself."""

from django.db import models


class Product(models.TextChoices):
    """What an operator says a registry is; it is never told from its host name."""

    DOCKER_HUB = "docker_hub", "Docker Hub"
    GITHUB = "github", "GitHub (GHCR)"
    GITLAB = "gitlab", "GitLab"
    ECR = "ecr", "Amazon ECR"
    AZURE = "azure", "Azure (ACR)"
    GOOGLE = "google", "Google (GAR, GCR)"
    QUAY = "quay", "Quay"
    HARBOR = "harbor", "Harbor"
    ZOT = "zot", "zot"


# Credentials of a registry may go to these other hosts, and to one that the operator names, over https: nowhere else.
API_HOSTS = {
    (Product.DOCKER_HUB, "docker.io"): "hub.docker.com",
    (Product.GITHUB, "ghcr.io"): "api.github.com",
    (Product.GITLAB, "registry.gitlab.com"): "gitlab.com",
}
ELSEWHERE = frozenset({Product.DOCKER_HUB, Product.GITHUB, Product.GITLAB})
"Products whose API is another origin than the registry."


def api_host(product: str, registry: str, named: str) -> str:
    """The host of a product's API; empty where it is the registry itself, or where nobody says where it is."""
    if product not in ELSEWHERE:
        return ""
    return named or API_HOSTS.get((Product(product), registry), "")
