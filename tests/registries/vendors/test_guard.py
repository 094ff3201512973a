"""The API of a product is reached through the same guard as the registry, and by names that cannot lead elsewhere."""

import pytest

from registries import connections, vendors
from registries.models import Product
from registries.oci.client import Credentials
from registries.oci.errors import RegistryError
from registries.transport import Transport
from registries.vendors.product import api_host
from tests.registries.vendors.conftest import SIMULATORS
from tests.simulators.registry_quirks import Quirks, reply

SECRET = Credentials("robot", "s3cret")


def client_at(transport, base_url="https://registry.test", product=Product.GITLAB, host="gitlab.test"):
    return vendors.ProductClient(transport, base_url, product=product, api_host=host, credentials=SECRET)


def test_an_api_whose_name_resolves_into_the_private_network_is_never_connected_to():
    with Transport(resolver=lambda host, port: ["10.0.0.5"]) as transport:
        catalog = client_at(transport).own_names(["team"], 10)
    assert catalog.error.code == "forbidden_address"


class Sent:
    """Remembers what would be sent."""

    def __init__(self):
        self.urls = []

    def __call__(self, method, url, **how):
        self.urls.append((url, how["headers"].get("Authorization", "")))
        raise RegistryError("nobody there", code="unreachable")


@pytest.mark.parametrize(
    ("base_url", "host", "begin"),
    [
        ("https://registry.test", "gitlab.test", "https://gitlab.test:443/"),
        ("http://registry.test:5000", "gitlab.test", "https://gitlab.test:443/"),
        ("http://registry.test:5000", "registry.test", "http://registry.test:80/"),
    ],
)
def test_an_api_at_another_host_is_asked_over_tls_even_where_the_registry_is_not(base_url, host, begin):
    sent = Sent()
    client_at(sent, base_url, host=host).own_names(["team"], 10)
    assert [url for url, _ in sent.urls if not url.startswith(begin)] == []
    assert sent.urls


def test_only_the_hosts_of_one_table_and_of_the_operator_are_known():
    assert api_host("docker_hub", "docker.io", "") == "hub.docker.com"
    assert api_host("docker_hub", "registry.test", "") == ""
    assert api_host("gitlab", "registry.test", "gitlab.test") == "gitlab.test"
    assert api_host("harbor", "registry.test", "evil.test") == ""


@pytest.mark.parametrize("namespace", ["../../v1/x", "a?b", "a#b", "a%2fb", "a b", "é", "x" * 5000])
@pytest.mark.parametrize("product", [Product.GITHUB, Product.GITLAB, Product.DOCKER_HUB, Product.HARBOR, Product.QUAY])
def test_a_strange_namespace_leads_to_no_other_path(make, product, namespace):
    bench = make(product)
    with connections.open_source(bench.registry, wire=bench.quirks.wire()) as source:
        assert source.own_names([namespace], 10).names == ()
    projects = "^GET /api/v2.0/projects[?]page_size=100&page=1$"  # Harbor's are read, and only compared with it
    assert bench.quirks.log == bench.quirks.asked(projects)


class TestTesting:
    def test_a_registry_without_a_list_is_well_where_its_product_has_one(self, make, demo):
        demo.put_blob("team/app", b"x")
        bench = make(Product.HARBOR)
        bench.quirks.break_("_catalog", reply("403 Forbidden"))
        report = connections.test(bench.registry, wire=bench.quirks.wire())
        assert (report.ok, report.catalog) == (True, True)
        assert "Harbor's own API lists repositories." in report.detail

    def test_an_api_that_is_of_no_use_is_said_and_hurts_nothing(self, make, demo):
        demo.put_blob("team/app", b"x")
        bench = make(Product.HARBOR)
        bench.quirks.break_("/api/", reply("404 Not Found"))
        report = connections.test(bench.registry, wire=bench.quirks.wire())
        assert report.ok
        assert "Harbor's own API gives no list, so it is done without" in report.detail


def test_a_product_without_an_api_is_asked_as_any_registry(make, demo):
    demo.put_blob("team/app", b"x")
    bench = make(Product.QUAY)
    bench.registry.vendor = Product.ECR
    with connections.open_source(bench.registry, wire=Quirks(demo).wire()) as source:
        assert not isinstance(source, vendors.ProductClient)
        assert source.catalog(10).names == ("team/app",)


def test_every_simulated_product_is_one_that_can_be_chosen():
    assert {*SIMULATORS, Product.ECR} == set(Product)
