"""The main job from end to end: sign in, find an artifact, see whether it is trusted and why."""

import re

from tests.browser.conftest import EVERY_LOOK, NAME, PASSWORD


def sign_in(tab):
    page = tab.open("/")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    tab.is_at("/")


def to_the_list(tab):
    """From the overview to what is untrusted."""
    page = tab.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Artifacts").click()
    page.get_by_text("Status", exact=True).click()
    page.locator(".filters").get_by_role("link", name=re.compile("^Untrusted")).click()
    tab.is_at("/artifacts/?status=untrusted")
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"Untrusted"}


def to_the_artifact(tab):
    page = tab.page
    page.get_by_role("link", name="web/checkout:5.1.9").click()
    assert page.get_by_role("heading", level=1).inner_text() == "web/checkout:5.1.9"


def test_a_person_finds_an_artifact_and_why_it_is_not_trusted(admin, sample, open_tab):
    tab = open_tab(sample)
    sign_in(tab)
    page = tab.page
    tab.looks_right(EVERY_LOOK)
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    to_the_list(tab)
    tab.looks_right(EVERY_LOOK)
    to_the_artifact(tab)
    tab.looks_right(EVERY_LOOK)
    verdict = page.get_by_role("region", name="Verdict").inner_text()
    assert verdict.startswith("Untrusted.")
    assert "Nearest fix" in verdict
    page.get_by_role("region", name="Table of signatures").locator("a.name").first.click()
    page.wait_for_url("**/signatures/*/")
    assert page.get_by_role("heading", name="Certificate chain").is_visible()
    assert page.locator(".rung.here").count() == 1
    tab.looks_right(EVERY_LOOK)
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="web/checkout").click()
    page.get_by_role("navigation", name="Artifact").get_by_role("link", name="Tree").click()
    page.wait_for_url("**/tree/")
    assert page.get_by_role("tree").get_by_role("treeitem").count() > 2
    tab.looks_right(EVERY_LOOK)


def test_the_same_walk_needs_no_script(admin, sample, open_tab):
    tab = open_tab(sample, java_script_enabled=False)
    sign_in(tab)
    page = tab.page
    to_the_list(tab)
    to_the_artifact(tab)
    page.get_by_role("region", name="Table of signatures").locator("a.name").first.click()
    page.wait_for_url("**/signatures/*/")
    assert page.locator(".rung.here").count() == 1
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="web/checkout").click()
    page.get_by_role("navigation", name="Artifact").get_by_role("link", name="Tree").click()
    page.get_by_role("tree").get_by_role("link", name="Signature").first.click()
    page.wait_for_url("**/signatures/*/")
    page.get_by_role("search").get_by_role("searchbox").fill("ledger-api")
    page.keyboard.press("Enter")
    tab.is_at("/artifacts/?q=ledger-api")
    assert all("ledger-api" in row for row in page.locator("tbody tr").all_inner_texts())
    page.locator(".filters").get_by_role("searchbox").fill("nothing has this name")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("heading", name="No artifact matches").is_visible()


def test_forms_and_menus_need_no_script(admin, sample, open_tab):
    tab = open_tab(sample, java_script_enabled=False)
    sign_in(tab)
    page = tab.open("/registries/1/")
    page.get_by_role("button", name="Test connection").click()
    assert "The registry answers" in page.locator("#report").inner_text()
    assert page.locator(".copy:visible").count() == 0
    page.get_by_label("account and theme").click()
    assert not page.get_by_role("button", name="Dark").is_visible()
    page.get_by_role("button", name="Sign out").click()
    tab.is_at("/login/")


def test_the_narrow_menu_opens_without_script(admin, sample, open_tab):
    tab = open_tab(sample, sample.admin, java_script_enabled=False)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.open("/")
    assert not tab.page.get_by_role("navigation", name="Main").is_visible()
    tab.page.get_by_role("button", name="Menu").click()
    tab.page.get_by_role("link", name="Trust stores").click()
    tab.is_at("/trust-stores/")


def test_what_turns_when_an_authority_expires_is_two_clicks_from_the_overview(admin):
    page = admin.open("/")
    page.get_by_role("main").get_by_role("link", name="Forecast").click()
    page.get_by_role("link", name="release-signer 01", exact=True).click()
    assert page.get_by_role("main").get_by_text("5 turn untrusted").is_visible()
    assert page.get_by_role("table").get_by_text("Certificate expired").count() == 5


def test_the_forecast_needs_no_script(admin, sample, open_tab):
    tab = open_tab(sample, sample.admin, java_script_enabled=False)
    page = tab.open("/certificates/")
    page.get_by_role("link", name="Forecast").first.click()
    page.get_by_role("link", name="1 year").click()
    page.get_by_role("searchbox", name="Filter by certificate, signer or repository").fill("signer 01")
    page.get_by_role("button", name="Search").click()
    tab.is_at("/certificates/forecast/?q=signer+01&days=365")
    page.get_by_role("link", name="release-signer 01", exact=True).click()
    page.get_by_role("link", name="The certificate").click()
    page.get_by_role("link", name="Removed from its stores").click()
    assert page.get_by_text("so there is nothing to remove").is_visible()
