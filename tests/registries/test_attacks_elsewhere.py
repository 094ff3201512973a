"""What betrayed other clients of registries, tried on ours: each test is named after its advisory (docs/advisories.md)."""

import json
import logging
import re
import tracemalloc

import pytest
from django.utils import timezone

from demo.registry import DemoRegistry
from registries import indexing, leases
from registries.models import Fault, Registry, Repository
from registries.oci.connection import Connection
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import ManifestError, RegistryError
from registries.oci.exchange import Outgoing
from registries.oci.pusher import Pusher
from tests.registries.attacked import BLOB, CANARIES, EVIL, HOME, STORE, SUBJECT, TOKEN, WHO, Side, bearer, served_by
from tests.simulators.images import CONFIG, EMPTY, INDEX, MANIFEST, SIGNATURE, SPDX, Author, descriptor, digest_of
from tests.simulators.registry_quirks import Quirks, reply, with_header
from tests.simulators.sockets import http

PATHS = [
    "sha256:../../../../etc/passwd",
    "sha256:" + "a" * 63 + "/",
    "sha256:%2e%2e%2f%2e%2e",
    "sha256:" + "A" * 64,
    "sha256:" + "a" * 64 + "?x=1",
    "sha256:" + "a" * 64 + "\r\nHost: evil.test",
    "../v2/other/manifests/latest",
    "sha256:",
]
HONEST = re.compile(
    r"/v2/team/app/(tags/list|manifests/[\w.-]+|(manifests|blobs|referrers)/sha256:[0-9a-f]{64})(\?[\w=&.-]*)?"
)


@pytest.fixture
def registry(tmp_path):
    app = DemoRegistry(tmp_path)
    yield Author(app)
    app.close()


def index(side):
    registry = Registry.objects.create(address="registry.test", reference_name="registry.test")
    Repository.objects.create(registry=registry, name="team/app", due_at=timezone.now())
    lease = leases.take(Repository.objects.all(), Repository.objects.get().pk)
    indexing.index_repository(lease.row, side.client, lease)
    return Repository.objects.get()


def asked(side, address=HOME):
    return [line.partition(" ")[2] for line in side.network.requests(address)]


# addresses and digests that content names


@pytest.mark.django_db
def test_cve_2020_15157_no_address_that_content_names_is_contacted(registry):
    places = ["https://evil.test/layer", "http://169.254.169.254/", "file:///etc/passwd"]
    hints = {"org.opencontainers.image.url": places[0], "org.opencontainers.image.source": places[1]}
    layer = descriptor(
        registry.blob(b"foreign"), "application/vnd.oci.image.layer.nondistributable.v1.tar", urls=places
    )
    config = descriptor(registry.blob(b'{"a":1}'), CONFIG, urls=places)
    fields = {"schemaVersion": 2, "mediaType": MANIFEST, "annotations": hints}
    image = registry.push({**fields, "config": config, "layers": [layer]}, tags="1.0")
    listed = descriptor(image, urls=places, annotations=hints)
    registry.push({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed], "annotations": hints}, tags="2.0")
    document = descriptor(registry.blob(b"a document"), SPDX, urls=places)
    subject = descriptor(image, urls=places)
    empty = descriptor(registry.blob(b"{}"), EMPTY)
    for kind, layers in ((SPDX, [document]), (SIGNATURE, [{**document, "mediaType": "application/jose+json"}])):
        registry.push({**fields, "artifactType": kind, "config": empty, "layers": layers, "subject": subject})
    side = Side({HOME: served_by(registry.registry)})
    row = index(side)
    assert (row.last_error, Fault.objects.count()) == ("", 0)
    assert set(side.network.connects) == {(HOME, 443)}
    assert set(side.network.names) == {"registry.test"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("place", ["referrers", "header", "children", "layers", "config", "subject"])
def test_cve_2024_3727_a_digest_that_is_a_path_is_in_no_request(registry, path, place):
    image = registry.image(tags="1.0")
    quirks = Quirks(registry.registry)
    entry = {"mediaType": MANIFEST, "digest": path, "size": len(image), "artifactType": SIGNATURE}
    if place == "header":
        quirks.break_("manifests/1.0", with_header("Docker-Content-Digest", path.replace("\r\n", "")))
    elif place == "referrers":
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
        quirks.break_("/referrers/", reply("200 OK", body, INDEX))
    else:
        crafted, media_type = manifest_with(place, entry, image)
        served = reply("200 OK", crafted, media_type, Docker_Content_Digest=digest_of(crafted))
        quirks.break_(f"manifests/(1.0|{digest_of(crafted)})$", served)
    side = Side({HOME: served_by(quirks)})
    index(side)
    assert quirks.asked(
        f"GET .*/{'referrers/' if place == 'referrers' else 'manifests/1.0$'}"
    )  # what is crafted was read
    assert [line for line in asked(side) if not HONEST.fullmatch(line)] == []
    assert set(side.network.connects) == {(HOME, 443)}


def manifest_with(place, entry, image):
    """A signature of the image, or an index, in which one descriptor is the entry."""
    if place == "children":
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode(), INDEX
    parts = {"config": descriptor(b"{}", EMPTY), "layers": descriptor(b"e"), "subject": descriptor(image)}
    parts[place] = entry
    fields = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SIGNATURE,
        **parts,
        "layers": [parts["layers"]],
    }
    return json.dumps(fields).encode(), MANIFEST


