"""Registries that cannot be reached, and people who may not see everything."""

from tests.browser.conftest import free_port, join


def test_an_unreachable_registry_says_what_is_wrong(admin, sample):
    address = f"127.0.0.1:{free_port()}"
    page = admin.open("/registries/add/")
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Connect").click()
    admin.open(admin.path) if False else None
    assert page.get_by_role("heading", level=1).inner_text() == address
    page.get_by_role("button", name="Test connection").click()
    page.locator("#report .alert").wait_for()
    print(page.locator("#report").inner_text())
    page.get_by_role("link", name="Connection", exact=True).click()
    page.get_by_label("Speak plain HTTP").check()
    page.get_by_label("private or loopback address").check()
    page.get_by_role("button", name="Save").click()
    print(page.locator(".error").all_inner_texts())
    page.get_by_label("Allowed private addresses").fill(address)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test connection").click()
    page.locator("#report .alert").wait_for()
    print(page.locator("#report").inner_text())
    page.get_by_text("The repositories could not be looked up.").wait_for()
    print(page.locator("#live").inner_text())
    admin.looks_right()
    admin.open("/registries/")
    print(page.locator("tbody").inner_text())
    admin.looks_right()


def test_a_reviewer_sees_what_the_team_was_given(admin, sample, open_tab):
    link = sample.manage(
        "invite", "Web", "--repository", "registry.acme.example/web/checkout", "--origin", sample.origin
    )  # fmt: skip
    tab = open_tab(sample)
    join(tab.page, link, "ravi")
    page = tab.open("/artifacts/")
    assert all("web/checkout" in row for row in page.locator("tbody tr").all_inner_texts())
    assert page.locator("tbody tr").count() > 0
    tab.open(sample.artifact("web/checkout", "5.1.9"))
    assert not page.get_by_role("button", name="Index again").is_visible()
    assert not page.get_by_role("link", name="Audit").is_visible()
    tab.open(sample.artifact("payments/ledger-api", "2.14.2"), status=404)
    assert page.get_by_role("heading", name="There is nothing here").is_visible()
    tab.looks_right()
    tab.open("/registries/add/", status=403)
    assert page.get_by_role("heading", name="You may see this, but not do it").is_visible()
    tab.looks_right()
    for path in ("/", "/registries/", "/registries/1/", "/trust-policy/", "/trust-stores/", "/activity/"):
        tab.open(path)
        assert "ledger-api" not in page.locator("main").inner_text()
        assert page.locator(".main-act").count() == 0
        tab.looks_right()
    tab.open(link, status=410)
    assert page.get_by_role("heading", name="This link lets nobody in").is_visible()
