"""An index killed at every single request, and at every single write: nothing is lost, nothing false, and the rest is done."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from django.db import transaction

from registries import leases
from registries.models import Listing, Repository
from tests.simulators.images import digest_of
from tests.simulators.stocktaking import ended, state_of, twice

SOON = timedelta(seconds=90)
ONE_AT_A_TIME = {"slice": 1, "workers": 1}
MOST_AGAIN = (
    13  # requests that a resumed index repeats: of one slice, what came ahead of it, and twice whether there is the API
)


class Killed(BaseException):
    """Nothing in our code catches this."""


class Mortal(leases.Lease):
    """A lease whose worker dies at one of its writes."""

    left = 0

    def renew(self, **columns):
        if not self.left:
            raise Killed
        self.left -= 1
        super().renew(**columns)


def die(app, environ, start_response):
    raise Killed


@contextmanager
def killed():
    with pytest.raises(Killed):
        yield
    Repository.objects.update(leased_until=None)  # as if its minute had passed


def fill(author, *, api):
    """A small repository of everything: pages of tags, an index with children, signatures, a signed document."""
    platform = {"os": "linux", "architecture": "amd64"}
    children = [(author.image("child"), platform)]
    index = author.index(children, tags=["1.0", "latest"])
    images = [author.image(f"{n}", tags=f"0.{n}") for n in range(3)]
    attached = {
        index: [author.signature(index, b"of the index")],
        children[0][0]: [author.signature(children[0][0], b"of a child")],
        images[0]: [
            author.signature(images[0], b"one"),
            author.signature(images[0], b"two"),
            author.referrer(images[0]),
        ],
        images[1]: [author.referrer(images[1], b'{"of": 1}')],
    }
    document = attached[images[1]][0]
    attached[document] = [author.signature(document, b"of a document")]
    if not api:
        for subject, listed in attached.items():
            author.fallback(subject, listed)
    return images, attached


@pytest.fixture(params=[True, False], ids=["api", "tags"])
def world(request, make_bench):
    """A registry with that repository, not indexed yet."""
    bench = make_bench(referrers_api=request.param, page_size=3)
    bench.images, bench.attached = fill(bench.author, api=request.param)
    bench.api = request.param
    return bench


@contextmanager
def undone(bench):
    """Try something, and have the database and the clock as they were before."""
    at, repository, mark = bench.at, bench.repository, transaction.savepoint_create()
    bench.quirks.log.clear()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)
        bench.quirks.mend()
        bench.at, bench.repository = at, Repository.objects.get(pk=repository.pk)


def resume(bench):
    bench.quirks.mend()
    bench.repository = Repository.objects.get(pk=bench.repository.pk)
    bench.index(everything=False, after=SOON, **ONE_AT_A_TIME)


def bodies(log):
    return Counter(line for line in log if line.startswith("GET") and "/tags/" not in line)


def believed(repository):
    return {row.subject: row.digests for row in Listing.objects.filter(repository=repository, complete=True)}


def undisturbed(bench):
    """What an index asks that nothing disturbs, and what it leaves."""
    with undone(bench):
        bench.index(**ONE_AT_A_TIME)
        return list(bench.quirks.log), state_of(bench.repository), ended(bench.repository), believed(bench.repository)


def test_a_first_index_killed_at_any_request_says_nothing_false_and_the_next_does_the_rest(world):
    lines, whole, _, true = undisturbed(world)
    asked_again = []
    for number in range(len(lines)):
        with undone(world):
            world.quirks.break_(".", die, after=number, times=1)
            with killed():
                world.index(**ONE_AT_A_TIME)
            assert believed(world.repository).items() <= true.items()
            row = Repository.objects.get(pk=world.repository.pk)
            assert (row.indexed_at, row.tags_complete) == (None, False)
            resume(world)
            assert state_of(world.repository) == whole
            assert not any(ended(world.repository).values())
            assert not twice(world.repository)
            asked_again.append((bodies(world.quirks.log) - bodies(lines)).total())
    assert max(asked_again) <= MOST_AGAIN
    assert asked_again[-1] <= 5  # what the last slice asked, and what the registry can do


def test_an_index_of_changes_killed_at_any_request_ends_only_what_is_gone(world):
    world.index(**ONE_AT_A_TIME)
    change(world)
    lines, whole, gone, true = undisturbed(world)
    assert gone["tags"] == {"0.2"}
    before = believed(world.repository)
    for number in range(len(lines)):
        with undone(world):
            world.quirks.break_(".", die, after=number, times=1)
            with killed():
                world.index(**ONE_AT_A_TIME)
            now = believed(world.repository)
            assert all(now[subject] in (before.get(subject), true.get(subject)) for subject in now)
            assert all(some <= gone[kind] for kind, some in ended(world.repository).items())
            resume(world)
            assert state_of(world.repository) == whole
            assert ended(world.repository) == gone
            assert not twice(world.repository)


def test_an_index_killed_at_any_of_its_writes_is_finished_by_the_next(world):
    _, whole, _, _ = undisturbed(world)
    for number in count():
        with undone(world):
            world.at += timedelta(hours=1)
            Repository.objects.filter(pk=world.repository.pk).ask_now(world.at)
            lease = world.take()
            mortal = Mortal(lease.row, lease.fence)
            mortal.left = number
            try:
                world.index(lease=mortal, **ONE_AT_A_TIME)
            except Killed:
                Repository.objects.update(leased_until=None)
            else:
                break
            resume(world)
            assert state_of(world.repository) == whole
            assert not any(ended(world.repository).values())
            assert not twice(world.repository)
    assert number >= 15  # as many writes were there to die at


def test_what_one_repository_of_a_fleet_loses_costs_the_others_no_request(make_fleet):
    fleet = make_fleet(repositories=3, tags=2, referrers=1, api=True)
    fleet.quirks.break_("app-1/referrers", die, after=2, times=1)
    with killed():
        fleet.step()
    done = Repository.objects.filter(indexed_at__isnull=False).get()
    fleet.quirks.mend()
    fleet.step()
    assert fleet.quirks.asked(".")
    assert not fleet.quirks.asked(f"/{done.name}/")
    assert not Repository.objects.filter(indexed_at=None).exists()


def change(world):
    """A tag and its artifact go, a signature is withdrawn, others come, and a tag moves."""
    first, second, third = world.images
    store, author = world.demo.store, world.author
    withdrawn, *kept = world.attached[first]
    store.delete_manifest("team/app", digest_of(withdrawn))
    store.delete_tag("team/app", "0.2")
    store.delete_manifest("team/app", digest_of(third))
    listed = [*world.attached[second], author.signature(second, b"late")]
    author.image("0", tags="latest")
    author.image("entirely new", tags="2.0")
    if not world.api:
        author.fallback(first, kept)
        author.fallback(second, listed)
