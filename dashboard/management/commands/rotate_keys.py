"""Seal every stored password with the newest of SIGNBOARD_ENCRYPTION_KEYS, so that older ones can be removed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registries import credentials


class Command(BaseCommand):
    help = "Seal every stored password with the newest encryption key."

    def handle(self, *args: Any, **options: Any) -> None:
        rotation = credentials.rotate()
        self.stdout.write(f"{rotation.renewed} sealed anew with the newest key.")
        if rotation.failures:
            raise CommandError("\n".join(["Keep the older keys: not all could be opened.", *rotation.failures]))
        self.stdout.write("No password needs an older key: remove those from SIGNBOARD_ENCRYPTION_KEYS.")
