"""References: `registry/repository[:tag][@digest]` (distribution-spec, Pulling manifests).

The parsers walk a text once. The specification's expressions, in Python's `re`, take exponential time on some names.
"""

from dataclasses import dataclass
from typing import Self

from registries.oci.digest import Digest
from registries.oci.errors import DigestError, ReferenceFormatError

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALNUM = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TAG = _ALNUM | frozenset("._-")
_HOST = _ALNUM | frozenset("-_")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF:.")
DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of an artifact, as people and trust policies write it."""

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of a reference; each is checked, none is guessed."""
        if len(text) > 1024:
            raise ReferenceFormatError("the reference is longer than 1024 characters")
        name, at, digest_text = text.partition("@")
        try:
            digest = Digest.parse(digest_text) if at else None
        except DigestError as error:
            raise ReferenceFormatError(str(error)) from error
        registry, slash, path = name.partition("/")
        if not slash:
            raise ReferenceFormatError(f"{_shown(text)} has no registry: write registry/repository[:tag][@digest]")
        repository, colon, tag = path.partition(":")
        if not is_registry_name(registry):
            raise ReferenceFormatError(f"{_shown(registry)} is not a registry: write host or host:port")
        if not is_repository_name(repository):
            raise ReferenceFormatError(
                f"{_shown(repository)} is not a repository: lower-case letters and digits, "
                "with . _ - between them, in parts separated by /"
            )
        if colon and not is_tag(tag):
            raise ReferenceFormatError(f"{_shown(tag)} is not a tag: up to 128 letters, digits, . _ and -")
        return cls(registry, repository, tag if colon else None, digest)

    @property
    def name(self) -> str:
        """What trust policy scopes match: without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def is_repository_name(text: str) -> bool:
    """`[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*`, in linear time."""
    return 0 < len(text) <= MAX_NAME and all(_is_path_component(part) for part in text.split("/"))


def _is_path_component(text: str) -> bool:
    if not text or text[0] not in _LOWER or text[-1] not in _LOWER:
        return False
    separator = ""
    for character in text:
        if character in _LOWER:
            if separator not in ("", ".", "_", "__") and separator.strip("-"):
                return False
            separator = ""
        elif character in "._-":
            separator += character
        else:
            return False
    return True


def is_tag(text: str) -> bool:
    """`[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`"""
    return 0 < len(text) <= 128 and text[0] not in ".-" and _TAG.issuperset(text)


def is_registry_name(text: str) -> bool:
    """A host name, IPv4 address or bracketed IPv6 address, with or without a port."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        return bool(bracket and ":" in host) and _HEXADECIMAL.issuperset(host) and _is_port_suffix(rest)
    host, colon, port = text.partition(":")
    labels = host.split(".")
    return (
        0 < len(host) <= MAX_NAME
        and all(0 < len(label) <= 63 and label.strip("-") == label and _HOST.issuperset(label) for label in labels)
        and _is_port_suffix(colon + port)
    )


def _is_port_suffix(text: str) -> bool:
    if not text:
        return True
    port = text[1:]
    return text[0] == ":" and port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536


def canonical_registry(text: str) -> str:
    """The spelling in which two reference names of one registry meet; a veto only, never matched with a scope."""
    registry = text.lower()
    for port in (":443", ":80"):
        registry = registry.removesuffix(port)
    host, colon, port = registry.partition(":")
    registry = host.rstrip(".") + colon + port
    return "docker.io" if registry in DOCKER_HUB else registry


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:80] + "…")
