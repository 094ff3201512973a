"""Testing a connection: a helpful answer for whatever is wrong, and no exception."""

import json

import pytest

from demo.registry import Basic, Bearer, DemoRegistry
from registries import connections, credentials
from registries.models import Registry
from tests.simulators.registry_quirks import Quirks, html_page, reply, silent, too_many_requests, unreachable
from tests.simulators.wsgi import WSGIWire

USERS = {"reader": "right"}


@pytest.fixture
def registry(db):
    return Registry.objects.create(address="registry.test", reference_name="registry.test", plain_http=True)


@pytest.fixture
def make(tmp_path):
    def make(**options):
        return Quirks(DemoRegistry(tmp_path, **options))

    return make


def test(registry, app):
    return connections.test(registry, wire=app.wire())


test.__test__ = False


def with_password(registry, password):
    registry.username = "reader"
    registry.sealed_password = credentials.seal(credentials.READING, registry, password)
    registry.save()
    return registry


def test_a_registry_that_answers_is_told_so(registry, make):
    report = test(registry, make())
    assert (report.ok, report.catalog) == (True, True)
    assert report.message == "registry.test answers."
    assert "lists its repositories" in report.detail


@pytest.mark.parametrize("auth", [Basic(USERS), Bearer(USERS)])
def test_the_right_password_is_taken(registry, make, auth):
    report = test(with_password(registry, "right"), make(auth=auth))
    assert report.ok
    assert "took the credentials" in report.detail


@pytest.mark.parametrize("auth", [Basic(USERS), Bearer(USERS)])
def test_a_wrong_password_is_said_without_repeating_it(registry, make, auth):
    report = test(with_password(registry, "wr0ng-secret"), make(auth=auth))
    assert not report.ok
    assert "check them" in report.detail
    assert "wr0ng-secret" not in report.message + report.detail


@pytest.mark.parametrize("auth", [Basic(USERS), Bearer(USERS)])
@pytest.mark.parametrize(
    ("password", "words"), [("right", "for pushing too"), ("wr0ng-secret", "of no use: The registry")]
)
def test_credentials_for_pushing_are_tried_too(registry, make, auth, password, words):
    with_password(registry, "right")
    registry.push_username = "reader"
    registry.sealed_push_password = credentials.seal(credentials.PUSHING, registry, password)
    registry.save()
    report = test(registry, make(auth=auth))
    assert report.ok == (password == "right")
    assert words in report.detail
    assert "wr0ng-secret" not in report.message + report.detail


def test_a_missing_password_is_asked_for(registry, make):
    report = test(registry, make(auth=Basic(USERS)))
    assert not report.ok
    assert "add a user name and password" in report.detail


@pytest.mark.parametrize(
    ("quirk", "words"),
    [
        (html_page(), "not an OCI registry"),
        (reply("404 Not Found"), "no OCI registry at this address"),
        (unreachable, "cannot be reached: Connection refused"),
        (silent, "within 10 seconds"),
        (reply("500 Oops"), "status 500"),
        (too_many_requests(5), "request limit"),
        (reply("301 Moved", Location="https://elsewhere.test/v2/"), "redirects"),
    ],
)
def test_whatever_else_is_wrong_is_said(registry, make, quirk, words):
    app = make()
    app.break_("/v2/$", quirk)
    report = test(registry, app)
    assert not report.ok
    assert words in report.detail
    assert report.detail.endswith(".")


def test_a_registry_without_a_catalog_needs_names(registry, make):
    app = make()
    app.break_("_catalog", reply("403 Forbidden"))
    report = test(registry, app)
    assert (report.ok, report.catalog) == (False, False)
    assert "name them" in report.message
    registry.repository_patterns = ["team/app"]
    assert test(registry, app).ok


def test_a_private_address_is_asked_only_by_explicit_choice(registry):
    registry.address = "127.0.0.1:9"
    report = connections.test(registry)
    assert not report.ok
    assert "not a public address" in report.detail


def test_settings_that_cannot_be_used_are_said(registry, settings, make):
    with_password(registry, "right")
    settings.ENCRYPTION_KEYS = []
    assert "SIGNBOARD_ENCRYPTION_KEYS" in test(registry, make()).detail
    registry.tls_ca = "no certificate"
    registry.sealed_password = b""
    assert "not PEM" in connections.test(registry).detail
    registry.tls_ca, registry.allowed_networks = "", ["nonsense"]
    assert "nonsense" in connections.test(registry).detail


@pytest.mark.parametrize("address", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_is_asked_where_it_answers(address):
    assert connections.base_url(Registry(address=address)) == "https://registry-1.docker.io"


def test_a_registry_is_asked_over_https_unless_plain_http_was_chosen():
    assert connections.base_url(Registry(address="r.test:5000")) == "https://r.test:5000"
    assert connections.base_url(Registry(address="r.test:5000", plain_http=True)) == "http://r.test:5000"


# layouts


@pytest.fixture
def layouts(tmp_path, settings):
    settings.LAYOUT_ROOT = str(tmp_path / "layouts")
    folder = tmp_path / "layouts" / "shop"
    folder.mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": []}))
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def layout(address="shop", **more):
    return Registry(source=Registry.Source.LAYOUT, address=address, **more)


def test_a_layout_directory_is_tested_too(layouts):
    assert connections.test(layout()).ok
    report = connections.test(layout("absent"))
    assert not report.ok
    assert "oci-layout" in report.detail


@pytest.mark.parametrize("address", ["../elsewhere", "..", ".", "", "/etc", "shop/../../elsewhere"])
def test_a_layout_lies_below_the_folder_of_layouts(layouts, address):
    assert "not a folder below" in connections.test(layout(address)).detail


def test_a_link_leads_no_layout_out_of_its_folder(layouts):
    (layouts / "layouts" / "link").symlink_to(layouts / "elsewhere")
    assert "not a folder below" in connections.test(layout("link")).detail


def test_layouts_can_be_switched_off(settings):
    settings.LAYOUT_ROOT = ""
    assert "switched off" in connections.test(layout()).detail


def test_a_layout_stands_for_what_the_connection_says(layouts):
    assert connections.open_layout(layout()).repository == "shop"
    assert connections.open_layout(layout(repository_patterns=["web/shop"])).repository == "web/shop"


def test_requests_go_through_the_wire_that_was_given(registry, make):
    app = make()
    with connections.open_source(registry, wire=WSGIWire(app)) as source:
        source.check()
    assert app.log[0] == "GET /v2/"
