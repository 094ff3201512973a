"""A new installation: `manage.py up` on an empty folder."""

import pytest

from tests.browser.conftest import NAME, Installation, join, signed_in

NAVIGATION = {
    "Overview": "Nothing is connected yet",
    "Artifacts": "No artifacts yet",
    "Registries": "No registry is connected",
    "Trust policy": "No trust policy yet",
    "Trust stores": "No trust store yet",
    "Activity": "Nothing is being indexed.",
    "Audit": "Joined",
}


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("new"), "up")
    try:
        yield installation
    finally:
        installation.stop()


@pytest.fixture
def first_admin(chromium, new, open_tab):
    new.admin = new.admin or signed_in(chromium, new.link)
    return open_tab(new, new.admin)


def test_the_printed_link_makes_the_first_admin_once(new, open_tab):
    tab = open_tab(new)
    page = tab.open("/artifacts/")
    assert "Nobody has an account yet" in page.locator("main").inner_text()
    tab.looks_right()
    tab.open(new.link)
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("Password again").fill("short")
    page.get_by_role("button", name="Join").click()
    assert page.locator(".error").inner_text().startswith("This password is too short")
    tab.looks_right()
    join(page, new.link)
    new.admin = tab.context.storage_state()
    assert page.get_by_role("heading", name="Nothing is connected yet").is_visible()
    assert page.locator(".steps li").count() == 2
    tab.looks_right()
    tab.open(new.link, status=410)
    assert page.get_by_role("heading", name="This link lets nobody in").is_visible()


@pytest.mark.parametrize("name", NAVIGATION)
def test_a_page_without_content_says_what_comes_first(first_admin, name):
    page = first_admin.open("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
    first_admin.looks_right()
    assert NAVIGATION[name] in page.locator("main").inner_text()
    assert page.get_by_role("navigation", name="Main").locator("[aria-current]").inner_text().startswith(name)


def test_the_first_steps_can_be_taken(first_admin):
    page = first_admin.open("/")
    for act, heading in (("Connect", "Connect a registry"), ("Upload", "Upload a trust policy")):
        page.locator(".steps").get_by_role("link", name=act).click()
        assert page.get_by_role("heading", level=1).inner_text() == heading
        page.go_back()
