"""Evidence: what the bytes of one signature envelope prove, whatever the policy and the clock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from registries.oci.digest import Digest
from trust.notary.certificates import Certificate
from trust.notary.payload import Payload

EVIDENCE_VERSION = 1


class Scheme(StrEnum):
    """The signing scheme: who vouches for the signing time."""

    x509 = "notary.x509"
    signing_authority = "notary.x509.signingAuthority"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why integrity does not hold; `unknown` means that we cannot tell. `certificate` is a thumbprint."""

    code: str
    message: str
    kind: Literal["failed", "unknown"]
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An extended signed attribute, its value as text."""

    name: str
    value: str
    critical: bool


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """One examined envelope: either `signed` and `chain` (leaf first), or the fault and what the bytes only claim."""

    media_type: str
    envelope: Digest
    size: int
    integrity: Fault | None
    signed: Signed | None
    unverified_signed: Signed | None
    chain: tuple[Certificate, ...]
    unverified_chain: tuple[Certificate, ...]
    unverified_signing_agent: str
    unverified_timestamp_token: bytes | None
