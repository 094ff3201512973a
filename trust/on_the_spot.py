"""One artifact, judged on the spot: from what is stored, by the active revision, at the instant asked for.

No network, no writes, and a number of queries that does not grow with the signatures.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from django.db.models import BinaryField, Case, Exists, OuterRef, Q, Subquery, Value, When

from registries.models import Content, Fault, Listing, Manifest, Presence, Repository, Served
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust import revisions
from trust.evidence import IS_SIGNATURE, as_row, evidence_of, examine_bytes, readable
from trust.models import Chain, Signature, TrustRevision
from trust.notary.certificates import Certificate
from trust.notary.checks import as_text
from trust.notary.evidence import EVIDENCE_VERSION, Evidence
from trust.notary.notation_verdict import notation_verdict
from trust.notary.outcome import NotationVerdict, Outcome, SignatureFault, Word
from trust.notary.revocation import RevocationAnswers
from trust.notary.thumbprint_hint import with_thumbprint_note
from trust.notary.trust_policy import Choice
from trust.revocation_rows import answers_of
from trust.rulings import Rulings, not_to_be_had, rests_of, unread
from trust.signature_manifests import missing_manifest
from trust.statuses import SEVERITY, ArtifactVerdict

type Standing = tuple[Chain, str]
"The chain by which a list shows a signature, and how that rests on it (`rulings.rests_of`)."

CURRENT = Q(signature__evidence_version=EVIDENCE_VERSION)


@dataclass(frozen=True, slots=True)
class JudgedSignature:
    """One listed signature, its evidence and the verdict on it. `fault`: why there is no evidence to judge."""

    row: Signature
    manifest: Manifest
    evidence: Evidence | None
    outcome: Outcome
    fault: SignatureFault | None = None

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    @property
    def finding(self) -> Outcome | SignatureFault:
        return self.fault or self.outcome


@dataclass(frozen=True, slots=True)
class MissingSignature:
    """What a registry lists as a signature and does not give."""

    digest: Digest
    finding: SignatureFault


@dataclass(frozen=True, slots=True)
class JudgedArtifact:
    """The answer about one artifact in one repository; its signatures best first."""

    repository: Repository
    manifest: Manifest
    verdict: ArtifactVerdict
    choice: Choice
    level: str
    listing: Listing | None
    signatures: tuple[JudgedSignature, ...]
    in_turn: tuple["JudgedSignature | MissingSignature", ...]
    "All that is listed as a signature, in the order in which notation takes them."
    notation: NotationVerdict
    revision: TrustRevision | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the bytes, where that is not what is stored now: `trust.past` tells it of an instant."""

    revision: TrustRevision | None
    answers_of: Callable[[Set[tuple[Certificate, ...]]], RevocationAnswers]
    faults: Q = field(default_factory=Q)


def judge_artifact(
    repository: Repository,
    digest: Digest,
    at: datetime,
    user_metadata: Mapping[str, str] = MappingProxyType({}),
    answers: RevocationAnswers | None = None,
) -> JudgedArtifact:
    """Judge one artifact; raises Manifest.DoesNotExist for one that was never there. `answers` replace the stored ones."""
    listing = Listing.objects.filter(repository=repository, subject=digest).first()
    return judge_listed(repository, digest, listing, at, user_metadata, answers)


