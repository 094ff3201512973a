"""What pages and lists say of revocation, on real envelopes and real answers."""

from datetime import timedelta

import pytest

from demo.timestamping import timestamps
from registries.models import Listing
from tests.dashboard.test_artifact import place, said, show, text, url  # noqa: F401 (fixtures)
from tests.simulators.revocation import RevocationHost
from tests.trust.revoking import OCSP, collect, ocsp_answer
from tests.trust.seeding import DAY, HOUR, publish, statement
from tests.trust.test_timestamp_revocation import OCSP as TSA_OCSP
from tests.trust.test_timestamp_revocation import authority
from tests.trust.test_timestamp_revocation import ocsp_answer as tsa_answer
from trust.models import Chain

pytestmark = pytest.mark.django_db


@pytest.fixture
def host():
    return RevocationHost()


def signed(place, host, *, token=None, signer="ocsp"):  # noqa: F811
    """An image that was judged by the answers that are to be had now."""
    image = place.image("1.0")
    signature = place.sign(image, signer, timestamp_token=token)
    place.list(image, signature)
    place.judge()
    with host.transport() as send:
        collect(send, place.at)
    place.judge()
    return image, signature


def test_the_page_of_a_signature_says_from_where_as_of_when_and_until_when_it_is_not_revoked(place, reader, host):  # noqa: F811
    host.put(OCSP, ocsp_answer(at=place.at, lasts=HOUR))
    image, signature = signed(place, host)
    page = text(show(reader, url(place, image, "signature", signature.digest)))
    moment, end = (f"{when:%Y-%m-%d %H:%M:%S} UTC" for when in (place.at, place.at + HOUR))
    assert f"Not revoked, says &quot;{OCSP}&quot; as of {moment}, until {end}" in page
    assert f"an OCSP answer of {moment} from" in page
    assert f"which holds until {end}" in page


def test_green_is_promised_no_longer_than_the_answers_hold(place, reader, host):  # noqa: F811
    host.put(OCSP, ocsp_answer(at=place.at, lasts=HOUR))
    image, signature = signed(place, host)
    end = f"{place.at + HOUR:%Y-%m-%dT%H:%M:%S}"
    for address in (url(place, image), url(place, image, "signature", signature.digest)):
        page = show(reader, address)
        assert said(page).startswith("Verified.")
        assert end in page.partition("Green until")[2][:200]


@pytest.mark.parametrize(
    ("status", "word", "standing"),
    [("revoked", "Untrusted.", "Revoked"), ("unknown", "Unknown.", "Not known whether revoked")],
)
def test_the_pages_say_that_a_certificate_is_revoked_or_that_nobody_knows(place, reader, host, status, word, standing):  # noqa: F811
    host.put(OCSP, ocsp_answer(status, at=place.at))
    image, signature = signed(place, host)
    page = show(reader, url(place, image, "signature", signature.digest))
    assert said(page).startswith(word)
    assert standing in text(page)
    assert said(show(reader, url(place, image))).startswith(word)


@pytest.mark.parametrize(
    ("status", "word", "answer"),
    [
        ("good", "Verified.", "Made inside validity"),
        ("revoked", "Untrusted.", "Authority revoked"),
        ("unknown", "Unknown.", "Sound; revocation not known"),
    ],
)
def test_the_page_says_how_the_authority_of_a_timestamp_stands(place, reader, host, status, word, answer):  # noqa: F811
    publish(statement(stores=("ca:acme", "tsa:acme")), at=place.at)
    host.put(TSA_OCSP, tsa_answer(status, at=place.at))
    image, signature = signed(
        place, host, token=timestamps(authority(ocsp=TSA_OCSP), place.at - timedelta(hours=1)), signer="release"
    )
    page = show(reader, url(place, image, "signature", signature.digest))
    assert said(page).startswith(word)
    assert answer in text(page)


@pytest.mark.parametrize(
    "standing",
    [
        {"standing": "unknown", "standing_until": None},
        {"standing": "revoked", "standing_until": None},
        {"standing": "not_evaluated", "standing_until": None},
        {"standing": "good", "standing_until": "past"},
    ],
)
@pytest.mark.parametrize("whose", ["signer", "authority"])
def test_a_chain_that_does_not_stand_takes_green_from_every_list(place, reader, host, standing, whose):  # noqa: F811
    publish(statement(stores=("ca:acme", "tsa:acme")), at=place.at)
    host.put(TSA_OCSP, tsa_answer(at=place.at))
    host.put(OCSP, ocsp_answer(at=place.at))
    signed(place, host, token=timestamps(authority(ocsp=TSA_OCSP), place.at - timedelta(hours=1)))
    Listing.objects.update(checked_at=place.at)
    lists = ("/artifacts/", "/", "/api/v1/artifacts")
    green = [is_green(reader, address) for address in lists]
    assert green == [True, True, True]
    if standing["standing_until"]:
        standing = standing | {"standing_until": place.at - DAY}
    Chain.objects.filter(of_authority=whose == "authority").update(**standing)
    assert [is_green(reader, address) for address in lists] == [False, False, False]


def is_green(reader, address):
    page = show(reader, address)
    return "badge is-verified" in page or '"status":"verified"' in page.replace(" ", "")
