import hashlib
import json
import threading

import httpx
import pytest

from demo.registry import Basic, Bearer, DemoRegistry, running

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def image(config, *, artifact_type=None, subject=None, annotations=None):
    fields = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
        "layers": [],
    }
    if artifact_type:
        fields["artifactType"] = artifact_type
    if subject:
        fields["subject"] = {"mediaType": IMAGE, "digest": subject, "size": 1}
    if annotations:
        fields["annotations"] = annotations
    return json.dumps(fields).encode()


@pytest.fixture
def registry(serve):
    return serve()[0]


@pytest.fixture
def client(serve, registry):
    return serve()[1]  # a second process over the same directory


def seed(registry, repository="team/app", tag="1.0", **fields):
    return registry.put_manifest(repository, image(registry.put_blob(repository, b"{}"), **fields), tags=[tag])


def push_blob(client, content, repository="team/app"):
    location = client.post(f"/v2/{repository}/blobs/uploads/").headers["Location"]
    return client.put(location, params={"digest": digest_of(content)}, content=content)


def code_of(answer):
    return answer.json()["errors"][0]["code"]


# push


def test_a_pushed_image_is_pulled_byte_for_byte(client):
    assert push_blob(client, b"{}").status_code == 201
    content = image(digest_of(b"{}"))
    pushed = client.put("/v2/team/app/manifests/1.0", content=content, headers={"Content-Type": IMAGE})
    pulled = client.get("/v2/team/app/manifests/1.0")
    assert pushed.status_code == 201
    assert pushed.headers["Docker-Content-Digest"] == digest_of(content)
    assert "OCI-Subject" not in pushed.headers
    assert pulled.content == content
    assert pulled.headers["Content-Type"] == IMAGE
    assert client.get(f"/v2/team/app/blobs/{digest_of(b'{}')}").content == b"{}"


def test_a_blob_can_be_pushed_in_chunks(client):
    location = client.post("/v2/team/app/blobs/uploads/").headers["Location"]
    first = client.patch(location, content=b"first ", headers={"Content-Range": "0-5"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-5")
    assert client.patch(location, content=b"x", headers={"Content-Range": "99-99"}).status_code == 416
    second = client.patch(first.headers["Location"], content=b"second", headers={"Content-Range": "6-11"})
    assert client.get(location).headers["Range"] == "0-11"
    done = client.put(second.headers["Location"], params={"digest": digest_of(b"first second")})
    assert done.status_code == 201
    assert client.get(done.headers["Location"]).content == b"first second"
    assert client.get(location).status_code == 404


def test_a_blob_can_be_pushed_with_one_post(client):
    answer = client.post("/v2/a/b/blobs/uploads/", params={"digest": digest_of(b"blob")}, content=b"blob")
    assert answer.status_code == 201


def test_a_blob_with_another_digest_is_refused_and_not_kept(client):
    location = client.post("/v2/team/app/blobs/uploads/").headers["Location"]
    wrong = digest_of(b"something else")
    answer = client.put(location, params={"digest": wrong}, content=b"content")
    assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
    assert client.head(f"/v2/team/app/blobs/{wrong}").status_code == 404


def test_a_manifest_with_another_digest_is_refused(client):
    push_blob(client, b"{}")
    wrong = digest_of(b"x")
    content = image(digest_of(b"{}"))
    answer = client.put(f"/v2/team/app/manifests/{wrong}", content=content, headers={"Content-Type": IMAGE})
    assert (answer.status_code, code_of(answer)) == (400, "DIGEST_INVALID")
    assert client.head(f"/v2/team/app/manifests/{wrong}").status_code == 404


def test_a_manifest_whose_blobs_are_missing_is_refused(client):
    client.post("/v2/team/app/blobs/uploads/")
    content = image(digest_of(b"never pushed"))
    answer = client.put("/v2/team/app/manifests/1.0", content=content, headers={"Content-Type": IMAGE})
    assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b'{"schemaVersion":2,"layers":5}', b"\xff"])
