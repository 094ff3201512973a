"""`manage.py demo`: everything on one machine with the sample world, its registry connected and being indexed."""

import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from dashboard import audit
from dashboard.management.commands.up import children, first_admin_link, prepare, refuse_taken_ports
from dashboard.supervisor import Child, supervise
from dashboard.tasks import sweep
from demo.world import REFERENCE_NAME, World
from registries.models import Registry, Survey
from trust import revisions


class Command(BaseCommand):
    requires_system_checks = []  # the folder of the database may not exist yet
    help = "Run Signboard with a sample registry of some 40 repositories until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--registry-port", type=int, help="of the sample registry; the port after --port by default"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        registry_port = options["registry_port"] or port + 1
        refuse_taken_ports(host, port)
        refuse_taken_ports("127.0.0.1", registry_port)
        environment = prepare()
        folder = settings.DATA_DIR / "sample"
        make_world(folder, timezone.now())
        connect(folder, f"127.0.0.1:{registry_port}")
        self.stdout.write(f"Signboard with the sample world: http://{host}:{port}/")
        if link := first_admin_link(f"http://{host}:{port}"):
            self.stdout.write(f"Create the first admin within 24 hours, once, at: {link}")
        self.stdout.write(f'Files to try "Verify a blob" with: {folder / "files" / "blobs"}')
        self.stdout.flush()
        sweep.delay()  # the worker finds it when it begins: no need to wait for the first tick
        serve = [
            sys.executable,
            "-m",
            "demo.registry",
            "--root",
            str(folder / "registry"),
            "--port",
            str(registry_port),
        ]
        registry = Child("sample registry", serve, environment)
        supervise([registry, *children(host, port, 3, environment)])


def make_world(folder: Path, now: datetime) -> None:
    """The sample registry's content and its policy files exist below `folder`; a half-made one is made anew."""
    finished = folder / "files" / "expected.json"  # written last
    if finished.exists():
        return
    World.build(folder / "registry", now).write(folder / "files")


@transaction.atomic
def connect(folder: Path, address: str) -> None:
    """The sample registry is connected at `address` and due, and there is a trust revision."""
    now = timezone.now()
    if revisions.active_number() is None:
        policy, files, blob_policy = trust_files(folder / "files")
        published = revisions.publish(
            policy, files, blob_policy=blob_policy, author=None, reason="The sample world", based_on=None, at=now
        )
        said = {"reason": published.reason, "fingerprint": published.fingerprint}
        audit.record(None, "trust_revision.policy_uploaded", str(published), now, command="demo", **said)
    connection = {"address": address, "plain_http": True, "allowed_networks": [address]}
    unchanged = Registry.objects.filter(reference_name=REFERENCE_NAME, **connection).exists()
    registry, is_new = Registry.objects.update_or_create(reference_name=REFERENCE_NAME, defaults=connection)
    Survey.objects.update_or_create(registry=registry, defaults={"due_at": now})
    if not unchanged:
        action = "registry.connected" if is_new else "registry.changed"
        audit.record(None, action, str(registry), now, command="demo", **connection)


def trust_files(folder: Path) -> tuple[bytes, dict[tuple[str, str, str], bytes], bytes]:
    """The policy document, the store files and the blob policy of a folder laid out as notation's configuration."""
    stores = folder / "truststore" / "x509"
    files = {
        (path.parts[-3], path.parts[-2], path.name): path.read_bytes()
        for path in sorted(stores.glob("*/*/*"))
    }  # fmt: skip
    return (folder / "trustpolicy.json").read_bytes(), files, (folder / "trustpolicy.blob.json").read_bytes()
