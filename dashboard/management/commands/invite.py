"""`manage.py invite`: a one-time link for one more person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, transaction
from django.utils import timezone

from dashboard import invitations
from dashboard.management.answering import NO_DATABASE
from dashboard.models import Role, Team
from registries.models import Repository


class Command(BaseCommand):
    requires_system_checks = ()  # they would stumble over a database that is not there, before we can say so
    help = "Print a one-time link that lets one person join a team."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("team", help='the team\'s name; "Everyone" sees everything')
        parser.add_argument("--role", choices=Role.values, default=Role.REVIEWER.value)
        parser.add_argument("--repository", action="append", default=[], metavar="REGISTRY/NAME",
                            help="let the team see this repository (repeatable)")  # fmt: skip
        parser.add_argument("--origin", default="http://127.0.0.1:8000", help="the address people open")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                token = self._invite(options)
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(NO_DATABASE) from error
        self.stdout.write(f"{options['origin'].rstrip('/')}/welcome/{token}/")

    def _invite(self, options: dict[str, Any]) -> str:
        team, _ = Team.objects.get_or_create(name=options["team"])
        for reference in options["repository"]:
            registry, _, name = reference.partition("/")
            repository = Repository.objects.filter(registry__reference_name=registry, name=name).first()
            if not repository:
                raise CommandError(f"no repository {reference} is known here")
            team.repositories.add(repository)
        if not (team.sees_everything or team.registries.exists() or team.repositories.exists()):
            raise CommandError(f'team "{team}" would see nothing: give --repository REGISTRY/NAME')
        if options["role"] == Role.ADMIN and not team.sees_everything:
            raise CommandError('an admin edits what all teams rest on: invite one into "Everyone"')
        _, token = invitations.invite(team, Role(options["role"]), timezone.now())
        return token
