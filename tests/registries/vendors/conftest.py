"""The same content indexed as any registry, and with the API of its product."""

import pytest

from demo.registry import DemoRegistry
from registries import connections, credentials, leases, survey
from registries.models import Claim, Listing, Product, Repository, Survey, Tag
from tests.registries.conftest import Bench
from tests.simulators.images import Author
from tests.simulators.registry_quirks import Quirks
from tests.simulators.vendors import PASSWORD, USER
from tests.simulators.vendors.harbor import Harbor
from tests.simulators.vendors.hosted import Azure, DockerHub, GitHub, GitLab, Google, Quay
from tests.simulators.vendors.zot import Zot

SIMULATORS = {
    Product.DOCKER_HUB: (DockerHub, "docker.io", USER),
    Product.GITHUB: (GitHub, "ghcr.io", USER),
    Product.GITLAB: (GitLab, "registry.gitlab.com", USER),
    Product.AZURE: (Azure, "shop.azurecr.io", USER),
    Product.GOOGLE: (Google, "europe-docker.pkg.dev", USER),
    Product.QUAY: (Quay, "quay.io", "$oauthtoken"),
    Product.HARBOR: (Harbor, "harbor.test", USER),
    Product.ZOT: (Zot, "zot.test", USER),
}


class ProductBench(Bench):
    """A repository at a registry of a product; `chosen`: whether its connection says so."""

    def __init__(self, app, address, username, *, chosen="", **fields):
        super().__init__(app.demo)
        self.app = app
        self.quirks = Quirks(app)
        self.registry.address = self.registry.reference_name = address
        self.registry.username, self.registry.plain_http, self.registry.vendor = username, False, chosen
        for name, value in fields.items():
            setattr(self.registry, name, value)
        self.registry.sealed_password = credentials.seal(credentials.READING, self.registry, PASSWORD)
        self.registry.save()

    def index(self, **options):
        self.quirks.log.clear()
        counted = super().index(**options)
        assert sum(counted.values()) == len(self.quirks.log)  # nothing is asked that is not counted
        return counted

    def rows(self):
        """All that an index says of the repository, but for when."""
        tags = Tag.objects.filter(repository=self.repository).order_by("name")
        lists = Listing.objects.filter(repository=self.repository).order_by("subject")
        return {
            "tags": list(tags.values_list("name", "digest", "gone_at")),
            "present": self.present(),
            "artifacts": self.artifacts(),
            "lists": list(lists.values_list("subject", "source", "complete", "error_code", "digests")),
        }

    def claims(self):
        return dict(Claim.objects.filter(repository=self.repository).values_list("digest", "said"))

    def look_up(self, *patterns):
        """A survey with these patterns; answers the names that it found, and what it noted."""
        self.registry.repository_patterns = list(patterns)
        self.repository.delete()
        row, _ = Survey.objects.get_or_create(registry=self.registry, defaults={"due_at": self.at})
        with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
            survey.survey(self.registry, source, leases.take(Survey.objects.all(), row.pk))
        row.refresh_from_db()
        names = Repository.objects.filter(registry=self.registry).order_by("name").values_list("name", flat=True)
        return list(names), row.note or row.last_error


@pytest.fixture
def demo(db, tmp_path):
    app = DemoRegistry(tmp_path / "content")
    yield app
    app.close()


@pytest.fixture
def make(demo):
    """A bench of that product over the one demo registry; `chosen=False`: a connection that does not say so."""

    def make(product, *, chosen=True, of=None, address="", **fields):
        kind, host, username = SIMULATORS[product]
        app = of or kind(demo)
        # The connection that nobody told has another address: there is one connection an address.
        address = address or (host if chosen else "plain.test")
        return ProductBench(app, address, fields.pop("username", username), chosen=product if chosen else "", **fields)

    return make


@pytest.fixture
def author(demo):
    return Author(demo)


@pytest.fixture
def content(author):
    """120 tags of 110 images, ten have two; three of the images signed, one of them twice."""
    return _pushed(author, images=110, twice=10)


@pytest.fixture
def few(author):
    """Twelve tags of ten images."""
    return _pushed(author, images=10, twice=2)


def _pushed(author, *, images, twice):
    with author.registry.batch():
        pushed = [author.image(f"{n:03}", tags=[f"1.{n}", f"2.{n}"][: 2 if n < twice else 1]) for n in range(images)]
        for n, image in enumerate([*pushed[:3], pushed[0]]):
            author.signature(image, b"%d" % n)
    return pushed
