"""Registries that cannot be reached, and people who may not see everything."""

import re

from tests.browser.conftest import free_port, join


def test_an_unreachable_registry_says_what_is_wrong(admin, sample):
    address = f"127.0.0.1:{free_port()}"
    page = admin.open("/registries/add/")
    page.get_by_label("Address", exact=True).fill(address)
    page.get_by_role("button", name="Connect").click()
    page.wait_for_url(re.compile(r"/registries/\d+/$"))
    assert page.get_by_role("heading", level=1).inner_text() == address
    assert f"allow {address}" in answer_of_a_test(page)
    page.get_by_role("link", name="Connection", exact=True).click()
    page.get_by_label("Speak plain HTTP").check()
    page.get_by_label("private or loopback address").check()
    page.get_by_role("button", name="Save").click()
    assert page.locator(".error").all_inner_texts() == ["Say which addresses: exact host:port, or networks."]
    page.get_by_label("Allowed private addresses").fill(address)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/registries/\d+/$"))
    assert f"{address} cannot be reached: Connection refused. Check host and port" in answer_of_a_test(page)
    told = page.locator("#live .alert", has_text="Connection refused")
    told.wait_for()
    assert "Next attempt" in told.inner_text()
    assert " ." not in told.inner_text()
    admin.looks_right()
    row = admin.open("/registries/").get_by_role("row", name=address)
    assert "Waits" in row.inner_text()
    assert "Connection refused" in row.inner_text()


def answer_of_a_test(page):
    page.get_by_role("button", name="Test connection").click()
    answer = page.locator("#report .alert")
    answer.wait_for()
    return answer.inner_text()


def test_a_reviewer_sees_what_the_team_was_given(admin, sample, open_tab):
    repository = "registry.acme.example/web/checkout"
    link = sample.manage("invite", "Web", "--repository", repository, "--origin", sample.origin)
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
    tab.open("/registries/add/", status=403)
    assert page.get_by_role("heading", name="You may see this, but not do it").is_visible()
    tab.looks_right()
    for path in ("/", "/registries/", "/registries/1/", "/trust-policy/", "/trust-stores/", "/activity/"):
        tab.open(path)
        assert "ledger-api" not in page.locator("main").inner_text()
        assert page.locator(".main-act").count() == 0
    tab.open(link, status=410)
    assert page.get_by_role("heading", name="This link lets nobody in").is_visible()
