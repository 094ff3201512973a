"""A draft previewed over stored verdicts by two workers; beside it, in the same run, a plain loop of the judge.

    python -m tests.simulators.servers python -m benchmarks.previewing [--verdicts N] [--signers N] [--repositories N] [--stamped]

Prints when the first exact figures were there and when all were, the processor time that it took and the memory of the larger
worker, for four drafts: one that changes no word, two that change every word, and one that asks for timestamps. `--stamped`: every
signature of a repository has a timestamp of a time of its own. With the servers module before it, the database is a fresh PostgreSQL.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.fleet import prepare_django
from benchmarks.rejudging import served_for

CORES = 2
SAMPLE = 20_000  # signatures that the plain loop judges


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=500_000)
    parser.add_argument("--signers", type=int, default=50)
    parser.add_argument("--repositories", type=int, default=100)
    parser.add_argument("--stamped", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare_django(Path(folder))
        from benchmarks import copied_repositories, stored_verdicts

        made = stored_verdicts.seed(options.verdicts, options.signers, options.repositories, stamped=options.stamped)
        stored_verdicts.change_policy("first")
        with ProcessPoolExecutor(CORES, mp_context=get_context("spawn"), initializer=_join) as pool:
            list(pool.map(stored_verdicts.judge, made))
        copied_repositories.copy(made)
        _analyze()
        rate = _judge_plainly()
        print(
            f"{'plain loop of judge':34} {rate:8.0f} verdicts/s on one core; {options.verdicts / rate:.1f} s for all",
            flush=True,
        )
        for name, change in DRAFTS.items():
            _run(name, change, options.verdicts, rate)


def _join() -> None:
    """A worker process: the environment is the parent's, and so is the database."""
    import django

    django.setup()


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _judge_plainly() -> float:
    """Verdicts a second of the judge alone, evidence read from its rows, without any sharing of work."""
    from registries.models import Manifest, Repository
    from registries.oci.descriptor import Descriptor
    from trust import revisions
    from trust.evidence import evidence_of
    from trust.models import Signature
    from trust.rulings import Rulings

    repository = Repository.objects.select_related("registry").first()
    assert repository is not None
    rulings = Rulings.by(repository.reference, revisions.material(_active()), _now())
    began = time.perf_counter()
    rows = list(Signature.objects.order_by("pk")[:SAMPLE])
    subjects = Manifest.objects.in_bulk([row.subject for row in rows])
    for row, found in zip(rows, evidence_of(rows), strict=True):
        subject = subjects[row.subject]
        rulings.outcome(Descriptor(subject.media_type, subject.digest, subject.size), found)  # type: ignore[arg-type]
    return len(rows) / (time.perf_counter() - began)


def _run(name: str, change: Callable[[Any], Any], verdicts: int, rate: float) -> None:
    from django.contrib.auth.models import User
    from django.db.models import Count, Q, Sum

    from trust import drafts, previewing, revisions
    from trust.draft_rows import PreviewPart

    author, _ = User.objects.get_or_create(username="bench")
    content = change(revisions.content_of(_active()))
    draft = drafts.begin(content, revisions.active_number(), author, _now())
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn"), initializer=_join) as pool:
        list(pool.map(_warm, range(CORES)))  # a worker is there before anybody asks for a preview
        began = time.perf_counter()
        preview = previewing.begin(draft, _now())
        workers = [pool.submit(_work, preview.pk) for _ in range(CORES)]
        first = _first_figures(preview, workers) - began
        wait(workers)
        seconds = time.perf_counter() - began
    found = PreviewPart.objects.filter(preview=preview).aggregate(
        artifacts=Sum("artifacts"), changed=Sum("changed"), left=Count("pk", filter=Q(done_at=None))
    )
    assert (found["artifacts"], found["left"]) == (verdicts, 0), found
    busy, served, memory = zip(*(worker.result() for worker in workers), strict=True)
    print(
        f"{name:34} {seconds:8.1f} s, first figures after {first:.2f} s; {found['changed']} of {verdicts} change; "
        f"{verdicts / seconds:.0f} verdicts/s, {verdicts / seconds / rate:.1f} x the plain loop"
    )
    print(
        f"{'':34} processor time: workers {sum(busy):.1f} s, database {sum(served):.1f} s; memory {max(memory)} MiB; "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _first_figures(preview: Any, workers: list[Future[Any]]) -> float:
    """When the first repository was done."""
    from trust.draft_rows import PreviewPart

    done = PreviewPart.objects.filter(preview=preview, done_at__isnull=False)
    while not done.exists() and not all(worker.done() for worker in workers):
        time.sleep(0.02)
    return time.perf_counter()


def _warm(_number: int) -> None:
    from trust import previewing

    previewing.work(0)


def _work(preview: int) -> tuple[float, float, int]:
    """Preview as a worker does; the processor time of this process and of its database backend, and the memory it had."""
    from trust import previewing

    began, served = time.process_time(), served_for()
    previewing.work(preview)
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(
        int(line.split()[1]) for line in lines if line.startswith("VmHWM")
    )  # a child's rusage is its parent's too
    return time.process_time() - began, served_for() - served, peak // 1024


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


def _active() -> Any:
    from trust import revisions

    return revisions.active()


def _renamed(content: Any) -> Any:
    return _edited(content, name="renamed")


def _unmet(content: Any) -> Any:
    return _edited(content, trustedIdentities=["x509.subject: C=DE, ST=BE, O=Nobody"])


def _lenient(content: Any) -> Any:
    return _edited(content, signatureVerification={"level": "strict", "override": {"revocation": "log"}})


def _stamped(content: Any) -> Any:
    from dataclasses import replace

    from benchmarks.stored_verdicts import TSA_STORE, timestamp_root

    edited = _edited(content, trustStores=["ca:acme", "tsa:acme"])
    return replace(edited, files={**edited.files, TSA_STORE: timestamp_root().pem})


def _edited(content: Any, **members: object) -> Any:
    from dataclasses import replace

    policy = json.loads(content.policy)
    policy["trustPolicies"][0] |= members
    return replace(content, policy=json.dumps(policy).encode())


DRAFTS = {
    "another name": _renamed,
    "an identity that nobody has": _unmet,
    "revocation only logged": _lenient,
    "timestamps asked for": _stamped,
}


if __name__ == "__main__":
    main()
