"""Why is this trusted, and why was it: counted in clicks."""

import pytest

from tests.browser.conftest import NARROW, WIDE


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("word", ["verified", "untrusted", "failed", "unsigned"])
def test_why_is_one_click_from_the_badge(admin, size, word):
    page = admin.open(f"/artifacts/?status={word}")
    page.set_viewport_size(size)
    page.locator("tbody .badge").first.click()
    page.wait_for_url("**/#path")
    heading = page.get_by_role("heading", name="Path of trust")
    assert heading.evaluate(
        "element => { const box = element.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight }"
    )
    breaks = page.locator("#path").get_by_text("breaks here").count()
    assert (breaks == 0) == (word == "verified")


def test_the_path_is_dark_in_the_picture(admin, sample):
    page = admin.open(sample.artifact("payments/ledger-api", "2.14.2"))
    page.get_by_role("link", name="In the signature graph").click()
    page.wait_for_url("**#signature-graph")
    assert page.locator("#signature-graph .g-edge.on").count() >= 4
    assert page.locator("#signature-graph .g-edge.gap").count() == 0


def test_an_instant_is_chosen_with_the_keyboard_alone(admin, sample):
    artifact = sample.artifact("payments/ledger-api", "2.14.2")
    page = admin.open(artifact + "history/")
    field = page.get_by_label("As of, UTC")
    field.focus()
    field.fill("2026-01-01T12:00:30")
    field.press("Enter")
    admin.is_at(artifact + "?at=2026-01-01T12%3A00%3A30&known=then")
    assert page.get_by_text("Not known then").is_visible()
    page.get_by_role("link", name="What is known now of then").first.press("Enter")
    page.wait_for_url("**known=now")
    assert page.locator(".say").inner_text().startswith("Not checked.")  # there was no policy then
    page.get_by_role("link", name="Now", exact=True).press("Enter")
    admin.is_at(artifact + "?")


def test_the_list_is_asked_as_of_an_instant_from_its_menu(admin):
    page = admin.open("/artifacts/")
    page.locator(".at-menu summary").click()
    box = page.locator(".at-menu form").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= WIDE["width"]
    page.get_by_label("As of, UTC").fill("2026-01-01T12:00:30")
    page.get_by_role("button", name="Show").click()
    admin.is_at("/artifacts/?at=2026-01-01T12%3A00%3A30")
    assert page.get_by_text("Nothing on record").is_visible()
