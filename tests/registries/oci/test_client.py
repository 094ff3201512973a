"""The client against our own registry over WSGI, and against answers that no honest registry gives."""

import json

import pytest

from demo.registry import Basic, Bearer, DemoRegistry
from registries.oci.client import Client, Credentials
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError, OciError, ReferenceFormatError, RegistryError
from registries.oci.media_types import NOTARY_SIGNATURE, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST
from registries.transport import Transport
from tests.simulators.wsgi import WSGIWire

from .scripted import Scripted, answer

BASE = "https://registry.test"
HTML = b"<!doctype html><title>Sign in</title>"
MISSING = {"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known"}]}
SUBJECT = Digest.of(b"subject")


def image(text="x", subject=None, artifact_type=None, media_type=OCI_MANIFEST):
    empty = {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2}
    document = {"schemaVersion": 2, "mediaType": media_type, "config": empty, "layers": []}
    document["annotations"] = {"text": text}
    if subject:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(subject)), "size": len(subject)}
    if artifact_type:
        document["artifactType"] = artifact_type
    return json.dumps(document).encode()


def index_of(*manifests, **more):
    entries = [
        {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(content)), "size": len(content)} for content in manifests
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries} | more).encode()


def entries(count, start=0, **more):
    return [
        {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(b"%d" % number)), "size": 5, **more}
        for number in range(start, start + count)
    ]


@pytest.fixture
def demo(tmp_path):
    made = []

    def make(**options):
        registry = DemoRegistry(tmp_path / str(len(made)), **options)
        made.append(registry)
        return registry

    yield make
    for registry in made:
        registry.close()


def client_of(registry, **options):
    return Client(Transport(app=WSGIWire(registry)), BASE, **options)


def scripted(answers, **options):
    registry = Scripted(answers)
    return Client(registry, BASE, **options), registry


# ---- reading a registry that behaves


def test_tags_come_from_every_page_sorted_and_once(demo):
    registry = demo(page_size=2)
    tags = [f"v{number}" for number in range(7)]
    registry.put_manifest("app", image(), OCI_MANIFEST, tags=reversed(tags))
    client = client_of(registry)
    found = client.tags("app")
    assert (found.tags, found.complete, found.error) == (tuple(tags), True, None)
    assert client.requests == {"tags": 4}


def test_the_catalog_is_read_to_the_limit(demo):
    registry = demo(page_size=2)
    for name in "abcde":
        registry.put_manifest(f"team/{name}", image(), OCI_MANIFEST)
    assert client_of(registry).catalog(100).names == tuple(f"team/{name}" for name in "abcde")
    cut = client_of(registry).catalog(3)
    assert (len(cut.names), cut.complete, cut.error) == (3, False, None)


def test_a_tag_is_resolved_with_one_head_and_stays_known_with_a_304(demo):
    registry = demo()
    digest = Digest.parse(registry.put_manifest("app", image(), OCI_MANIFEST, tags=["v1"]))
    client = client_of(registry)
    assert client.resolve("app", "v1", None) == digest
    assert client.resolve("app", "v1", digest) == digest
    assert client.resolve("app", "v1", SUBJECT) == digest
    assert client.requests == {"manifest_head": 3}


def test_a_manifest_comes_with_its_exact_bytes_by_tag_and_by_digest(demo):
    registry = demo()
    digest = Digest.parse(registry.put_manifest("app", image(), OCI_MANIFEST, tags=["v1"]))
    for reference in ("v1", digest):
        fetched = client_of(registry).manifest("app", reference)
        assert (fetched.digest, fetched.media_type, fetched.content) == (digest, OCI_MANIFEST, image())


def test_referrers_come_from_every_page(demo):
    registry = demo(referrers_page_size=2)
    subject = image("subject")
    registry.put_manifest("app", subject, OCI_MANIFEST)
    contents = [image(str(number), subject, NOTARY_SIGNATURE) for number in range(5)]
    for content in contents:
        registry.put_manifest("app", content, OCI_MANIFEST)
    client = client_of(registry)
    found = client.referrers("app", Digest.of(subject), limit=100)
    assert {entry.digest for entry in found.descriptors} == set(map(Digest.of, contents))
    assert {entry.artifact_type for entry in found.descriptors} == {NOTARY_SIGNATURE}
    assert (found.complete, found.supported, found.error) == (True, True, None)
    assert client.requests == {"referrers": 3}


