"""What the pages of one artifact share: what it is, where it stands, and the verdict in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.contrib.auth.models import User
from django.db.models import Exists, FilteredRelation, OuterRef, Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from dashboard import access
from dashboard.ladder import Rung, ladder, nearest_fix
from dashboard.sentences import Sentence, sentence
from dashboard.trust_path import Path
from dashboard.vouched import called, vouched
from dashboard.why import path_of, picture_url
from dashboard.words import best_tag, kind_look
from registries import questions
from registries.models import Content, Listing, Manifest, Presence, Repository, Served
from registries.oci import formats
from registries.oci.digest import Digest
from trust import revisions
from trust.additions import ROLES, Additions, AdditionsError
from trust.legacy_signatures import JudgedLegacy, stored_legacy
from trust.models import ArtifactStatus
from trust.notary.certificates import Certificate
from trust.notary.outcome import Word
from trust.on_the_spot import JudgedArtifact, JudgedSignature

TABS = (
    ("Trust", "artifact"),
    ("Tree", "artifact_tree"),
    ("Manifest", "artifact_manifest"),
    ("History", "artifact_history"),
)
MOST_SIGNATURES = 20  # in the table, until all are asked for


@dataclass(frozen=True, slots=True)
class Place:
    """An artifact in a repository that the reader may see."""

    repository: Repository
    digest: Digest
    status: ArtifactStatus | None  # None: not judged by a worker yet, or no subject at all
    listing: Listing | None  # None: never listed

    @classmethod
    def of(cls, user: access.Person, repository_id: int, digest: Digest) -> Self:
        """The place; Http404 where the reader may not look. Whether the artifact is there is asked when it is read."""
        covers = ArtifactStatus.objects.covers(
            OuterRef("pk"), OuterRef("status__covered_by"), revisions.active_subquery(), timezone.now()
        )
        here = access.repositories_of(user).annotate(
            status=FilteredRelation("statuses", condition=Q(statuses__manifest=digest)),
            listing=FilteredRelation("listings", condition=Q(listings__subject=digest)),
            covered_now=Exists(covers),
        )
        joined = here.select_related("registry", "status", "listing")  # type: ignore[misc] # it does not know `annotate`
        repository = get_object_or_404(joined, pk=repository_id)
        found = vars(repository)
        if status := found.get("status"):
            vars(status)["covered_now"] = found["covered_now"]
        return cls(repository, digest, status, found.get("listing"))

    def manifest(self) -> Manifest:
        """Its manifest; Http404 for one that never was in this repository, a placeholder for one never read here."""
        presence = Presence.objects.filter(repository=self.repository, manifest=self.digest).select_related("manifest")
        found = presence.annotate(read=Served.objects.here(self.repository, "manifest")).first()
        if found is None:
            raise Http404
        return found.manifest if vars(found)["read"] else Manifest.placeholder(self.digest)

    def content(self) -> bytes | None:
        """Its exact bytes, if they are kept and this repository's registry gave them."""
        read = Content.objects.filter(Served.objects.here(self.repository, "digest"), digest=self.digest)
        kept = read.values_list("content", flat=True).first()
        return None if kept is None else bytes(kept)

    @property
    def reference(self) -> str:
        """What commands are given; empty for a layout that stands for nothing."""
        return f"{self.repository.reference}@{self.digest}" if self.repository.reference else ""

    @property
    def tags(self) -> list[str]:
        return self.status.tags if self.status else []

    @property
    def name(self) -> str:
        """How people call it: with the tag that says most, else with its digest."""
        if self.tags:
            return f"{self.repository.name}:{best_tag(self.tags)}"
        return f"{self.repository.name}@{self.digest.algorithm}:{self.digest.short}"


def head(user: User, place: Place, manifest: Manifest, tab: str) -> dict[str, Any]:
    """The context of what stands above the tabs."""
    arguments = [place.repository.pk, place.digest]
    return {
        "place": place,
        "past_query": "",
        "manifest": manifest,
        "what": describe(manifest),
        "status": place.status,
        "is_admin": access.is_admin(user),
        "rechecking": questions.is_checked_again(place.repository, place.listing, timezone.now()),
        "tabs": [(label, reverse(page, args=arguments), page == tab) for label, page in TABS],
        "json_url": reverse("api_artifact_trust", args=arguments),
    }


def describe(manifest: Manifest) -> str:
    """What it is, in a few words: "Image index, 3 platforms"."""
    return ", ".join(text for text in (kind_name(manifest), platforms_of(manifest)) if text)


def kind_name(manifest: Manifest) -> str:
    """Its kind; for one that nobody gave a name, its artifact type."""
    if manifest.kind == "other" and (name := _format_name(manifest) or manifest.artifact_type):
        return name
    name = kind_look(manifest.kind).one
    return name[:1].upper() + name[1:]


def platforms_of(manifest: Manifest) -> str:
    platforms = manifest.summary.get("platforms") if isinstance(manifest.summary, dict) else None
    if manifest.kind != "index" or not isinstance(platforms, list) or not platforms:
        return ""
    return f"{len(platforms)} platform{'' if len(platforms) == 1 else 's'}"


def format_of(manifest: Manifest) -> str:
    """The format of an artifact, in a word; its artifact type where nobody gave it a name."""
    if name := _format_name(manifest):
        return "" if manifest.kind == "other" else name  # then it is its kind's name already
    if manifest.kind in ("image", "index", "other"):
        return ""
    return manifest.artifact_type.removeprefix("application/")


