"""`manage.py verify`: is this artifact signed, by whom, may we trust it, and why (not)?"""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from dashboard.stored_answers import active_material, stored_report
from dashboard.targets import CANNOT_ANSWER, CannotAnswerError, add_target, instant, layout_target
from dashboard.verify_report import JudgedSignature, Report, as_json, as_lines, printable
from registries.oci.reference import Reference
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import MAX_SIGNATURES, Question, judge
from trust.notary.outcome import SignatureFault, Word
from trust.notary.revocation import NO_ANSWERS
from trust.notary.thumbprint_hint import thumbprint_note
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.signatures import ListedSignature, list_signatures

LARGEST_POLICY = 1024 * 1024


class Command(BaseCommand):
    """Verifies an artifact. In a layout directory, with policy and stores from files, it needs no database and no secret."""

    help = "Verify the signatures of an artifact in an OCI image layout, or of a connected registry."
    requires_system_checks = ()  # none of them matters to files on disk
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        add_target(parser)
        parser.add_argument(
            "--policy", type=Path, help="the trust policy, as notation's trustpolicy.json; the active one if absent"
        )
        parser.add_argument("--trust-store", type=Path, help="notation's truststore directory; with --policy")
        parser.add_argument("--at", help="the instant to judge for (RFC 3339); now if absent")
        parser.add_argument(
            "--user-metadata",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="user metadata that the signature must hold; may be given several times",
        )
        parser.add_argument(
            "--max-signatures",
            default=str(MAX_SIGNATURES),
            help="how many signatures notation would try; all of them are judged here (default %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = _report(options)
        except CANNOT_ANSWER as error:
            self._print({"error": str(error)}, [f"Error: {error}"], as_json=options["json"])
            raise SystemExit(1) from error
        self._print(as_json(report), list(as_lines(report)), as_json=options["json"])
        if report.exit_code:
            raise SystemExit(report.exit_code)

    def _cannot_answer(self, why: str, options: Mapping[str, Any]) -> None:
        self._print({"error": why}, [f"Error: {why}"], as_json=options["json"])

    def _print(self, fields: Mapping[str, object], lines: Sequence[str], *, as_json: bool) -> None:
        text = json.dumps(fields, indent=2) if as_json else "\n".join(map(printable, lines))
        self.stdout.write(text)


def _report(options: Mapping[str, Any]) -> Report:
    at = instant(options["at"])
    metadata = _user_metadata(options["user_metadata"])
    max_signatures = _positive(options["max_signatures"])
    if not Path(options["target"]).is_dir():
        return _stored_report(options, at, metadata, max_signatures)
    place = layout_target(options)
    reference, name, target = place.reference, place.name, place.descriptor
    listed = list_signatures(place.layout, name, target.digest)
    try:
        policy, stores = _policy_and_stores(options)
    except TrustPolicyError as error:
        fault = SignatureFault(Word.not_checked, "policy_refused", str(error))
        signatures = [JudgedSignature(found.manifest, found.media_type, "", fault) for found in listed.signatures]
        return Report.refused(str(reference or ""), target.digest, error, signatures)
    question = Question(name, target, metadata)
    return Report.of(
        str(reference or ""),
        target.digest,
        policy.choose(name),
        [_judge(found, question, policy, stores, at) for found in listed.signatures],
        listing_complete=listed.complete,
        max_signatures=max_signatures,
    )


def _stored_report(
    options: Mapping[str, Any], at: datetime, metadata: Mapping[str, str], max_signatures: int
) -> Report:
    """The answer about an artifact of a connected registry, from what was indexed of it."""
    if options["policy"] or options["trust_store"] or options["reference"]:
        raise CannotAnswerError(
            f"{options['target']} is not a directory; --policy, --trust-store and --reference are for a layout directory."
        )
    return stored_report(Reference.parse(options["target"]), at, metadata, max_signatures)


def _policy_and_stores(options: Mapping[str, Any]) -> tuple[TrustPolicy, TrustStores]:
    """The files that were named; the active revision where none were."""
    if not options["policy"] and not options["trust_store"]:
        return active_material()
    if not options["policy"] or not options["trust_store"]:
        raise CannotAnswerError("--policy and --trust-store are given both or not at all.")
    return TrustPolicy.parse(_policy_file(options["policy"])), TrustStores.read(options["trust_store"])


def _policy_file(path: Path) -> bytes:
    """The bytes of a policy; a device or a pipe never ends, so only as much is read as a policy may hold."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise TrustPolicyError("TP00", "The trust policy cannot be read: it is not a file.")
        with path.open("rb") as file:
            content = file.read(LARGEST_POLICY + 1)
    except OSError as error:
        raise TrustPolicyError("TP00", f"The trust policy cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST_POLICY:
        raise TrustPolicyError("TP00", f"The trust policy has more than {LARGEST_POLICY:,} bytes.")
    return content


def _judge(
    found: ListedSignature, question: Question, policy: TrustPolicy, stores: TrustStores, at: datetime
) -> JudgedSignature:
    if found.fault:
        return JudgedSignature(found.manifest, found.media_type, "", found.fault)
    evidence = examine(found.envelope, found.media_type)
    outcome = judge(question, evidence.with_roots(stores), policy, stores, NO_ANSWERS, at)
    if note := thumbprint_note(found.annotations, evidence):
        outcome = replace(outcome, notes=(*outcome.notes, note))
    return JudgedSignature(found.manifest, found.media_type, evidence.signed.scheme if evidence.signed else "", outcome)


def _user_metadata(pairs: Sequence[str]) -> Mapping[str, str]:
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


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise CannotAnswerError(f"--max-signatures {text} is not a positive number.")
    return int(text)