def test_without_the_api_the_referrers_tag_is_read(demo):
    registry = demo(referrers_api=False)
    subject = image("subject")
    registry.put_manifest("app", subject, OCI_MANIFEST, tags=["v1"])
    listed = index_of(image("a", subject), image("b", subject))
    client = client_of(registry)
    assert client.referrers("app", Digest.of(subject), limit=10).supported is False
    assert client.referrers_by_tag("app", Digest.of(subject)).complete
    registry.put_manifest("app", listed, OCI_INDEX, tags=[Digest.of(subject).fallback_tag])
    found = client.referrers_by_tag("app", Digest.of(subject))
    assert [entry.digest for entry in found.descriptors] == [
        Digest.of(image("a", subject)),
        Digest.of(image("b", subject)),
    ]
    assert (found.complete, found.source) == (True, "tag")


def test_a_blob_is_fetched_and_checked(demo):
    registry = demo()
    registry.put_blob("app", b"envelope")
    digest = Digest.of(b"envelope")
    client = client_of(registry)
    assert client.blob("app", Descriptor("application/jose+json", digest, 8), max_size=100) == b"envelope"
    with pytest.raises(RegistryError) as caught:
        client.blob("app", Descriptor("application/jose+json", digest, 9), max_size=100)
    assert caught.value.code == "size_mismatch"


@pytest.mark.parametrize(
    ("content", "size", "code"),
    [(b"envelope", 8, ""), (b"envelope", 9, "size_mismatch"), (b"ENVELOPE", 8, "digest_mismatch")],
)
def test_a_blob_is_handed_on_by_pieces_and_checked_at_its_end(content, size, code):
    digest, pieces = Digest.of(b"envelope"), []
    client, _ = scripted({f"/v2/app/blobs/{digest}": answer(200, content, "application/octet-stream")})
    blob = Descriptor("application/x", digest, size)
    try:
        client.copy_blob("app", blob, pieces.append, max_size=100)
    except RegistryError as error:
        assert error.code == code
    else:
        assert not code
    assert pieces == [content]


def test_a_blob_that_is_not_had_or_too_large_hands_on_nothing():
    digest, pieces = Digest.of(b"envelope"), []
    client, registry = scripted({f"/v2/app/blobs/{digest}": answer(404, b"no")})
    with pytest.raises(RegistryError, match="has no blob"):
        client.copy_blob("app", Descriptor("application/x", digest, 8), pieces.append, max_size=100)
    with pytest.raises(LimitError):
        client.copy_blob("app", Descriptor("application/x", digest, 101), pieces.append, max_size=100)
    assert not pieces
    assert len(registry.asked) == 1


def test_the_empty_blob_and_a_blob_over_the_limit_are_not_asked_for():
    client, registry = scripted({})
    assert client.blob("app", Descriptor(OCI_EMPTY, Digest.of(b"{}"), 2), max_size=10) == b"{}"
    with pytest.raises(LimitError, match="has 11 bytes; at most 10"):
        client.blob("app", Descriptor("application/x", SUBJECT, 11), max_size=10)
    assert registry.asked == []


@pytest.mark.parametrize("auth", [Basic({"ann": "secret"}), Bearer({"ann": "secret"})])
def test_credentials_open_a_registry_that_asks_for_them(demo, auth):
    registry = demo(auth=auth)
    registry.put_manifest("app", image(), OCI_MANIFEST, tags=["v1"])
    client = client_of(registry, credentials=Credentials("ann", "secret"))
    assert client.tags("app").tags == ("v1",)
    assert client.resolve("app", "v1", None) == Digest.of(image())
    assert client.manifest("app", "v1").digest == Digest.of(image())
    assert client.requests["token"] == (1 if isinstance(auth, Bearer) else 0)
    assert client.requests["manifest"] == 1
    assert client.check().authenticated


