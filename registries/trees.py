"""The tree below a manifest in one repository: children of indexes and referrers, in a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from registries.models import Child, Manifest, Presence, Repository, Served
from registries.oci.digest import Digest
from registries.oci.media_types import Kind

DEEPEST = 32
KIND_ORDER = [Kind.signature, Kind.sbom, Kind.scan, Kind.provenance, Kind.attestation]

# UNION leaves out what was reached before: circles end by themselves.
REACHABLE = """
WITH RECURSIVE node(digest) AS (
    SELECT CAST(%s AS varchar(135))
    UNION
    {step}
)
SELECT digest FROM node LIMIT %s
"""
HERE = """EXISTS (
    SELECT 1 FROM {presence} AS presence
    WHERE presence.manifest_id = referrer.digest AND presence.repository_id = {repository:d}
)"""
# What a manifest says is known here only if it was read here.
READ = """EXISTS (
    SELECT 1 FROM {served} AS served WHERE served.digest = {digest} AND served.repository_id = {repository:d}
)"""
# Each way out of a node is a row of `way`, so that both joins use an index and neither multiplies the other.
STEP = """
SELECT COALESCE(child.child, referrer.digest)
FROM node
CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1) AS way
LEFT JOIN {child} AS child ON way.number = 0 AND child.parent_id = node.digest AND {parent_read}
LEFT JOIN {manifest} AS referrer ON way.number = 1 AND referrer.subject = node.digest AND {here} AND {referrer_read}
WHERE COALESCE(child.child, referrer.digest) IS NOT NULL
"""
# PostgreSQL would read whole tables for that, and has LATERAL, which SQLite lacks.
LATERAL_STEP = """
SELECT edge.digest
FROM node
CROSS JOIN LATERAL (
    SELECT child.child AS digest FROM {child} AS child WHERE child.parent_id = node.digest AND {parent_read}
    UNION ALL
    SELECT referrer.digest FROM {manifest} AS referrer
    WHERE referrer.subject = node.digest AND {here} AND {referrer_read}
) AS edge
"""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A manifest where it hangs in a tree."""

    digest: Digest
    manifest: Manifest | None
    "None: an index names it, and the registry never gave it."
    relation: str
    "root, child or referrer"
    platform: str = ""
    children: tuple["TreeNode", ...] = ()
    present: bool = False
    "The registry still has it."
    repeated: bool = False
    "It hangs elsewhere in the tree as well, and is drawn with what is below it there."
    cut: bool = False
    "Of the root: the tree is larger than what was read."


@dataclass(slots=True)
class _Parts:
    """What the tree is built from."""

    manifests: dict[Digest, Manifest]
    children: dict[Digest, list[Child]]
    present: dict[Digest, bool]
    "Everything that ever was in the repository, and whether it is now."
    cut: bool
    "There is more than was read."
    referrers: dict[Digest, list[Manifest]] = field(default_factory=lambda: defaultdict(list))


def load_tree(
    repository: Repository, digest: Digest, *, limit: int = 2000, manifests: QuerySet[Manifest] | None = None
) -> TreeNode:
    """The tree below a manifest as the repository holds it, of at most `limit` manifests; two queries.

    What vanished from the registry is in it, marked as not present. Nothing of another repository is. `manifests`:
    what is read of them, with whatever the asker joined to them.
    """
    rows = Manifest.objects.all() if manifests is None else manifests
    presences = Presence.objects.filter(repository=repository, manifest=OuterRef("pk"))
    found = rows.filter(digest__in=_reachable(repository, digest, limit + 1)).annotate(
        read=Served.objects.here(repository, "digest"), held=Exists(presences), present=Exists(presences.current())
    )
    return _build(_parts(sorted(found, key=lambda row: (row.digest != digest, *_referrer_order(row))), limit), digest)


def _reachable(repository: Repository, digest: Digest, limit: int) -> RawSQL:
    tables = {
        model.__name__.lower(): connection.ops.quote_name(model._meta.db_table)
        for model in (Child, Manifest, Presence, Served)
    }
    step = LATERAL_STEP if connection.vendor == "postgresql" else STEP
    conditions = {
        "here": HERE.format(repository=repository.pk, **tables),
        "parent_read": READ.format(digest="child.parent_id", repository=repository.pk, **tables),
        "referrer_read": READ.format(digest="referrer.digest", repository=repository.pk, **tables),
    }
    statement = REACHABLE.format(step=step.format(**conditions, **tables))
    return RawSQL(statement, (str(digest), limit))  # noqa: S611 - names of tables and a number of ours


def _parts(rows: Sequence[Manifest], limit: int) -> _Parts:
    """Of rows in their order, of which one more than `limit` says that there are more."""
    shown = [row for row in rows[:limit] if vars(row)["held"]]
    manifests = {row.digest: row for row in shown if vars(row)["read"]}
    children: dict[Digest, list[Child]] = defaultdict(list)
    for child in Child.objects.filter(parent__in=list(manifests)).order_by("parent", "position"):
        children[child.parent_id].append(child)
    named = {child.child for below in children.values() for child in below}
    parts = _Parts(
        manifests=manifests,
        children=children,
        present={row.digest: vars(row)["present"] for row in shown},
        cut=len(named.union(row.digest for row in rows)) > limit,
    )
    for manifest in manifests.values():
        if manifest.subject:
            parts.referrers[manifest.subject].append(manifest)
    return parts


def _referrer_order(manifest: Manifest) -> tuple[int, str, str]:
    """Signatures first, then evidence by kind."""
    kind = Kind(manifest.kind)
    return (
        KIND_ORDER.index(kind) if kind in KIND_ORDER else len(KIND_ORDER),
        manifest.artifact_type,
        str(manifest.digest),
    )


@dataclass(slots=True)
class _Place:
    """A node while the tree grows."""

    digest: Digest
    relation: str
    platform: str = ""
    below: list["_Place"] = field(default_factory=list)
    repeated: bool = False


def _build(parts: _Parts, root: Digest) -> TreeNode:
    """Grow the tree level by level, so that a manifest is drawn in full where it hangs highest."""
    top = _Place(root, "root")
    reached = {root}
    level = [top]
    for _ in range(DEEPEST):
        for place in level:
            place.below = list(_below(parts, place.digest))
            for lower in place.below:
                lower.repeated = lower.digest in reached
                reached.add(lower.digest)
        level = [lower for place in level for lower in place.below if not lower.repeated]
    return _frozen(parts, top, cut=parts.cut or bool(level))


def _below(parts: _Parts, digest: Digest) -> Iterable[_Place]:
    """What hangs at a manifest; a child that refers to it as well hangs there once."""
    children = {child.child: _Place(child.child, "child", child.platform) for child in parts.children.get(digest, ())}
    yield from children.values()
    for referrer in parts.referrers.get(digest, ()):
        if referrer.digest not in children:
            yield _Place(referrer.digest, "referrer")


def _frozen(parts: _Parts, place: _Place, *, cut: bool = False) -> TreeNode:
    return TreeNode(
        digest=place.digest,
        manifest=parts.manifests.get(place.digest),
        relation=place.relation,
        platform=place.platform,
        children=() if place.repeated else tuple(_frozen(parts, lower) for lower in place.below),
        present=parts.present.get(place.digest, False),
        repeated=place.repeated,
        cut=cut,
    )
