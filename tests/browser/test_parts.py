"""Parts that are drawn anew without loading the page: filtering, unfolding, progress."""

import re
import socket

import pytest
from playwright.sync_api import expect


def test_a_view_swaps_the_list_and_the_address_keeps_it(admin):
    page = admin.open("/artifacts/")
    page.evaluate("window.kept = true")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Unsigned").click()
    admin.is_at("/artifacts/?status=unsigned")
    others = page.locator("tbody .badge:not(.is-unsigned)")
    expect(others).to_have_count(0)
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"Unsigned"}
    assert page.evaluate("window.kept"), "the whole page was loaded"
    assert page.locator(":focus").inner_text().startswith("Unsigned")
    page.go_back()
    others.first.wait_for()
    assert admin.path == "/artifacts/"
    page.go_forward()
    expect(others).to_have_count(0)
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"Unsigned"}
    page.reload()
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"Unsigned"}


def test_searching_keeps_the_filters_and_the_cursor(admin):
    page = admin.open("/artifacts/?status=unsigned")
    field = page.get_by_label("Filter by name, tag, digest or signer")
    field.fill("web")
    field.press("Enter")
    page.wait_for_url("**/artifacts/?*q=web*")
    page.locator(".pager").get_by_text(re.compile(r"^[1-9] of [1-9]$")).wait_for()
    assert "status=unsigned" in admin.path
    page.keyboard.type("/")
    assert page.locator(":focus").input_value() == "web/"


def test_a_fold_opens_in_place(admin, sample):
    page = admin.open(sample.artifact("payments/ledger-api", "2.14.2") + "tree/")
    tree = page.get_by_role("tree")
    before = tree.get_by_role("treeitem").count()
    tree.get_by_role("link", name="24 scan results").press("Enter")
    tree.get_by_role("link", name="24 scan results").wait_for(state="detached")
    assert tree.get_by_role("treeitem").count() == before + 23
    assert "unfold=" in admin.path
    assert page.locator(":focus").inner_text() == "Scan result"


def test_a_copied_command_is_whole(admin, sample):
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = admin.open(sample.artifact("payments/ledger-api", "2.14.2"))
    page.get_by_role("button", name="Copy command for notation").click()
    page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"notation verify registry\.acme\.example/payments/ledger-api@sha256:[0-9a-f]{64}", copied)


def test_the_chosen_theme_stays(admin):
    page = admin.open("/")
    paper = "getComputedStyle(document.querySelector('main')).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("account and theme").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(paper)
    assert dark != light
    admin.open("/artifacts/")
    assert page.evaluate(paper) == dark


@pytest.fixture
def silent_registry(admin):
    """The page of a registry that takes connections and never says a word: it is being indexed for a while."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        page = admin.open("/registries/add/")
        page.get_by_label("Address", exact=True).fill(address)
        page.get_by_label("Repositories").fill("team/one\nteam/two")
        page.get_by_label("Speak plain HTTP").check()
        page.get_by_label("private or loopback address").check()
        page.get_by_label("Allowed private addresses").fill(address)
        page.get_by_role("button", name="Connect").click()
        page.wait_for_url(re.compile(r"/registries/\d+/$"))
        page.get_by_role("link", name="team/one").wait_for()
        yield admin


def drawn_anew(page):
    """Waits until progress was polled and drawn."""
    page.evaluate("document.getElementById('live').dataset.old = 'yes'")
    page.locator("#live:not([data-old])").wait_for(state="attached")


def test_progress_does_not_disturb(silent_registry):
    page = silent_registry.page
    row = page.get_by_role("link", name="team/two")
    row.focus()
    drawn_anew(page)
    assert page.locator(":focus").inner_text() == "team/two"
    row.evaluate("element => getSelection().selectAllChildren(element)")
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        pass
    page.wait_for_timeout(200)
    assert page.evaluate("String(getSelection())") == "team/two"
    page.evaluate("getSelection().removeAllRanges()")
    drawn_anew(page)
    silent_registry.open(silent_registry.path + "?q=team")
    field = page.get_by_label("Filter by name")
    field.fill("team/on")
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        pass
    page.wait_for_timeout(200)
    page.keyboard.type("e")
    assert field.input_value() == "team/one"


def test_who_is_signed_out_meanwhile_is_led_to_the_door(silent_registry):
    page, address = silent_registry.page, silent_registry.path
    silent_registry.context.clear_cookies()
    page.wait_for_url(re.compile(r"/login/\?next="))
    assert page.get_by_role("button", name="Sign in").is_visible()
    assert address in page.url
    assert page.locator("main").count() == 1