def test_a_manifest_that_is_not_one_is_refused(client, content):
    answer = client.put("/v2/team/app/manifests/1.0", content=content, headers={"Content-Type": IMAGE})
    assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_INVALID")


def test_a_manifest_whose_type_differs_from_the_request_is_refused(client):
    push_blob(client, b"{}")
    content = image(digest_of(b"{}"))
    answer = client.put("/v2/team/app/manifests/1.0", content=content, headers={"Content-Type": INDEX})
    assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_INVALID")


def test_a_manifest_over_four_mebibytes_is_refused(client):
    push_blob(client, b"{}")
    content = image(digest_of(b"{}"), annotations={"filler": "x" * 4 * 1024 * 1024})
    answer = client.put("/v2/team/app/manifests/1.0", content=content, headers={"Content-Type": IMAGE})
    assert (answer.status_code, code_of(answer)) == (413, "SIZE_INVALID")


@pytest.mark.parametrize("name", ["Team/App", "team//app", "../etc", "team/app_", "a" * 256])
def test_a_name_outside_the_grammar_is_refused(client, name):
    assert client.post(f"/v2/{name}/blobs/uploads/").status_code in {400, 404}


def test_pushing_a_referrer_names_its_subject(client, registry):
    subject = seed(registry)
    content = image(digest_of(b"{}"), subject=subject, artifact_type="application/example")
    path = f"/v2/team/app/manifests/{digest_of(content)}"
    answer = client.put(path, content=content, headers={"Content-Type": IMAGE})
    assert answer.headers["OCI-Subject"] == subject


def test_a_mounted_blob_is_in_both_repositories(client, registry):
    blob = registry.put_blob("team/app", b"layer")
    answer = client.post("/v2/other/app/blobs/uploads/", params={"mount": blob, "from": "team/app"})
    assert answer.status_code == 201
    assert client.get(f"/v2/other/app/blobs/{blob}").content == b"layer"


def test_a_blob_of_one_repository_is_not_served_from_another(client, registry):
    blob = registry.put_blob("team/app", b"layer")
    registry.put_blob("other/app", b"another")
    assert client.get(f"/v2/other/app/blobs/{blob}").status_code == 404


def test_a_read_only_registry_takes_nothing(serve):
    registry, client = serve(read_only=True)
    seed(registry)
    assert client.post("/v2/team/app/blobs/uploads/").status_code == 405
    assert client.delete("/v2/team/app/manifests/1.0").status_code == 405
    assert client.get("/v2/team/app/manifests/1.0").status_code == 200


# pull


def test_head_has_the_headers_of_get_and_no_body(client, registry):
    digest = seed(registry)
    head, get = client.head("/v2/team/app/manifests/1.0"), client.get("/v2/team/app/manifests/1.0")
    assert head.headers == get.headers
    assert head.headers["Docker-Content-Digest"] == digest
    assert int(head.headers["Content-Length"]) == len(get.content)
    assert head.content == b""


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"other", "{}"'])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_known_digest_is_answered_304_without_body_or_digest(client, registry, method, form):
    digest = seed(registry)
    headers = {"If-None-Match": form.format(digest)}
    answer = client.request(method, "/v2/team/app/manifests/1.0", headers=headers)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == f'"{digest}"'
    assert "Docker-Content-Digest" not in answer.headers


def test_a_304_names_the_digest_where_the_registry_is_of_that_kind(serve):
    registry, client = serve(digest_on_304=True)
    digest = seed(registry)
    answer = client.head("/v2/team/app/manifests/1.0", headers={"If-None-Match": f'"{digest}"'})
    assert answer.headers["Docker-Content-Digest"] == digest


def test_a_moved_tag_is_no_longer_304(client, registry):
    old = seed(registry)
    new = seed(registry, annotations={"build": "2"})
    answer = client.head("/v2/team/app/manifests/1.0", headers={"If-None-Match": f'"{old}"'})
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (200, new)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/team/app/manifests/missing", "MANIFEST_UNKNOWN"),
        ("/v2/no/such/manifests/1.0", "NAME_UNKNOWN"),
        ("/v2/no/such/tags/list", "NAME_UNKNOWN"),
        ("/v2/no/such/referrers/" + digest_of(b""), "NAME_UNKNOWN"),
        ("/v2/team/app/blobs/" + digest_of(b"missing"), "BLOB_UNKNOWN"),
    ],
)
def test_what_is_missing_is_404_with_its_code(client, registry, path, code):
    seed(registry)
    answer = client.get(path)
    assert (answer.status_code, code_of(answer)) == (404, code)


