"""`manage.py inspect`: what do the signatures of this artifact say, whoever trusts them?"""

from dashboard.inspect_report import Json, inspected_as_json, inspected_as_tree
from dashboard.inspection import Inspection
from dashboard.management.inspecting import InspectingCommand
from dashboard.trees import Node


class Command(InspectingCommand):
    """Every signature with its attributes, its certificates and the artifact that it names."""

    help = "Show what every signature of an artifact says, in an OCI image layout or of a connected registry."

    def as_json(self, inspection: Inspection) -> Json:
        return inspected_as_json(inspection)

    def as_tree(self, inspection: Inspection) -> Node:
        return inspected_as_tree(inspection)
