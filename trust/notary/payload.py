"""The payload of a signature: the descriptor of the artifact that is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from registries.oci.descriptor import Descriptor
from registries.oci.errors import OciError
from registries.oci.strict_json import StrictJsonError, loads
from trust.notary.errors import EnvelopeError

TARGET = "targetArtifact"


@dataclass(frozen=True, slots=True)
class Payload:
    """What a signature was made for: `target`, whose annotations are the signer's user metadata."""

    target: Descriptor

    @property
    def annotations(self) -> Mapping[str, str]:
        """The user metadata that was signed with the artifact."""
        return self.target.annotations

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read payload bytes; members beside the target's descriptor are not ours and are ignored."""
        try:
            document = loads(content)
        except StrictJsonError as error:
            raise EnvelopeError(f"the payload is not JSON: {error}", code="payload_unreadable") from error
        members = document if isinstance(document, dict) else {}
        if any(name != TARGET and name.casefold() == TARGET.casefold() for name in members):
            raise EnvelopeError(f"the payload spells {TARGET} otherwise", code="payload_target")  # Go would take it
        target = members.get(TARGET)
        if target is None:
            raise EnvelopeError("the payload names no target artifact", code="payload_without_target")
        try:
            return cls(Descriptor.from_json(target))
        except OciError as error:
            raise EnvelopeError(
                f"the payload's target artifact cannot be read: {error}", code="payload_target"
            ) from error