@pytest.mark.parametrize("auth", [Basic({"ann": "secret"}), Bearer({"ann": "secret"})])
def test_wrong_and_missing_credentials_are_told_apart(demo, auth):
    registry = demo(auth=auth)
    registry.put_manifest("app", image(), OCI_MANIFEST, tags=["v1"])
    with pytest.raises(RegistryError, match="refused the user name and password") as caught:
        client_of(registry, credentials=Credentials("ann", "mistyped")).check()
    assert caught.value.code == "unauthorized"
    assert "mistyped" not in str(caught.value)
    error = client_of(registry).tags("app").error
    assert error.code == "unauthorized"
    assert "asks for credentials" in str(error)


def test_checking_says_what_the_registry_lets_us_do(demo):
    registry = demo()
    registry.put_manifest("app", image(), OCI_MANIFEST)
    found = client_of(registry).check()
    assert (found.authenticated, found.catalog) == (False, True)
    closed, _ = scripted({"/v2/": answer(200, {}), "/v2/_catalog": answer(403, {"errors": []})})
    assert closed.check().catalog is False
    assert "they have to be named" in closed.check().detail


# ---- one bad answer each, and what it means


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (answer(200, HTML, "text/html"), "not_a_registry", "came a web page"),
        (answer(404, HTML, "text/html"), "not_a_registry", "no OCI registry"),
        (answer(200, b"hello", "text/plain"), "not_a_registry", "something else"),
        (answer(302, b"", "", Location="https://login.example.com/x?secret=1"), "redirect", "login.example.com/x, "),
        (answer(503, b"busy", "text/plain"), "server_error", "status 503"),
        (answer(429, b"", "", Retry_After="17"), "rate_limited", "wait 17 seconds"),
        (
            answer(403, {"errors": [{"code": "DENIED", "message": "no\x1b[31m \u202epull"}]}),
            "denied",
            "DENIED: no [31m  pull",
        ),
        (answer(418, b""), "bad_answer", "418"),
        (RegistryError("registry.test cannot be reached", code="unreachable"), "unreachable", "cannot be reached"),
    ],
)
def test_a_check_that_fails_says_why_and_what_to_do(given, code, words):
    client, _ = scripted({"/v2/": given})
    with pytest.raises(RegistryError) as caught:
        client.check()
    assert caught.value.code == code
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "999999999"}, 3600),
        (
            {"Retry_After": "Wed, 21 Oct 2026 07:30:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            120,
        ),
        ({"Retry_After": "Wed, 21 Oct 2026 07:30:00 GMT"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "\u0661"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_registry_asks_for_is_read(headers, seconds):
    client, _ = scripted({"/v2/app/tags/list": answer(429, b"", **headers)})
    assert client.tags("app").error.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (HTML, "text/html", "not_a_registry"),
        (b"[" * 100_000, "application/json", "bad_answer"),
        (b'{"tags":["a"],"tags":["b"]}', "application/json", "bad_answer"),
        (b"[]", "application/json", "bad_answer"),
        (b'{"tags":"v1"}', "application/json", "bad_answer"),
        (b'{"tags":{"v1":1}}', "application/json", "bad_answer"),
    ],
)
def test_what_is_no_tag_list_is_an_incomplete_one_with_the_reason(body, content_type, code):
    client, _ = scripted({"/v2/app/tags/list": answer(200, body, content_type)})
    found = client.tags("app")
    assert (found.tags, found.complete, found.error.code) == ((), False, code)


def test_no_tags_at_all_may_be_written_null():
    client, _ = scripted({"/v2/app/tags/list": answer(200, {"name": "app", "tags": None})})
    assert client.tags("app").complete


def test_entries_that_are_no_tags_are_counted_and_left_out():
    junk = ["v1", str(SUBJECT), "", None, 5, "a b", "../../etc", "v1", "v0"]
    client, _ = scripted({"/v2/app/tags/list": answer(200, {"tags": junk})})
    found = client.tags("app")
    assert (found.tags, found.complete, found.rejected) == (("v0", "v1"), True, 6)


def test_a_repository_that_is_not_there_has_no_complete_list():
    client, _ = scripted({"/v2/app/tags/list": answer(404, MISSING)})
    found = client.tags("app")
    assert (found.complete, found.error.code) == (False, "not_found")
    assert "NAME_UNKNOWN" in str(found.error)


def test_page_sizes_that_a_registry_refuses_are_lowered():
    refused = answer(400, {"errors": [{"code": "PAGINATION_NUMBER_INVALID"}]})
    client, registry = scripted(
        {
            "/v2/app/tags/list?n=1000": refused,
            "/v2/app/tags/list?n=100": refused,
            "/v2/app/tags/list": answer(200, {"tags": ["v1"]}),
        }
    )
    assert client.tags("app").tags == ("v1",)
    assert [asked.target for asked in registry.asked][-1] == "/v2/app/tags/list"


@pytest.mark.parametrize(
    "link",
    [
        '</v2/app/tags/list?last=a>; rel="next"',
        "</v2/app/tags/list?last=a>; rel=next",
        '<https://other.example.com/v2/app/tags/list?last=a>;rel="NEXT"',
        '<?last=a>; title="a,b>"; rel="prev next"',
        '</v2/other?x=1>; rel="first", <list?last=a>; rel="next"',
    ],
)
def test_the_next_page_is_asked_of_the_registry_itself(link):
    client, registry = scripted(
        {
            "/v2/app/tags/list?n=1000": answer(200, {"tags": ["a"]}, Link=link),
            "/v2/app/tags/list?last=a": answer(200, {"tags": ["b"]}),
        }
    )
    found = client.tags("app")
    assert (found.tags, found.complete) == (("a", "b"), True)
    assert {asked.host for asked in registry.asked} == {"registry.test:443"}


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data?x=1",
        "//evil.example.com/x?y=1",
        "\\\\evil.example.com\\v2\\app\\tags\\list?x=1",
        "/v2/app/tags/list\\@evil?x=1",
        "/v2/other/tags/list?last=a",
        "https://user:pw@evil.example.com/?x=1",
        "http://[::1",
        "/v2/app/tags/list/../../../other?x=1",
        "/v2/app/tags/list?a b",
    ],
)
def test_cve_2026_85732_a_link_that_leads_anywhere_else_is_not_followed(target):
    client, registry = scripted({"/v2/app/tags/list": answer(200, {"tags": ["a"]}, Link=f'<{target}>; rel="next"')})
    found = client.tags("app")
    assert (found.tags, found.complete) == (("a",), False)
    assert "leads somewhere else" in str(found.error)
    assert {asked.host for asked in registry.asked} == {"registry.test:443"}


