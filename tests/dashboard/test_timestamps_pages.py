"""What pages say of timestamps, on real envelopes."""

import pytest

from demo.timestamping import make_token, timestamps
from tests.dashboard.test_artifact import place, said, show, text, url  # noqa: F401 (fixtures)
from tests.trust.seeding import DAY, pki, publish, statement

pytestmark = pytest.mark.django_db


def page_of(place, reader, token):  # noqa: F811
    publish(statement(stores=("ca:acme", "tsa:acme")), at=place.at)
    image = place.image("1.0")
    signature = place.sign(image, timestamp_token=token)
    place.list(image, signature)
    return show(reader, url(place, image, "signature", signature.digest))


def test_the_page_of_a_timestamped_signature_says_when_and_by_whom(place, reader):  # noqa: F811
    moment = place.at - DAY
    page = page_of(place, reader, timestamps(pki().timestamper, moment))
    assert said(page).startswith("Verified.")
    assert "Made inside validity" in page
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC ± 1 s, by Acme TSA 1" in text(page)


@pytest.mark.parametrize(
    ("token", "sentence", "answer"),
    [
        (
            lambda signature: make_token(pki().timestamper, b"", pki().now),
            "made for another signature",
            "Made for another",
        ),
        (lambda signature: b"junk", "its timestamp cannot be read", "Does not hold"),
        (None, "the signature has none", "Missing"),
    ],
)
def test_the_page_says_what_is_wrong_with_a_timestamp(place, reader, token, sentence, answer):  # noqa: F811
    page = page_of(place, reader, token)
    assert said(page).startswith("Untrusted. Signed by release-signer 03")
    assert sentence in said(page)
    assert answer in page


def test_a_timestamp_that_the_statement_does_not_ask_for_is_shown_all_the_same(place, reader):  # noqa: F811
    publish(at=place.at)
    image = place.image("1.0")
    signature = place.sign(image, timestamp_token=timestamps(pki().timestamper, place.at - DAY))
    place.list(image, signature)
    assert "the statement does not rest on it" in show(reader, url(place, image, "signature", signature.digest))
