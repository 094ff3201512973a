"""`manage.py verify`: is this artifact signed, by whom, may we trust it, and why (not)?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from dashboard.management.answering import AnsweringCommand
from dashboard.revocation_now import ask_now, lacking
from dashboard.stored_answers import active_material, stored_report
from dashboard.targets import add_target, layout_target, not_a_layout
from dashboard.verify_arguments import (
    CannotAnswerError,
    add_shared_arguments,
    answer,
    instant,
    policy_and_stores,
    user_metadata,
    whole_number,
)
from dashboard.verify_report import JudgedSignature, Report
from registries.oci.archive import is_layout
from registries.oci.reference import Reference
from trust.notary.errors import TrustPolicyError, quote
from trust.notary.evidence import Evidence, examine
from trust.notary.judge import Question, judge
from trust.notary.notation_verdict import MAX_SIGNATURES
from trust.notary.outcome import Outcome, SignatureFault, Word
from trust.notary.revocation import NO_ANSWERS, RevocationAnswers
from trust.notary.thumbprint_hint import with_thumbprint_note
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores
from trust.signatures import ListedSignature, list_signatures


class Command(AnsweringCommand):
    """Verifies an artifact. In a layout directory, with policy and stores from files, it needs no database and no secret."""

    help = "Verify the signatures of an artifact in an OCI image layout, or of a connected registry."

    def add_arguments(self, parser: CommandParser) -> None:
        add_target(parser)
        parser.add_argument(
            "--policy", type=Path, help="the trust policy, as notation's trustpolicy.json; the active one if absent"
        )
        parser.add_argument("--trust-store", type=Path, help="notation's truststore directory; with --policy")
        add_shared_arguments(parser)
        parser.add_argument(
            "--max-signatures",
            default=str(MAX_SIGNATURES),
            help="how many signatures notation would try; all of them are judged here (default %(default)s)",
        )

    def answer(self, options: Mapping[str, Any]) -> tuple[str, int]:
        report = _report(options)
        return answer(report, as_json=options["json"]), report.exit_code


def _report(options: Mapping[str, Any]) -> Report:
    at = instant(options["at"])
    metadata = user_metadata(options["user_metadata"])
    max_signatures = _positive(options["max_signatures"])
    if not is_layout(Path(options["target"])):
        return _stored_report(options, at, metadata, max_signatures)
    place = layout_target(options)
    name, target = place.name, place.descriptor
    shown = str(place.reference or "")
    listed = list_signatures(place.layout, name, target.digest)
    try:
        policy, stores = policy_and_stores(options, TrustPolicy.parse, active_material)
    except TrustPolicyError as error:
        fault = SignatureFault(Word.not_checked, "policy_refused", str(error))
        signatures = [JudgedSignature(found.manifest, found.media_type, "", fault) for found in listed.signatures]
        return Report.refused(shown, target.digest, error, signatures, listing_complete=listed.complete)
    question = Question(name, target, metadata)
    ruling = _Ruling(question, policy, stores, at)
    examined = [(found, found.fault or examine(found.envelope, found.media_type)) for found in listed.signatures]
    if not options["offline"]:
        ruling = ruling.informed([seen for _, seen in examined if isinstance(seen, Evidence)])
    return Report.of(
        shown,
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
        raise CannotAnswerError(f"{not_a_layout(options)}; --policy, --trust-store and --reference are for a layout.")
    reference = Reference.parse(options["target"])
    return stored_report(reference, at, metadata, max_signatures, offline=options["offline"])


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
        outcome = with_thumbprint_note(self._outcome(seen), found.annotations, seen)
        return JudgedSignature(found.manifest, found.media_type, scheme, outcome)

    def _outcome(self, seen: Evidence) -> Outcome:
        return judge(self.question, seen.with_roots(self.stores), self.policy, self.stores, self.answers, self.at)


def _positive(text: str) -> int:
    fault = f"--max-signatures {quote(text)} is not a positive number."
    number = whole_number(text, fault)
    if number < 1:
        raise CannotAnswerError(fault)
    return number
