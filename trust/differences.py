"""What another policy and other stores mean, in words: one sentence for each thing that is different."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trust.notary.certificates import Certificate
from trust.notary.levels import OVERRIDABLE, Action, Level, Validation
from trust.notary.trust_policy import WILDCARD, Statement
from trust.notary.trust_store import TrustStore, TrustStores
from trust.revisions import Material

MOST_NAMED = 5
CHECKS = {
    Validation.authenticity: "authenticity",
    Validation.authentic_timestamp: "the timestamp",
    Validation.expiry: "expiry",
    Validation.revocation: "revocation",
}
ACTIONS = {Action.enforce: "enforced", Action.log: "only logged", Action.skip: "skipped"}


class Mark(StrEnum):
    """What a part of a sentence is: said as it is, new, or gone."""

    PLAIN = ""
    ADDED = "ins"
    REMOVED = "del"


type Words = tuple[tuple[str, Mark], ...]


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is different, as a sentence in parts."""

    kind: Kind
    words: Words

    def __str__(self) -> str:
        return "".join(text for text, _ in self.words)


def differences(before: Material | None, after: Material) -> list[Difference]:
    """What `after` says that `before` did not, and the other way round; empty where both mean the same."""
    found = list(_of_stores(before.stores if before else TrustStores.of(), after.stores, after))
    old = before.policy.statements if before else ()
    found += _of_statements(old, after.policy.statements, before, after, "Statement")
    old_blobs = before.blob_policy.statements if before and before.blob_policy else ()
    new_blobs = after.blob_policy.statements if after.blob_policy else ()
    found += _of_statements(old_blobs, new_blobs, before, after, "Blob statement")
    return found


def named(texts: Sequence[str], most: int = MOST_NAMED, between: str = ", ") -> str:
    """Some of the texts, and how many more there are; distinguished names have commas of their own."""
    shown = between.join(texts[:most])
    return f"{shown} and {len(texts) - most:,} more" if len(texts) > most else shown


# statements


def _of_statements(
    old: Iterable[Statement], new: Iterable[Statement], before: Material | None, after: Material, what: str
) -> Iterator[Difference]:
    gone = {statement.name: statement for statement in old}
    for statement in new:
        was = gone.pop(statement.name, None)
        if was is not None:
            yield from _of_statement(was, statement, before, after, what)
            continue
        if renamed := _renamed(statement, gone, new):
            del gone[renamed.name]
            yield _changed(f"{what} ", _del(renamed.name), " is now called ", _ins(statement.name), ".")
            yield from _of_statement(renamed, statement, before, after, what)
            continue
        yield _difference(Kind.ADDED, f"{what} ", _ins(statement.name), f" is new: {_meaning(statement)}.")
    for statement in gone.values():
        yield _difference(Kind.REMOVED, f"{what} ", _del(statement.name), f" is gone: {_fate(statement, after)}.")


def _renamed(statement: Statement, gone: Mapping[str, Statement], new: Iterable[Statement]) -> Statement | None:
    """The statement that was about the very same repositories under another name, and is there no more."""
    if not statement.scopes:
        return None
    kept = {other.name for other in new}
    same = (was for was in gone.values() if set(was.scopes) == set(statement.scopes) and was.name not in kept)
    return next(same, None)


def _meaning(statement: Statement) -> str:
    """A whole statement in one clause."""
    about = _places(statement.scopes) if statement.scopes else "blobs for which no statement is named"
    if not statement.scopes and not statement.is_global:
        about = "blobs for which it is named"
    if statement.level.skips_everything:
        return f"{about} are not verified"
    stores = named([str(store) for store in statement.trust_stores])
    identities = named([_identity(identity) for identity in statement.trusted_identities], between=" or ")
    return f"{about}, level {_level(statement.level)}, stores {stores}, signed by {identities}"


def _fate(statement: Statement, after: Material) -> str:
    if not statement.scopes:
        return "no blob can name it any more"
    wildcard = next((other for other in after.policy.statements if other.scopes == (WILDCARD,)), None)
    left = [scope for scope in statement.scopes if after.policy.choose(scope).code != "exact"]
    if not left:
        return "other statements name its repositories"
    then = f"fall under {wildcard.name}" if wildcard else "have no statement"
    return f"{_places(left)} now {then}"


def _of_statement(
    was: Statement, now: Statement, before: Material | None, after: Material, what: str
) -> Iterator[Difference]:
    name = f"{what} {now.name}"
    yield from _of_scopes(name, was, now, before, after)
    if was.is_global != now.is_global:
        said = (
            "is now the one for blobs of which no statement is named"
            if now.is_global
            else "is no longer the global one"
        )
        yield _changed(f"{name} {said}.")
    yield from _of_level(name, was, now)
    if was.verify_timestamp != now.verify_timestamp:
        yield _changed(
            f"{name} verifies timestamps ",
            _ins(_timestamp(now)),
            "; it did ",
            _del(_timestamp(was)),
            ".",
        )
    yield from _of_texts(
        f"{name} also trusts the certificates of ", f"{name} no longer trusts the certificates of ",
        [str(store) for store in was.trust_stores], [str(store) for store in now.trust_stores],
    )  # fmt: skip
    yield from _of_texts(
        f"{name} also trusts ", f"{name} no longer trusts ",
        [_identity(one) for one in was.trusted_identities], [_identity(one) for one in now.trusted_identities],
    )  # fmt: skip