def _format_name(manifest: Manifest) -> str:
    summary = manifest.summary if isinstance(manifest.summary, dict) else {}
    return str(summary.get("format") or "") or formats.name_of(manifest.artifact_type)


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A signature in the table of an artifact."""

    signature: JudgedSignature
    url: str
    selected: bool

    @property
    def digest(self) -> Digest:
        return self.signature.manifest.digest

    @property
    def signer(self) -> str:
        return self.signature.outcome.signer

    @property
    def vouched(self) -> bool:
        return vouched(self.signature.outcome)

    @property
    def leaf(self) -> Certificate | None:
        """The leaf; nobody vouches for its name unless the row is `vouched`."""
        evidence = self.signature.evidence
        chain = (evidence.chain or evidence.unverified_chain) if evidence else ()
        return chain[0] if chain else None

    @property
    def signed_at(self) -> datetime | None:
        """When it says that it was made; the claim of an envelope that does not hold is not shown."""
        signed = self.signature.evidence.signed if self.signature.evidence else None
        return (signed.authentic_signing_time or signed.signing_time) if signed else None


@dataclass(frozen=True, slots=True)
class TrustPage:
    """The verdict on an artifact, ready to be shown: the sentence, the signatures, the ladder of one of them."""

    said: Sentence
    fix: str
    detail: str
    rows: tuple[SignatureRow, ...]
    legacy: tuple[JudgedLegacy, ...]
    hidden: int
    selected: JudgedSignature | None
    rungs: tuple[Rung, ...]
    path: Path
    picture: str
    notation: str

    @property
    def why(self) -> str:
        """Whose signature the ladder is of."""
        outcome = self.selected.outcome if self.selected else None
        if not outcome or not outcome.signer:
            return "signer not proven"
        return called(outcome.signer, vouched=vouched(outcome))


DETAILED = ("failed", "unknown", "not_checked", "stale")  # words whose message says more than the sentence
SAID = (
    "target_mismatch",
    "target_unreadable",
    "no_policy",
    "no_statement",
    "level_skip",
    "not_listed",
    "envelope_empty",
)


def trust_page(
    user: User, place: Place, judged: JudgedArtifact, chosen: str = "", *, everything: bool = False, also: str = ""
) -> TrustPage:
    """The page of one artifact; `chosen`: the signature whose ladder is shown, else the one that decided.

    `also`: what else of the address its own links keep: that of an instant, of which no picture is drawn.
    """
    verdict, choice, reference = judged.verdict, judged.choice, judged.repository.reference
    selected = _selected(judged, chosen)
    deciding = judged.signatures[verdict.deciding] if verdict.deciding is not None else None
    outcome = deciding.outcome if deciding else None
    statement = choice.statement.name if choice.statement else ""
    said = sentence(
        verdict.word,
        verdict.reason,
        signer=verdict.signer,
        statement=statement,
        roles=roles_of(judged),
        covered=bool(place.status and vars(place.status)["covered_now"]),
    )
    shown = judged.signatures if everything else judged.signatures[:MOST_SIGNATURES]
    return TrustPage(
        said=said,
        fix=nearest_fix(outcome, choice, verdict.word, verdict.reason, reference),
        detail=verdict.message if verdict.word in DETAILED and verdict.reason not in SAID else "",
        rows=tuple(_rows(shown, selected, ("&signatures=all" if everything else "") + also)),
        legacy=stored_legacy(judged),
        hidden=len(judged.signatures) - len(shown),
        selected=selected,
        rungs=rungs_of(judged, selected),
        path=path_of(user, judged, selected),
        picture="" if also else picture_url(judged, selected),
        notation=notation_says(judged),
    )


def roles_of(judged: JudgedArtifact, only: JudgedSignature | None = None) -> list[tuple[str, str]]:
    """What the policy says its good signers are, each once, in the order of the roles; of one signature, or of all."""
    if judged.revision is None or not judged.revision.additions:
        return []
    try:
        additions = Additions.read(judged.revision.additions)
    except AdditionsError:  # written by another version of Signboard
        return []
    found: dict[tuple[str, str], None] = {}
    for signature in judged.signatures if only is None else [only]:
        if signature.outcome.word.is_green and signature.evidence and signature.evidence.chain:
            role = additions.role_of(signature.outcome.statement, signature.evidence.chain[0].subject)
            if role:
                found[role, signature.outcome.signer] = None
    return sorted(found, key=lambda one: ROLES.index(one[0]))


def _selected(judged: JudgedArtifact, chosen: str) -> JudgedSignature | None:
    named = (signature for signature in judged.signatures if chosen and str(signature.manifest.digest) == chosen)
    return next(named, judged.signatures[0] if judged.signatures else None)


def _rows(signatures: Sequence[JudgedSignature], selected: JudgedSignature | None, more: str) -> Iterator[SignatureRow]:
    for signature in signatures:
        yield SignatureRow(signature, f"?signature={signature.manifest.digest}{more}#why", signature is selected)


def rungs_of(judged: JudgedArtifact, signature: JudgedSignature | None) -> tuple[Rung, ...]:
    """The ladder of a signature; for no signature, what one would have to satisfy."""
    return ladder(signature.outcome if signature else None, judged.choice, judged.repository.reference)


def notation_says(judged: JudgedArtifact) -> str:
    """What notation itself would answer, because people compare."""
    if judged.notation.verified:
        statement = judged.choice.statement
        if statement and not Word(judged.verdict.word).is_green:
            return f"notation would say: verified, because level {statement.level.name} only logs what failed."
        return "notation would say: verified."
    if judged.notation.skipped:
        return "notation would skip verification."
    return f"notation would say: {judged.notation.error}"
