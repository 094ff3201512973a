"""Drafts that begin from what is there: signers seen, one signature, repositories that a pattern means."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dashboard import access, drafting, starting
from dashboard.artifact_pages import Place
from dashboard.requests import Request
from dashboard.views.artifacts import judge
from registries.oci.digest import Digest
from trust import pattern_scopes, revisions, signers_seen, trusting
from trust.notary.errors import TrustPolicyError
from trust.notary.policy_rules import is_scope
from trust.revisions import Content
from trust.trusting import TrustingError


@require_POST
@access.admin_required
def begin(request: Request) -> HttpResponse:
    """A first draft that accepts the chosen signers, each where they signed."""
    wanted = set(request.POST.getlist("signer"))
    chosen = [signer for signer in starting.signers()[0] if signer.key in wanted]
    if not chosen:
        messages.error(request, "Choose at least one signer.")
        return redirect("trust_policy")
    try:
        content = trusting.first((signer, _scopes(signer)) for signer in chosen)
    except TrustingError as error:
        messages.error(request, str(error))
        return redirect("trust_policy")
    names = ", ".join(signer.subject for signer in chosen[:3])
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    return redirect("draft", drafting.begin(request, content, f"Trust {names}{more}.").pk)


def _scopes(signer: signers_seen.Signer) -> list[str]:
    names = (f"{registry}/{name}" for registry, name in signers_seen.repositories_of(signer) if registry)
    return [name for name in dict.fromkeys(names) if is_scope(name)]


@require_POST
@access.admin_required
def trust_signer(request: Request, repository_id: int, digest: Digest, signature: Digest) -> HttpResponse:
    """A draft under which the signer of this signature is accepted in this repository, and nowhere else."""
    place = Place.of(request.user, repository_id, digest)
    judged = judge(place)
    found = next((each for each in judged.signatures if each.manifest.digest == signature), None)
    if found is None:
        raise Http404
    signer = starting.signer_of(found)
    active = revisions.active()
    try:
        if signer is None:
            raise TrustingError("Trusting its signer would not make this signature verify.")
        content = revisions.content_of(active) if active else Content(b"", {})
        content = trusting.trusting(content, signer, place.repository.reference)
    except (TrustingError, TrustPolicyError) as error:
        messages.error(request, str(error))
        return redirect("signature", repository_id, digest, signature)
    reason = f"Trust {signer.subject} in {place.repository.reference}."
    return redirect("draft", drafting.begin(request, content, reason).pk)


@require_POST
@access.admin_required
def propose_scopes(request: Request) -> HttpResponse:
    """A draft in which statements name the repositories that their patterns have come to mean."""
    active = revisions.active()
    more = starting.new_scopes(active) if active else {}
    if active is None or not more:
        messages.info(request, "No repository is new to a pattern.")
        return redirect("trust_policy")
    content = pattern_scopes.with_scopes(revisions.content_of(active), more)
    count = sum(map(len, more.values()))
    reason = f"{count:,} new {'repository matches' if count == 1 else 'repositories match'} a pattern."
    return redirect("draft", drafting.begin(request, content, reason).pk)