def endless(request):
    number = len(request.target) * 1000 + hash(request.target) % 1000
    page = int(request.target.rpartition("=")[2] or 0) + 1 if "last=" in request.target else 1
    return answer(200, {"tags": [f"t{page}-{number}"]}, Link=f'<?last={page}>; rel="next"')


def test_cve_2023_33957_pages_without_end_are_cut_and_the_list_is_incomplete():
    client, _ = scripted({"/v2/app/tags/list": endless})
    found = client.tags("app")
    assert (found.complete, found.error.code) == (False, "too_many_pages")
    assert client.requests["tags"] == 100


def test_pages_that_go_round_in_circles_are_left():
    page = answer(200, {"tags": ["a"]}, Link='<?last=a>; rel="next"')
    client, _ = scripted({"/v2/app/tags/list": page})
    found = client.tags("app")
    assert (found.tags, found.complete) == (("a",), False)
    assert client.requests["tags"] < 10


def test_pages_that_bring_nothing_new_are_left():
    def same(request):
        return answer(200, {"tags": ["a"]}, Link=f'<?last={len(request.target)}{request.target[-3:]}>; rel="next"')

    client, _ = scripted({"/v2/app/tags/list": same})
    assert not client.tags("app").complete
    assert client.requests["tags"] < 20


