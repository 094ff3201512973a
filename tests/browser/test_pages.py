"""Every page in both themes and widths: axe finds nothing, nothing scrolls sideways, the browser complains of nothing."""

import pytest

PAGES = {
    "overview": "/",
    "artifacts": "/artifacts/?status=unknown,not_checked",
    "no artifacts": "/artifacts/?q=nothing-has-this-name",
    "registries": "/registries/",
    "registry": "/registries/1/?q=web",
    "connect": "/registries/add/",
    "connection": "/registries/1/edit/",
    "repository": "/repositories/1/",
    "certificates": "/certificates/?state=all",
    "no certificates": "/certificates/?q=nothing-has-this-name",
    "forecast": "/certificates/forecast/",
    "no forecast": "/certificates/forecast/?q=nothing-has-this-name",
    "trust policy": "/trust-policy/",
    "coverage": "/trust-policy/coverage/?how=exact",
    "artifacts of an instant": "/artifacts/?at=2026-01-01",
    "upload a policy": "/trust-policy/upload/",
    "import a configuration": "/trust-policy/import/",
    "trust stores": "/trust-stores/",
    "add certificates": "/trust-stores/upload/",
    "activity": "/activity/",
    "audit": "/audit/",
}
ARTIFACTS = {
    "verified": ("payments/ledger-api", "2.14.2"),
    "failed": ("edge/gateway", "5.0.2"),
    "unknown": ("payments/card-vault", "7.1.0"),
    "long names": (
        "platform/base-images/debian-slim-with-tracing-and-a-long-name",
        "bookworm-20261104-with-tracing-and-a-tag-that-goes-on-and-on-for-quite-a-while",
    ),
    "hostile": ("security/scanner", "3.0"),
    "hostile signer": ("security/scanner", "2.9"),
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_page_is_for_everybody(admin, path):
    admin.open(path)
    admin.looks_right()


@pytest.mark.parametrize("name", ARTIFACTS)
def test_artifact_is_for_everybody(admin, sample, name):
    admin.open(sample.artifact(*ARTIFACTS[name]))
    admin.looks_right()


def certificate(sample, name):
    """The path of the page of a certificate of the sample world."""
    ((thumbprint,), *_) = sample.ask(
        "SELECT thumbprint FROM trust_certificate WHERE common_name LIKE ? ORDER BY not_after", name
    )
    return f"/certificates/{thumbprint}/"


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Acme Release CA 2", "?if=removed"),
        ("release-signer 06", "?if=revoked"),
        ("Acme TSA 1", ""),
        ("%script%", ""),
    ],
)
def test_certificate_is_for_everybody(admin, sample, name, query):
    admin.open(certificate(sample, name) + query)
    admin.looks_right()


def test_what_would_turn_is_for_everybody(admin, sample):
    admin.open(certificate(sample, "Fjord Payments Root") + "turning/?if=removed")
    admin.looks_right()
    leaf = certificate(sample, "release-signer 01").split("/")[2]
    admin.open(f"/certificates/forecast/certificate-{leaf}/")
    admin.looks_right()


def test_tree_and_manifest_are_for_everybody(admin, sample):
    artifact = sample.artifact("payments/ledger-api", "2.14.2")
    for tab in ("tree/?unfold=all", "manifest/", "history/", "?at=2026-01-01&known=now"):
        admin.open(artifact + tab)
        admin.looks_right()


def test_whole_lists_do_not_scroll_sideways(admin):
    admin.page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/artifacts/", "/registries/1/"):
        page = admin.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_names_in_the_list_are_whole_on_a_small_desktop(admin):
    admin.page.set_viewport_size({"width": 1280, "height": 900})
    page = admin.open("/artifacts/?q=platform")
    cut = "[...document.querySelectorAll('.fit')].filter(name => name.scrollHeight > name.clientHeight).length"
    assert page.locator(".fit").count() > 5
    assert page.evaluate(cut) == 0


def test_an_address_that_names_no_instant_is_for_everybody(admin, sample):
    for path in ("/artifacts/", sample.artifact("payments/ledger-api", "2.14.2")):
        admin.open(path + "?at=never", status=400)
        admin.looks_right()


def test_every_column_of_the_faults_is_seen_on_a_small_desktop(admin):
    admin.page.set_viewport_size({"width": 1280, "height": 900})
    admin.open("/registries/1/").get_by_role("link", name="platform/registry-mirror").click()
    admin.page.wait_for_url("**/repositories/*/")
    table = admin.page.get_by_role("region", name="Faults")
    assert "sha256:" in table.inner_text()
    assert table.evaluate("region => region.scrollWidth - region.clientWidth") == 0


def test_what_is_not_there_is_for_everybody(admin):
    admin.open("/repositories/1/sha256:" + "0" * 64 + "/", status=404)
    admin.looks_right()
