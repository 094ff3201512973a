"""What all commands about signatures have in common: an answer on standard output, or one error, and an exit code."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand

from dashboard.verify_arguments import CANNOT_ANSWER, refusal

NO_DATABASE = (
    "Signboard's database cannot be read. Say with SIGNBOARD_DATA or SIGNBOARD_DATABASE_URL where it is "
    "(of make demo: SIGNBOARD_DATA=data/demo)."
)


class AnsweringCommand(BaseCommand):
    """Prints one answer. Whatever it needs of the database it asks for itself, so that files alone need none."""

    requires_system_checks = ()  # none of them matters to files on disk
    requires_migrations_checks = False

    @abstractmethod
    def answer(self, options: Mapping[str, Any]) -> tuple[str, int]:
        """What is printed, and the exit code; raises one of CANNOT_ANSWER where there is no answer."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text, exit_code = self.answer(options)
        except CANNOT_ANSWER as error:
            self.stdout.write(refusal(error, as_json=options["json"]))
            raise SystemExit(1) from error
        self.stdout.write(text)
        if exit_code:
            raise SystemExit(exit_code)
