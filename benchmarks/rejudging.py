"""Stored verdicts judged again after a change of the trust policy, on two cores, database writes included; no registry is asked.

    python -m tests.simulators.servers python -m benchmarks.rejudging [--verdicts N] [--signers N] [--repositories N]

Prints the seconds, verdicts per second, how many distinct questions were put to the judge, and the processor time that it took. With
the servers module before it, the database is a fresh PostgreSQL. Three changes: a statement of another name, which changes no word;
an identity that no signer has, which changes every word; and back.
"""

import argparse
import os
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
        from benchmarks import copied_repositories, stored_verdicts

        made = stored_verdicts.seed(options.verdicts, options.signers, options.repositories)
        stored_verdicts.change_policy("first")
        each = options.verdicts // options.repositories
        _run("first judging", made, len(made) * each, options.signers)
        copied_repositories.copy(made)
        for policy in ("renamed", "unmet", "met again"):
            stored_verdicts.change_policy(policy, met=policy != "unmet")
            _run(f"another policy: {policy}", stored_verdicts.repositories(), options.verdicts, options.signers)


def _run(what: str, repositories: list[int], verdicts: int, signers: int) -> None:
    """Judge these repositories by two workers, and say how long it took."""
    from benchmarks import stored_verdicts

    began = time.perf_counter()
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn"), initializer=_join) as pool:
        found = list(pool.map(_judge, repositories))
    seconds = time.perf_counter() - began
    asked, busy, served = (sum(column) for column in zip(*found, strict=True))
    print(f"{what:34} {seconds:7.1f} s {verdicts / seconds:8.0f} verdicts/s  {signers} signers")
    print(f"{'':34} {asked} questions put to the judge; processor time: workers {busy:.1f} s, database {served:.1f} s")
    print(f"{'':34} {stored_verdicts.words()}", flush=True)


def _join() -> None:
    """A worker process: the environment is the parent's, and so is the database."""
    import django

    django.setup()


def _judge(repository: int) -> tuple[int, float, float]:
    """Judge one repository; how many questions were put, and the processor time of this worker and of its database backend."""
    from benchmarks import stored_verdicts

    began, served = time.process_time(), served_for()
    return stored_verdicts.judge(repository), time.process_time() - began, served_for() - served


def served_for() -> float:
    """Seconds for which PostgreSQL's process for this connection has run, if it runs here; 0 otherwise."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    fields = process.read_text().rpartition(")")[2].split() if process.exists() else []
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
