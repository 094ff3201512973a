"""The validations that a signature goes through, and what a verification level does where one fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Validation(StrEnum):
    """One validation. notation runs identity, target and user metadata too, but its levels do not name them."""

    integrity = "integrity"
    authenticity = "authenticity"
    identity = "identity"
    expiry = "expiry"
    authentic_timestamp = "authenticTimestamp"
    revocation = "revocation"
    target = "target"
    user_metadata = "userMetadata"


class Action(StrEnum):
    """What a failure of a validation leads to."""

    enforce = "enforce"
    log = "log"
    skip = "skip"


ENFORCE, LOG, SKIP = Action.enforce, Action.log, Action.skip

OVERRIDABLE = (Validation.authenticity, Validation.authentic_timestamp, Validation.expiry, Validation.revocation)


@dataclass(frozen=True, slots=True)
class Level:
    """A verification level: its name ("custom" once anything is overridden) and the action of every validation."""

    name: str
    actions: Mapping[Validation, Action]

    def __getitem__(self, validation: Validation) -> Action:
        return self.actions[validation]

    @property
    def skips_everything(self) -> bool:
        return self.actions[Validation.integrity] is SKIP

    def override(self, changes: Mapping[Validation, Action]) -> "Level":
        """The same level with other actions. Identity goes with authenticity: notation has one result for both."""
        actions = {**self.actions, **changes}
        actions[Validation.identity] = actions[Validation.authenticity]
        return Level("custom", MappingProxyType(actions))


def _level(
    name: str, integrity: Action, authenticity: Action, timestamp: Action, expiry: Action, revocation: Action
) -> Level:
    actions = {
        Validation.integrity: integrity,
        Validation.authenticity: authenticity,
        Validation.identity: authenticity,
        Validation.expiry: expiry,
        Validation.authentic_timestamp: timestamp,
        Validation.revocation: revocation,
        Validation.target: ENFORCE,
        Validation.user_metadata: ENFORCE,
    }
    return Level(name, MappingProxyType(actions))


LEVELS: Mapping[str, Level] = {  # trust-store-trust-policy.md, "Signature Verification details"
    level.name: level
    for level in (
        #      name          integrity  authenticity  timestamp  expiry   revocation
        _level("strict",     ENFORCE,   ENFORCE,      ENFORCE,   ENFORCE, ENFORCE),
        _level("permissive", ENFORCE,   ENFORCE,      LOG,       LOG,     LOG),
        _level("audit",      ENFORCE,   LOG,          LOG,       LOG,     LOG),
        _level("skip",       SKIP,      SKIP,         SKIP,      SKIP,    SKIP),
    )
}  # fmt: skip
