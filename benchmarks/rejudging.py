"""Stored verdicts judged again after a change of the trust policy, on two cores, database writes included; no registry is asked.

    python -m tests.simulators.servers python -m benchmarks.rejudging [--verdicts N] [--signers N]

Prints the seconds, verdicts per second, and how many distinct questions were put to the judge. With the servers module before it,
the database is a fresh PostgreSQL.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.fleet import prepare_django

CORES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=500_000)
    parser.add_argument("--signers", type=int, default=50)
    parser.add_argument("--repositories", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        from benchmarks import stored_verdicts

        stored_verdicts.seed(options.verdicts, options.signers, options.repositories)
        for what in ("first judging", "judged again, policy changed"):
            stored_verdicts.change_policy(what)
            began = time.perf_counter()
            with ProcessPoolExecutor(CORES, mp_context=get_context("spawn"), initializer=_join) as pool:
                distinct = sum(pool.map(_judge, stored_verdicts.repositories()))
            seconds = time.perf_counter() - began
            rate = options.verdicts / seconds
            print(f"{what:34} {seconds:7.1f} s {rate:8.0f} verdicts/s  {options.signers} signers, {distinct} questions")
            print(f"{'':34} {stored_verdicts.words()}", flush=True)


def _join() -> None:
    """A worker process: the environment is the parent's, and so is the database."""
    import django

    django.setup()


def _judge(repository: int) -> int:
    from benchmarks import stored_verdicts

    return stored_verdicts.judge(repository)


if __name__ == "__main__":
    main()
