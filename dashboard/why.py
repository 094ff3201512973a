"""Why trusted: the path of a judged signature, with what its reader may know of how far its root reaches."""

from dataclasses import replace

from django.urls import reverse

from dashboard import access
from dashboard.trust_path import Path, Where, path, path_of_none
from dashboard.weak_links import Shared
from trust import revisions
from trust.coverage import Named, resting_on
from trust.notary.levels import Validation
from trust.on_the_spot import JudgedArtifact, JudgedSignature


def path_of(user: access.Person, judged: JudgedArtifact, signature: JudgedSignature | None) -> Path:
    """The path of a signature; for no signature, what one would have to lead to."""
    where = Where(judged.choice, judged.repository.reference, judged.repository.name, judged.at)
    if signature is None:
        return path_of_none(judged.verdict.message, where)
    where = replace(where, shared=_shared(user, judged, signature))
    return path(signature.manifest.digest, signature.evidence, signature.outcome, where)


def picture_url(judged: JudgedArtifact, signature: JudgedSignature | None) -> str:
    """Where the path is drawn, dark among the others; nowhere without a signature."""
    if signature is None:
        return ""
    page = reverse("artifact_tree", args=[judged.repository.pk, judged.manifest.digest])
    return f"{page}?signature={signature.manifest.digest}#signature-graph"


def _shared(user: access.Person, judged: JudgedArtifact, signature: JudgedSignature) -> Shared | None:
    """How far the certificate reaches that anchors the chain; one query."""
    found = {result.validation: result for result in signature.outcome.results}.get(Validation.authenticity)
    if found is None or not found.store or judged.revision is None or signature.evidence is None:
        return None
    anchor = next((one for one in signature.evidence.chain if one.thumbprint == found.certificate), None)
    if anchor is None:
        return None
    material = revisions.material(judged.revision)
    names = [one.reference for one in Named.all_of(access.repositories_of(user)) if one.reference]
    reach = resting_on(material.policy, material.stores, anchor, names)
    return Shared(*reach, whole=access.sees_everything(user))
