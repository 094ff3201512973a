"""Signboard without a pointer."""

import re

import pytest

ON_TOP = """element => {
    const {left, top, width, height} = element.getBoundingClientRect();
    const found = document.elementFromPoint(left + Math.min(width / 2, 40), top + Math.min(height / 2, 12));
    return found !== null && (element.contains(found) || found.contains(element));
}"""


def focused(page):
    return page.locator(":focus")


def test_slash_goes_to_the_search_but_stays_a_letter_in_a_field(admin):
    page = admin.open("/registries/")
    page.keyboard.press("/")
    page.keyboard.type("web/checkout")
    assert focused(page).input_value() == "web/checkout"
    page.keyboard.press("Enter")
    admin.is_at("/artifacts/?q=web%2Fcheckout")


def test_the_skip_link_leads_past_the_frame(admin):
    page = admin.open("/registries/")
    page.keyboard.press("Tab")
    assert focused(page).inner_text() == "Skip to content"
    assert focused(page).is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page).inner_text() == "Connect a registry"


@pytest.mark.parametrize("path", ["/registries/", "/registries/1/", "/trust-policy/", "/trust-stores/"])
def test_tab_reaches_the_main_act(admin, path):
    page = admin.open(path)
    for _ in range(25):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.main-act')"):
            break
    else:
        pytest.fail("25 times Tab did not reach the main act")
    ring = focused(page).evaluate("element => getComputedStyle(element).outlineStyle")
    assert ring == "solid"


def test_every_stop_of_tab_is_seen(admin, sample):
    every_stop_is_seen(admin.open(sample.artifact("payments/ledger-api", "2.14.2")))


def test_every_stop_of_tab_is_seen_in_the_forecast(admin):
    every_stop_is_seen(admin.open("/certificates/forecast/"))


def test_the_bar_of_a_draft_hides_no_stop_of_tab(admin):
    page = admin.open("/trust-policy/")
    page.get_by_role("button", name="Draft the next revision").click()
    page.wait_for_url("**/trust-policy/drafts/*/")
    page.get_by_role("link", name="Policy", exact=True).click()
    page.wait_for_url("**/edit/")
    page.set_viewport_size({"width": 1280, "height": 900})
    for _ in range(60):
        page.keyboard.press("Tab")
        above = focused(page).evaluate(ON_TOP)
        assert above, focused(page).evaluate("element => element.outerHTML")


def every_stop_is_seen(page):
    stops = 0
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement !== document.body") and stops < 80:
        box = focused(page).bounding_box()
        assert box and box["width"] > 8 and box["height"] > 8, focused(page).evaluate("element => element.outerHTML")
        stops += 1
        page.keyboard.press("Tab")
    assert 20 < stops < 80


def test_arrows_walk_the_tree(admin, sample):
    page = admin.open(sample.artifact("payments/ledger-api", "2.14.2") + "tree/")
    here = "element => element.closest('[role=treeitem]').getAttribute('aria-level') + ' ' + element.innerText"
    page.get_by_role("tree").get_by_role("link").first.focus()
    walked = []
    for key in (
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowRight",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowDown",
        "Home",
        "End",
    ):
        page.keyboard.press(key)
        walked.append(focused(page).evaluate(here))
    assert walked == [
        "2 Signature", "2 Signature", "2 linux/amd64",
        "3 SBOM",  # into the open node
        "2 linux/amd64",  # back to its parent
        "2 linux/amd64",  # which closes
        "2 linux/arm64",  # so its children are passed over
        "1 Image index", "2 Provenance",
    ]  # fmt: skip
    closed = page.get_by_role("treeitem", name="linux/amd64")
    assert closed.first.get_attribute("aria-expanded") == "false"
    assert page.get_by_role("tree").get_by_role("link", name="24 scan results").count() == 0


def test_escape_closes_a_menu_and_keeps_the_place(admin):
    page = admin.open("/artifacts/")
    page.locator("summary", has_text="Status").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert "Verified" in focused(page).inner_text()
    page.keyboard.press("Escape")
    assert focused(page).inner_text() == "Status"
    assert not page.locator(".filters").get_by_role("link", name=re.compile("^Untrusted")).is_visible()