def _of_scopes(
    name: str, was: Statement, now: Statement, before: Material | None, after: Material
) -> Iterator[Difference]:
    added = [scope for scope in now.scopes if scope not in set(was.scopes)]
    removed = [scope for scope in was.scopes if scope not in set(now.scopes)]
    by_former: dict[str, list[str]] = {}
    for scope in added:
        former = before.policy.choose(scope).statement if before and scope != WILDCARD else None
        by_former.setdefault(former.name if former else "", []).append(scope)
    for owner, scopes in by_former.items():
        then = f", before under {owner}" if owner else ", which had no statement" if scopes != [WILDCARD] else ""
        yield _difference(Kind.ADDED, f"{name} now also covers ", _ins(_places(scopes)), f"{then}.")
    by_later: dict[str, list[str]] = {}
    for scope in removed:
        later = after.policy.choose(scope).statement if scope != WILDCARD else None
        by_later.setdefault(later.name if later else "", []).append(scope)
    for heir, scopes in by_later.items():
        then = f", now under {heir}" if heir else ", now without a statement" if scopes != [WILDCARD] else ""
        yield _difference(Kind.REMOVED, f"{name} no longer covers ", _del(_places(scopes)), f"{then}.")


def _of_level(name: str, was: Statement, now: Statement) -> Iterator[Difference]:
    if was.level.actions == now.level.actions:
        return
    if was.level.skips_everything or now.level.skips_everything:
        yield _changed(f"{name} verifies at level ", _ins(_level(now.level)), "; it was ", _del(_level(was.level)), ".")
        return
    for check in OVERRIDABLE:
        if was.level[check] is not now.level[check]:
            yield _changed(
                f"In {name[0].lower()}{name[1:]}, {CHECKS[check]} is ",
                _ins(ACTIONS[now.level[check]]),
                "; it was ",
                _del(ACTIONS[was.level[check]]),
                ".",
            )


def _of_texts(more: str, less: str, was: Sequence[str], now: Sequence[str]) -> Iterator[Difference]:
    if added := [text for text in now if text not in set(was)]:
        yield _difference(Kind.ADDED, more, _ins(named(added, between="; ")), ".")
    if removed := [text for text in was if text not in set(now)]:
        yield _difference(Kind.REMOVED, less, _del(named(removed, between="; ")), ".")


# stores


def _of_stores(was: TrustStores, now: TrustStores, after: Material) -> Iterator[Difference]:
    old, new = dict(was.of_name), dict(now.of_name)
    for key in sorted({*old, *new}):
        before, later = _held(old.get(key)), _held(new.get(key))
        name = f"{key[0]}:{key[1]}"
        added = [certificate.subject for mark, certificate in later.items() if mark not in before]
        removed = [certificate.subject for mark, certificate in before.items() if mark not in later]
        users = _users(name, after)
        if key not in old:
            yield _difference(
                Kind.ADDED, "Trust store ", _ins(name), f" is new, with {named(added, between='; ')}{users}."
            )
        elif key not in new:
            yield _difference(
                Kind.REMOVED,
                "Trust store ",
                _del(name),
                f" is gone, and with it {named(removed, between='; ')}{users}.",
            )
        else:
            if added:
                yield _difference(
                    Kind.ADDED, f"Trust store {name} now also holds ", _ins(named(added, between="; ")), f"{users}."
                )
            if removed:
                yield _difference(
                    Kind.REMOVED,
                    f"Trust store {name} no longer holds ",
                    _del(named(removed, between="; ")),
                    f"{users}.",
                )


def _held(store: TrustStore | None) -> dict[str, Certificate]:
    return {certificate.thumbprint: certificate for certificate in store.certificates} if store else {}


def _users(store: str, after: Material) -> str:
    statements = [*after.policy.statements, *(after.blob_policy.statements if after.blob_policy else ())]
    users = [statement.name for statement in statements if store in map(str, statement.trust_stores)]
    return f"; {named(users)} {'trusts' if len(users) == 1 else 'trust'} it" if users else "; no statement names it"


# words


def _places(scopes: Sequence[str]) -> str:
    return "every repository that no other statement names" if list(scopes) == [WILDCARD] else named(scopes)


def _identity(identity: str) -> str:
    if identity == WILDCARD:
        return "every identity that its stores vouch for"
    return identity.removeprefix("x509.subject:").strip()


def _level(level: Level) -> str:
    if level.name != "custom":
        return level.name
    lenient = [
        f"{CHECKS[check]} {ACTIONS[level[check]]}" for check in OVERRIDABLE if level[check] is not Action.enforce
    ]
    return f"strict but for {', '.join(lenient)}" if lenient else "strict"


def _timestamp(statement: Statement) -> str:
    return "always" if statement.verify_timestamp == "always" else "once a certificate has expired"


def _ins(text: str) -> tuple[str, Mark]:
    return text, Mark.ADDED


def _del(text: str) -> tuple[str, Mark]:
    return text, Mark.REMOVED


def _changed(*parts: str | tuple[str, Mark]) -> Difference:
    return _difference(Kind.CHANGED, *parts)


def _difference(kind: Kind, *parts: str | tuple[str, Mark]) -> Difference:
    return Difference(kind, tuple((part, Mark.PLAIN) if isinstance(part, str) else part for part in parts))
