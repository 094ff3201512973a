"""A database in which very much is known, made by the database itself, and the work that is done upon it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from benchmarks.seeding import POLICY
from dashboard.models import Membership, Role, Team
from registries import connections, indexing, leases
from registries.models import Listing, Manifest, Presence, Registry, Repository, Tag
from trust import revisions, verification
from trust.models import ArtifactStatus, Judgement

Step = Callable[[str], AbstractContextManager[None]]

# Every fifth manifest is an image with a tag, and the four after it refer to it.
MADE = """
CREATE TEMPORARY TABLE made AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %(manifests)s)
SELECT i, i %% 5 = 0 AS is_image, 'sha256:' || printf('%%064x', i) AS digest, 'sha256:' || printf('%%064x', i - i %% 5) AS image,
  CASE WHEN i < %(largest)s THEN %(first)s ELSE min(%(last)s, %(first)s + 1 + (i - %(largest)s) / %(each)s) END AS place
FROM n
"""
ROWS = (
    """INSERT INTO registries_manifest (digest, media_type, artifact_type, kind, subject, size, annotations, summary)
    SELECT digest, 'application/vnd.oci.image.manifest.v1+json', '', CASE WHEN is_image THEN 'image' ELSE 'sbom' END,
    CASE WHEN is_image THEN NULL ELSE image END, 700, '{}', '{}' FROM made""",
    """INSERT INTO registries_presence (repository_id, manifest_id, since, is_artifact)
    SELECT place, digest, '2026-01-01', is_image FROM made""",
    "INSERT INTO registries_served (repository_id, digest) SELECT place, digest FROM made",
    """INSERT INTO registries_tag (repository_id, name, digest, since)
    SELECT place, 'v' || i, digest, '2026-01-01' FROM made WHERE is_image""",
    """INSERT INTO registries_listing (repository_id, subject, source, complete, error_code, error, digests, missing, checked_at,
    due_at, tier, interest_at, since)
    SELECT place, digest, 'api', 1, '', '', CASE WHEN is_image THEN '["sha256:' || printf('%064x', i + 1) || '","sha256:' ||
    printf('%064x', i + 2) || '","sha256:' || printf('%064x', i + 3) || '","sha256:' || printf('%064x', i + 4) || '"]' ELSE '[]' END,
    '[]', '2026-01-01', '2100-01-01', 1, '2026-01-01', '2026-01-01' FROM made""",
)


def generate(manifests: int, largest: int, each: int) -> None:
    """`manifests` in rows: one repository of `largest`, the others of `each`."""
    now = timezone.now()
    registry = Registry.objects.create(address="known.example", reference_name="known.example")
    names = ["largest", *(f"usual-{number}" for number in range((manifests - largest) // each))]
    rows = [Repository(registry=registry, name=name, indexed_at=now, tags_due_at=now, generation=1) for name in names]
    kept = Repository.objects.bulk_create(rows)
    sizes = {"manifests": manifests, "largest": largest, "each": each, "first": kept[0].pk, "last": kept[-1].pk}
    with connection.cursor() as cursor:
        cursor.execute(MADE % sizes)
        for statement in ROWS:
            cursor.execute(statement)
    print(
        f"{Manifest.objects.count():,} manifests known in {len(kept):,} repositories, the largest holds {largest:,};"
        f" {Tag.objects.count():,} tags, {Listing.objects.count():,} lists of referrers"
    )


def work(root: Path, tags: int, step: Step) -> None:
    """What a worker does in a day, and then what a web process does."""
    from tests.simulators.fleet import Fleet

    with step("started"):
        revisions.publish(json.dumps(POLICY).encode(), {}, author=None, reason="bench", based_on=None)
    fleet = Fleet(root / "registry", repositories=1, tags=tags, referrers=4, api=True)
    with step(f"the registry of the benchmark, {5 * tags:,} manifests, pushed"):
        pass
    with step("first index of that repository"):
        fleet.step()
    with step("index of everything, nothing changed"):
        fleet.make_everything_due()
        fleet.step()
    largest = Repository.objects.get(name="largest")
    with step("a look at the largest repository"):
        _look(largest)
    for what, row in (("largest", largest), ("usual", Repository.objects.get(name="usual-0"))):
        with step(f"the {what} repository judged"):
            judge(row)
    with step("six usual repositories judged at once, as `make up` has threads"), ThreadPoolExecutor(6) as threads:
        list(threads.map(judge, Repository.objects.filter(name__in=[f"usual-{number}" for number in range(1, 7)])))
    with step("the repository with signatures judged"):
        judge(Repository.objects.get(registry=fleet.registry))
    visitor = browser("bench")
    shown = ArtifactStatus.objects.filter(repository=largest).first()
    assert shown
    pages = ["/", "/artifacts/", "/registries/", f"/repositories/{largest.pk}/", "/activity/", "/api/v1/artifacts"]
    for page in [*pages, f"/repositories/{largest.pk}/{shown.manifest_id}/", "/artifacts/?q=v1"]:
        with step(f"opened {page[:40]}"):
            assert visitor.get(page).status_code == 200, page


def _look(repository: Repository) -> None:
    """Between two indexes: one list that is due, of a registry that does not answer now."""
    from tests.simulators.registry_quirks import Quirks, reply

    subject = Presence.objects.filter(repository=repository).earliest("pk").manifest_id
    Repository.objects.filter(pk=repository.pk).update(due_at=timezone.now())
    lease = leases.take(Repository.objects.all(), repository.pk)
    assert lease is not None
    silent = Quirks(None)
    silent.break_(".", reply("503 Service Unavailable"))
    with connections.open_source(repository.registry, wire=silent.wire()) as source:
        indexing.index_repository(lease.row, source, lease, only=[subject])


def judge(repository: Repository) -> None:
    verification.ensure_judgements()
    row = Judgement.objects.get(repository=repository)
    with leases.claim(Judgement.objects.all(), row.pk) as lease:
        assert lease is not None
        verification.judge_repository(lease)


def browser(name: str) -> Browser:
    user = get_user_model().objects.create_user(name)
    team = Team.objects.create(name=name, sees_everything=True)
    Membership.objects.create(user=user, team=team, role=Role.ADMIN)
    visitor = Browser(headers={"host": "localhost"})
    visitor.force_login(user)
    return visitor
