"""What the commands about one artifact are pointed at: an OCI layout, or a reference of a connected registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from dashboard.verify_arguments import CannotAnswerError
from registries.oci.archive import layout_at
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.layout import Layout
from registries.oci.reference import Reference
from trust.notary.errors import quote

FALLBACK_TAG_PREFIXES = ("sha256-", "sha384-", "sha512-")


@dataclass(frozen=True, slots=True)
class LayoutTarget:
    """An artifact of a layout, and what the layout stands for (nothing, if nobody said)."""

    layout: Layout
    reference: Reference | None
    descriptor: Descriptor

    @property
    def name(self) -> str:
        return self.reference.name if self.reference else ""


def add_target(parser: CommandParser) -> None:
    """The arguments that name an artifact."""
    parser.add_argument(
        "target",
        help="an OCI image layout (a directory or a .tar), or REGISTRY/REPOSITORY:TAG|@DIGEST of a connected registry",
    )
    parser.add_argument(
        "--reference",
        help="REGISTRY/REPOSITORY[:TAG|@DIGEST]: what the layout stands for, and which artifact of it is meant",
    )


def not_a_layout(options: Mapping[str, Any]) -> str:
    """Why what is named is taken for something in a registry."""
    return f"{quote(options['target'])} is neither a directory nor a .tar file"


def layout_target(options: Mapping[str, Any]) -> LayoutTarget:
    """The artifact of the layout that the arguments name, by its own bytes."""
    reference = Reference.parse(options["reference"]) if options["reference"] else None
    name = reference.name if reference else ""
    layout = layout_at(Path(options["target"]), name)
    fetched = layout.manifest(name, _wanted(layout, name, reference))
    return LayoutTarget(layout, reference, Descriptor(fetched.media_type, fetched.digest, len(fetched.content)))


def _wanted(layout: Layout, name: str, reference: Reference | None) -> Digest | str:
    if reference and (reference.digest or reference.tag):
        return reference.digest or reference.tag or ""
    tags = layout.tags(name)
    if tags.error:
        raise tags.error
    names = [tag for tag in tags.tags if not tag.startswith(FALLBACK_TAG_PREFIXES)]
    if len(names) != 1:
        raise CannotAnswerError(f"The layout has {len(names)} tags: say which artifact is meant with --reference.")
    return names[0]
