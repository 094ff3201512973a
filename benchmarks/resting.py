"""What an unchanged fleet is asked for, by kind: when everything is due, and in a week of resting with polling tiers on.

    python -m benchmarks.resting [--repositories 200] [--tags 10] [--referrers 5] [--signatures 100]

Registries in memory with and without the referrers API, on a simulated clock. Prints the requests of the first index (the
baseline), of a second one with everything due beside the least that the specification allows, and of a day of a week, 60 days later,
in which signatures are added to random old subjects without any notification; and how long the slowest stayed unseen.
"""

import argparse
import random
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from benchmarks.fleet import prepare_django

STEP = timedelta(hours=1)
DAYS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("repositories", 200), ("tags", 10), ("referrers", 5), ("signatures", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        for api in (True, False):
            measure(Path(folder) / f"registry-{api}", options, api=api)


def measure(root: Path, options: argparse.Namespace, *, api: bool) -> None:
    """One registry, from its first index to a week of rest."""
    from registries.models import Registry  # Django's models: only after the settings are there
    from tests.simulators.fleet import Fleet

    repositories, tags, referrers = options.repositories, options.tags, options.referrers
    Registry.objects.all().delete()
    fleet = Fleet(root, repositories=repositories, tags=tags, referrers=referrers, api=api)
    print(
        f"\n{'referrers API' if api else 'referrers tags'}: {repositories} repositories x {tags} tags x {referrers} referrers"
    )
    first = fleet.step()
    show("first index", first)
    fleet.at += timedelta(hours=2)
    fleet.make_everything_due()
    again = fleet.step()
    images = repositories * tags
    least = 1 + repositories + (images * (2 + referrers) if api else 2 * images)
    show("everything due, nothing changed", again)
    print(f"{'':34} {again.total()} where {least} is the least; bodies: {again['manifest'] + again['blob']}")
    week(fleet, first.total(), options.signatures)
    fleet.demo.close()


def week(fleet, first: int, signatures: int) -> None:  # type: ignore[no-untyped-def]  # of the tests
    """A week of rest, 60 days after the first index."""
    from registries.models import Presence
    from registries.polling import Tier, interval

    fleet.at += timedelta(days=60)
    fleet.step()
    chance, asked, late = random.Random(1), Counter[str](), {}
    steps = int(timedelta(days=DAYS) / STEP)
    last = steps - int(interval(Tier.OLD) / STEP) - 1
    for step in range(steps):
        fleet.at += STEP
        for _ in range(signatures * (step + 1) // last - signatures * step // last if step < last else 0):
            late[fleet.sign(chance.choice(fleet.images))] = fleet.at
        asked.update(fleet.step())
    seen = dict(Presence.objects.values_list("manifest_id", "since"))
    waits = [seen[digest] - signed for digest, signed in late.items() if digest in seen]
    show(f"a week of rest, {len(late)} signed", asked)
    share = asked.total() / DAYS / first
    print(f"{'':34} {asked.total() / DAYS:.0f} a day, {share:.2f} of the first index (aim: 0.25)")
    print(f"{'':34} found {len(waits)} of {len(late)}, the slowest after {max(waits)} (tier: {interval(Tier.OLD)})")


def show(what: str, requests: Counter[str]) -> None:
    print(f"{what:34} {requests.total():7} requests  {dict(sorted(requests.items()))}", flush=True)


if __name__ == "__main__":
    main()
