"""Where credentials go and where they never go; each trap was an advisory of some other client."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from registries.oci.authorization import allowed_scopes
from registries.oci.client import Client, Credentials
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError

from .scripted import Scripted, answer

BASE = "https://registry.test:5000"
SECRETS = Credentials("ann", "canary-password")
BASIC = SECRETS.basic
BLOB = Digest.of(b"envelope")


def challenge(realm, **more):
    parameters = {"realm": realm, "service": "registry"} | more
    text = ",".join(f'{name}="{value}"' for name, value in parameters.items())
    return answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}, WWW_Authenticate=f"Bearer {text}")


def guarded(good, *challenges):
    """Answers a request that carries a bearer token, and challenges one that does not."""
    refusals = list(challenges)

    def respond(request):
        if request.headers.get("Authorization", "").startswith("Bearer "):
            return good
        return refusals.pop(0) if len(refusals) > 1 else refusals[0]

    return respond


def token(**fields):
    return answer(200, {"token": "t1", "expires_in": 300} | fields)


TAGS = answer(200, {"tags": ["v1"]})


def client_with(answers, base=BASE, credentials=SECRETS, **options):
    registry = Scripted(answers)
    return Client(registry, base, credentials=credentials, **options), registry


def test_nothing_is_sent_unasked():
    client, registry = client_with({"/v2/app/tags/list": TAGS})
    client.tags("app")
    assert "Authorization" not in registry.asked[0].headers


def test_a_token_is_fetched_for_pulling_this_repository_only():
    scope = "repository:app:pull,push,delete registry:catalog:*"
    client, registry = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token?x=1", scope=scope)), "/token": token()}
    )
    assert client.tags("app").tags == ("v1",)
    asked = registry.asked[1]
    assert asked.headers["Authorization"] == BASIC
    assert parse_qs(urlsplit(asked.url).query) == {
        "x": ["1"],
        "service": ["registry"],
        "scope": ["repository:app:pull", "registry:catalog:*"],
    }
    assert registry.asked[2].headers["Authorization"] == "Bearer t1"


def test_without_a_scope_in_the_challenge_we_name_our_own():
    client, registry = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": answer(200, {"access_token": "t2"})}
    )
    client.tags("app")
    assert "scope=repository%3Aapp%3Apull" in registry.asked[1].url
    assert registry.asked[2].headers["Authorization"] == "Bearer t2"


def test_scopes_are_cut_down_to_reading():
    assert allowed_scopes(
        "repository:host:5000/a:push,pull repository(plugin):b:pull repository:c:push x", ["pull"]
    ) == [
        "repository:host:5000/a:pull",
        "repository(plugin):b:pull",
    ]


def test_a_token_is_used_again_until_most_of_its_life_is_over():
    now = [0.0]
    client, _registry = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": token(expires_in=100)},
        monotonic=lambda: now[0],
    )
    for moment, tokens in ((0, 1), (79, 1), (81, 2)):
        now[0] = moment
        client.tags("app")
        assert client.requests["token"] == tokens


@pytest.mark.parametrize(("expires_in", "life"), [(None, 48), (10**9, 720), (-5, 48), ("x", 48), (1e308, 720)])
def test_odd_lives_of_tokens_are_bounded(expires_in, life):
    now = [0.0]
    client, _ = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": token(expires_in=expires_in)},
        monotonic=lambda: now[0],
    )
    client.tags("app")
    now[0] = life - 1
    client.tags("app")
    assert client.requests["token"] == 1
    now[0] = life + 1
    client.tags("app")
    assert client.requests["token"] == 2


def test_a_refused_token_is_replaced_once_and_then_it_is_over():
    client, _ = client_with({"/v2/app/tags/list": challenge(f"{BASE}/token"), "/token": token()})
    assert client.tags("app").error.code == "unauthorized"
    assert client.requests == {"tags": 1, "challenge": 1, "token": 1}
    assert client.tags("app").error.code == "unauthorized"
    assert client.requests == {"tags": 2, "challenge": 2, "token": 2}


def test_lacking_the_right_is_told_apart_from_a_wrong_password():
    client, _ = client_with(
        {"/v2/app/tags/list": challenge(f"{BASE}/token", error="insufficient_scope"), "/token": token()}
    )
    error = client.tags("app").error
    assert error.code == "denied"
    assert "right to pull" in str(error)


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:6379/",
        "http://registry.test:5000/token",
        "http://registry.test/token",
        "https://registry.test/token",
        "https://registry.test:5001/token",
        "https://evil.example.com/token",
        "https://registry.test.evil.example.com:5000/token",
        "https://registry.test:5000@evil.example.com/token",
        "https://evil.example.com\\@registry.test:5000/token",
        "//registry.test:5000/token",
        "/token",
        "ftp://registry.test:5000/token",
        "file:///etc/passwd",
        "gopher://registry.test:5000/",
        "https://[::1/token",
        "https://registry.test:99999/token",
        "javascript:alert(1)",
        "registry.test:5000/token",
        "https:///token",
    ],
)
def test_ghsa_xf85_363p_868w_and_cve_2025_27403_credentials_go_to_no_other_realm(realm):
    client, registry = client_with({"/v2/app/tags/list": challenge(realm), "/token": token()})
    error = client.tags("app").error
    assert isinstance(error, RegistryError)
    assert len(registry.asked) == 1
    assert "canary" not in str(error)


def test_an_operator_may_name_the_host_of_the_token_service():
    answers = {"/v2/app/tags/list": guarded(TAGS, challenge("https://auth.test/token")), "/token": token()}
    client, _ = client_with(dict(answers))
    error = client.tags("app").error
    assert error.code == "forbidden_address"
    assert "add auth.test:443 to this connection's token services" in str(error)
    for named in ("auth.test", "AUTH.test:443"):
        client, registry = client_with(dict(answers), realm_hosts=[named])
        assert client.tags("app").complete
        assert registry.asked[1].host == "auth.test"


def test_a_named_token_service_is_still_asked_over_https_only():
    client, registry = client_with(
        {"/v2/app/tags/list": challenge("http://auth.test/token")}, realm_hosts=["auth.test", "auth.test:80"]
    )
    assert "https only" in str(client.tags("app").error)
    assert len(registry.asked) == 1


def test_docker_hub_is_known_to_have_its_token_service_elsewhere():
    client, _ = client_with(
        {"/v2/library/x/tags/list": guarded(TAGS, challenge("https://auth.docker.io/token")), "/token": token()},
        base="https://registry-1.docker.io",
    )
    assert client.tags("library/x").complete


def test_a_plain_http_registry_may_have_its_realm_at_home():
    client, _ = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge("http://registry.test:5000/token")), "/token": token()},
        base="http://registry.test:5000",
    )
    assert client.tags("app").complete


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (answer(401, {}), "unauthorized"),
        (answer(403, {}), "unauthorized"),
        (answer(302, b"", "", Location="https://evil.example.com/"), "redirect"),
        (answer(500, b""), "server_error"),
        (answer(200, b"<html>", "text/html"), "not_a_registry"),
        (answer(200, {}), "bad_answer"),
        (answer(200, {"token": 5}), "bad_answer"),
        (answer(200, {"token": "a\r\nX-Evil: 1"}), "bad_answer"),
        (answer(200, {"token": "\u20ac"}), "bad_answer"),
        (answer(200, {"token": "x" * 100_000}), "too_large"),
        (answer(200, []), "bad_answer"),
    ],
)
def test_a_token_service_that_gives_no_token_is_an_error_with_its_reason(given, code):
    client, registry = client_with({"/v2/app/tags/list": challenge(f"{BASE}/token"), "/token": given})
    assert client.tags("app").error.code == code
    assert {asked.host for asked in registry.asked} == {"registry.test:5000"}


def test_an_identity_token_is_exchanged_in_the_body_and_not_in_the_url():
    client, registry = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": answer(200, {"access_token": "t"})},
        credentials=Credentials(identity_token="canary-identity"),
    )
    assert client.tags("app").complete
    asked = registry.asked[1]
    assert (asked.method, asked.target) == ("POST", "/token")
    form = parse_qs(asked.body.decode())
    assert form["refresh_token"] == ["canary-identity"]
    assert form["scope"] == ["repository:app:pull"]


def test_basic_is_sent_only_after_it_was_asked_for_and_not_repeated_when_refused():
    refusal = answer(401, {}, WWW_Authenticate='Basic realm="x"')
    client, registry = client_with({"/v2/app/tags/list": [refusal, TAGS]})
    assert client.tags("app").complete
    assert [asked.headers.get("Authorization") for asked in registry.asked] == [None, BASIC]
    client, registry = client_with({"/v2/app/tags/list": refusal})
    assert client.tags("app").error.code == "unauthorized"
    assert len(registry.asked) == 2
    assert client.tags("app").error.code == "unauthorized"
    assert len(registry.asked) == 3


def test_bearer_is_preferred_among_several_challenges():
    both = answer(401, {}, WWW_Authenticate=f'Basic realm="x", bearer realm={BASE}/token, service=s')
    client, registry = client_with({"/v2/app/tags/list": guarded(TAGS, both), "/token": token()})
    assert client.tags("app").complete
    assert registry.asked[2].headers["Authorization"] == "Bearer t1"


def test_a_secret_shows_in_no_representation():
    client, _ = client_with({})
    for text in (repr(SECRETS), str(SECRETS), repr(client), repr(Credentials(identity_token="canary-identity"))):
        assert "canary" not in text


# ---- redirects of blobs


def blob_redirect(location, **answers):
    redirected = answer(307, b"", "", Location=location)
    return {
        f"/v2/app/blobs/{BLOB}": guarded(redirected, challenge(f"{BASE}/token")),
        "/token": token(),
        **answers,
    }


def fetch(client):
    return client.blob("app", Descriptor("application/x", BLOB, 8), max_size=100)


def test_ghsa_vh4v_2xq2_g5cg_a_blob_behind_a_redirect_is_fetched_without_any_credential():
    url = "https://storage.test/bucket/x?signature=1"
    client, registry = client_with(blob_redirect(url) | {url: answer(200, b"envelope", "")})
    assert fetch(client) == b"envelope"
    last = registry.asked[-1]
    assert last.url == url
    assert set(last.headers) == {"Accept", "User-Agent"}
    assert "t1" not in repr(last) and "canary" not in repr(last)


def test_a_redirect_within_the_registry_keeps_its_token():
    client, registry = client_with(blob_redirect("/other") | {"/other": answer(200, b"envelope", "")})
    assert fetch(client) == b"envelope"
    assert registry.asked[-1].headers["Authorization"] == "Bearer t1"


def test_a_way_back_home_gets_no_credential_again():
    away = answer(307, b"", "", Location=f"{BASE}/home")
    client, registry = client_with(
        blob_redirect("https://storage.test/x") | {"https://storage.test/x": away, "/home": answer(200, b"envelope")}
    )
    assert fetch(client) == b"envelope"
    assert "Authorization" not in registry.asked[-1].headers


@pytest.mark.parametrize(
    "location",
    ["http://storage.test/x", "http://registry.test:5000/x", "file:///etc/passwd", "https://a@b/x", "", "https://[::1"],
)
def test_a_redirect_to_plain_http_or_to_no_url_is_refused(location):
    client, registry = client_with(blob_redirect(location))
    with pytest.raises(RegistryError) as caught:
        fetch(client)
    assert caught.value.code == "redirect"
    assert {asked.host for asked in registry.asked} == {"registry.test:5000"}


def test_redirects_end_after_three():
    url = "https://storage.test/x"
    client, registry = client_with(blob_redirect(url) | {url: answer(307, b"", "", Location=url)})
    with pytest.raises(RegistryError) as caught:
        fetch(client)
    assert caught.value.code == "redirect"
    assert [asked.url for asked in registry.asked].count(url) == 3


def test_a_challenge_after_a_redirect_is_final():
    url = "https://storage.test/x"
    client, registry = client_with(blob_redirect(url) | {url: challenge("https://storage.test/token")})
    with pytest.raises(RegistryError) as caught:
        fetch(client)
    assert caught.value.code == "unauthorized"
    assert registry.asked[-1].url == url


def test_a_redirected_blob_is_checked_like_any_other():
    url = "https://storage.test/x"
    client, _ = client_with(blob_redirect(url) | {url: answer(200, b"envelopf", "")})
    with pytest.raises(RegistryError) as caught:
        fetch(client)
    assert caught.value.code == "digest_mismatch"


@pytest.mark.parametrize(
    "base", ["registry.test", "https://", "https://a@registry.test", "ftp://registry.test", "https://registry.test/v2"]
)
def test_an_address_that_is_no_plain_origin_is_refused(base):
    with pytest.raises(Exception, match="is not"):
        Client(Scripted({}), base)


# ---- wider scopes, OAuth2, identity tokens


def form_of(asked):
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def test_a_token_that_was_too_narrow_is_replaced_by_one_for_both_scopes():
    wider = challenge(f"{BASE}/token", scope="repository:mirror/app:pull", error="insufficient_scope")
    replies = [challenge(f"{BASE}/token"), wider, wider, TAGS]
    client, registry = client_with({"/v2/app/tags/list": replies, "/token": token()})
    assert client.tags("app").error.code == "denied"  # one more try a request, no loops
    assert client.tags("app").complete
    scopes = [parse_qs(urlsplit(asked.url).query)["scope"] for asked in registry.asked if "/token" in asked.url]
    assert scopes == [["repository:app:pull"], ["repository:mirror/app:pull", "repository:app:pull"]]


@pytest.mark.parametrize("status", [404, 405])
def test_a_service_that_knows_oauth2_alone_gets_the_password_in_the_body(status):
    def service(request):
        return answer(200, {"access_token": "t1"}) if request.method == "POST" else answer(status, {})

    client, registry = client_with({"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": service})
    assert client.tags("app").complete
    asked = registry.asked[2]
    assert form_of(asked) == {
        "grant_type": "password", "username": "ann", "password": "canary-password", "client_id": "signboard",
        "service": "registry", "scope": "repository:app:pull",
    }  # fmt: skip
    assert "canary" not in asked.url and "Authorization" not in asked.headers


def test_without_a_password_nothing_is_posted():
    client, registry = client_with(
        {"/v2/app/tags/list": challenge(f"{BASE}/token"), "/token": answer(404, {})}, credentials=Credentials()
    )
    assert client.tags("app").error
    assert [asked.method for asked in registry.asked] == ["GET", "GET"]


def test_an_identity_token_that_is_renewed_is_used_from_then_on():
    now = [0.0]
    tokens = iter(["second", "third"])

    def service(request):
        return answer(200, {"access_token": "t1", "expires_in": 60, "refresh_token": next(tokens)})

    client, registry = client_with(
        {"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": service},
        credentials=Credentials(identity_token="first"), monotonic=lambda: now[0],
    )  # fmt: skip
    client.tags("app")
    now[0] = 100
    client.tags("app")
    assert [form_of(asked)["refresh_token"] for asked in registry.asked if asked.body] == ["first", "second"]


def test_one_token_serves_many_threads():
    client, _ = client_with({"/v2/app/tags/list": guarded(TAGS, challenge(f"{BASE}/token")), "/token": token()})
    with ThreadPoolExecutor(8) as pool:
        assert all(tags.complete for tags in pool.map(client.tags, ["app"] * 32))
    assert client.requests["token"] == 1
