"""Every way to prove who asks, over real HTTP: our sample registry and docker-registry."""

import httpx
import pytest

from demo.registry import DemoRegistry, running
from registries.docker_config import TOKEN_USER
from registries.models import Tag
from tests.interop.pushing import Pusher
from tests.interop.services import TokenService, listening
from tests.interop.site import Site
from tests.simulators.images import Author

pytestmark = [pytest.mark.interop, pytest.mark.django_db(transaction=True)]

WHO = "reader:secret"
BCRYPT = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"  # of "secret"
WAYS = {  # arguments of the registry, our user name
    "anonymous": (["--bearer", "somebody:else", "--anonymous-pull"], ""),
    "basic": (["--basic", WHO], "reader"),
    "bearer": (["--bearer", WHO], "reader"),
    "bearer, OAuth2 form": (["--bearer", WHO, "--oauth2"], "reader"),
    "refresh token": (["--bearer", WHO, "--oauth2"], TOKEN_USER),
}


@pytest.fixture
def filled(tmp_path):
    """The folder of a sample registry with something in it, and how many referrers that has."""
    app = DemoRegistry(tmp_path)
    author = Author(app)
    image = author.image(tags=["1.0", "latest"])
    author.signature(image)
    app.close()
    return tmp_path


def secret_for(user, url):
    if user != TOKEN_USER:
        return "secret" if user else ""
    name, _, password = WHO.partition(":")
    form = {"grant_type": "password", "username": name, "password": password, "access_type": "offline", "service": "x"}
    return httpx.post(f"{url}/token", data=form, trust_env=False).raise_for_status().json()["refresh_token"]


@pytest.mark.parametrize("way", WAYS)
def test_the_sample_registry_is_read_whoever_it_asks_us_to_be(way, filled):
    arguments, user = WAYS[way]
    with running(filled, *arguments) as server:
        site = Site(server.address, username=user, password=secret_for(user, server.url))
        repository = site.index()
    assert (repository.last_error, repository.tags_complete) == ("", True)
    assert set(Tag.objects.values_list("name", flat=True)) == {"1.0", "latest"}
    assert repository.listings.filter(complete=True).exclude(digests=[]).count() == 1
    assert site.requests["token"] == (0 if way == "basic" else 2 if way == "bearer, OAuth2 form" else 1)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "anonymous"])
def test_the_wrong_secret_is_said_to_be_wrong_and_nothing_else_is_known(way, filled):
    arguments, user = WAYS[way]
    with running(filled, *arguments) as server:
        repository = Site(server.address, username=user, password="wrong").index()
    assert repository.last_error.startswith("The registry refused the user name and password")
    assert repository.indexed_at is None
    assert not Tag.objects.exists()


@pytest.fixture
def kept(empty_docker_registry):
    """A docker-registry's folder with something in it, put there before it asks for anything."""
    with empty_docker_registry.running() as address:
        for name in ("team/app", "team/web"):
            pusher = Pusher(address, name)
            image = pusher.image("1.0")
            pusher.refer_by_tag(image, pusher.document(image, "application/spdx+json", b"{}"))
    return empty_docker_registry


def check(site):
    assert site.look() == ["team/app", "team/web"]
    for name in ("team/app", "team/web"):
        repository = site.index(name)
        assert (repository.last_error, repository.tags_complete) == ("", True)
        assert repository.listings.exclude(digests=[]).count() == 1


def test_docker_registry_with_htpasswd_is_read(kept, tmp_path):
    (tmp_path / "htpasswd").write_text(f"reader:{BCRYPT}\n")
    auth = {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}
    with kept.running(auth=auth) as address:
        site = Site(address, username="reader", password="secret")
        check(site)
        site.change(password="wrong")
        refused = site.index()
    assert refused.last_error.startswith("The registry refused the user name and password")


def test_docker_registry_with_a_token_service_is_read_with_one_token_a_scope(kept):
    service = TokenService({"reader": "secret"})
    with listening(service.respond) as realm, kept.running(auth=service.auth(realm, kept.folder)) as address:
        site = Site(address, username="reader", password="secret", token_services=[realm])
        check(site)
        scopes = [scope for asked in service.asked for scope in asked]
        assert sorted(scopes) == ["registry:catalog:*", "repository:team/app:pull", "repository:team/web:pull"]
        before = len(service.asked)
        site.change(password="secret", token_services=[])
        assert "another place than the registry itself" in site.index().last_error
        assert len(service.asked) == before  # nobody told the operator of this connection to trust the service
