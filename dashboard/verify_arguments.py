"""What the commands about signatures have in common: arguments, and how an answer is printed."""

import json
import stat
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import OperationalError, ProgrammingError

from dashboard.stored_answers import NotStoredError
from dashboard.verify_report import Report, as_lines, printable
from dashboard.verify_report import as_json as report_as_json
from registries.oci.errors import OciError
from trust.notary.errors import NotaryError, TrustPolicyError, quote
from trust.notary.rfc3339 import parse_rfc3339
from trust.notary.trust_store import TrustStores

LARGEST_POLICY = 1 << 20
LONGEST_NUMBER = 15  # digits: no file has more bytes
NO_DATABASE = (
    "Signboard's database cannot be read. Give --policy and --trust-store to judge a layout without it, or say with "
    "SIGNBOARD_DATA or SIGNBOARD_DATABASE_URL where it is."
)


class CannotAnswerError(Exception):
    """The command cannot answer; the text says why."""


CANNOT_ANSWER = (
    CannotAnswerError, NotStoredError, OciError, NotaryError, OSError, OperationalError, ProgrammingError,
)  # fmt: skip
"What a command reports as its one error."


def add_shared_arguments(parser: CommandParser) -> None:
    """When, with which user metadata, and in which form the answer is printed."""
    parser.add_argument("--at", help="the instant to judge for (RFC 3339); now if absent")
    parser.add_argument(
        "--user-metadata",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="user metadata that the signature must hold; may be given several times",
    )
    parser.add_argument(
        "--offline", action="store_true", help="ask nobody about revocation; what would have to be asked is unknown"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def policy_and_stores[Policy](
    options: Mapping[str, Any], parse: Callable[[bytes], Policy], active: Callable[[], tuple[Policy, TrustStores]]
) -> tuple[Policy, TrustStores]:
    """Those of the files that were named; the active revision's where none were."""
    if bool(options["policy"]) != bool(options["trust_store"]):
        raise CannotAnswerError("--policy and --trust-store are given both or not at all.")
    if not options["policy"]:
        return active()
    return parse(_read_policy(options["policy"])), TrustStores.read(options["trust_store"])


def _read_policy(path: Path) -> bytes:
    """The bytes of a trust policy document; what is no such file breaks rule TP00."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a device or a pipe never ends
            raise TrustPolicyError("TP00", "The trust policy cannot be read: it is not a file.")
        with path.open("rb") as file:
            content = file.read(LARGEST_POLICY + 1)
    except OSError as error:
        raise TrustPolicyError("TP00", f"The trust policy cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST_POLICY:
        raise TrustPolicyError("TP00", f"The trust policy has more than {LARGEST_POLICY:,} bytes.")
    return content


def user_metadata(pairs: Sequence[str]) -> Mapping[str, str]:
    """KEY=VALUE pairs; like notation we take no empty key or value, and no key twice."""
    metadata: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if not key or not value:
            raise CannotAnswerError(f"--user-metadata {pair} is not KEY=VALUE with neither of them empty.")
        if key in metadata:
            raise CannotAnswerError(f"--user-metadata names {key} twice.")
        metadata[key] = value
    return metadata


def instant(text: str | None) -> datetime:
    """The instant that --at names; now, if it is absent."""
    if text is None:
        return datetime.now(UTC)
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise CannotAnswerError(f"--at {quote(text)} is not an RFC 3339 time such as 2026-11-21T09:00:00Z.") from error


def whole_number(text: str, fault: str) -> int:
    """The number that an argument's digits say; digits without end are no number. `fault` is what it is not."""
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
        raise CannotAnswerError(fault)
    return int(text)


def answer(report: Report, *, as_json: bool) -> str:
    """The report as one JSON object, or for people."""
    return _text(report_as_json(report), list(as_lines(report)), as_json=as_json)


def refusal(error: Exception, *, as_json: bool) -> str:
    """Why there is no report."""
    why = NO_DATABASE if isinstance(error, OperationalError | ProgrammingError) else str(error)
    return _text({"error": why}, [f"Error: {why}"], as_json=as_json)


def _text(fields: Mapping[str, object], lines: Sequence[str], *, as_json: bool) -> str:
    return json.dumps(fields, indent=2) if as_json else "\n".join(map(printable, lines))
