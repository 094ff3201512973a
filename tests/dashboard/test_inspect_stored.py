"""`manage.py inspect` and `manage.py list` of what is connected and indexed."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from tests.trust.seeding import NOW, Place, publish

pytestmark = pytest.mark.django_db

NAME = "registry.acme.example/shop/api"


def ask(command, *arguments):
    out, code = StringIO(), 0
    try:
        call_command(command, *arguments, "--json", "--at", NOW.isoformat(), stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, json.loads(out.getvalue())


@pytest.fixture
def place():
    return Place()


def test_an_indexed_artifact_is_inspected_without_a_policy_in_the_order_listed(place):
    image = place.image("1.0")
    rows = [place.sign(image, "stranger"), place.sign(image, "release", metadata={"step": "7"})]
    place.list(image, *rows)
    code, got = ask("inspect", f"{NAME}:1.0")
    assert (code, got["mediaType"]) == (0, image.media_type)
    assert [one["digest"] for one in got["signatures"]] == [str(row.digest) for row in rows]
    assert got["signatures"][1]["userDefinedAttributes"] == {"step": "7"}
    assert [one.get("error") for one in got["signatures"]] == [None, None]
    publish()
    assert ask("inspect", f"{NAME}@{image.digest}") == (code, got)
    assert [one["digest"] for one in ask("list", f"{NAME}:1.0")[1]["signatures"]] == [str(row.digest) for row in rows]


def test_a_damaged_signature_is_listed_with_what_is_wrong(place):
    image = place.image("1.0")
    place.list(image, place.sign(image), place.attach_envelope(image, b"junk", "application/jose+json"))
    for command in ("inspect", "list"):
        code, got = ask(command, f"{NAME}:1.0")
        assert (code, ["error" in one for one in got["signatures"]]) == (1, [False, True])


def test_an_artifact_that_was_never_listed_may_have_signatures(place):
    place.image("1.0")
    code, got = ask("list", f"{NAME}:1.0")
    assert (code, got["signatures"], "incomplete" in got) == (1, [], True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([f"{NAME}:2.0"], "no tag 2.0"),
        ([f"{NAME}@sha256:{'0' * 64}"], "as far as it was indexed"),
        ([f"{NAME}:1.0", "--reference", NAME], "for a layout."),
        ([f"{NAME}:1.0", "--trust-store", "folder"], "for a layout."),
    ],
)
def test_what_cannot_be_answered_is_an_error_that_says_so(place, options, says):
    place.image("1.0")
    code, got = ask("inspect", *options)
    assert code == 1
    assert says in got["error"]
