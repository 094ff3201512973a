"""How much memory a worker takes at its most, where half a million manifests are known.

    python -m benchmarks.memory [--manifests 500000] [--largest 50000] [--tags 1000]

The rows are generated straight into the database: repositories of 5,000 manifests each, and one of `--largest`. One more repository
of `--tags` images with four referrers each is served by a registry in memory. A fresh process then does what a worker and a web
process do, and prints the peak of its resident memory after each: a bound that must not grow with what is known. Aim: 300 MB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fleet import prepare_django

AIM = 300
EACH = 5_000  # manifests of a usual repository: a thousand images with four referrers each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("manifests", 500_000), ("largest", 50_000), ("tags", 1_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        prepare_django(Path(options.work))
        from benchmarks import known  # Django's models: only after the settings are there

        known.work(Path(options.work), options.tags, step)
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        from benchmarks import known

        known.generate(options.manifests, options.largest, EACH)
        again = [sys.executable, "-m", "benchmarks.memory", "--work", folder, "--tags", str(options.tags)]
        subprocess.run(again, check=True, env={**os.environ, "SIGNBOARD_DATA": folder})


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print the most that the process took during the block."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    print(f"{what:60} {peak:6.0f} MB at its most, {took:5.1f} s{'' if peak < AIM else f' (aim: {AIM})'}", flush=True)


if __name__ == "__main__":
    main()