def judge_listed(
    repository: Repository,
    digest: Digest,
    listing: Listing | None,
    at: datetime,
    user_metadata: Mapping[str, str] = MappingProxyType({}),
    answers: RevocationAnswers | None = None,
    *,
    known: Known | None = None,
) -> JudgedArtifact:
    """The same where the listing of the artifact is at hand. `known`: by that, instead of what is stored now."""
    manifest, listed = _manifests(repository, digest, listing)
    rulings = Rulings.of(repository.reference, known.revision if known else revisions.active(), at, user_metadata)
    target = Descriptor(manifest.media_type, manifest.digest, manifest.size)
    examined = list(_examined(repository, listed, at))
    if answers is None:
        collected = known.answers_of if known else answers_of
        informed = rulings.with_answers(collected(rulings.chains(result for _, _, result in examined)))
    else:
        informed = rulings.with_answers(answers)
    signatures = [_judged(informed, target, *found) for found in examined]
    findings = [signature.finding for signature in signatures]
    # The standing of a chain is that of now: whoever brings other answers rests on those alone.
    standings = _standings(signatures) if answers is None and known is None else [None for _ in signatures]
    verdict = rulings.artifact(listing, findings)
    if verdict.word.is_green:
        assert verdict.deciding is not None
        verdict = _still_green(verdict, listing, standings[verdict.deciding], at)
    else:
        asked = (Q(subject=digest) | Q(digest=str(digest))) & (known.faults if known else Q())
        faults = list(Fault.objects.filter(asked, repository=repository))
        all_findings = [*findings, *unread(faults, digest, listing)]
        verdict = not_to_be_had(manifest, faults) or rulings.artifact(listing, all_findings)
    order = sorted(range(len(signatures)), key=lambda i: (i != verdict.deciding, -SEVERITY[findings[i].word], i))
    deciding = verdict.deciding
    signatures = [_aged(one, listing, standing, at) for one, standing in zip(signatures, standings, strict=True)]
    in_turn = _in_turn(signatures, listing)
    return JudgedArtifact(
        repository=repository,
        manifest=manifest,
        verdict=replace(verdict, deciding=order.index(deciding) if deciding in order else None),
        choice=rulings.choice,
        level=rulings.level,
        listing=listing,
        signatures=tuple(signatures[index] for index in order),
        in_turn=in_turn,
        notation=notation_verdict([one.finding for one in in_turn], choice=rulings.choice),
        revision=rulings.revision,
        at=at,
    )


def _manifests(repository: Repository, digest: Digest, listing: Listing | None) -> tuple[Manifest, list[Manifest]]:
    """The artifact, and the signature manifests that are listed for it, in the order listed."""
    listed = listing.digests if listing else []
    here = Exists(Presence.objects.filter(repository=repository, manifest=OuterRef("pk")))
    kept = Content.objects.filter(digest=OuterRef("digest")).values("content")
    unneeded = CURRENT | Q(digest=digest)
    rows = (
        Manifest.objects.filter((Q(digest=digest) & here) | (IS_SIGNATURE & Q(subject=digest, digest__in=listed)))
        .select_related("signature__chain")
        .annotate(
            kept=Case(When(unneeded, then=Value(None)), default=Subquery(kept), output_field=BinaryField(null=True)),
            read=Served.objects.here(repository, "digest"),
            envelope_read=Served.objects.here(repository, "signature__envelope"),
        )
    )
    found = {str(manifest.digest): manifest for manifest in rows}
    if str(digest) not in found:
        raise Manifest.DoesNotExist(f"{digest} was never in this repository")
    kept_here = vars(found[str(digest)])["read"]  # else others may have it, and this registry never gave it
    return found[str(digest)] if kept_here else Manifest.placeholder(digest), [
        found[name] for name in listed if name in found
    ]


def _in_turn(
    signatures: Sequence[JudgedSignature], listing: Listing | None
) -> tuple[JudgedSignature | MissingSignature, ...]:
    """The signatures as listed, and between them those that are not to be had; notation gives up when it comes to one."""
    if listing is None:
        return ()
    place = {digest: number for number, digest in enumerate(listing.digests)}
    turns: list[tuple[int, bool, JudgedSignature | MissingSignature]] = [
        (place[str(one.digest)], True, one) for one in signatures
    ]
    for digest, before in listing.missing:
        turns.append((before, False, MissingSignature(Digest.parse(digest), missing_manifest())))
    return tuple(one for _, _, one in sorted(turns, key=lambda turn: turn[:2]))


