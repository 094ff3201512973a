"""An artifact that was judged from the database, in the form in which `manage.py verify` reports one from a layout."""

from dataclasses import replace

from dashboard.verify_report import JudgedSignature, Report
from trust.on_the_spot import JudgedArtifact
from trust.on_the_spot import JudgedSignature as Judged


def report_of(judged: JudgedArtifact) -> Report:
    """The report; its word may be `stale`, which a layout never is."""
    statement = judged.choice.statement
    repository = judged.repository.reference
    listed = judged.listing.digests if judged.listing else []
    place = {digest: number for number, digest in enumerate(listed)}  # pages show the best first, reports as listed
    signatures = sorted(judged.signatures, key=lambda signature: place[str(signature.manifest.digest)])
    return Report(
        reference=f"{repository}@{judged.manifest.digest}" if repository else "",
        digest=judged.manifest.digest,
        level=statement.level if statement else None,
        choice=judged.choice,
        verdict=replace(judged.verdict, deciding=None),
        notation=judged.notation,
        signatures=tuple(_signature(signature) for signature in signatures),
    )


def _signature(judged: Judged) -> JudgedSignature:
    signed = judged.evidence.signed if judged.evidence else None
    return JudgedSignature(
        manifest=judged.manifest.digest,
        media_type=judged.row.media_type,
        scheme=signed.scheme if signed else "",
        outcome=judged.finding,
    )
