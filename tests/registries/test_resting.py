"""What a fleet where nothing happens costs its registry and our database, to the request; and how soon a change is seen."""

import math
import random
import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from demo.registry import Bearer
from registries.polling import Tier, interval

DAY = timedelta(days=1)
SMALL = {"repositories": 7, "tags": 3, "referrers": 2}
FULL = {"repositories": 200, "tags": 10, "referrers": 5}
PAGE = 6  # names a page: the catalog of the small fleet has two, and each list of tags one


def again(fleet, after=timedelta(hours=2)):
    """The requests of an index of everything, where nothing changed since the first."""
    fleet.at += after
    fleet.make_everything_due()
    return fleet.step()


def least(size, page, *, api):
    """ceil(R/n) + R + T, and with the referrers API one more for each manifest, M + F; no bodies."""
    repositories, images = size["repositories"], size["repositories"] * size["tags"]
    catalog = math.ceil(repositories / page)
    if not api:  # each image has its own tag, and that of its referrers
        return {"catalog": catalog, "tags": repositories, "manifest_head": 2 * images}
    referrers = images * (1 + size["referrers"])
    return {"catalog": catalog, "tags": repositories, "manifest_head": images, "referrers": referrers}


@pytest.mark.parametrize("api", [True, False])
def test_an_unchanged_fleet_is_asked_exactly_the_least_and_gives_no_body(make_fleet, api):
    fleet = make_fleet(**SMALL, api=api, page_size=PAGE)
    fleet.step()
    assert again(fleet) == least(SMALL, PAGE, api=api)


@pytest.mark.parametrize("api", [True, False])
def test_requests_to_authenticate_are_counted_apart(make_fleet, api):
    fleet = make_fleet(**SMALL, api=api, page_size=PAGE, auth=Bearer({"reader": "secret"}))
    fleet.log_in("reader", "secret")
    fleet.step()
    counted = again(fleet)
    apart = [counted.pop(kind) for kind in ("challenge", "token")]
    assert all(1 <= number <= 1 + SMALL["repositories"] for number in apart)  # at most one each time a client is opened
    assert counted == least(SMALL, PAGE, api=api)


def test_asking_for_the_api_once_a_day_is_all_that_a_registry_without_it_costs_beyond_the_least(make_fleet):
    fleet = make_fleet(**SMALL, api=False, page_size=PAGE)
    fleet.step()
    counted = again(fleet, after=2 * DAY)
    assert counted.pop("referrers") == SMALL["repositories"]
    assert counted == least(SMALL, PAGE, api=False)


@pytest.mark.parametrize("api", [True, False])
def test_an_unchanged_listing_costs_one_writing_of_its_dates_and_content_none(make_fleet, api):
    fleet = make_fleet(**SMALL, api=api)
    fleet.step()
    fleet.at += timedelta(hours=2)
    fleet.make_everything_due()
    with CaptureQueriesContext(connection) as captured:
        fleet.step()
    writes = [query["sql"] for query in captured if re.match("INSERT|UPDATE|DELETE", query["sql"])]
    tables = Counter(re.search(r'"registries_(\w+)"', sql)[1] for sql in writes)
    assert tables.pop("registry", 0) <= 1  # that it says what did not change is learned now
    assert set(tables) == {"survey", "repository", "listing"}
    dates = [sql for sql in writes if '"registries_listing"' in sql]
    columns = {tuple(re.findall(r'"(\w+)" = ', sql.partition(" WHERE ")[0])) for sql in dates}
    assert columns == {("checked_at", "tier", "due_at")}
    rows = sum(len(re.search(r" IN \(([\d, ]+)\)", sql)[1].split(",")) for sql in dates)
    images = SMALL["repositories"] * SMALL["tags"]
    assert rows == images * (1 + SMALL["referrers"])  # each listing once
    assert (
        len(dates) == 2 * SMALL["repositories"]
    )  # a statement for all that is looked at together: images, then referrers


def rests_for_a_week(fleet, seed, *, signatures, step):
    first = fleet.step()
    fleet.at += 60 * DAY
    fleet.step()
    rest = fleet.rest(7, signatures=signatures, chance=random.Random(seed), step=step)
    assert len(rest.waits) == rest.signed == signatures
    assert max(rest.waits) <= interval(Tier.OLD)
    return first, rest


@pytest.mark.parametrize("api", [True, False])
def test_resting_for_weeks_costs_a_quarter_a_day_and_a_signature_added_is_found_in_time(make_fleet, api):
    fleet = make_fleet(repositories=3, tags=10, referrers=5, api=api)
    first, rest = rests_for_a_week(fleet, 7, signatures=8, step=timedelta(hours=3))
    catalog = rest.asked.pop("catalog")  # of which a real fleet has one for hundreds of repositories
    assert catalog == 7 * 8
    assert rest.a_day <= first.total() / 4


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.parametrize("api", [True, False])
def test_a_fleet_of_full_size_rests_as_cheaply(make_fleet, soak_seed, api):
    fleet = make_fleet(**FULL, api=api)
    first, rest = rests_for_a_week(fleet, soak_seed, signatures=100, step=timedelta(hours=1))
    assert rest.a_day <= first.total() / 4
    print(f"resting, {'API' if api else 'tags'}: {rest.a_day / first.total():.3f} of {first.total()} requests a day,"
          f" 100 of 100 found, the slowest after {max(rest.waits)}")  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("api", [True, False])
def test_an_unchanged_fleet_of_full_size_is_asked_exactly_the_least(make_fleet, api):
    fleet = make_fleet(**FULL, api=api, page_size=100)
    fleet.step()
    counted = again(fleet)
    assert counted == least(FULL, 100, api=api)
    print(f"unchanged, {'API' if api else 'tags'}: {counted.total()} requests, {dict(counted)}")
