"""Editing a trust policy document as it is written: one statement changes, and every other byte stays."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from trust import json_text
from trust.notary.policy_document import GLOBAL, SCOPES, Document, WrittenStatement, read_document

type Kind = Literal["registryScopes", "globalPolicy"]
"Of what a document speaks, by the member that only its statements have: artifacts, or blobs."

MEMBERS = {
    "name": "name",
    "scopes": "registryScopes",
    "trust_stores": "trustStores",
    "trusted_identities": "trustedIdentities",
    "is_global": "globalPolicy",
}
VERIFICATION = {"level": "level", "override": "override", "verify_timestamp": "verifyTimestamp"}
NEW = b'{\n  "version": "1.0",\n  "trustPolicies": []\n}\n'


def change(content: bytes, kind: Kind, position: int, now: WrittenStatement) -> bytes:
    """The document in which a statement says this; only the members that said something else are written anew.

    The document is one that `read_document` takes.
    """
    was = read_document(content, kind).statements[position]
    text = content.decode()
    for name, member in MEMBERS.items():
        if getattr(was, name) != getattr(now, name):
            text = _set(text, position, member, _plain(getattr(now, name)))
    verification = {member: getattr(now, name) for name, member in VERIFICATION.items() if _differs(was, now, name)}
    for member, value in verification.items():
        text = _set_verification(text, position, member, _plain(value))
    return text.encode()


def add(content: bytes, kind: Kind, statement: WrittenStatement) -> bytes:
    """The document with one statement more at its end; a new one where there is none yet."""
    if not content.strip() or content.strip() == b"null":
        content = NEW
    text, value = content.decode(), as_json(statement, kind)
    statements = _statements(text)
    if statements is None:
        return json_text.set_member(text, json_text.read(text), "trustPolicies", [value]).encode()
    return json_text.insert_item(text, statements, len(statements.items), value).encode()


def duplicate(content: bytes, kind: Kind, position: int) -> bytes:
    """The document with a statement a second time, letter by letter but for its name, which must be another one."""
    document, text = read_document(content, kind), content.decode()
    again = json_text.repeat_item(text, _listed(text), position).encode()
    written = document.statements[position]
    name = free_name(document, written.name)
    return change(again, kind, position + 1, replace(written, name=name))


def remove(content: bytes, position: int) -> bytes:
    text = content.decode()
    return json_text.remove(text, _listed(text), position).encode()


def move_down(content: bytes, position: int) -> bytes:
    """The document with a statement in the place of the one behind it."""
    text = content.decode()
    return json_text.swap_items(text, _listed(text), position).encode()


def free_name(document: Document, wanted: str) -> str:
    """A name like this one that no statement has."""
    taken = {statement.name for statement in document.statements}
    names = (f"{wanted}-{number}" if number > 1 else wanted for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def as_json(statement: WrittenStatement, kind: Kind) -> dict[str, object]:
    """A statement as a document has it."""
    verification: dict[str, object] = {"level": statement.level}
    if statement.override:
        verification["override"] = dict(statement.override)
    if statement.verify_timestamp:
        verification["verifyTimestamp"] = statement.verify_timestamp
    fields: dict[str, object] = {"name": statement.name}
    if kind == SCOPES:
        fields[SCOPES] = list(statement.scopes)
    elif statement.is_global:
        fields[GLOBAL] = True
    fields["signatureVerification"] = verification
    if statement.level != "skip" or statement.trust_stores or statement.trusted_identities:
        fields |= {
            "trustStores": list(statement.trust_stores),
            "trustedIdentities": list(statement.trusted_identities),
        }
    return fields


def _set(text: str, position: int, member: str, value: object) -> str:
    text, statement = _statement(text, position)
    if value in ([], False):
        if member not in (SCOPES, "trustStores", "trustedIdentities"):
            return json_text.remove_member(text, statement, member)
        if statement.member(member) is None:
            return text
    return json_text.set_member(text, statement, member, value)


def _set_verification(text: str, position: int, member: str, value: object) -> str:
    text, statement = _statement(text, position)
    found = statement.member("signatureVerification")
    if found is None or text[found.value.start] != "{":
        return json_text.set_member(text, statement, "signatureVerification", {member: value})
    if not value and member != "level":
        return json_text.remove_member(text, found.value, member)
    if member != "override" or not isinstance(value, dict):
        return json_text.set_member(text, found.value, member, value)
    return _set_overrides(text, position, value)


def _set_overrides(text: str, position: int, wanted: Mapping[str, object]) -> str:
    """Each override on its own, so that those stay as they are written that nobody changed."""
    verification = _verification(text, position)
    found = verification.member("override")
    if found is None or text[found.value.start] != "{":
        return json_text.set_member(text, verification, "override", dict(wanted))
    for name in [member.name for member in found.value.members]:
        if name not in wanted:
            text = json_text.remove_member(text, _overrides(text, position), name)
    for name, action in wanted.items():
        member = _overrides(text, position).member(name)
        if member is None or json.loads(text[member.value.start : member.value.end]) != action:
            text = json_text.set_member(text, _overrides(text, position), name, action)
    return text


def _verification(text: str, position: int) -> json_text.Value:
    found = _listed(text).items[position].member("signatureVerification")
    assert found, "whoever asks has seen it"
    return found.value


def _overrides(text: str, position: int) -> json_text.Value:
    found = _verification(text, position).member("override")
    assert found, "whoever asks has seen it"
    return found.value


def _statement(text: str, position: int) -> tuple[str, json_text.Value]:
    """The text, and where the statement stands in it; one that is null becomes an object."""
    found = _listed(text).items[position]
    if text[found.start] != "{":
        text = json_text.replace(text, found, "{}")
        found = _listed(text).items[position]
    return text, found


def _listed(text: str) -> json_text.Value:
    found = _statements(text)
    assert found, "a document that has statements lists them"
    return found


def _statements(text: str) -> json_text.Value | None:
    found = json_text.read(text).member("trustPolicies")
    return found.value if found and text[found.value.start] == "[" else None


def _differs(was: WrittenStatement, now: WrittenStatement, name: str) -> bool:
    return bool(getattr(was, name) != getattr(now, name))


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value
