"""An artifact that was judged from the database, in the form in which `manage.py verify` reports one from a layout."""

from dataclasses import replace

from dashboard.verify_report import JudgedSignature, Report
from trust.on_the_spot import JudgedArtifact, MissingSignature
from trust.on_the_spot import JudgedSignature as Judged


def report_of(judged: JudgedArtifact) -> Report:
    """The report; its word may be `stale`, which a layout never is."""
    repository = judged.repository.reference
    return Report(
        reference=f"{repository}@{judged.manifest.digest}" if repository else "",
        digest=judged.manifest.digest,
        choice=judged.choice,
        verdict=replace(judged.verdict, deciding=None),
        notation=judged.notation,
        signatures=tuple(_signature(one) for one in judged.in_turn),
        incomplete=judged.listing is None or not judged.listing.complete,
    )


def _signature(judged: Judged | MissingSignature) -> JudgedSignature:
    if isinstance(judged, MissingSignature):
        return JudgedSignature(judged.digest, "", "", judged.finding)
    signed = judged.evidence.signed if judged.evidence else None
    return JudgedSignature(
        manifest=judged.manifest.digest,
        media_type=judged.row.media_type,
        scheme=signed.scheme if signed else "",
        outcome=judged.finding,
    )
