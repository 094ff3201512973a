"""What looking ahead costs over many stored verdicts: the forecast, a certificate's page, the lists, the overview's deadlines.

    python -m tests.simulators.servers python -m benchmarks.forecasting [--verdicts N] [--signers N] [--repositories N]

Prints seconds of each page, its SQL queries, and how many kinds of artifacts were judged. The baseline is a loop that judges every
artifact of some repositories by itself at the deadlines of its certificates, as of the same instant and with the same evidence.
"""

import argparse
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.fleet import prepare_django

VIEWS = 5
BASELINE = 200  # artifacts


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
        for repository in made:
            stored_verdicts.judge(repository)
        copied_repositories.copy(made)
        print(f"{options.verdicts} verdicts by {options.signers} signers in {options.repositories} repositories")
        _loop()
        _pages()


def _loop() -> None:
    """The baseline: each artifact for itself, at every deadline ahead."""
    from django.utils import timezone

    from registries.models import Repository
    from trust.models import ArtifactStatus
    from trust.on_the_spot import judge_artifact

    now = timezone.now()
    rows = ArtifactStatus.objects.select_related("repository__registry")[:BASELINE]
    began, judged = time.perf_counter(), 0
    for row in rows:
        repository: Repository = row.repository
        for ahead in (now, now + timedelta(days=60)):
            judge_artifact(repository, row.manifest_id, ahead)
            judged += 1
    seconds = time.perf_counter() - began
    every = seconds / BASELINE * ArtifactStatus.objects.count()
    print(f"{'baseline: one by one':40} {seconds:7.2f} s for {BASELINE} artifacts, {every:.0f} s for all", flush=True)


def _pages() -> None:
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from benchmarks.rejudging import served_for
    from dashboard.models import Membership, Role, Team
    from registries.models import Repository
    from trust.models import Certificate

    user = get_user_model().objects.create_user("bench")
    team = Team.objects.create(name="Bench", sees_everything=True)
    Membership.objects.create(user=user, team=team, role=Role.ADMIN)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(user)
    limited = get_user_model().objects.create_user("limited")
    some = Team.objects.create(name="Some")
    some.repositories.set(Repository.objects.all()[: Repository.objects.count() // 2])
    Membership.objects.create(user=limited, team=some, role=Role.REVIEWER)
    reviewer = Client(headers={"host": "localhost"})
    reviewer.force_login(limited)
    root = Certificate.objects.get(common_name="Bench root").pk
    leaf = Certificate.objects.get(common_name="Signer 0").pk
    urls = {
        "forecast, 6 months": "/certificates/forecast/",
        "forecast.ics": "/certificates/forecast.ics",
        "a deadline with its artifacts": f"/certificates/forecast/certificate-{leaf}/",
        "list of certificates": "/certificates/",
        "page of a root": f"/certificates/{root}/",
        "what if the root is removed": f"/certificates/{root}/?if=removed",
        "artifacts that would turn": f"/certificates/{root}/turning/?if=removed",
        "artifacts of a leaf": f"/artifacts/?certificate={leaf}",
        "overview": "/",
    }
    for who, client in (("", browser), (" (half of it)", reviewer)):
        for what, url in urls.items():
            client.get(url)
            times, queries = [], 0
            busy, served = time.process_time(), served_for()
            for _ in range(VIEWS):
                began = time.perf_counter()
                with CaptureQueriesContext(connection) as captured:
                    answer = client.get(url)
                assert answer.status_code == 200, (url, answer.status_code)
                times.append(time.perf_counter() - began)
                queries = max(queries, len(captured))
            busy, served = (time.process_time() - busy) / VIEWS, (served_for() - served) / VIEWS
            print(
                f"{what + who:40} {statistics.median(times):7.2f} s, best {min(times):.2f} s; processor time: here {busy:.2f} s, "
                f"database {served:.2f} s; {queries} SQL queries",
                flush=True,
            )


if __name__ == "__main__":
    main()