# what another origin sees


@pytest.mark.parametrize("ask", ["blob", "manifest", "resolve", "tags"])
def test_ghsa_whvf_jp7m_59f3_and_ghsa_h3wm_jjqf_8jm2_another_origin_sees_what_we_want_and_nothing_of_us(ask):
    away = bearer(http("307 Temporary", Location="https://storage.test/x?signature=1", Set_Cookie="s=canary-cookie"))
    side = Side({(HOME, "/token"): TOKEN, HOME: away, STORE: http(body=b"envelope")}, follow_redirects=True)
    calls = {
        "blob": lambda: side.client.blob("app", BLOB, max_size=100),
        "manifest": lambda: side.client.manifest("app", Digest.of(b"envelope")),
        "resolve": lambda: side.client.resolve("app", "v1", SUBJECT),
        "tags": lambda: side.client.tags("app"),
    }
    try:
        calls[ask]()
    except RegistryError:
        assert ask == "resolve"  # the store names no digest
    sent = side.network.sent[STORE].split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    assert {line.partition(":")[0].lower() for line in sent} <= {
        "host", "accept", "accept-encoding", "user-agent", "connection",
    }  # fmt: skip
    assert side.leaked(but=[HOME]) == []


def test_ghsa_5jhf_2qmf_m8c5_nothing_secret_is_logged_however_much_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for name in logging.root.manager.loggerDict:  # those too that our settings silence
        caplog.set_level(logging.DEBUG, name)
    away = bearer(http("307 Temporary", Location="https://storage.test/x?canary-token", Set_Cookie="s=canary-cookie"))
    answers = {(HOME, "/token"): TOKEN, HOME: away, STORE: http(body=b"envelope")}
    assert Side(answers).client.blob("app", BLOB, max_size=100) == b"envelope"
    Side({HOME: away}).fails(lambda client: client.manifest("app", SUBJECT))
    assert [canary for canary in CANARIES if canary.decode() in caplog.text] == []


PLACES = [
    "https://evil.test/v2/app/blobs/uploads/1",
    "//evil.test/x",
    "https://registry.test:8443/x",
    "http://registry.test/x",
]


@pytest.mark.parametrize("place", PLACES)
def test_ghsa_jxpm_75mh_9fp7_an_upload_goes_nowhere_else_nor_do_credentials(place):
    def respond(request):
        return http("404 Not Found") if request.startswith(b"HEAD") else http("202 Accepted", Location=place)

    side = Side({(HOME, "/token"): TOKEN, HOME: lambda request: bearer(respond(request))(request)})
    pusher = Pusher(Connection(side.transport, "https://registry.test", credentials=WHO, pushes=True))
    side.fails(lambda _: pusher.push_blob("app", BLOB.digest, Outgoing.of(b"envelope")))
    assert set(side.network.connects) == {(HOME, 443)}
    assert b"envelope" not in side.network.sent[HOME]


# sizes


def test_ghsa_f36w_mj3v_6jqv_a_size_that_is_only_declared_costs_no_memory():
    huge = Descriptor("application/x", Digest.of(b"envelope"), 512 * 1024 * 1024)
    side = Side({HOME: http(body=b"envelope")})
    side.client.blob("app", BLOB, max_size=100)  # what is made once for each connection is made
    tracemalloc.start()
    try:
        side.fails(lambda client: client.blob("app", huge, max_size=1024**3))
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [-1, -(2**63), 2**63, 1.5, "8", True, None])
def test_ghsa_f36w_mj3v_6jqv_a_size_that_is_none_is_refused(size):
    with pytest.raises(ManifestError):
        Descriptor.from_json({"mediaType": MANIFEST, "digest": str(SUBJECT), "size": size})


def test_ggcr_2303_what_follows_the_right_bytes_is_read_and_refused():
    for body in (b"envelope and more", b"envelope\0"):
        side = Side({HOME: http(body=body)})
        assert side.fails(lambda client: client.blob("app", BLOB, max_size=100)).code in ("size_mismatch", "too_large")


@pytest.mark.parametrize("ask", ["tags", "catalog", "referrers"])
def test_ghsa_hqxw_f8mx_cpmw_a_list_without_an_end_is_left_at_its_limit(ask):
    def endless(_request):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\n\r\n"
        while True:
            yield b" " * 1024 * 1024

    side = Side({HOME: endless})
    asks = {
        "tags": lambda: side.client.tags("app"),
        "catalog": lambda: side.client.catalog(100),
        "referrers": lambda: side.client.referrers("app", SUBJECT, limit=100),
    }
    listed = asks[ask]()
    assert (listed.complete, listed.error.code) == (False, "too_large")


def test_ghsa_28r5_37g7_p6mp_a_realm_that_changes_later_gets_nothing():
    realms = iter(["https://registry.test/token", "https://evil.test/token"])

    def respond(request):
        if b"canary-token" in request and b"/tags/" in request:
            return http(body=b'{"tags":[]}', Content_Type="application/json")
        return http("401 Unauthorized", WWW_Authenticate=f'Bearer realm="{next(realms)}",service="r"')

    side = Side({(HOME, "/token"): TOKEN, HOME: respond, EVIL: TOKEN})
    assert side.client.tags("app").complete
    side.fails(lambda client: client.manifest("app", SUBJECT))
    assert side.network.sent.get(EVIL, b"") == b""
