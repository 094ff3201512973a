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
    from registries.polling import Tier, interval

    fleet.at += timedelta(days=60)
    fleet.step()
    rest = fleet.rest(DAYS, signatures=signatures, chance=random.Random(1))
    show(f"a week of rest, {rest.signed} signed", rest.asked)
    print(f"{'':34} {rest.a_day:.0f} a day, {rest.a_day / first:.2f} of the first index (aim: 0.25)")
    print(
        f"{'':34} found {len(rest.waits)} of {rest.signed}, the slowest after {max(rest.waits)}"
        f" (tier: {interval(Tier.OLD)})"
    )


def show(what: str, requests: Counter[str]) -> None:
    print(f"{what:34} {requests.total():7} requests  {dict(sorted(requests.items()))}", flush=True)


if __name__ == "__main__":
    main()
