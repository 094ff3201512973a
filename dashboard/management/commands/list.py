"""`manage.py list`: which signatures has this artifact?"""

from dashboard.inspect_report import Json, listed_as_json, listed_as_tree
from dashboard.inspection import Inspection
from dashboard.management.inspecting import InspectingCommand
from dashboard.trees import Node


class Command(InspectingCommand):
    """Every signature by the digest of its manifest, in the order listed."""

    help = "List the signatures of an artifact in an OCI image layout, or of a connected registry."

    def as_json(self, inspection: Inspection) -> Json:
        return listed_as_json(inspection)

    def as_tree(self, inspection: Inspection) -> Node:
        return listed_as_tree(inspection)
