"""Bad days of a registry: nothing false is said, nothing is lost, and when it is well again so are we. And the check can fail."""

from dataclasses import replace

import pytest

from registries.leases import Lease
from registries.oci.source import ReferrerList, TagList
from tests.simulators.ordeal import FalsehoodError, Ordeal

SHARE = 0.25  # of all requests are answered wrong
SEED, REQUESTS = 7, 600


@pytest.fixture
def make_ordeal(db, tmp_path):
    made = []

    def make(seed, **options):
        ordeal = Ordeal(tmp_path / f"ordeal{len(made)}", seed, **{"share": SHARE, "takeovers": 0.02, **options})
        made.append(ordeal.demo)
        return ordeal

    yield make
    for demo in made:
        demo.close()


def differences(ours, theirs):
    """What differs between two states of a fleet, each with its part."""
    return {
        (name, part): (ours[name][part], theirs[name][part])
        for name in ours
        for part in ours[name]
        if ours[name][part] != theirs[name][part]
    }


def endure(ordeal, requests):
    ordeal.through(requests)
    faulty = ordeal.chaos.faults.total() / ordeal.chaos.requests
    assert ordeal.chaos.requests >= requests
    assert faulty >= 0.2
    assert ordeal.taken_over
    ordeal.calm()
    twin = ordeal.undisturbed()
    assert differences(ordeal.states(), ordeal.states(twin)) == {}
    assert ordeal.words() == ordeal.words(twin)
    return f"{ordeal.chaos.requests} requests, {faulty:.0%} faulty, {ordeal.indexes} indexes, {ordeal.taken_over} taken over"


@pytest.mark.parametrize("api", [True, False], ids=["api", "tags"])
def test_bad_days_make_nothing_false_lose_nothing_and_leave_nothing_behind(make_ordeal, api):
    endure(make_ordeal(SEED, api=api), REQUESTS)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(3))
@pytest.mark.parametrize("api", [True, False], ids=["api", "tags"])
def test_many_bad_days(make_ordeal, soak_seed, api, round_):
    seed = soak_seed + round_
    ordeal = make_ordeal(seed, api=api)
    print(f"chaos, {'API' if api else 'tags'}, seed {seed}: {endure(ordeal, 6000)}: nothing false, nothing lost")


# the check itself: with a bug planted, it fails


class Bugged:
    """A source with a bug."""

    def __init__(self, source):
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)


class PartialListIsWhole(Bugged):
    """A list that broke off is swapped in as if it were all."""

    def referrers(self, *args, **options):
        listed = self._source.referrers(*args, **options)
        return replace(listed, complete=True, error=None) if listed.descriptors else listed

    def tags(self, name):
        listed = self._source.tags(name)
        return replace(listed, complete=True, error=None) if listed.tags else listed


class FaultIsEmpty(Bugged):
    """What could not be asked has nothing."""

    def referrers(self, *args, **options):
        listed = self._source.referrers(*args, **options)
        return ReferrerList((), complete=True, supported=True) if listed.error else listed

    def tags(self, name):
        listed = self._source.tags(name)
        return TagList((), complete=True) if listed.error else listed


class Unfenced(Lease):
    """Whoever held the row once goes on writing."""

    def _mine(self):
        return type(self.row)._default_manager.filter(pk=self.row.pk)


@pytest.mark.parametrize("api", [True, False], ids=["api", "tags"])
@pytest.mark.parametrize(
    "bug",
    [
        {"source": PartialListIsWhole},
        {"source": FaultIsEmpty},
        {"lease": Unfenced, "takeovers": 0.1},
    ],
    ids=["partial-list-is-whole", "fault-is-empty", "unfenced"],
)
def test_a_planted_bug_does_not_get_through_such_days(make_ordeal, bug, api):
    ordeal = make_ordeal(SEED, api=api, **bug)
    with pytest.raises(FalsehoodError):
        ordeal.through(10 * REQUESTS)  # whoever falls asleep, and when, differs from run to run
