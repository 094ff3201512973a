"""Docker's config.json as a source of one credential."""

import base64
import json

import pytest

from registries.docker_config import DockerConfigError, login_for


def encoded(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def config(name="registry.test", entry=None, **more):
    return json.dumps({"auths": {name: entry or {"auth": encoded("ann", "canary:with:colons")}}} | more)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("registry.test", "registry.test"),
        ("https://registry.test", "registry.test"),
        ("https://registry.test/", "registry.test"),
        ("https://registry.test/v1/", "registry.test"),
        ("http://registry.test/v2/", "registry.test"),
        ("registry.test:5000", "registry.test:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_the_entry_of_this_registry_is_taken(name, address):
    login = login_for(config(name), address)
    assert (login.username, login.secret) == ("ann", "canary:with:colons")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("registry.test", "registry.test:5000"),
        ("registry.test:5000", "registry.test"),
        ("evil.registry.test", "registry.test"),
        ("registry.test.evil", "registry.test"),
        ("registry.test/team", "registry.test"),
        ("registry.test@evil.test", "registry.test"),
    ],
)
def test_the_entry_of_another_place_is_not(name, address):
    with pytest.raises(DockerConfigError, match="no entry"):
        login_for(config(name), address)


def test_an_identity_token_goes_before_a_password():
    entry = {"auth": encoded("00000000", ""), "identitytoken": "canary-identity"}
    assert login_for(config(entry=entry), "registry.test").username == "<token>"
    assert login_for(config(entry=entry), "registry.test").secret == "canary-identity"


def test_user_name_and_password_may_stand_apart():
    login = login_for(config(entry={"username": "ann", "password": "p"}), "registry.test")
    assert (login.username, login.secret) == ("ann", "p")


@pytest.mark.parametrize("wrapped", ["data", "stringData"])
def test_a_kubernetes_pull_secret_holds_the_same(wrapped):
    inner = config()
    content = base64.b64encode(inner.encode()).decode() if wrapped == "data" else inner
    secret = json.dumps({"kind": "Secret", wrapped: {".dockerconfigjson": content}})
    assert login_for(secret, "registry.test").username == "ann"


@pytest.mark.parametrize(
    "content",
    [
        config(entry={"x": 1}, credsStore="desktop"),
        json.dumps({"credsStore": "desktop", "auths": {"registry.test": {}}}),
        json.dumps({"credHelpers": {"registry.test": "ecr-login"}}),
    ],
)
def test_a_password_that_is_in_a_helper_is_said_to_be_there_and_nothing_is_run(content):
    with pytest.raises(DockerConfigError, match="credential helper of that machine"):
        login_for(content, "registry.test")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "canary",
        '{"auths":{"registry.test":{"auth":"canary"',
        "[]",
        '{"auths":[]}',
        '{"auths":{"registry.test":5}}',
        '{"auths":{"registry.test":{"auth":"!canary!"}}}',
        '{"auths":{"registry.test":{"auth":"Y2FuYXJ5"}}}',
        '{"auths":{"registry.test":{"auth":"/////w=="}}}',
        '{"auths":{"registry.test":{"registrytoken":"canary"}}}',
        '{"auths":{"registry.test":{"auth":"a","auth":"b"}}}',
        '{"kind":"Secret","data":{".dockerconfigjson":"!canary"}}',
        "[" * 100_000,
        " " * 300_000,
        '{"auths":{"\ud800":{}}}',
    ],
)
def test_whatever_else_is_given_is_our_error_and_repeats_no_secret(content):
    with pytest.raises(DockerConfigError) as caught:
        login_for(content, "registry.test")
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(login_for(config(), "registry.test"))