def test_a_listing_whose_page_vanished_is_started_anew_once():
    first = answer(200, {"tags": ["a"]}, Link='<?last=a>; rel="next"')
    pages = {"/v2/app/tags/list?n=1000": first, "/v2/app/tags/list?last=a": [answer(404), answer(200, {"tags": ["b"]})]}
    client, _ = scripted(pages)
    assert client.tags("app").tags == ("a", "b")
    client, _ = scripted({"/v2/app/tags/list?n=1000": first})
    found = client.tags("app")
    assert (found.tags, found.complete) == (("a",), False)
    assert client.requests["tags"] == 4


# ---- manifests


def test_all_manifest_types_are_named_when_asking():
    client, registry = scripted({"/v2/app/manifests/v1": answer(200, image(), OCI_MANIFEST)})
    client.manifest("app", "v1")
    accepted = registry.asked[0].headers["Accept"]
    assert accepted.startswith(f"{OCI_INDEX}, {OCI_MANIFEST}, ")
    assert "docker.distribution.manifest.v2" in accepted


def test_cve_2023_33959_bytes_other_than_the_digest_asked_for_are_refused():
    client, _ = scripted({f"/v2/app/manifests/{SUBJECT}": answer(200, image(), OCI_MANIFEST)})
    with pytest.raises(RegistryError, match=f"asked for {SUBJECT}, got {Digest.of(image())}") as caught:
        client.manifest("app", SUBJECT)
    assert caught.value.code == "digest_mismatch"


def test_a_digest_header_that_lies_is_found_out():
    lying = answer(200, image(), OCI_MANIFEST, Docker_Content_Digest=str(SUBJECT))
    client, _ = scripted({"/v2/app/manifests/v1": lying, f"/v2/app/manifests/{Digest.of(image())}": lying})
    with pytest.raises(RegistryError) as caught:
        client.manifest("app", "v1")
    assert caught.value.code == "digest_mismatch"
    assert client.manifest("app", Digest.of(image())).content == image()


@pytest.mark.parametrize("header", [None, "md5:0", "sha256:" + "A" * 64])
def test_a_missing_or_odd_digest_header_is_made_up_for_by_reading(header):
    headers = {"Docker_Content_Digest": header} if header else {}
    client, _ = scripted({"/v2/app/manifests/v1": answer(200, image(), OCI_MANIFEST, **headers)})
    assert client.resolve("app", "v1", None) == Digest.of(image())
    assert client.requests == {"manifest_head": 1, "manifest": 1}


def test_a_sha512_manifest_is_checked_by_sha512():
    digest = Digest.of(image(), "sha512")
    client, _ = scripted({f"/v2/app/manifests/{digest}": answer(200, image(), OCI_MANIFEST)})
    assert client.manifest("app", digest).digest == digest


def test_a_304_holds_only_for_what_we_asked_about():
    client, registry = scripted({"/v2/app/manifests/v1": answer(304, b"", "")})
    assert client.resolve("app", "v1", SUBJECT) == SUBJECT
    assert registry.asked[0].headers["If-None-Match"] == f'"{SUBJECT}"'
    with pytest.raises(RegistryError):
        client.resolve("app", "v1", None)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (answer(200, HTML, "text/html"), "not_a_registry"),
        (answer(404, MISSING), "not_found"),
        (answer(403, b""), "denied"),
        (answer(412, {"errors": [{"code": "PROJECTPOLICYVIOLATION"}]}), "blocked_by_policy"),
        (answer(412, {"errors": [{"code": "PRECONDITION"}]}), "immutable"),
        (answer(301, b"", "", Location="https://other.example.com/"), "redirect"),
        (answer(500, b""), "server_error"),
        (answer(200, b"x" * (5 * 1024 * 1024), OCI_MANIFEST), "too_large"),
    ],
)
def test_a_manifest_that_is_not_to_be_had_says_why(given, code):
    client, _ = scripted({"/v2/app/manifests/v1": given})
    with pytest.raises(RegistryError) as caught:
        client.manifest("app", "v1")
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["../x", "App", "a//b", "a?n=1", "a b", "", "a/../../x", "a\r\nHost: b"])
def test_no_url_is_built_from_what_is_no_name(name):
    client, registry = scripted({})
    for ask in (
        lambda: client.resolve(name, "v1", None),
        lambda: client.manifest("app", name + "/"),
        lambda: client.referrers(name, SUBJECT, limit=1),
    ):
        with pytest.raises(ReferenceFormatError):
            ask()
    assert registry.asked == []


