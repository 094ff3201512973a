"""Answers about revocation as JSON, and back: for the database, and between processes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registries.oci.digest import Digest
from trust.notary.revocation import Answer, Entry, Statement

type Json = dict[str, Any]


def answer_to_json(answer: Answer) -> Json:
    return {
        "digest": str(answer.digest),
        "delta": answer.delta and str(answer.delta),
        "collected_at": answer.collected_at.isoformat(),
        "this_update": answer.this_update.isoformat(),
        "next_update": answer.next_update and answer.next_update.isoformat(),
        "number": answer.number,
        "signed_by": answer.signed_by,
        "says": says_to_json(answer.says),
    }


def answer_from_json(fields: Json) -> Answer:
    return Answer(
        digest=Digest.parse(fields["digest"]),
        delta=fields["delta"] and Digest.parse(fields["delta"]),
        collected_at=datetime.fromisoformat(fields["collected_at"]),
        this_update=datetime.fromisoformat(fields["this_update"]),
        next_update=_moment(fields["next_update"]),
        number=fields["number"],
        signed_by=fields["signed_by"],
        says=says_from_json(fields["says"]),
    )


def says_to_json(says: Mapping[str, Statement]) -> Json:
    """What an answer says of each certificate. Most are not listed: they cost a name and nothing more."""
    return {thumbprint: _statement_to_json(statement) for thumbprint, statement in says.items()}


def says_from_json(fields: Json) -> Mapping[str, Statement]:
    return {thumbprint: _statement_from_json(statement) for thumbprint, statement in fields.items()}


def _statement_to_json(statement: Statement) -> Json:
    fields: Json = {}
    if statement.entries:
        fields["entries"] = [_entry_to_json(entry) for entry in statement.entries]
    if not statement.is_known:
        fields["is_known"] = False
    if statement.fault:
        fields["fault"] = statement.fault
    if statement.doubts:
        fields["doubts"] = list(statement.doubts)
    return fields


def _statement_from_json(fields: Json) -> Statement:
    return Statement(
        entries=tuple(_entry_from_json(entry) for entry in fields.get("entries", ())),
        is_known=fields.get("is_known", True),
        fault=fields.get("fault", ""),
        doubts=tuple(fields.get("doubts", ())),
    )


def _entry_to_json(entry: Entry) -> Json:
    return {
        "revoked_at": entry.revoked_at.isoformat(),
        "reason": entry.reason,
        "invalid_since": entry.invalid_since and entry.invalid_since.isoformat(),
        "fault": entry.fault,
    }


def _entry_from_json(fields: Json) -> Entry:
    return Entry(
        revoked_at=datetime.fromisoformat(fields["revoked_at"]),
        reason=fields["reason"],
        invalid_since=_moment(fields["invalid_since"]),
        fault=fields["fault"],
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