def _examined(
    repository: Repository, manifests: Sequence[Manifest], at: datetime
) -> Iterator[tuple[Manifest, Signature, Evidence | SignatureFault]]:
    """The signatures' evidence: what is stored, and where that is missing or old, what the stored bytes say."""
    rows = {manifest.digest: row for manifest in manifests if (row := getattr(manifest, "signature", None))}
    current = [row for row in rows.values() if row.evidence_version == EVIDENCE_VERSION]
    read = {row.envelope for row in current if row.envelope and vars(row.manifest)["envelope_read"]}
    results = {
        row.manifest_id: readable(row, result, read) for row, result in zip(current, evidence_of(current), strict=True)
    }
    if todo := [manifest for manifest in manifests if manifest.digest not in results]:
        kept = {manifest.digest: bytes(content) for manifest in todo if (content := vars(manifest)["kept"]) is not None}
        for examined in examine_bytes(todo, kept, Content.objects.filter(Served.objects.here(repository, "digest"))):
            rows[examined.manifest.digest] = as_row(examined, at)
            results[examined.manifest.digest] = examined.result
    for manifest in manifests:
        yield manifest, rows[manifest.digest], results[manifest.digest]


def _judged(
    rulings: Rulings, target: Descriptor, manifest: Manifest, row: Signature, result: Evidence | SignatureFault
) -> JudgedSignature:
    if isinstance(result, SignatureFault):
        return JudgedSignature(row, manifest, None, rulings.of_fault(result), fault=result)
    outcome = with_thumbprint_note(rulings.outcome(target, result), manifest.annotations, result)
    return JudgedSignature(row, manifest, result, outcome)


def _aged(
    signature: JudgedSignature, listing: Listing | None, standing: Standing | None, at: datetime
) -> JudgedSignature:
    """The signature; where it is green and its listing or its chain no longer holds, it is stale like its artifact."""
    outcome = signature.outcome
    if not outcome.word.is_green:
        return signature
    verdict = ArtifactVerdict(
        outcome.word,
        outcome.reason,
        outcome.message,
        green_until=outcome.green_until,
        stands_until=outcome.stands_until,
    )
    verdict = _still_green(verdict, listing, standing, at)
    return replace(
        signature, outcome=replace(outcome, word=verdict.word, reason=verdict.reason, message=verdict.message)
    )


def _standings(signatures: Sequence[JudgedSignature]) -> list[Standing | None]:
    """The standing of each signature, as far as its chain is stored; at most one query."""
    unsaved = {one.row.chain_id for one in signatures if one.row._state.adding} - {None}
    known = Chain.objects.in_bulk(unsaved) if unsaved else {}
    found = [known.get(one.row.chain_id) if one.row._state.adding else one.row.chain for one in signatures]
    return [(chain, rests_of(one.finding)) if chain else None for one, chain in zip(signatures, found, strict=True)]


def _still_green(
    verdict: ArtifactVerdict, listing: Listing | None, standing: Standing | None, at: datetime
) -> ArtifactVerdict:
    """The verdict, or `stale` where a list would show it so (`trust.models.green`)."""
    if listing and listing.recent_until <= at:
        message = f"It was {_in_words(verdict)}; the registry was last asked for its signatures at {as_text(listing.checked_at)}."
        return replace(verdict, word=Word.stale, reason="listing_old", message=message)
    if verdict.green_until and verdict.green_until <= at:
        message = f"It was {_in_words(verdict)} until {as_text(verdict.green_until)}."
        return replace(verdict, word=Word.stale, reason="deadline", message=message)
    if (standing and not standing[0].stands_at(at, standing[1])) or (
        verdict.stands_until and verdict.stands_until <= at
    ):
        message = f"It was {_in_words(verdict)}; the standing of its certificates is not known any more."
        return replace(verdict, word=Word.stale, reason="standing", message=message)
    return verdict


def _in_words(verdict: ArtifactVerdict) -> str:
    return verdict.word.replace("_", " ")