def test_a_sha512_manifest_is_served_by_its_digest(client, registry):
    push_blob(client, b"{}")
    content = image(digest_of(b"{}"))
    digest = digest_of(content, "sha512")
    client.put(f"/v2/team/app/manifests/{digest}", content=content, headers={"Content-Type": IMAGE})
    assert client.get(f"/v2/team/app/manifests/{digest}").content == content


def test_a_deleted_manifest_takes_its_tags_along(client, registry):
    digest = seed(registry)
    assert client.delete(f"/v2/team/app/manifests/{digest}").status_code == 202
    assert client.get("/v2/team/app/tags/list").json()["tags"] == []
    assert client.delete(f"/v2/team/app/manifests/{digest}").status_code == 404


# lists


def pages(client, path):
    """Every page of a list, following Link."""
    while path:
        answer = client.get(path)
        yield answer
        path = answer.links.get("next", {}).get("url")


def test_tags_come_in_lexical_order_page_by_page(serve):
    registry, client = serve(page_size=3)
    for tag in ["b", "a", "1.10", "1.9", "C", "z", "latest"]:
        seed(registry, tag=tag)
    answers = [answer.json()["tags"] for answer in pages(client, "/v2/team/app/tags/list?n=1000")]
    assert answers == [["1.10", "1.9", "C"], ["a", "b", "latest"], ["z"]]


def test_n_and_last_select_within_a_list(client, registry):
    for tag in "abcdef":
        seed(registry, tag=tag)
    answer = client.get("/v2/team/app/tags/list?n=2&last=b")
    assert answer.json()["tags"] == ["c", "d"]
    assert client.get(answer.links["next"]["url"]).json()["tags"] == ["e", "f"]
    assert code_of(client.get("/v2/team/app/tags/list?n=x")) == "PAGINATION_NUMBER_INVALID"


def test_the_last_page_has_no_link(client, registry):
    seed(registry)
    assert "Link" not in client.get("/v2/team/app/tags/list?n=1").headers


def test_the_catalog_names_every_repository_page_by_page(serve):
    registry, client = serve(page_size=2)
    names = sorted(f"team-{letter}/app" for letter in "badce")
    for name in names:
        seed(registry, name)
    listed = [name for answer in pages(client, "/v2/_catalog") for name in answer.json()["repositories"]]
    assert listed == names


# referrers


@pytest.fixture
def referred(registry):
    """A subject with seven referrers of two types, in the order they were pushed."""
    subject = seed(registry)
    types = ["application/sbom", "application/scan"] * 3 + ["application/sbom"]
    referrers = [
        seed(registry, tag=f"r{number}", subject=subject, artifact_type=kind, annotations={"number": str(number)})
        for number, kind in enumerate(types)
    ]
    return subject, referrers


def test_referrers_are_an_index_of_complete_descriptors(client, referred):
    subject, referrers = referred
    answer = client.get(f"/v2/team/app/referrers/{subject}")
    assert answer.headers["Content-Type"] == INDEX
    assert "OCI-Filters-Applied" not in answer.headers
    entries = answer.json()["manifests"]
    assert [entry["digest"] for entry in entries] == referrers
    size = len(client.get(f"/v2/team/app/manifests/{referrers[0]}").content)
    assert entries[0] == {
        "mediaType": IMAGE,
        "digest": referrers[0],
        "size": size,
        "artifactType": "application/sbom",
        "annotations": {"number": "0"},
    }


def test_the_type_of_a_referrer_without_artifact_type_is_its_config(client, registry):
    subject = seed(registry)
    seed(registry, tag="r", subject=subject)
    (entry,) = client.get(f"/v2/team/app/referrers/{subject}").json()["manifests"]
    assert entry["artifactType"] == "application/vnd.oci.image.config.v1+json"


