"""The payload of a signature: the descriptor of the artifact that is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from registries.oci.descriptor import Descriptor, object_fields
from registries.oci.errors import ManifestError, OciError
from registries.oci.strict_json import StrictJsonError, loads
from trust.notary.certificates import decode_base64
from trust.notary.errors import EnvelopeError

TARGET = "targetArtifact"
FOLDED_TARGET = TARGET.casefold()
PLATFORM_TEXTS, PLATFORM_LIST = ("os", "architecture", "variant", "os.version"), "os.features"
THE_REST = ("platform", "urls", "data")
PLATFORM = frozenset({*PLATFORM_TEXTS, PLATFORM_LIST})


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
        """Read payload bytes."""
        try:
            document = loads(content)
        except StrictJsonError as error:
            raise EnvelopeError(f"the payload is not JSON: {error}", code="payload_unreadable") from error
        return cls.of(document)

    @classmethod
    def of(cls, document: object) -> Self:
        """The payload of parsed JSON; members beside the target's descriptor are not ours and are ignored."""
        members = document if isinstance(document, dict) else {}
        if any(name != TARGET and name.casefold() == FOLDED_TARGET for name in members):
            raise EnvelopeError(f"the payload spells {TARGET} otherwise", code="payload_target")  # Go would take it
        target = members.get(TARGET)
        if target is None:
            raise EnvelopeError("the payload names no target artifact", code="payload_without_target")
        try:
            descriptor = Descriptor.from_json(target)
            _check_the_rest(target)
            return cls(descriptor)
        except OciError as error:
            raise EnvelopeError(
                f"the payload's target artifact cannot be read: {error}", code="payload_target"
            ) from error


def _check_the_rest(target: object) -> None:
    """Members that mean nothing here: notation reads them too, and ends where one is not of its type."""
    assert isinstance(target, dict)  # it is a descriptor
    if target.keys().isdisjoint(THE_REST):
        return
    platform = target.get("platform")
    texts = object_fields({} if platform is None else platform, "a platform", PLATFORM)
    for name in PLATFORM_TEXTS:
        _check_text(texts.get(name), name)
    for value, name in ((target.get("urls"), "urls"), (texts.get(PLATFORM_LIST), PLATFORM_LIST)):
        if not isinstance(value, list | None):
            raise ManifestError(f"{name} is not a list")
        for item in value or ():
            _check_text(item, f"an entry of {name}")
    _check_text(data := target.get("data"), "data")
    try:
        decode_base64(str(data or "").encode("ascii"))
    except ValueError as error:
        raise ManifestError("data is not base64") from error


def _check_text(value: object, what: str) -> None:
    if not isinstance(value, str | None):
        raise ManifestError(f"{what} is not a text")
