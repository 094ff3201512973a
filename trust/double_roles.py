"""Approvers who could also sign as a publisher: what two were to vouch for, one of them could vouch for alone."""

from collections.abc import Iterator

from trust.additions import Additions
from trust.broadening import Broadening, is_covered, trusted
from trust.notary.trust_policy import WILDCARD, Statement
from trust.revisions import Material

PUBLISHER = "publisher"
APPROVING = frozenset({"certifier", "environment"})


def double_roles(material: Material, additions: Additions) -> list[Broadening]:
    """Each identity that approves by its role, with the statements for publishers which its signatures satisfy as well."""
    found: dict[str, dict[str, None]] = {}
    for identity, role, theirs in _approvers(material, additions):
        who = f"{identity.removeprefix('x509.subject:').strip()}, whose role is {role}"
        for statement in _of_publishers(material, additions):
            if is_covered(identity, theirs, statement) and _share_a_certificate(theirs, statement, material):
                text = f"their signatures also satisfy {statement.name}, a statement for publishers"
                found.setdefault(who, {})[text] = None
    return [Broadening((who,), tuple(texts)) for who, texts in found.items()]


def new_double_roles(before: tuple[Material, Additions] | None, after: tuple[Material, Additions]) -> list[Broadening]:
    """Those that there are only after a change."""
    known = {(one.places, text) for one in (double_roles(*before) if before else ()) for text in one.texts}
    fresh = (
        (one, tuple(text for text in one.texts if (one.places, text) not in known)) for one in double_roles(*after)
    )
    return [Broadening(one.places, texts) for one, texts in fresh if texts]


def _approvers(material: Material, additions: Additions) -> Iterator[tuple[str, str, Statement]]:
    for statement in _verifying(material):
        for identity in statement.trusted_identities:
            role = additions.signers.get(identity) or additions.roles.get(statement.name, "")
            if role in APPROVING and identity != WILDCARD:
                yield identity, role, statement


def _of_publishers(material: Material, additions: Additions) -> Iterator[Statement]:
    return (one for one in _verifying(material) if additions.roles.get(one.name) == PUBLISHER)


def _verifying(material: Material) -> Iterator[Statement]:
    return (one for one in material.policy.statements if not one.level.skips_everything)


def _share_a_certificate(one: Statement, other: Statement, material: Material) -> bool:
    return not trusted(one, material.stores).keys().isdisjoint(trusted(other, material.stores))
