"""What a signature vouches for: its attributes and its payload."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registries.oci.values import quickly_made
from trust.notary.payload import Payload


class Scheme(StrEnum):
    """The signing scheme: who vouches for the signing time."""

    x509 = "notary.x509"
    signing_authority = "notary.x509.signingAuthority"


SCHEMES = {scheme.value: scheme for scheme in Scheme}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An extended signed attribute, its value as text."""

    name: str
    value: str
    critical: bool


@quickly_made
@dataclass(frozen=True, slots=True)
class Signed:
    """What a valid signature vouches for."""

    scheme: Scheme
    algorithm: str
    content_type: str
    signing_time: datetime | None
    authentic_signing_time: datetime | None
    expiry: datetime | None
    attributes: tuple[Attribute, ...]
    verification_plugin: str
    verification_plugin_min_version: str
    payload: bytes
    target: Payload | None
    target_fault: str
