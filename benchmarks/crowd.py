"""One image with 10,000 junk referrers and 100 signatures, of which only the last is good: indexed, judged, opened.

    python -m benchmarks.crowd [--junk 9900] [--signatures 100]

In registries in memory with the referrers API, and without it where a referrers tag of nearly 4 MiB lists them. Prints what the index
asked and took, the word, and how fast the artifact's pages open beside those of an image with nothing attached (the baseline).
Aim: p95 of the artifact page under 500 ms.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.fleet import prepare_django
from benchmarks.memory import step

VIEWS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("junk", 9_900), ("signatures", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        for api in (True, False):
            print(
                f"\n{'referrers API' if api else 'referrers tag'}: {options.junk:,} junk, {options.signatures} signatures"
            )
            measure(Path(folder) / f"registry-{api}", options.junk, options.signatures, api=api)


def measure(root: Path, junk: int, signatures: int, *, api: bool) -> None:
    """One registry with one crowded image and an empty one beside it."""
    from django.utils import timezone  # Django: only after the settings are there

    from benchmarks import known
    from benchmarks.seeding import POLICY
    from registries.models import Registry, Repository
    from registries.oci.digest import Digest
    from tests.simulators.crowd import crowd, pki
    from tests.simulators.fleet import Fleet
    from trust import revisions
    from trust.models import ArtifactStatus

    Registry.objects.all().delete()
    at = timezone.now().replace(microsecond=0)
    fleet = Fleet(root, repositories=1, tags=1, referrers=0, api=api)
    fleet.at = at
    author, alone, _ = fleet.images[0]
    with step("pushed"):
        image, _good = crowd(author, junk=junk, signatures=signatures, at=at, api=api)
    began = time.perf_counter()
    with step("first index"):
        requests = fleet.step()
    print(f"{'':60} {time.perf_counter() - began:6.1f} s, {requests.total():,} requests")
    stores = {("ca", "acme", "root.pem"): pki(at).root.pem}
    revisions.publish(
        json.dumps(POLICY).encode(), stores, author=None, reason="bench", based_on=revisions.active_number()
    )
    repository = Repository.objects.get()
    began = time.perf_counter()
    with step("judged"):
        known.judge(repository)
    word = ArtifactStatus.objects.get(repository=repository, manifest=Digest.of(image)).word
    print(f"{'':60} {time.perf_counter() - began:6.1f} s: {word}")
    browser = known.browser(f"bench-{api}")
    for what, content in (("nothing attached", alone), ("crowded", image)):
        for page in ("", "tree/"):
            with step(f"artifact page, {what}: {page or 'overview'}"):
                times = _opened(browser, f"/repositories/{repository.pk}/{Digest.of(content)}/{page}")
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{'':60} p50 {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")


def _opened(browser, url: str) -> list[float]:  # type: ignore[no-untyped-def]  # Django's test client, imported late
    times = []
    for _ in range(VIEWS):
        began = time.perf_counter()
        assert browser.get(url).status_code == 200
        times.append(time.perf_counter() - began)
    return times


if __name__ == "__main__":
    main()
