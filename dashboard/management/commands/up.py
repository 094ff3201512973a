"""`manage.py up`: web, worker and beat on one machine, with everything prepared first."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard import invitations, secret_files
from dashboard.models import Membership, Role, Team
from dashboard.supervisor import Child, free_port, supervise
from dashboard.tasks import sweep


class Command(BaseCommand):
    requires_system_checks = []  # the folder of the database may not exist yet
    help = "Run web, worker and beat until Ctrl-C; the first start prints a one-time link that creates the admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=6, help="threads of the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        refuse_taken_ports(host, port)
        environment = prepare()
        self.stdout.write(f"Signboard: http://{host}:{port}/")
        link = first_admin_link(f"http://{host}:{port}")
        if link:
            self.stdout.write(f"Create the first admin within 24 hours, once, at: {link}")
        self.stdout.flush()
        sweep.delay()  # the worker finds it when it begins: no need to wait for the first tick
        supervise(children(host, port, options["workers"], environment))


def refuse_taken_ports(host: str, *ports: int) -> None:
    for port in ports:
        if not free_port(host, port):
            raise CommandError(f"port {port} of {host} is in use or not to be had: give another (make … PORT=8080)")


def prepare() -> dict[str, str]:
    """Secrets, tables, static files and queue folders exist; the answer is the children's environment."""
    secrets = secret_files.ensure(settings.DATA_DIR / "secrets")
    if secrets:  # this process read its settings before the files were there
        if "SIGNBOARD_SECRET_KEY_FILE" in secrets:
            settings.SECRET_KEY = _read(secrets["SIGNBOARD_SECRET_KEY_FILE"])
        if "SIGNBOARD_ENCRYPTION_KEYS_FILE" in secrets:
            settings.ENCRYPTION_KEYS = [_read(secrets["SIGNBOARD_ENCRYPTION_KEYS_FILE"])]
    environment = {**os.environ, **secrets}
    for name in ("messages", "control"):
        (settings.DATA_DIR / "queue" / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    return environment


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123
        return file.read().strip()


def first_admin_link(origin: str) -> str:
    """A one-time link while there is no admin yet; "" afterwards."""
    if Membership.objects.filter(role=Role.ADMIN, team__sees_everything=True, user__is_active=True).exists():
        return ""
    team, _ = Team.objects.get_or_create(name="Everyone", defaults={"sees_everything": True})
    _, token = invitations.invite(team, Role.ADMIN, timezone.now(), invitations.LIFETIME_OF_THE_FIRST)
    return f"{origin}/welcome/{token}/"


def children(host: str, port: int, threads: int, environment: dict[str, str]) -> list[Child]:
    """The three programs of the embedded default."""
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--quiet", "--app", "dashboard"]
    # fmt: off
    web = [*python, "gunicorn", "dashboard.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread",
           "--threads", "4", "--no-control-socket", "--log-level", "warning"]
    worker = [*celery, "worker", "--pool", "threads", "--concurrency", str(threads), "--loglevel", "WARNING",
              "--without-gossip", "--without-mingle"]
    beat = [*celery, "beat", "--loglevel", "WARNING"]
    # fmt: on
    return [Child("web", web, environment), Child("worker", worker, environment), Child("beat", beat, environment)]