# ---- referrers: what each answer means for support, and what for completeness


@pytest.mark.parametrize(
    ("given", "supported", "code"),
    [
        (answer(200, index_of(), OCI_INDEX), True, None),
        (answer(200, index_of(), OCI_INDEX + "; charset=utf-8"), True, None),
        (answer(200, {"manifests": None}, OCI_INDEX), True, None),
        (answer(404, MISSING), None, "not_found"),
        (answer(404, b"404 page not found\n", "text/plain"), False, None),
        (answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}), False, None),
        (answer(404, HTML, "text/html"), False, None),
        (answer(400, {}), False, None),
        (answer(405, b""), False, None),
        (answer(406, b""), False, None),
        (answer(501, b""), False, None),
        (answer(200, HTML, "text/html"), False, None),
        (answer(302, b"", "", Location="https://accounts.example.com/login"), False, None),
        (answer(302, b"", "", Location="/login"), None, "redirect"),
        (answer(401, b""), None, "unauthorized"),
        (answer(403, b""), None, "denied"),
        (answer(429, b""), None, "rate_limited"),
        (answer(500, b""), None, "server_error"),
        (RegistryError("too slow", code="timeout"), None, "timeout"),
        (RegistryError("untrusted", code="tls"), None, "tls"),
        (answer(200, b"[" * 100_000, OCI_INDEX), None, "not_json"),
        (answer(200, image(), OCI_INDEX), None, "manifest"),
        (answer(200, b"", OCI_INDEX), None, "not_json"),
    ],
)
def test_the_answer_about_referrers_is_read_for_what_it_proves(given, supported, code):
    client, _ = scripted({f"/v2/app/referrers/{SUBJECT}": given, f"/v2/app/manifests/{SUBJECT}": answer(200)})
    found = client.referrers("app", SUBJECT, limit=10)
    assert found.supported is supported
    assert (found.error.code if found.error else None) == code
    assert found.complete is (supported is True)


def test_a_subject_that_is_not_there_says_nothing_about_the_call():
    unknown = answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})
    client, registry = scripted({f"/v2/app/referrers/{SUBJECT}": unknown})
    found = client.referrers("app", SUBJECT, limit=10)
    assert (found.supported, found.complete, found.error.code) == (None, False, "not_found")
    assert [asked.method for asked in registry.asked] == ["GET", "HEAD"]


def test_entries_are_kept_in_order_and_once():
    listed = entries(2) + entries(1) + entries(1, start=5)
    client, _ = scripted({f"/v2/app/referrers/{SUBJECT}": answer(200, {"manifests": listed}, OCI_INDEX)})
    found = client.referrers("app", SUBJECT, limit=10)
    assert [entry.digest for entry in found.descriptors] == [Digest.of(text) for text in (b"0", b"1", b"5")]


def test_entries_that_cannot_be_read_make_the_list_incomplete_and_hide_no_other():
    listed = [*entries(1), {"digest": "sha256:../../x"}, 5, *entries(1, start=1, annotations={"a": "\0"})]
    client, _ = scripted({f"/v2/app/referrers/{SUBJECT}": answer(200, {"manifests": listed}, OCI_INDEX)})
    found = client.referrers("app", SUBJECT, limit=10)
    assert (len(found.descriptors), found.complete) == (2, False)
    assert "2 entries" in str(found.error)


def test_a_failure_on_a_later_page_keeps_what_was_read_and_says_incomplete():
    page = answer(200, {"manifests": entries(2)}, OCI_INDEX, Link="<?page=2>; rel=next")
    path = f"/v2/app/referrers/{SUBJECT}"
    client, _ = scripted({f"{path}?page=2": answer(503), path: page})
    found = client.referrers("app", SUBJECT, limit=10)
    assert (len(found.descriptors), found.complete, found.supported) == (2, False, True)
    assert found.error.code == "server_error"


