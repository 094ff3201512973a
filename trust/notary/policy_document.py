"""Reading the JSON of a trust policy document into what it says, before any rule of the specification is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from registries.oci import strict_json
from trust.notary.errors import TrustPolicyError, quote

DOCUMENT_MEMBERS = ("version", "trustPolicies")
SCOPES: Final = "registryScopes"  # only statements about artifacts have it
GLOBAL: Final = "globalPolicy"  # only statements about blobs have it
STATEMENT_MEMBERS = ("name", "signatureVerification", "trustStores", "trustedIdentities")
MAX_SIZE = 1024 * 1024
MAX_STATEMENTS = 10_000  # no more of them fit that keep the rules
VERIFICATION_MEMBERS = ("level", "override", "verifyTimestamp")


@dataclass(frozen=True, slots=True)
class WrittenStatement:
    """A statement as it is written: every member has its type, and nothing more is known of it."""

    name: str
    scopes: tuple[str, ...]
    level: str
    override: Mapping[str, str]
    verify_timestamp: str
    trust_stores: tuple[str, ...]
    trusted_identities: tuple[str, ...]
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A trust policy document as it is written, and the members in it that the specification does not know."""

    version: str
    statements: tuple[WrittenStatement, ...]
    unknown_members: tuple[str, ...]


def read_document(content: bytes, own: Literal["registryScopes", "globalPolicy"] = SCOPES) -> Document:
    """What the document says; raises TrustPolicyError (rule TP00) where its JSON or a member's type is wrong."""
    if len(content) > MAX_SIZE:
        raise _malformed(f"the trust policy is larger than {MAX_SIZE} bytes")
    try:
        value = strict_json.loads(content)
    except strict_json.StrictJsonError as error:
        raise _malformed(f"the trust policy is not JSON that can be trusted: {error}") from error
    unknown: list[str] = []
    fields = _members({} if value is None else value, "the trust policy", DOCUMENT_MEMBERS, "", unknown)
    items = _list(fields, "trustPolicies", "the trust policy")
    if len(items) > MAX_STATEMENTS:
        raise _malformed(f"the trust policy has more than {MAX_STATEMENTS} statements")
    statements = []
    for index, item in enumerate(items):
        statements.append(_statement(item, f"trustPolicies[{index}]", own, unknown))
    return Document(_text(fields, "version", "the trust policy"), tuple(statements), tuple(unknown))


def _statement(value: object, where: str, own: str, unknown: list[str]) -> WrittenStatement:
    fields = _members({} if value is None else value, where, (*STATEMENT_MEMBERS, own), f"{where}.", unknown)
    inner = f"{where}.signatureVerification"
    verification = fields.get("signatureVerification")
    verification = _members(
        {} if verification is None else verification, inner, VERIFICATION_MEMBERS, f"{inner}.", unknown
    )
    return WrittenStatement(
        name=_text(fields, "name", where),
        scopes=_texts(fields, SCOPES, where) if own == SCOPES else (),
        level=_text(verification, "level", inner),
        override=_override(verification, inner),
        verify_timestamp=_text(verification, "verifyTimestamp", inner),
        trust_stores=_texts(fields, "trustStores", where),
        trusted_identities=_texts(fields, "trustedIdentities", where),
        is_global=own == GLOBAL and _flag(fields, GLOBAL, where),
    )


def _members(
    value: object, where: str, known: tuple[str, ...], prefix: str, unknown: list[str]
) -> Mapping[str, object]:
    """The members of an object; refuses a name that differs in case only, which notation takes for the known one."""
    if not isinstance(value, dict):
        raise _malformed(f"{where} is not a JSON object")
    folded = {name.casefold(): name for name in known}
    for name in value:
        meant = folded.get(name.casefold())
        if meant is None:
            unknown.append(prefix + name)
        elif meant != name:
            raise _malformed(f"{where} has a member {quote(name)}: write {meant}")
    return value


def _text(fields: Mapping[str, object], name: str, where: str) -> str:
    return _checked_text(fields.get(name), f"{name} of {where}")


def _checked_text(value: object, what: str) -> str:
    if value is None:  # an absent member and null are the empty text, as in notation's reader
        return ""
    if not isinstance(value, str):
        raise _malformed(f"{what} is not a text")
    return value


def _flag(fields: Mapping[str, object], name: str, where: str) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise _malformed(f"{name} of {where} is neither true nor false")
    return bool(value)


def _list(fields: Mapping[str, object], name: str, where: str) -> list[object]:
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _malformed(f"{name} of {where} is not a list")
    return value


def _texts(fields: Mapping[str, object], name: str, where: str) -> tuple[str, ...]:
    return tuple(_checked_text(item, f"an entry of {name} of {where}") for item in _list(fields, name, where))


def _override(fields: Mapping[str, object], where: str) -> Mapping[str, str]:
    value = fields.get("override")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _malformed(f"override of {where} is not a JSON object")
    return {name: _checked_text(action, f"override {quote(name)} of {where}") for name, action in value.items()}


def _malformed(text: str) -> TrustPolicyError:
    return TrustPolicyError("TP00", text)
