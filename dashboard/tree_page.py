"""The Tree tab: what hangs on an artifact as twigs, like siblings folded, and the two pictures of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce, StrIndex
from django.urls import reverse

from dashboard.artifact_pages import Place, format_of, kind_name, platforms_of
from dashboard.graph import Drawing, Tree, tidy
from dashboard.signature_graph import SignatureGraph, signature_graph
from dashboard.vouched import vouched_as_stored
from dashboard.words import kind_look
from registries.models import Listing, Manifest, Repository
from registries.oci.digest import Digest
from registries.trees import TreeNode, load_tree
from trust.holdings import is_signature_of
from trust.models import BUILD, ArtifactStatus, stands, word_at, word_if
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.notary.outcome import Word
from trust.on_the_spot import JudgedArtifact

FOLD_FROM = 4  # like referrers beside each other
MOST_SIGNATURES, MOST_CHILDREN = 6, 12  # shown before the rest is folded
MOST_DRAWN = 250
HEADS = ("Artifact", "What hangs on it", "And on that", "And on that", "And so on")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The verdict beside a node, if it has one."""

    word: str = ""
    reason: str = ""
    signer: str = ""
    covered: bool = False

    @property
    def by(self) -> str:
        """Who signed; for a signature."""
        if self.signer and not vouched_as_stored(self.word, self.reason):
            return f"claims {self.signer}"
        return self.signer or "signer not proven"


@dataclass(frozen=True, slots=True)
class Twig:
    """A node of the tree as it is shown: one manifest, or several like ones folded."""

    icon: str
    title: str
    sub: str
    url: str
    more: str = ""  # said in the tree, but not in the picture
    digest: Digest | None = None
    spoken: Spoken = field(default_factory=Spoken)
    marks: tuple[str, ...] = ()
    folded: bool = False
    is_self: bool = False
    level: int = 1
    children: "tuple[Twig, ...]" = ()


@dataclass(frozen=True, slots=True)
class TreePage:
    """All of the tab."""

    root: Twig
    manifests: int
    truncated: bool
    folds: bool
    unfolded: bool
    drawing: Drawing[Twig] | None  # None: too many to draw
    heads: tuple[tuple[int, str], ...]
    signatures: SignatureGraph | None


def tree_page(place: Place, judged: JudgedArtifact, unfold: str, chosen: str) -> TreePage:
    loaded = load_tree(place.repository, place.digest, manifests=_with_words(place, judged))
    unfolded = frozenset(unfold.split(","))
    number = count(loaded)
    root = Grower(place.repository.pk, _spoken(place, judged, loaded), unfolded).grow(loaded)
    drawing = tidy(_as_tree(root)) if _twigs(root) <= MOST_DRAWN else None
    columns = sorted({(node.level, node.x) for node in drawing.nodes}) if drawing else []
    return TreePage(
        root=root,
        manifests=number,
        truncated=loaded.cut,
        folds=_has_fold(root),
        unfolded=bool(unfold),
        drawing=drawing,
        heads=tuple((x, HEADS[min(level, len(HEADS) - 1)]) for level, x in columns),
        signatures=signature_graph(judged, chosen),
    )


def count(node: TreeNode) -> int:
    return 1 + sum(count(child) for child in node.children)


@dataclass(frozen=True, slots=True)
class Fold:
    """Like siblings that are shown as one."""

    key: str
    nodes: tuple[TreeNode, ...]
    more: bool  # others of them are shown


def folded(parent: TreeNode, unfolded: frozenset[str]) -> Iterator[TreeNode | Fold]:
    """The children in their order, signatures first, then platforms, then other referrers; like ones folded."""
    ordered = sorted(parent.children, key=_order)
    for (relation, kind), group in groupby(ordered, key=lambda node: (node.relation, _kind(node))):
        nodes = tuple(group)
        key = f"{parent.digest.short}.{relation}.{kind}"
        most = _most_shown(relation, kind, len(nodes))
        if "all" in unfolded or key in unfolded or len(nodes) <= most:
            yield from nodes
        else:
            shown = most - 1 if most > 1 else 0
            yield from nodes[:shown]
            yield Fold(key, nodes[shown:], more=shown > 0)


def _order(node: TreeNode) -> tuple[int, str]:
    if _kind(node) == "signature":
        return 0, ""
    return (1, "") if node.relation == "child" else (2, _kind(node))


def _most_shown(relation: str, kind: str, number: int) -> int:
    """How many places a group takes: what is signed by whom, and platforms, are worth more room."""
    if kind == "signature":
        return MOST_SIGNATURES
    if relation == "child":
        return MOST_CHILDREN
    return 1 if number >= FOLD_FROM else number


def _kind(node: TreeNode) -> str:
    return str(node.manifest.kind) if node.manifest else "other"


