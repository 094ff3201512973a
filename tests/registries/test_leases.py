"""Several rows claimed at once: nobody else has one of them, and only what is still held is finished."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registries import leases
from registries.models import Registry, Repository

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(db):
    registry = Registry.objects.create(address="a.example", reference_name="a.example")
    due_at = timezone.now()
    names = [f"app-{number}" for number in range(5)]
    return Repository.objects.bulk_create(Repository(registry=registry, name=name, due_at=due_at) for name in names)


def due():
    return Repository.objects.filter(leases.due(timezone.now()))


def test_no_row_is_claimed_twice_and_the_first_come_first(rows):
    first, second = leases.take_some(due(), 3), leases.take_some(due(), 3)
    assert [lease.row.pk for lease in (*first, *second)] == [row.pk for row in rows]
    assert leases.take_some(due(), 3) == []


def test_what_another_worker_claimed_meanwhile_is_not_finished(rows):
    mine = leases.take_some(due(), 2)
    Repository.objects.filter(pk=rows[0].pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    theirs = leases.take(due(), rows[0].pk)
    assert [lease.row.pk for lease in leases.finish_some(mine)] == [rows[1].pk]
    assert Repository.objects.get(pk=rows[0].pk).leased_until is not None
    assert leases.finish_some([theirs]) == [theirs]
    assert due().count() == 3


def test_an_unforeseen_error_is_written_into_those_that_were_not_finished(rows):
    with pytest.raises(ZeroDivisionError), leases.claim_some(due(), 2) as some:
        leases.finish_some(some[:1])
        raise ZeroDivisionError("of no number")
    errors = [row.last_error for row in Repository.objects.order_by("pk")]
    assert errors == ["", "unforeseen: ZeroDivisionError: of no number", "", "", ""]


def test_a_lost_lease_ends_the_block_and_is_nobodys_error(rows):
    with leases.claim_some(due(), 1) as some:
        Repository.objects.filter(pk=rows[0].pk).update(fence=9)
        some[0].renew()
    assert Repository.objects.get(pk=rows[0].pk).last_error == ""
