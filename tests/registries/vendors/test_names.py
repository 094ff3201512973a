"""Which repositories there are, as the API of a product tells it."""

import pytest

from registries.models import Product
from tests.registries.vendors.conftest import SIMULATORS
from tests.simulators.registry_quirks import reply
from tests.simulators.vendors import PASSWORD, USER

NO_CATALOG = reply("403 Forbidden")
NAMES = ["other/thing", "team/app", "team/web/shop"]


@pytest.fixture
def names(demo):
    for name in NAMES:
        demo.put_blob(name, b"x")


LISTING = [Product.DOCKER_HUB, Product.GITHUB, Product.GITLAB, Product.AZURE, Product.QUAY, Product.HARBOR]


@pytest.mark.parametrize("product", LISTING)
def test_repositories_are_found_where_the_registry_has_no_list_of_them(make, names, product):
    bench = make(product)
    bench.quirks.break_("/v2/_catalog", NO_CATALOG)
    found, note = bench.look_up("team/*")
    assert found == [name for name in NAMES if name.startswith("team/")]
    assert note == ""
    assert not bench.quirks.asked("/v2/_catalog")


@pytest.mark.parametrize("product", [Product.AZURE, Product.HARBOR, Product.ZOT])
def test_without_a_pattern_all_that_there_is_to_see_is_found(make, names, product):
    assert make(product).look_up() == (NAMES, "")


@pytest.mark.parametrize("product", LISTING)
@pytest.mark.parametrize("answer", ["500 Internal Server Error", "200 OK", "403 Forbidden"])
def test_an_api_that_is_broken_leaves_the_list_of_the_registry_and_a_note(make, names, product, answer):
    bench = make(product)
    bench.quirks.break_("/v2/repositories|/packages|/api/|/acr/", reply(answer, b'{"x": [7]}', "application/json"))
    found, note = bench.look_up("team/*")
    assert found == NAMES[1:]
    assert "own API was of no use for the list of repositories" in note


@pytest.mark.parametrize("product", LISTING)
def test_many_pages_are_read(make, demo, product):
    many = [f"team/{n:03}" for n in range(230)]
    with demo.batch():
        for name in many:
            demo.put_blob(name, b"x")
    bench = make(product)
    assert bench.look_up("team/*") == (many, "")
    asked = bench.quirks.asked("/v2/repositories|/packages|/api/v4|/api/v1|/api/v2.0/projects/team|/acr/")
    if product is not Product.AZURE:
        assert len(asked) == 3 + (product is Product.GITHUB)  # is it an organisation?


def test_a_list_without_end_is_left_and_what_it_gave_is_taken(make, names):
    bench = make(Product.HARBOR)
    page = b"[" + b",".join(b'{"name":"team/p%d"}' % n for n in range(100)) + b"]"
    bench.quirks.break_("/repositories", reply("200 OK", page, "application/json"))
    found, _ = bench.look_up("team/*")
    assert len(found) == 100
    assert len(bench.quirks.asked("/api/v2.0/projects/team/repositories")) == 100


def test_names_that_are_none_are_left_out(make, names):
    bench = make(Product.QUAY)
    answer = b'{"repositories": [{"namespace": "team", "name": "../../etc"}, {"namespace": "team", "name": "ok"}, {"name": 7}]}'
    bench.quirks.break_("/api/v1/repository", reply("200 OK", answer, "application/json"))
    assert bench.look_up("team/*")[0] == ["team/7", "team/ok"]


def test_projects_that_are_caches_of_other_registries_are_left_out_with_a_note(make, demo, names):
    harbor = SIMULATORS[Product.HARBOR][0](demo, proxies=("other",))
    found, note = make(Product.HARBOR, of=harbor).look_up()
    assert found == NAMES[1:]
    assert note.startswith("Left out, as they are caches of other registries: other.")


def test_a_repository_of_a_cache_that_is_named_is_indexed(make, demo, names):
    harbor = SIMULATORS[Product.HARBOR][0](demo, proxies=("other",))
    assert make(Product.HARBOR, of=harbor).look_up("other/thing", "team/*")[0] == NAMES


def test_a_private_namespace_is_read_with_the_token_of_the_api(make, names):
    bench = make(Product.DOCKER_HUB)
    assert bench.look_up("team/*")[0] == NAMES[1:]
    sent = [(host, path) for host, path, authorization in bench.app.credentials_at if authorization]
    assert sent == [("hub.docker.com", "/v2/repositories/team/")]


def test_a_gitlab_of_ones_own_is_asked_at_the_host_that_the_operator_named(make, names):
    class OwnGitLab(SIMULATORS[Product.GITLAB][0]):
        host = "gitlab.shop.test"

    bench = make(Product.GITLAB, of=None, address="registry.shop.test", api_host="gitlab.shop.test")
    bench.app.host = OwnGitLab.host
    assert bench.look_up("team/*")[0] == NAMES[1:]
    assert {host for host, _, authorization in bench.app.credentials_at if authorization} == {OwnGitLab.host}


def test_a_gitlab_whose_host_nobody_named_is_asked_as_any_registry(make, names):
    bench = make(Product.GITLAB, address="registry.shop.test")
    assert bench.look_up("team/*") == (NAMES[1:], "")
    assert bench.app.credentials_at == [("registry.shop.test", "/v2/_catalog", "")]


def test_the_password_never_stands_in_an_address_or_a_message(make, names):
    for product in LISTING:
        bench = make(product)
        bench.quirks.break_("/v2/repositories|/packages|/api/|/acr/", reply("403 Forbidden"))
        _, note = bench.look_up("team/*")
        assert PASSWORD not in note + "".join(bench.quirks.log)
        assert USER not in "".join(bench.quirks.log)