def test_a_subject_nothing_refers_to_has_an_empty_list(client, registry):
    seed(registry)
    answer = client.get(f"/v2/team/app/referrers/{digest_of(b'unknown')}")
    assert (answer.status_code, answer.json()["manifests"]) == (200, [])


def test_the_referrers_filter_is_applied_and_said_so(client, referred):
    subject, referrers = referred
    answer = client.get(f"/v2/team/app/referrers/{subject}", params={"artifactType": "application/scan"})
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert [entry["digest"] for entry in answer.json()["manifests"]] == referrers[1::2]


def test_paging_keeps_the_filter(serve, referred):
    _, client = serve(referrers_page_size=2)
    subject, referrers = referred
    answers = list(pages(client, f"/v2/team/app/referrers/{subject}?artifactType=application/sbom"))
    assert [len(answer.json()["manifests"]) for answer in answers] == [2, 2]
    assert all(answer.headers["OCI-Filters-Applied"] == "artifactType" for answer in answers)
    assert [entry["digest"] for answer in answers for entry in answer.json()["manifests"]] == referrers[::2]


def test_a_registry_without_the_referrers_api_says_404_in_plain_text(serve):
    registry, client = serve(referrers_api=False)
    subject = seed(registry)
    answer = client.get(f"/v2/team/app/referrers/{subject}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
    content = image(digest_of(b"{}"), subject=subject)
    pushed = client.put("/v2/team/app/manifests/r", content=content, headers={"Content-Type": IMAGE})
    assert pushed.status_code == 201
    assert "OCI-Subject" not in pushed.headers


# authentication


def test_basic_authentication_asks_and_lets_in(serve):
    registry, client = serve(auth=Basic({"ci": "secret", "viewer": "look"}, readers=frozenset({"viewer"})))
    seed(registry)
    refused = client.get("/v2/")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="demo registry"')
    assert client.get("/v2/", auth=("ci", "wrong")).status_code == 401
    assert client.get("/v2/", auth=("ci", "secret")).status_code == 200
    assert client.get("/v2/_catalog", auth=("viewer", "look")).status_code == 200
    assert client.post("/v2/team/app/blobs/uploads/", auth=("viewer", "look")).status_code == 403
    assert client.get("/v2/", headers={"Authorization": "Basic !!!"}).status_code == 401


def ask_token(client, scope, **options):
    answer = client.get("/token", params={"service": "demo-registry", "scope": scope}, **options)
    return answer.json()["token"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def guarded(serve):
    auth = Bearer({"ci": "secret", "viewer": "look"}, readers=frozenset({"viewer"}), lifetime=60, now=lambda: clock[0])
    clock = [1000.0]
    registry, client = serve(auth=auth)
    seed(registry)
    return client, clock


def test_the_bearer_challenge_names_realm_service_and_scope(guarded):
    client, _ = guarded
    answer = client.get("/v2/team/app/tags/list")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="http://registry.example/token",service="demo-registry",scope="repository:team/app:pull"'
    )
    assert 'scope="registry:catalog:*"' in client.get("/v2/_catalog").headers["WWW-Authenticate"]
    assert 'scope="repository:team/app:push"' in client.post("/v2/team/app/blobs/uploads/").headers["WWW-Authenticate"]


def test_a_token_opens_what_it_was_asked_for_and_nothing_else(guarded):
    client, _ = guarded
    token = ask_token(client, "repository:team/app:pull", auth=("ci", "secret"))
    assert client.get("/v2/", headers=bearer(token)).status_code == 200
    assert client.get("/v2/team/app/tags/list", headers=bearer(token)).status_code == 200
    other = client.get("/v2/other/app/tags/list", headers=bearer(token))
    assert other.status_code == 401
    assert 'error="insufficient_scope"' in other.headers["WWW-Authenticate"]
    assert client.post("/v2/team/app/blobs/uploads/", headers=bearer(token)).status_code == 401


def test_a_token_ends(guarded):
    client, clock = guarded
    token = ask_token(client, "repository:team/app:pull", auth=("ci", "secret"))
    clock[0] += 60
    answer = client.get("/v2/team/app/tags/list", headers=bearer(token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_reader_is_granted_no_push(guarded):
    client, _ = guarded
    token = ask_token(client, "repository:team/app:pull,push", auth=("viewer", "look"))
    assert client.get("/v2/team/app/tags/list", headers=bearer(token)).status_code == 200
    assert client.post("/v2/team/app/blobs/uploads/", headers=bearer(token)).status_code == 401


def test_wrong_credentials_get_no_token(guarded):
    client, _ = guarded
    assert client.get("/token", auth=("ci", "wrong")).status_code == 401
    assert client.get("/token").status_code == 401


def test_a_refresh_token_gives_new_tokens(guarded):
    client, _ = guarded
    form = {"grant_type": "password", "username": "ci", "password": "secret", "access_type": "offline"}
    refresh = client.post("/token", data=form).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "scope": "repository:team/app:pull,push"}
    token = client.post("/token", data=form).json()["access_token"]
    assert client.post("/v2/team/app/blobs/uploads/", headers=bearer(token)).status_code == 202
    assert client.post("/token", data=form | {"refresh_token": "other"}).status_code == 401


def test_anonymous_pull_needs_a_token_but_no_password(serve):
    registry, client = serve(auth=Bearer({}, anonymous_pull=True))
    seed(registry)
    token = ask_token(client, "repository:team/app:pull,push registry:catalog:*")
    assert client.get("/v2/team/app/tags/list", headers=bearer(token)).status_code == 200
    assert client.get("/v2/_catalog", headers=bearer(token)).status_code == 401


# the whole


def test_requests_are_counted_by_kind(client, registry, serve):
    seed(registry)
    counting, client = serve()
    client.get("/v2/")
    client.head("/v2/team/app/manifests/1.0")
    client.get("/v2/team/app/manifests/1.0")
    client.get("/v2/team/app/manifests/1.0")
    assert counting.requests == {"ping GET": 1, "manifest HEAD": 1, "manifest GET": 2}


def test_sixteen_threads_lose_no_referrer(serve):
    registry, _ = serve()
    subject = seed(registry)

    def push(number):
        with httpx.Client(transport=httpx.WSGITransport(app=registry), base_url="http://registry.example") as client:
            content = image(digest_of(b"{}"), subject=subject, annotations={"number": str(number)})
            path = f"/v2/team/app/manifests/{digest_of(content)}"
            client.put(path, content=content, headers={"Content-Type": IMAGE}).raise_for_status()

    threads = [threading.Thread(target=push, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.store.referrers("team/app", subject, None, "", 100).items) == 16


def test_a_failed_batch_leaves_nothing(registry):
    with pytest.raises(RuntimeError), registry.batch():
        seed(registry)
        raise RuntimeError
    assert registry.store.manifest("team/app", "1.0") is None


def test_a_registry_opened_again_has_everything(serve, registry):
    digest = seed(registry)
    registry.close()
    _, client = serve()
    assert client.head("/v2/team/app/manifests/1.0").headers["Docker-Content-Digest"] == digest


@pytest.mark.network
def test_the_registry_serves_from_its_own_process(tmp_path):
    registry = DemoRegistry(tmp_path)
    digest = seed(registry)
    registry.close()
    with running(tmp_path) as server, httpx.Client(base_url=server.url) as client:
        assert client.head("/v2/team/app/manifests/1.0").headers["Docker-Content-Digest"] == digest
        assert push_blob(client, b"pushed" * 100_000).status_code == 201
        location = client.post("/v2/team/app/blobs/uploads/").headers["Location"]
        assert client.patch(location, content=iter([b"chunked ", b"body"])).headers["Range"] == "0-11"
        too_large = client.put("/v2/team/app/manifests/x", content=b" " * 5_000_000, headers={"Content-Type": IMAGE})
        assert too_large.status_code == 413
        assert client.get("/v2/").status_code == 200
