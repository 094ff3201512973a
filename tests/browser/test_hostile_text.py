"""Text of a pusher who wants to break a page: it is shown, and does nothing."""

import pytest


def places(sample):
    image = sample.artifact("security/scanner", "3.0")
    signer = sample.artifact("security/scanner", "2.9")
    ((document,),) = sample.ask(
        "SELECT digest FROM registries_manifest WHERE subject = ? AND artifact_type LIKE '%script%'",
        image.split("/")[3],
    )
    repository = image.rpartition("sha256:")[0]
    return {
        "list": "/artifacts/?q=scanner",
        "search": "/artifacts/?q=%3Cscript%3Ealert(6)%3C/script%3E",
        "artifact": image,
        "manifest": image + "manifest/",
        "tree": image + "tree/",
        "signature": sample.signature("security/scanner", "3.0"),
        "artifact of a hostile signer": signer,
        "tree of a hostile signer": signer + "tree/",
        "signature of a hostile signer": sample.signature("security/scanner", "2.9"),
        "document": f"{repository}{document}/",
        "manifest of a document": f"{repository}{document}/manifest/",
    }  # fmt: skip


UNEXPECTED = """
    [...document.querySelectorAll("body script, body img, body i, body iframe, [onerror], [href^='javascript:' i]")]
        .map(element => element.outerHTML)
"""
INVISIBLE = r"/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/"


@pytest.mark.parametrize("name", [
    "list", "search", "artifact", "manifest", "tree", "signature", "artifact of a hostile signer",
    "tree of a hostile signer", "signature of a hostile signer", "document", "manifest of a document",
])  # fmt: skip
def test_hostile_text_does_nothing(admin, sample, name):
    page = admin.open(places(sample)[name])
    assert page.evaluate(UNEXPECTED) == []
    hidden = f"document.documentElement.outerHTML.match({INVISIBLE}u)"
    assert page.evaluate(f"{hidden} && {hidden}[0].codePointAt(0).toString(16)") is None
    assert page.evaluate(f"{INVISIBLE}u.test(document.title)") is False
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    "name", ["manifest", "signature", "artifact of a hostile signer", "signature of a hostile signer"]
)
def test_a_control_character_is_a_plate(admin, sample, name):
    page = admin.open(places(sample)[name])
    assert page.locator(".odd", has_text="U+202E").first.is_visible()
    assert "script>" in page.locator("main").inner_text()
