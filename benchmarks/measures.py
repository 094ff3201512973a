"""What the fleet benchmark measures, one function a figure."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.seeding import NAME, POLICY
from dashboard.models import Membership, Role, Team
from registries import connections, indexing, leases, survey
from registries.models import Listing, Registry, Repository, Survey
from registries.oci.media_types import MANIFEST_ACCEPT
from trust import revisions, verification
from trust.models import ArtifactStatus, Judgement

PAGE_VIEWS = 40


@contextmanager
def stopwatch(what: str, images: int, requests: Counter[str] | None = None) -> Iterator[None]:
    """Print what the block cost."""
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    line = f"{what:34} {seconds:7.1f} s {images / seconds:8.0f} artifacts/s"
    if requests is not None:
        line += f" {sum(requests.values()) / images:6.2f} requests/artifact  {dict(requests)}"
    print(line, flush=True)


def walk_plainly(address: str, images: int) -> None:
    """The baseline: every tag, manifest, referrers list, referrer and envelope once, by httpx and nothing else."""
    requests: Counter[str] = Counter()
    with stopwatch("plain httpx walk", images, requests), httpx.Client(base_url=f"http://{address}/v2/") as client:

        def get(kind: str, path: str, accept: str = "*/*") -> bytes:
            requests[kind] += 1
            return client.get(path, headers={"Accept": accept}).raise_for_status().content

        for name in json.loads(get("catalog", "_catalog"))["repositories"]:
            for tag in json.loads(get("tags", f"{name}/tags/list"))["tags"]:
                requests["manifest"] += 1
                answer = client.get(f"{name}/manifests/{tag}", headers={"Accept": MANIFEST_ACCEPT})
                digest = answer.raise_for_status().headers["Docker-Content-Digest"]
                for entry in json.loads(get("referrers", f"{name}/referrers/{digest}"))["manifests"]:
                    manifest = json.loads(get("manifest", f"{name}/manifests/{entry['digest']}", MANIFEST_ACCEPT))
                    get("blob", f"{name}/blobs/{manifest['layers'][0]['digest']}")


def connect(address: str, stores: dict[tuple[str, str, str], bytes]) -> Registry:
    """The registry connected, its repositories found, and trust revision 1 in force."""
    revisions.publish(json.dumps(POLICY).encode(), stores, author=None, reason="benchmark", based_on=None)
    registry = Registry.objects.create(
        address=address, reference_name=NAME, plain_http=True, allowed_networks=["127.0.0.0/8"]
    )
    row = Survey.objects.create(registry=registry, due_at=timezone.now())
    with connections.open_source(registry) as source, leases.claim(Survey.objects.all(), row.pk) as lease:
        assert lease is not None
        survey.survey(registry, source, lease)
    return registry


def index(registry: Registry, images: int, what: str) -> None:
    """Index every repository, one after the other, in this process."""
    Repository.objects.update(due_at=timezone.now(), tags_due_at=timezone.now())
    Listing.objects.update(due_at=timezone.now())
    requests: Counter[str] = Counter()
    with stopwatch(what, images, requests):
        for pk in Repository.objects.filter(registry=registry).values_list("pk", flat=True):
            with connections.open_source(registry) as source, leases.claim(Repository.objects.all(), pk) as lease:
                assert lease is not None
                indexing.index_repository(lease.row, source, lease)
                requests.update(getattr(source, "requests", {}))
    if what.startswith("second"):
        bodies = requests["manifest"] + requests["blob"]
        print(f"{'':34} manifest and blob bodies fetched again: {bodies}")


def judge(images: int) -> None:
    """Examine and judge whatever is due."""
    with stopwatch("examined and judged", images):
        for pk in list(Repository.objects.values_list("pk", flat=True)):
            row, _ = Judgement.objects.get_or_create(repository_id=pk)
            with leases.claim(Judgement.objects.all(), row.pk) as lease:
                assert lease is not None
                verification.judge_repository(lease)
    words = Counter(ArtifactStatus.objects.artifacts().values_list("word", flat=True))
    print(f"{'':34} {dict(words)}")


def open_pages() -> None:
    """p95 of the artifacts list and of artifact pages, and the most SQL queries of one view."""
    user = get_user_model().objects.create_user("bench")
    team = Team.objects.create(name="Bench", sees_everything=True)
    Membership.objects.create(user=user, team=team, role=Role.ADMIN)
    browser = Browser(headers={"host": "localhost"})
    browser.force_login(user)
    statuses = ArtifactStatus.objects.artifacts().order_by("pk")[:PAGE_VIEWS]
    pages = [f"/repositories/{row.repository_id}/{row.manifest_id}/" for row in statuses]
    for what, urls in (("artifacts list", ["/artifacts/"] * PAGE_VIEWS), ("artifact page", pages)):
        times, queries = [], 0
        for url in urls:
            began = time.perf_counter()
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(url).status_code == 200
            times.append(time.perf_counter() - began)
            queries = max(queries, len(captured))
        p95 = statistics.quantiles(times, n=20)[-1] * 1000
        print(f"{what:34} p50 {statistics.median(times) * 1000:6.0f} ms  p95 {p95:6.0f} ms  {queries} SQL queries")
