"""What `manage.py inspect` and `manage.py list` have in common."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.inspect_report import Json
from dashboard.inspection import Inspection, inspect_target
from dashboard.targets import add_target
from dashboard.trees import Node
from dashboard.verify_arguments import CANNOT_ANSWER, refusal
from dashboard.verify_report import printable


class InspectingCommand(BaseCommand):
    """Shows the signatures of an artifact, unjudged. For a layout directory it needs no database and no secret."""

    requires_system_checks = ()  # none of them matters to files on disk
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_target(parser)
        parser.add_argument(
            "--trust-store",
            type=Path,
            help="notation's truststore directory: whose certificates may vouch for legacy signatures of a layout",
        )
        parser.add_argument("--at", help="the instant to check legacy signatures for (RFC 3339); now if absent")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    @abstractmethod
    def as_json(self, inspection: Inspection) -> Json:
        """What `--json` prints."""

    @abstractmethod
    def as_tree(self, inspection: Inspection) -> Node:
        """What people read."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            inspection = inspect_target(options)
        except CANNOT_ANSWER as error:
            self.stdout.write(refusal(error, as_json=options["json"]))
            raise SystemExit(1) from error
        if options["json"]:
            self.stdout.write(json.dumps(self.as_json(inspection), indent=2))
        else:
            self.stdout.write("\n".join(map(printable, self.as_tree(inspection).lines())))
        if inspection.exit_code:
            raise SystemExit(inspection.exit_code)
