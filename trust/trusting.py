"""Coming to trust somebody: the smallest addition to a policy and its stores by which a signer is accepted somewhere."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from trust import policy_editing, revisions
from trust.notary.certificates import Certificate
from trust.notary.distinguished_names import is_subset, parse_subject
from trust.notary.policy_document import SCOPES, WrittenStatement, read_document
from trust.notary.policy_rules import is_scope
from trust.notary.trust_policy import WILDCARD, Choice, TrustPolicy
from trust.revisions import Content, StoreFiles
from trust.signers_seen import Signer

LONGEST_NAME = 40
MOST_STATEMENTS = 20  # of a first policy; more groups than that become one
_UNFIT = re.compile(r"[^a-z0-9]+")
_ORGANISATION = re.compile(r"(?:^|,)O=((?:[^,\\]|\\.)*+)", re.DOTALL)
_COMMON_NAME = re.compile(r"(?:^|,)CN=((?:[^,\\]|\\.)*+)", re.DOTALL)


class TrustingError(Exception):
    """A signer cannot be trusted by any policy, or not there; the text says why."""


def trusting(content: Content, signer: Signer, scope: str) -> Content:
    """The content under which the signer is accepted in one repository. What applied there before still does."""
    _check(signer, [scope])
    if not content.policy.strip():
        return first([(signer, [scope])])
    policy = TrustPolicy.parse(content.policy)
    choice = policy.choose(scope)
    written = read_document(content.policy).statements
    base = _base(choice, written)
    stores = () if choice.statement is None else choice.statement.trust_stores
    held = revisions.stores_of(content.files)
    if any(store.type == signer.store_type and held.get(store.type, store.name).holds(signer.root) for store in stores):
        store, files = "", content.files
    else:
        store, files = _stored(content.files, signer)
    wider = replace(
        base,
        trust_stores=(*base.trust_stores, *([store] if store else [])),
        trusted_identities=_identities(base.trusted_identities, signer),
    )
    content = replace(content, files=files)
    if wider.scopes == (scope,):
        position = written.index(next(one for one in written if one.scopes == (scope,)))
        return replace(content, policy=policy_editing.change(content.policy, SCOPES, position, wider))
    return _apart(content, wider, scope)


def _apart(content: Content, wider: WrittenStatement, scope: str) -> Content:
    """The content with a statement of its own for one repository; the one that named it, with others, names it no more."""
    document, policy = read_document(content.policy), content.policy
    for position, one in enumerate(document.statements):
        if scope in one.scopes:
            others = tuple(other for other in one.scopes if other != scope)
            policy = policy_editing.change(policy, SCOPES, position, replace(one, scopes=others))
    name = policy_editing.free_name(document, _slug(scope.partition("/")[2]))
    policy = policy_editing.add(policy, SCOPES, replace(wider, name=name, scopes=(scope,)))
    role = content.additions.roles.get(wider.name, "")
    return replace(content, policy=policy, additions=content.additions.of_statement(name, patterns=(), role=role))


def first(signers: Iterable[tuple[Signer, Sequence[str]]]) -> Content:
    """A first policy that accepts each signer in the repositories named with it, and nothing else."""
    files: dict[tuple[str, str, str], bytes] = {}
    store_of: dict[Signer, str] = {}
    by_scope: dict[str, list[Signer]] = {}
    for signer, scopes in signers:
        _check(signer, scopes)
        store_of[signer], files = _stored(files, signer)
        for scope in scopes:
            by_scope.setdefault(scope, []).append(signer)
    policy = b""
    for together, scopes in _groups(by_scope):
        document = read_document(policy or policy_editing.NEW)
        statement = WrittenStatement(
            name=policy_editing.free_name(document, _slug(_common_name(together[0].subject))),
            scopes=tuple(sorted(scopes)),
            level="strict",
            override={},
            verify_timestamp="",
            trust_stores=tuple(dict.fromkeys(store_of[signer] for signer in together)),
            trusted_identities=_identities((), *together),
        )
        policy = policy_editing.add(policy, SCOPES, statement)
    return Content(policy, files)


def _groups(by_scope: Mapping[str, list[Signer]]) -> list[tuple[list[Signer], list[str]]]:
    """Repositories with the same signers, together."""
    groups: dict[tuple[Signer, ...], tuple[list[Signer], list[str]]] = {}
    for scope, signers in by_scope.items():
        groups.setdefault(tuple(signers), (signers, []))[1].append(scope)
    if len(groups) <= MOST_STATEMENTS:
        return list(groups.values())
    everybody = dict.fromkeys(signer for signers in by_scope.values() for signer in signers)
    return [(list(everybody), list(by_scope))]


def _check(signer: Signer, scopes: Sequence[str]) -> None:
    if not signer.identity:
        raise TrustingError(
            f"No policy can name {signer.subject or 'a signer without a name'}: a trusted identity needs C, ST and O, "
            "each once."
        )
    if not scopes:
        raise TrustingError(f"{signer.subject} has signed nothing that is in a repository now.")
    for scope in scopes:
        if not is_scope(scope):
            raise TrustingError(f"No policy can name the repository {scope or 'of a layout that stands for nothing'}.")


def _base(choice: Choice, written: Sequence[WrittenStatement]) -> WrittenStatement:
    """The statement that applies until now, as it is written; a strict one where none checks anything."""
    statement = choice.statement
    found = next((one for one in written if statement and one.name == statement.name), None)
    if statement is None or found is None:
        return WrittenStatement("", (), "strict", {}, "", (), ())
    if statement.level.skips_everything:
        return replace(found, level="strict", override={})
    return found


def _identities(trusted: tuple[str, ...], *signers: Signer) -> tuple[str, ...]:
    """The identities with those of the signers; none that another one covers."""
    for signer in signers:
        if WILDCARD in trusted:
            return trusted
        have = parse_subject(signer.subject)
        subjects = {one: parse_subject(one.partition(":")[2]) for one in trusted if one.startswith("x509.subject:")}
        if any(is_subset(wanted, have) for wanted in subjects.values()):
            continue
        narrower = {one for one, subject in subjects.items() if is_subset(have, subject)}
        trusted = (*(one for one in trusted if one not in narrower), signer.identity)
    return trusted


def _stored(files: StoreFiles, signer: Signer) -> tuple[str, dict[tuple[str, str, str], bytes]]:
    """A store that holds the signer's root and nothing else, and the files with it."""
    stores = revisions.stores_of(files)
    for store in stores:
        if store.type == signer.store_type and [one.thumbprint for one in store.certificates] == [
            signer.root.thumbprint
        ]:
            return str(store), dict(files)
    wanted = _slug(_organisation(signer.root) or signer.root.common_name)
    names = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
    name = next(name for name in names if (signer.store_type, name) not in stores.of_name)
    body = base64.encodebytes(signer.root.der)
    content = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    key = (signer.store_type, name, f"{signer.root.thumbprint[:12]}.pem")
    return f"{signer.store_type}:{name}", {**files, key: content}


def _organisation(certificate: Certificate) -> str:
    found = _ORGANISATION.search(certificate.subject)
    return found[1] if found else ""


def _common_name(subject: str) -> str:
    found = _COMMON_NAME.search(subject)
    return found[1] if found else subject


def _slug(text: str) -> str:
    """A name that a statement, a store and a file can have."""
    return _UNFIT.sub("-", text.lower()).strip("-")[:LONGEST_NAME].strip("-") or "unnamed"