@dataclass(frozen=True, slots=True)
class Grower:
    """Makes twigs of nodes."""

    repository_id: int
    spoken: Mapping[Digest, Spoken]
    unfolded: frozenset[str]

    def grow(self, node: TreeNode, parent: TreeNode | None = None, level: int = 1) -> Twig:
        twig = self._twig(node, parent)
        return replace(
            twig,
            level=level,
            is_self=parent is None,
            children=tuple(
                self._fold(node, child, level + 1) if isinstance(child, Fold) else self.grow(child, node, level + 1)
                for child in folded(node, self.unfolded)
            ),
        )

    def _twig(self, node: TreeNode, parent: TreeNode | None) -> Twig:
        manifest = node.manifest
        if manifest is None:
            holder = parent.digest if parent else node.digest
            url = reverse("artifact_manifest", args=[self.repository_id, holder])
            title = node.platform or "Manifest"
            return Twig("warning", title, "", url, digest=node.digest, marks=("absent",))
        spoken = self.spoken.get(node.digest, Spoken())
        if node.relation == "referrer" and spoken.word == Word.unsigned:
            spoken = Spoken()  # nobody expects a signature on every document
        is_signature = parent is not None and is_signature_of(manifest, parent.digest)
        if is_signature and parent is not None:
            url = reverse("signature", args=[self.repository_id, parent.digest, node.digest])
        elif manifest.kind == "signature" and parent is not None:  # of another kind: it has no page of its own
            url = reverse("artifact_manifest", args=[self.repository_id, node.digest])
        else:
            url = reverse("artifact_tree" if parent else "artifact", args=[self.repository_id, node.digest])
        gone = () if node.present else ("gone",)
        again = ("repeated",) if node.repeated else ()
        return Twig(
            icon=kind_look(manifest.kind).icon,
            title=node.platform or kind_name(manifest),
            sub=spoken.by if is_signature and spoken.word else format_of(manifest),
            more=platforms_of(manifest),
            url=url,
            digest=node.digest,
            spoken=spoken,
            marks=(*gone, *again),
        )

    def _fold(self, parent: TreeNode, fold: Fold, level: int) -> Twig:
        look = kind_look(_kind(fold.nodes[0]))
        keys = sorted({*(key for key in self.unfolded if key), fold.key})
        title = f"{len(fold.nodes):,} more {look.many}" if fold.more else look.of(len(fold.nodes))
        return Twig(look.icon, title, "show all", f"?unfold={','.join(keys)}", folded=True, level=level)


def _with_words(place: Place, judged: JudgedArtifact) -> QuerySet[Manifest]:
    """Manifests with the word that each has here, if it has one: a signature by its verdict, any other by its status."""
    number, at, repository = judged.revision.number if judged.revision else None, judged.at, place.repository
    covers = ArtifactStatus.objects.covers(repository.pk, OuterRef("status__covered_by"), number, at)
    return Manifest.objects.annotate(
        status=FilteredRelation("statuses", condition=Q(statuses__repository=repository)),
        verdict=FilteredRelation(
            "signature__verdicts",
            condition=Q(signature__verdicts__repository=repository, signature__verdicts__purpose=BUILD),
        ),
        word=Coalesce(word_if(_holds(repository, number, at), "verdict__"), word_at(number, at, "status__")),
        reason=Coalesce("verdict__reason", "status__reason"),
        signer=Coalesce("verdict__signer", "status__signer"),
        covered=Exists(covers),
    )


def _holds(repository: Repository, active: int | None, at: datetime) -> Q:
    """The green test of the verdict on a signature: what `green` asks, and that it is listed, which a status knows."""
    named = StrIndex(Cast("digests", TextField()), Cast(OuterRef("digest"), TextField()))
    listings = Listing.objects.filter(repository=repository, subject=OuterRef("subject")).filter(Listing.recent(at))
    return Q(
        Q(verdict__green_until=None) | Q(verdict__green_until__gt=at),
        stands(at, "verdict__", "signature__chain__"),
        Exists(listings.annotate(named=named).filter(named__gt=0)),
        verdict__revision__isnull=False,
        verdict__revision__number=active,
        verdict__judge_version=JUDGE_VERSION,
        signature__evidence_version=EVIDENCE_VERSION,
    )


def _spoken(place: Place, judged: JudgedArtifact, root: TreeNode) -> dict[Digest, Spoken]:
    """The word of every node that has one: this artifact's and its signatures' judged now, the others' as stored."""
    rows = [vars(node.manifest) for node in _nodes(root) if node.manifest]
    found = {
        row["digest"]: Spoken(row["word"], row["reason"], row["signer"], row["covered"]) for row in rows if row["word"]
    }
    for signature in judged.signatures:
        outcome = signature.outcome
        found[signature.manifest.digest] = Spoken(outcome.word, outcome.reason, outcome.signer)
    found[place.digest] = Spoken(judged.verdict.word, judged.verdict.reason, judged.verdict.signer)
    return found


def _nodes(node: TreeNode) -> Iterator[TreeNode]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _as_tree(twig: Twig) -> Tree[Twig]:
    return Tree(twig, tuple(_as_tree(child) for child in twig.children))


def _twigs(twig: Twig) -> int:
    return 1 + sum(_twigs(child) for child in twig.children)


def _has_fold(twig: Twig) -> bool:
    return twig.folded or any(_has_fold(child) for child in twig.children)
