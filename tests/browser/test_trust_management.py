"""Editing trust in a browser: the clicks that it takes, both sides of the editor, files that are dropped, keys alone."""

import json

import pytest

from registries.oci import archive
from tests.trust.seeding import policy, statement

CONFIGURATION = archive.entry("notation/trustpolicy.json", policy(statement("imported"))) + archive.END
DROP = """([name, content]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([content], name));
    const place = document.querySelector("[data-drop]");
    for (const type of ["dragover", "drop"]) {
        place.dispatchEvent(new DragEvent(type, {dataTransfer: carried, bubbles: true, cancelable: true}));
    }
}"""


@pytest.fixture
def draft(admin):
    """The page of a draft of its own."""
    page = admin.open("/trust-policy/")
    page.get_by_role("button", name="Draft the next revision").click()
    page.wait_for_url("**/trust-policy/drafts/*/")
    return page


def test_a_configuration_is_imported_and_its_effect_seen_in_four_clicks(admin):
    page = admin.open("/trust-policy/")
    page.get_by_role("link", name="Import").click()
    admin.looks_right()
    with page.expect_file_chooser() as chooser:
        page.get_by_label("Files").click()
    chooser.value.set_files({"name": "notation.tar", "mimeType": "application/x-tar", "buffer": CONFIGURATION})
    page.get_by_role("button", name="Import as a draft").click()
    page.wait_for_url("**/trust-policy/drafts/*/")
    page.get_by_text("imported").first.wait_for()
    page.get_by_role("heading", name="Impact").wait_for()


def test_trusting_the_signer_of_an_untrusted_artifact_is_one_click(admin, sample):
    page = admin.open(sample.artifact("web/storefront", "2026.47"))
    page.get_by_role("button", name="Trust this signer").click()
    page.wait_for_url("**/trust-policy/drafts/*/")
    assert "Acme Build" in page.locator("main").inner_text()


def test_the_coverage_of_a_draft_stands_beside_its_effect(admin, draft):
    draft.get_by_role("link", name="Coverage", exact=True).click()
    draft.wait_for_url("**/coverage/")
    assert "would fall under a statement" in draft.locator("main").inner_text()
    admin.looks_right()


def test_form_and_text_are_one_document_and_look_right_with_and_without_faults(admin, draft):
    draft.get_by_role("link", name="Policy", exact=True).click()
    text = draft.locator("#text")
    before = text.input_value()
    draft.get_by_label("Name", exact=True).fill("renamed")
    draft.get_by_role("button", name="Save", exact=True).click()
    assert text.input_value() == before.replace('"release-images"', '"renamed"')
    admin.looks_right()
    text.fill(before.replace("x509.subject: C=DE, ST=BE", "x509.subject: C=DE", 1))
    draft.get_by_role("button", name="Save and see the effect").click()
    error = draft.locator("#id_trusted_identities_error")
    assert "rule TP23" in error.inner_text()
    for picks in draft.locator("details.picks").all():
        picks.evaluate("element => element.open = true")
    admin.looks_right()
    draft.get_by_label("Name", exact=True).fill("")
    draft.get_by_label("Name", exact=True).press("Tab")
    draft.locator("#check").get_by_text("rule TP05").wait_for()
    draft.get_by_label("Name", exact=True).fill("release-images")
    text.fill("{")
    draft.get_by_role("button", name="Save", exact=True).click()
    assert "rule TP00" in draft.locator("#text-error").inner_text()
    admin.looks_right()
    text.fill(before)
    draft.get_by_role("button", name="Save and see the effect").click()
    draft.get_by_role("heading", name="Impact").wait_for()
    assert json.loads(before)["trustPolicies"][0]["name"] == "release-images"


def test_the_form_is_filled_in_and_saved_by_keys_alone(admin, draft):
    draft.get_by_role("link", name="Policy", exact=True).press("Enter")
    draft.wait_for_url("**/edit/")
    draft.get_by_label("Name", exact=True).focus()
    draft.keyboard.type("x")
    draft.keyboard.press("Enter")
    draft.wait_for_url("**/edit/?statement=1")
    assert draft.get_by_label("Name", exact=True).input_value().startswith("x")


def test_files_can_be_dropped_on_the_field(admin, draft):
    draft.get_by_role("link", name="Trust stores").last.click()
    admin.looks_right()
    draft.get_by_role("link", name="Add certificates").click()
    admin.looks_right()
    draft.evaluate(DROP, ["dropped.pem", "no certificate"])
    assert draft.locator("[data-chosen]").inner_text() == "Chosen: dropped.pem"
    draft.get_by_label("Name of the store").fill("dropped")
    draft.get_by_role("button", name="Put it into").click()
    assert "dropped.pem" in draft.locator(".error").inner_text()
