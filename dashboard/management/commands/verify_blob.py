"""`manage.py verify_blob`: does this detached signature vouch for this file, may we trust it, and why (not)?"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from dashboard.blob_report import blob_report, refused_report
from dashboard.management.answering import AnsweringCommand
from dashboard.revocation_now import ask_now, lacking
from dashboard.stored_answers import active_blob_material
from dashboard.verify_arguments import (
    CannotAnswerError,
    add_shared_arguments,
    answer,
    instant,
    policy_and_stores,
    user_metadata,
    whole_number,
)
from dashboard.verify_report import Report
from registries.oci.digest import Digest
from trust.blobs import judge_blob
from trust.notary.blob import Blob, envelope_type, hash_of, is_media_type
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import TrustPolicyError, quote
from trust.notary.evidence import MAX_ENVELOPE, Evidence, examine
from trust.notary.judge import Question

CHUNK = 1 << 20


class Command(AnsweringCommand):
    """Verifies a blob. With policy and stores from files it needs no database and no secret."""

    help = "Verify the detached signature of a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="the blob; or say --digest and --size in its place")
        parser.add_argument("--digest", help="the digest of a blob that is not at hand")
        parser.add_argument("--size", help="its size in bytes")
        parser.add_argument("--signature", type=Path, required=True, help="NAME.jws.sig or NAME.cose.sig")
        parser.add_argument("--media-type", default="", help="the media type that must have been signed; any if absent")
        parser.add_argument(
            "--policy", type=Path, help="the blob trust policy, as trustpolicy.blob.json; the active one if absent"
        )
        parser.add_argument("--policy-name", default="", help="the statement that applies; the global one if absent")
        parser.add_argument("--trust-store", type=Path, help="notation's truststore directory; with --policy")
        add_shared_arguments(parser)

    def answer(self, options: Mapping[str, Any]) -> tuple[str, int]:
        report = _report(options)
        return answer(report, as_json=options["json"]), report.exit_code


def _report(options: Mapping[str, Any]) -> Report:
    at = instant(options["at"])
    metadata = user_metadata(options["user_metadata"])
    evidence = _signature(options["signature"])
    blob = _blob(options, evidence)
    reference = str(options["file"] or options["digest"])
    try:
        policy, stores = policy_and_stores(options, BlobTrustPolicy.parse, active_blob_material)
    except TrustPolicyError as error:
        return refused_report(reference, blob, evidence, error)
    question = Question(options["policy_name"], blob, metadata)
    judged = judge_blob(question, evidence, policy, stores, at)
    if not options["offline"] and (missing := list(lacking(evidence.chain, judged.outcome))):
        judged = judge_blob(question, evidence, policy, stores, at, ask_now(missing, at))
    return blob_report(reference, judged)


def _signature(path: Path) -> Evidence:
    media_type = envelope_type(path.name)
    with path.open("rb") as file:
        content = file.read(MAX_ENVELOPE + 1)
    if len(content) > MAX_ENVELOPE:
        raise CannotAnswerError(f"{path} is larger than {MAX_ENVELOPE} bytes: it is no signature.")
    return examine(content, media_type)


def _blob(options: Mapping[str, Any], evidence: Evidence) -> Blob:
    """The blob that was named, by its bytes or by what somebody says of them."""
    media_type = options["media_type"]
    if media_type and not is_media_type(media_type):
        raise CannotAnswerError(f"--media-type {quote(media_type)} is not a media type such as text/plain.")
    if options["file"] is None:
        if not options["digest"] or not options["size"]:
            raise CannotAnswerError("Name the file, or give both --digest and --size.")
        return Blob((Digest.parse(options["digest"]),), _size(options["size"]), media_type)
    if options["digest"] or options["size"]:
        raise CannotAnswerError("--digest and --size stand in place of the file, not beside it.")
    with options["file"].open("rb") as file:
        return Blob.read(iter(partial(file.read, CHUNK), b""), [hash_of(evidence)], media_type)


def _size(text: str) -> int:
    return whole_number(text, f"--size {quote(text)} is not a number of bytes.")
