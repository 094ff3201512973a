"""What broadens trust: for which repositories a policy to come is laxer than the one that applies to them now, and in what.

Statements are compared by what they apply to, whatever they are called: for every scope that either policy names, and for all the
repositories that neither does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trust.differences import ACTIONS, CHECKS, named
from trust.notary.distinguished_names import is_subset
from trust.notary.levels import OVERRIDABLE, Action, Level
from trust.notary.trust_policy import WILDCARD, Statement
from trust.notary.trust_store import TrustStores
from trust.revisions import Material

MOST_PLACES = 2
LAXITY = {Action.enforce: 0, Action.log: 1, Action.skip: 2}
EVERYTHING_ELSE = "every repository that no statement names"
GLOBAL = "blobs for which no statement is named"


@dataclass(frozen=True, slots=True)
class Broadening:
    """The ways in which trust gets broader for some repositories, or blobs."""

    places: tuple[str, ...]
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"For {named(self.places, MOST_PLACES)}: {'; '.join(self.texts)}."


def broadenings(before: Material | None, after: Material) -> list[Broadening]:
    """Every way in which `after` could let pass what `before` does not; empty where it lets pass nothing more."""
    stores = (before.stores if before else TrustStores.of()), after.stores
    found: dict[tuple[str, ...], list[str]] = {}
    for place, was, now in _pairs(before, after):
        if texts := tuple(_laxer(was, now, *stores)):
            found.setdefault(texts, []).append(place)
    return [Broadening(tuple(places), texts) for texts, places in found.items()]


def _pairs(before: Material | None, after: Material) -> Iterator[tuple[str, Statement | None, Statement | None]]:
    """For every place, the statement that applies to it before and after."""
    old = {scope: one for one in (before.policy.statements if before else ()) for scope in one.scopes}
    new = {scope: one for one in after.policy.statements for scope in one.scopes}
    for scope in sorted({*old, *new} - {WILDCARD}):
        yield scope, old.get(scope) or old.get(WILDCARD), new.get(scope) or new.get(WILDCARD)
    yield EVERYTHING_ELSE, old.get(WILDCARD), new.get(WILDCARD)
    blobs_before = before.blob_policy.statements if before and before.blob_policy else ()
    blobs_after = after.blob_policy.statements if after.blob_policy else ()
    named_before = {statement.name: statement for statement in blobs_before}
    for statement in blobs_after:
        yield f"blobs under {statement.name}", named_before.get(statement.name), statement
    yield GLOBAL, _global(blobs_before), _global(blobs_after)


def _global(statements: tuple[Statement, ...]) -> Statement | None:
    return next((statement for statement in statements if statement.is_global), None)


def _laxer(was: Statement | None, now: Statement | None, old: TrustStores, new: TrustStores) -> Iterator[str]:
    if now is None:
        return
    if now.level.skips_everything:
        if was is None or not was.level.skips_everything:
            yield f"{now.name} skips verification"
        return
    if was is None or was.level.skips_everything:
        yield f"nothing could be verified, and now what {now.name} accepts is"
        return
    yield from _laxer_checks(was.level, now.level)
    if was.verify_timestamp == "always" and now.verify_timestamp == "afterCertExpiry":
        yield "timestamps are verified only once a certificate has expired"
    for kind, held in _more_certificates(was, now, old, new).items():
        yield f"more certificates are trusted ({kind}): {named(held, between=' and ')}"
    if others := [one for one in now.trusted_identities if not is_covered(one, now, was)]:
        yield (
            "every identity is accepted that the stores vouch for"
            if WILDCARD in others
            else f"more identities are accepted: {named(_names(others), between=' or ')}"
        )


def _names(identities: list[str]) -> list[str]:
    return [one.removeprefix("x509.subject:").strip() for one in identities]


def _laxer_checks(was: Level, now: Level) -> Iterator[str]:
    for check in OVERRIDABLE:
        if LAXITY[now[check]] > LAXITY[was[check]]:
            yield f"{CHECKS[check]} is {ACTIONS[now[check]]}, where it was {ACTIONS[was[check]]}"


def _more_certificates(was: Statement, now: Statement, old: TrustStores, new: TrustStores) -> Mapping[str, list[str]]:
    """The subjects of certificates that a statement trusts and the other did not, by the kind of store."""
    before = trusted(was, old)
    more: dict[str, list[str]] = {}
    for (kind, thumbprint), subject in trusted(now, new).items():
        if (kind, thumbprint) not in before:
            more.setdefault(kind, []).append(subject)
    return more


def trusted(statement: Statement, stores: TrustStores) -> dict[tuple[str, str], str]:
    return {
        (store.type, certificate.thumbprint): certificate.subject
        for store in statement.trust_stores
        for certificate in stores.get(store.type, store.name).certificates
    }


def is_covered(identity: str, now: Statement, was: Statement) -> bool:
    """Whether whoever the identity means was accepted before."""
    if was.trusts_any_identity or identity in was.trusted_identities:
        return True
    subject = _subjects(now).get(identity)
    return subject is not None and any(is_subset(wider, subject) for wider in was.subjects)


def _subjects(statement: Statement) -> Mapping[str, Mapping[str, str]]:
    """The identities that are distinguished names, parsed."""
    written = [one for one in statement.trusted_identities if one.partition(":")[0] == "x509.subject"]
    return dict(zip(written, statement.subjects, strict=True))
