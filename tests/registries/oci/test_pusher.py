"""Pushing: what is there stays, what is not what its digest says never arrives, and credentials go nowhere else."""

from urllib.parse import parse_qs, urlsplit

import pytest

from demo.registry import Bearer, DemoRegistry
from registries.oci.authorization import Credentials
from registries.oci.connection import Connection
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.exchange import Outgoing
from registries.oci.pusher import PreconditionError, Pusher, Way
from registries.transport import Transport
from tests.simulators.images import MANIFEST, Author
from tests.simulators.registry_quirks import Quirks
from tests.simulators.sockets import Network, http

from .scripted import Scripted, answer

BASE = "https://registry.test:5000"
SECRETS = Credentials("ann", "canary-password")
BLOB = b"a layer"
DIGEST = Digest.of(BLOB)
HEAD = f"/v2/app/blobs/{DIGEST}"
UPLOADS = "/v2/app/blobs/uploads/"
MISSING = answer(404)
CREATED = answer(201)


def pusher_with(answers, *, pushes=True, credentials=SECRETS):
    registry = Scripted(answers)
    return Pusher(Connection(registry, BASE, credentials=credentials, pushes=pushes)), registry


def begun(location):
    return answer(202, **({"Location": location} if location else {}))


def uploading(location="/v2/app/blobs/uploads/1", done=CREATED):
    return {HEAD: MISSING, UPLOADS: begun(location), "/v2/app/blobs/uploads/1": done}


def push(pusher, content=BLOB, digest=DIGEST, **options):
    return pusher.push_blob("app", digest, Outgoing.of(content), **options)


def test_a_blob_that_is_there_is_not_sent():
    pusher, registry = pusher_with({HEAD: answer(200)})
    assert push(pusher) is Way.present
    assert [request.method for request in registry.asked] == ["HEAD"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2/app/blobs/uploads/1", "/v2/app/blobs/uploads/1?"),
        ("/v2/app/blobs/uploads/1?_state=a%2Fb&x=", "/v2/app/blobs/uploads/1?_state=a%2Fb&x=&"),
        (f"{BASE}/v2/app/blobs/uploads/1", "/v2/app/blobs/uploads/1?"),
        ("https://REGISTRY.test:5000/elsewhere/1#part", "/elsewhere/1?"),
    ],
)
def test_content_goes_to_the_place_that_the_registry_names(location, target):
    pusher, registry = pusher_with(uploading(location) | {"/elsewhere/1": CREATED})
    assert push(pusher) is Way.uploaded
    sent = registry.asked[-1]
    assert (sent.method, sent.body, sent.headers["Content-Type"]) == ("PUT", BLOB, "application/octet-stream")
    assert sent.target == f"{target}digest=sha256%3A{DIGEST.encoded}"
    assert sent.host == "registry.test:5000"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.test/v2/app/blobs/uploads/1",
        "//evil.test/v2/app/blobs/uploads/1",
        "http://registry.test:5000/v2/app/blobs/uploads/1",
        "https://registry.test/v2/app/blobs/uploads/1",
        "https://registry.test:5000@evil.test/1",
        "https://[::1/1",
        "ftp://registry.test:5000/1",
        "",
    ],
)
def test_content_and_credentials_never_go_to_another_place(location):
    pusher, registry = pusher_with({HEAD: [answer(401, WWW_Authenticate="Basic"), MISSING], UPLOADS: begun(location)})
    with pytest.raises(RegistryError, match="Nothing was sent there") as caught:
        push(pusher)
    assert caught.value.code == "redirect"
    assert {request.host for request in registry.asked} == {"registry.test:5000"}
    assert "PUT" not in {request.method for request in registry.asked}


def test_a_redirect_of_an_upload_is_not_followed():
    pusher, registry = pusher_with(uploading(done=answer(307, Location="https://evil.test/take")))
    with pytest.raises(RegistryError, match="redirects"):
        push(pusher)
    assert {request.host for request in registry.asked} == {"registry.test:5000"}


def test_a_blob_of_another_repository_is_mounted_without_being_sent():
    pusher, registry = pusher_with({HEAD: MISSING, UPLOADS: CREATED})
    assert push(pusher, mount_from="base") is Way.mounted
    assert parse_qs(urlsplit(registry.asked[-1].url).query) == {"mount": [str(DIGEST)], "from": ["base"]}
    assert not any(request.body for request in registry.asked)


