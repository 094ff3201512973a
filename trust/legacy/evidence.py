"""What the bytes of a legacy signature say. Nothing of it is ever vouched for as a notation signature would be."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registries.oci.descriptor import Descriptor
from trust.notary.certificates import Certificate
from trust.notary.fault import Fault


class Format(StrEnum):
    """Who wrote it, in words for people."""

    nv2 = "nv2 prototype"
    notation_0_7 = "notation 0.7 or 0.8"
    notation_0_9 = "notation 0.9"
    notation_0_10 = "notation 0.10 to 0.12"
    alpha = "notation alpha"  # which one cannot be told


@dataclass(frozen=True, slots=True)
class Claims:
    """What a legacy signature is made over; the media type of the target may be empty."""

    target: Descriptor | None
    references: tuple[str, ...] = ()
    issued_at: datetime | None = None
    not_before: datetime | None = None
    expiry: datetime | None = None


@dataclass(frozen=True, slots=True)
class LegacyEvidence:
    """One examined legacy signature. Without a fault, its signature holds under the first certificate of its chain."""

    format: Format
    fault: Fault | None
    unverified_claims: Claims | None = None
    unverified_algorithm: str = ""
    unverified_key_id: str = ""
    unverified_chain: tuple[Certificate, ...] = ()
