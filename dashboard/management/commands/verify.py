"""`manage.py verify`: is this artifact signed, by whom, may we trust it, and why (not)?"""

import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, ProgrammingError

from dashboard.revocation_now import ask_now, lacking
from dashboard.stored_answers import NotStoredError, active_material, stored_report
from dashboard.verify_report import JudgedSignature, Report, as_json, as_lines, printable
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.layout import Layout
from registries.oci.reference import Reference
from trust.notary.errors import NotaryError, TrustPolicyError
from trust.notary.evidence import Evidence, examine
from trust.notary.judge import MAX_SIGNATURES, Question, judge
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.signatures import ListedSignature, list_signatures

LARGEST_POLICY = 1024 * 1024
FALLBACK_TAG_PREFIXES = ("sha256-", "sha512-")
NO_DATABASE = (
    "Signboard's database cannot be read. Give --policy and --trust-store to judge a layout without it, or say with "
    "SIGNBOARD_DATA or SIGNBOARD_DATABASE_URL where it is."
)


class CannotAnswerError(Exception):
    """The command cannot answer; the text says why."""


class Command(BaseCommand):
    """Verifies an artifact. In a layout directory, with policy and stores from files, it needs no database and no secret."""

    help = "Verify the signatures of an artifact in an OCI image layout, or of a connected registry."
    requires_system_checks = ()  # none of them matters to files on disk
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "target", help="an OCI image layout directory, or REGISTRY/REPOSITORY:TAG|@DIGEST of a connected registry"
        )
        parser.add_argument(
            "--reference",
            help="REGISTRY/REPOSITORY[:TAG|@DIGEST]: what the layout stands for, and which artifact of it is meant",
        )
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
        parser.add_argument(
            "--offline", action="store_true", help="ask nobody about revocation; what would have to be asked is unknown"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = _report(options)
        except (CannotAnswerError, NotStoredError, OciError, NotaryError, OSError) as error:
            self._cannot_answer(str(error), options)
            raise SystemExit(1) from error
        except (OperationalError, ProgrammingError) as error:
            self._cannot_answer(NO_DATABASE, options)
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
    at = _rfc3339(options["at"]) if options["at"] else datetime.now(UTC)
    metadata = _user_metadata(options["user_metadata"])
    max_signatures = _positive(options["max_signatures"])
    if not Path(options["target"]).is_dir():
        return _stored_report(options, at, metadata, max_signatures)
    reference = Reference.parse(options["reference"]) if options["reference"] else None
    name = reference.name if reference else ""
    layout = Layout(Path(options["target"]), name)
    target = _target(layout, name, reference)
    listed = list_signatures(layout, name, target.digest)
    try:
        policy, stores = _policy_and_stores(options)
    except TrustPolicyError as error:
        fault = SignatureFault(Word.not_checked, "policy_refused", str(error))
        signatures = [JudgedSignature(found.manifest, found.media_type, "", fault) for found in listed.signatures]
        return Report.refused(str(reference or ""), target.digest, error, signatures)
    question = Question(name, target, metadata)
    ruling = _Ruling(question, policy, stores, at)
    examined = [(found, found.fault or examine(found.envelope, found.media_type)) for found in listed.signatures]
    if not options["offline"]:
        ruling = ruling.informed([seen for _, seen in examined if isinstance(seen, Evidence)])
    return Report.of(
        str(reference or ""),
        target.digest,
        policy.choose(name),
        [ruling.of(found, seen) for found, seen in examined],
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
    reference = Reference.parse(options["target"])
    return stored_report(reference, at, metadata, max_signatures, offline=options["offline"])


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


def _target(layout: Layout, name: str, reference: Reference | None) -> Descriptor:
    """The artifact that is meant, by its own bytes."""
    if reference and (reference.digest or reference.tag):
        wanted: Digest | str = reference.digest or reference.tag or ""
    else:
        tags = layout.tags(name)
        if tags.error:
            raise tags.error
        names = [tag for tag in tags.tags if not tag.startswith(FALLBACK_TAG_PREFIXES)]
        if len(names) != 1:
            raise CannotAnswerError(f"The layout has {len(names)} tags: say which artifact is meant with --reference.")
        wanted = names[0]
    fetched = layout.manifest(name, wanted)
    return Descriptor(fetched.media_type, fetched.digest, len(fetched.content))


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What every signature of the artifact is judged by."""

    question: Question
    policy: TrustPolicy
    stores: TrustStores
    at: datetime
    answers: RevocationAnswers = NO_ANSWERS

    def informed(self, evidence: Sequence[Evidence]) -> "_Ruling":
        """The same, when those were asked whose answers matter; a chain that nobody trusts is not asked about."""
        chains = {chain: None for seen in evidence for chain in lacking(seen.chain, self._outcome(seen))}
        return replace(self, answers=ask_now(chains, self.at)) if chains else self

    def of(self, found: ListedSignature, seen: Evidence | SignatureFault) -> JudgedSignature:
        if isinstance(seen, SignatureFault):
            return JudgedSignature(found.manifest, found.media_type, "", seen)
        scheme = seen.signed.scheme if seen.signed else ""
        return JudgedSignature(found.manifest, found.media_type, scheme, self._outcome(seen))

    def _outcome(self, seen: Evidence) -> Outcome:
        return judge(self.question, seen.with_roots(self.stores), self.policy, self.stores, self.answers, self.at)


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


def _rfc3339(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CannotAnswerError(f"--at {text} is not an RFC 3339 time.") from error
    if moment.tzinfo is None:
        raise CannotAnswerError(f"--at {text} has no time zone: write 2026-11-21T09:00:00Z.")
    return moment


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise CannotAnswerError(f"--max-signatures {text} is not a positive number.")
    return int(text)
