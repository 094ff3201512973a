"""What `manage.py inspect` and `manage.py list` have in common."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from dashboard.inspect_report import Json
from dashboard.inspection import Inspection, inspect_target
from dashboard.management.answering import AnsweringCommand
from dashboard.targets import add_target
from dashboard.trees import Node
from dashboard.verify_report import printable


class InspectingCommand(AnsweringCommand):
    """Shows the signatures of an artifact, unjudged. For a layout directory it needs no database and no secret."""

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

    def answer(self, options: Mapping[str, Any]) -> tuple[str, int]:
        inspection = inspect_target(options)
        if options["json"]:
            return json.dumps(self.as_json(inspection), indent=2), inspection.exit_code
        return "\n".join(map(printable, self.as_tree(inspection).lines())), inspection.exit_code