def test_a_registry_that_rather_begins_an_upload_is_given_the_content():
    pusher, registry = pusher_with(uploading())
    assert push(pusher, mount_from="base") is Way.uploaded
    assert [request.method for request in registry.asked] == ["HEAD", "POST", "PUT"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_registry_that_refuses_to_mount_is_given_the_content(status):
    mount = f"{UPLOADS}?mount=sha256%3A{DIGEST.encoded}&from=base"
    pusher, registry = pusher_with(uploading() | {mount: answer(status)})
    assert push(pusher, mount_from="base") is Way.uploaded
    assert registry.asked[-1].body == BLOB


def test_a_fault_while_mounting_is_a_fault():
    mount = f"{UPLOADS}?mount=sha256%3A{DIGEST.encoded}&from=base"
    pusher, _ = pusher_with(uploading() | {mount: RegistryError("timed out", code="timeout")})
    with pytest.raises(RegistryError, match="timed out"):
        push(pusher, mount_from="base")


@pytest.mark.parametrize("pieces", [[b"a lay", b"eR"], [b"a lay"], [b"a lay", b"er", b"!"], []])
def test_content_that_is_not_what_its_digest_says_is_not_sent_to_its_end(pieces):
    sent = []

    def take(method, url, *, body=None, into=None, **options):
        if method == "PUT":
            for piece in body:
                sent.append(piece)
        return {"HEAD": MISSING, "POST": begun("/v2/app/blobs/uploads/1"), "PUT": CREATED}[method]

    with pytest.raises(RegistryError, match=r"blob .*(digest|descriptor) says") as caught:
        Pusher(Connection(take, BASE, pushes=True)).push_blob("app", DIGEST, Outgoing(len(BLOB), lambda: iter(pieces)))
    assert caught.value.code in ("digest_mismatch", "size_mismatch")
    assert len(b"".join(sent)) < len(BLOB)


def test_a_refused_upload_is_sent_anew_with_a_token_and_whole():
    refusal = answer(401, WWW_Authenticate=f'Bearer realm="{BASE}/token"')
    place = "/v2/app/blobs/uploads/1"
    pusher, registry = pusher_with(uploading() | {place: [refusal, CREATED], "/token": answer(200, {"token": "t1"})})
    assert push(pusher) is Way.uploaded
    puts = [request for request in registry.asked if request.method == "PUT"]
    assert [request.body for request in puts] == [BLOB, BLOB]
    assert puts[1].headers["Authorization"] == "Bearer t1"


def test_a_large_blob_is_held_by_the_piece_and_may_take_longer_than_a_small_request():
    written, number = [], 1000
    piece = b"x" * 100_000
    digest = Digest.of(piece * number)

    class Sockets(Network):
        def connect_tcp(self, address, port, timeout):
            stream = super().connect_tcp(address, port, timeout)
            write = stream.write
            stream.write = lambda content, timeout: (
                written.append((len(content), timeout)),
                write(content[:1000], timeout),
            )
            return stream

    def respond(request):
        status = {b"HEAD": "404 No", b"POST": "202 Yes", b"PUT ": "201 Yes"}[request[:4]]
        return http(status, Location="/v2/app/blobs/uploads/1", Content_Length="0")

    network = Sockets({"1.1.1.1": respond})
    with Transport(sockets=network, resolver=lambda host, port: ["1.1.1.1"]) as transport:
        content = Outgoing(len(piece) * number, lambda: (piece for _ in range(number)))
        assert Pusher(Connection(transport, BASE, pushes=True)).push_blob("app", digest, content) is Way.uploaded
    assert 0 < sum(size for size, _ in written) - content.size < 2000  # what is more than the content is three heads
    assert max(size for size, _ in written) < 2 * len(piece)
    assert max(timeout for _, timeout in written) > 1000
    put = network.sent["1.1.1.1"].partition(b"PUT ")[2].lower()
    assert f"\r\ncontent-length: {content.size}\r\n".encode() in put
    assert b"transfer-encoding" not in put


# manifests

CONTENT = b'{"schemaVersion":2}'
NAME = Digest.of(CONTENT)


def test_a_manifest_is_pushed_with_its_exact_bytes_and_type():
    subject = str(Digest.of(b"subject"))
    pusher, registry = pusher_with({f"/v2/app/manifests/{NAME}": answer(201, OCI_Subject=subject)})
    pushed = pusher.push_manifest("app", NAME, CONTENT, MANIFEST)
    assert (str(pushed.subject), pushed.digest) == (subject, NAME)
    assert (registry.asked[0].body, registry.asked[0].headers["Content-Type"]) == (CONTENT, MANIFEST)


def test_bytes_that_are_not_those_of_the_digest_are_not_pushed():
    pusher, registry = pusher_with({})
    with pytest.raises(RegistryError, match="other bytes"):
        pusher.push_manifest("app", NAME, CONTENT + b" ", MANIFEST)
    assert not registry.asked


def test_a_registry_that_names_other_bytes_than_were_sent_is_not_believed():
    pusher, _ = pusher_with({"/v2/app/manifests/1.0": answer(201, Docker_Content_Digest=str(Digest.of(b"other")))})
    with pytest.raises(RegistryError, match="the registry names it sha256:"):
        pusher.push_manifest("app", NAME, CONTENT, MANIFEST, tag="1.0")


def test_what_a_tag_named_is_the_condition_of_replacing_it():
    before = Digest.of(b"before")
    pusher, registry = pusher_with({"/v2/app/manifests/1.0": answer(412)})
    with pytest.raises(PreconditionError):
        pusher.push_manifest("app", NAME, CONTENT, MANIFEST, tag="1.0", replacing=before)
    assert registry.asked[0].headers["If-Match"] == f'"{before}"'


@pytest.mark.parametrize(
    ("refusal", "code", "text"),
    [
        (answer(409), "immutable", "does not let an existing tag be replaced"),
        (
            answer(400, {"errors": [{"code": "TAG_INVALID", "message": "tag already exists"}]}),
            "immutable",
            "The registry says: TAG_INVALID",
        ),
        (
            answer(412, {"errors": [{"code": "PRECONDITION", "message": "app:1.0 configured as immutable"}]}),
            "immutable",
            "existing tag",
        ),
        (answer(403, {"errors": [{"code": "DENIED", "message": "may only pull"}]}), "denied", "right to push"),
        (answer(404, {"errors": [{"code": "NAME_UNKNOWN"}]}), "not_found", "create it there first"),
        (answer(405), "denied", "read-only"),
        (answer(413), "too_large", "larger than the registry takes"),
        (answer(503), "server_error", "failed with status 503"),
    ],
)
def test_a_refusal_says_what_to_do(refusal, code, text):
    pusher, _ = pusher_with({"/v2/app/manifests/1.0": refusal})
    with pytest.raises(RegistryError, match=text) as caught:
        pusher.push_manifest("app", NAME, CONTENT, MANIFEST, tag="1.0")
    assert caught.value.code == code
    assert "pull" not in str(caught.value).partition("The registry says")[0]


@pytest.mark.parametrize(("credentials", "text"), [(SECRETS, "credentials for pushing"), (Credentials(), "give this")])
def test_a_registry_that_asks_for_credentials_in_vain_names_those_for_pushing(credentials, text):
    refusal = answer(401, WWW_Authenticate="Basic")
    pusher, _ = pusher_with({f"/v2/app/manifests/{NAME}": refusal}, credentials=credentials)
    with pytest.raises(RegistryError, match=text):
        pusher.push_manifest("app", NAME, CONTENT, MANIFEST)


# tokens


@pytest.mark.parametrize("scope", ["", "repository:app:pull,push,delete repository:base:pull", "repository:app:*"])
@pytest.mark.parametrize(("pushes", "allowed"), [(False, {"pull"}), (True, {"pull", "push"})])
def test_a_connection_for_reading_never_asks_a_token_for_more_than_pulling(scope, pushes, allowed):
    realm = f'Bearer realm="{BASE}/token"' + (f',scope="{scope}"' if scope else "")
    refusal = answer(401, WWW_Authenticate=realm)
    pusher, registry = pusher_with(
        {HEAD: refusal, UPLOADS: refusal, "/token": answer(200, {"token": "t"})}, pushes=pushes
    )
    with pytest.raises(RegistryError):
        push(pusher, mount_from="base")
    with pytest.raises(RegistryError):
        pusher.push_manifest("app", NAME, CONTENT, MANIFEST)
    asked = [
        text
        for request in registry.asked
        if "/token" in request.url
        for text in parse_qs(urlsplit(request.url).query).get("scope", [])
    ]
    assert asked
    assert {action for text in asked for action in text.rpartition(":")[2].split(",")} <= allowed


def test_a_registry_with_tokens_takes_what_is_pushed_and_gives_it_back(tmp_path):
    registry = DemoRegistry(tmp_path, auth=Bearer({"ann": "secret", "bob": "secret"}, readers=frozenset({"bob"})))
    Author(registry, "base").blob(BLOB)
    quirks = Quirks(registry)
    with Transport(app=quirks.wire()) as transport:
        for name, works in (("ann", True), ("bob", False)):
            known_as = Credentials(name, "secret")
            pusher = Pusher(Connection(transport, "http://registry.test", credentials=known_as, pushes=True))
            if not works:
                with pytest.raises(RegistryError, match="right to push"):
                    pusher.push_blob("other", DIGEST, Outgoing.of(BLOB))
                continue
            assert pusher.push_blob("app", DIGEST, Outgoing.of(BLOB), mount_from="base") in Way
            assert pusher.push_blob("app", DIGEST, Outgoing.of(BLOB)) is Way.present
            assert pusher.has_blob("app", DIGEST)
            assert not pusher.has_tag("app", "1.0")
            Author(registry, "app").image(tags="1.0")
            assert pusher.has_tag("app", "1.0")
            assert not pusher.has_manifest("app", NAME)