def test_junk_that_fills_the_limit_hides_no_signature():
    path = f"/v2/app/referrers/{SUBJECT}"
    signature = entries(1, start=999, artifactType=NOTARY_SIGNATURE)
    client, _ = scripted(
        {
            f"{path}?artifactType={NOTARY_SIGNATURE}": answer(200, {"manifests": signature}, OCI_INDEX),
            path: answer(200, {"manifests": entries(20) + signature}, OCI_INDEX),
        }
    )
    found = client.referrers("app", SUBJECT, limit=10)
    assert found.descriptors[0].digest == Digest.of(b"999")
    assert (len(found.descriptors), found.complete) == (10, False)
    assert isinstance(found.error, LimitError)


@pytest.mark.parametrize(
    ("given", "complete", "count", "code"),
    [
        (answer(200, index_of(image()), OCI_INDEX), True, 1, None),
        (answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}), True, 0, None),
        (answer(200, image(), OCI_MANIFEST), True, 0, None),
        (answer(500, b""), False, 0, "server_error"),
        (answer(403, b""), False, 0, "denied"),
        (answer(200, b"{", OCI_INDEX), False, 0, "not_json"),
        (answer(200, HTML, "text/html"), False, 0, "not_a_registry"),
    ],
)
def test_the_referrers_tag_is_read_for_what_it_proves(given, complete, count, code):
    client, _ = scripted({f"/v2/app/manifests/{SUBJECT.fallback_tag}": given})
    found = client.referrers_by_tag("app", SUBJECT)
    assert (found.complete, len(found.descriptors)) == (complete, count)
    assert (found.error.code if found.error else None) == code


def test_an_image_under_the_referrers_tag_is_noted():
    client, _ = scripted({f"/v2/app/manifests/{SUBJECT.fallback_tag}": answer(200, image(), OCI_MANIFEST)})
    assert "names no OCI index" in client.referrers_by_tag("app", SUBJECT).note


def test_both_spellings_of_a_sha512_referrers_tag_are_read():
    subject = Digest.of(b"subject", "sha512")
    path = "/v2/app/manifests/"
    client, _ = scripted(
        {
            path + subject.fallback_tag: answer(200, index_of(image("a")), OCI_INDEX),
            path + subject.untruncated_fallback_tag: answer(200, index_of(image("a"), image("b")), OCI_INDEX),
        }
    )
    assert len(client.referrers_by_tag("app", subject).descriptors) == 2
    client, _ = scripted({path + subject.untruncated_fallback_tag: answer(400, {})})
    assert client.referrers_by_tag("app", subject).complete


@pytest.mark.parametrize("content", [b"other bytes", b"", b"envelope!"])
def test_blob_bytes_other_than_the_descriptor_means_are_refused(content):
    digest = Digest.of(b"envelope")
    client, _ = scripted({f"/v2/app/blobs/{digest}": answer(200, content, "application/octet-stream")})
    with pytest.raises(RegistryError) as caught:
        client.blob("app", Descriptor("application/x", digest, 8), max_size=100)
    assert caught.value.code == "size_mismatch"


def test_every_answer_to_a_blob_is_the_blob_or_our_error():
    digest = Digest.of(b"envelope")
    for status in (200, 204, 206, 301, 304, 307, 400, 401, 403, 404, 416, 429, 500, 503):
        for body in (b"", HTML, b"{}", b"envelopf", b"x" * 100_000):
            client, _ = scripted({f"/v2/app/blobs/{digest}": answer(status, body, Location="https://cdn.test/x")})
            with pytest.raises(OciError):
                client.blob("app", Descriptor("application/x", digest, 8), max_size=100)


def test_errors_of_lists_are_of_our_kind_only():
    for body in (b"", b"null", b"\xff", b'{"manifests":5}', b'{"manifests":[[]]}', b'{"manifests":[{}]}'):
        client, _ = scripted({f"/v2/app/referrers/{SUBJECT}": answer(200, body, OCI_INDEX)})
        found = client.referrers("app", SUBJECT, limit=10)
        assert isinstance(found.error, ManifestError)
        assert not found.complete
