"""The signature graph: signatures → leaves → authorities → stores → statement → repository; one path, and where it breaks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.urls import reverse

from dashboard.graph import Drawing, Edge, layered
from dashboard.trust_path import Where, path
from dashboard.vouched import vouched
from trust.notary.certificates import Certificate
from trust.notary.levels import Validation
from trust.on_the_spot import JudgedArtifact, JudgedSignature

MOST = 12  # signatures in the picture
WIDTHS = {"signature": 148, "artifacts": 148, "certificate": 173, "store": 136, "policy": 150, "repository": 164}
HEADS = {
    "signature": "Signatures",
    "artifacts": "Artifacts",
    "certificate": "Authorities",
    "store": "Stores",
    "policy": "Statement",
    "repository": "Repository",
}


@dataclass(frozen=True, slots=True)
class Knot:
    """A node of the picture; two with the same kind and key are one."""

    kind: str
    key: str
    icon: str = field(compare=False)
    title: str = field(compare=False)
    sub: str = field(compare=False)
    url: str = field(compare=False)
    word: str = field(default="", compare=False)
    claimed: bool = field(default=False, compare=False)
    is_self: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the picture, `on` the path of the chosen signature, or the `gap` where the path breaks."""

    path: str
    css: str


@dataclass(frozen=True, slots=True)
class SignatureGraph:
    """The picture, and how many signatures it leaves out."""

    drawing: Drawing[Knot]
    lines: tuple[Line, ...]
    heads: tuple[tuple[int, str], ...]
    hidden: int


@dataclass(slots=True)
class Weaver:
    """Collects knots by layer, and links."""

    judged: JudgedArtifact
    chosen: JudgedSignature
    knots: dict[Knot, int] = field(default_factory=dict)  # to their layer
    links: dict[tuple[Knot, Knot], set[str]] = field(default_factory=dict)

    def add(self, knot: Knot, layer: int) -> Knot:
        self.knots[knot] = max(layer, self.knots.get(knot, 0))
        return knot

    def link(self, start: Knot, end: Knot, *, on: bool, gap: bool) -> None:
        css = self.links.setdefault((start, end), set())
        css |= {name for name, holds in (("on", on and not gap), ("gap", gap and on), ("open", gap)) if holds}

    def weave(self, signature: JudgedSignature) -> None:
        on = signature is self.chosen
        repository, digest = self.judged.repository.pk, signature.manifest.digest
        url = reverse("signature", args=[repository, self.judged.manifest.digest, digest])
        last = self.add(
            Knot(
                "signature",
                str(digest),
                "signature",
                "Signature",
                digest.short,
                url,
                signature.outcome.word,
                is_self=on,
            ),
            0,
        )
        evidence = signature.evidence
        if evidence is None:
            return
        steps = path(digest, evidence, signature.outcome, self._where()).steps
        broken = {kind: [bool(step.broken) for step in steps if step.kind == kind] for kind in WIDTHS}
        intact = evidence.integrity is None
        proven = intact and vouched(signature.outcome)
        gap = broken["signature"][0]
        for place, certificate in enumerate(evidence.chain if intact else evidence.unverified_chain):
            knot = self.add(certificate_knot(certificate, f"{url}#chain", proven=proven), 1 + place)
            self.link(last, knot, on=on, gap=gap)
            on = on and not gap
            last, gap = knot, broken["certificate"][place]
        if not intact:
            return
        for store in self._stores(signature):
            self.link(last, self._store(store), on=on, gap=gap)
            self._to_statement(store, on=on and not gap, gap=broken["store"][0])

    def _where(self) -> Where:
        return Where(self.judged.choice, self.judged.repository.reference, self.judged.repository.name, self.judged.at)

    def _stores(self, signature: JudgedSignature) -> tuple[str, ...]:
        """The store that holds the chain, else the stores in which it was looked for."""
        statement = self.judged.choice.statement
        found = next((r.store for r in signature.outcome.results if r.validation is Validation.authenticity), "")
        if statement is None or statement.level.skips_everything:
            return ()
        return (found,) if found else tuple(str(store) for store in statement.trust_stores if store.type != "tsa")

    def _store(self, name: str) -> Knot:
        kind, _, _ = name.partition(":")
        sub = "trust store" if kind != "signingAuthority" else "signing authorities"
        url = f"{reverse('trust_stores')}#{name.replace(':', '-')}"
        return self.add(Knot("store", name, "store", name, sub, url), 100)

    def _to_statement(self, store: str, *, on: bool, gap: bool) -> None:
        statement = self.judged.choice.statement
        assert statement is not None
        knot = Knot(
            "policy", statement.name, "policy", statement.name, f"level {statement.level.name}", reverse("trust_policy")
        )
        self.link(self._store(store), self.add(knot, 101), on=on, gap=gap)
        self.link(knot, self._repository(), on=on and not gap, gap=False)

    def _repository(self) -> Knot:
        repository, choice = self.judged.repository, self.judged.choice
        sub = "by the scope *" if choice.code == "wildcard" else "exact scope"
        url = reverse("repository", args=[repository.pk])
        return self.add(Knot("repository", str(repository.pk), "repository", repository.name, sub, url), 102)


def certificate_knot(certificate: Certificate, url: str, *, proven: bool) -> Knot:
    name = certificate.common_name or certificate.subject
    sub = f"until {certificate.not_after:%-d %b %Y}" if proven else "claims, not proven"
    key = certificate.thumbprint if proven else f"claimed {certificate.thumbprint}"
    return Knot("certificate", key, "certificate", name, sub, url, claimed=not proven)


def signature_graph(judged: JudgedArtifact, chosen: str = "") -> SignatureGraph | None:
    """The picture of an artifact's signatures, the path of the chosen one (else of the best) dark; None without any."""
    if not judged.signatures:
        return None
    named = (signature for signature in judged.signatures if str(signature.manifest.digest) == chosen)
    weaver = Weaver(judged, next(named, judged.signatures[0]))
    shown = _shown(judged.signatures, weaver.chosen)
    for signature in shown:
        weaver.weave(signature)
    return woven(weaver.knots, weaver.links, len(judged.signatures) - len(shown))


def _shown(signatures: Sequence[JudgedSignature], chosen: JudgedSignature) -> tuple[JudgedSignature, ...]:
    """The first of them, and the chosen one whatever its place."""
    first = signatures[:MOST]
    return tuple(first) if any(one is chosen for one in first) else (*first[: MOST - 1], chosen)


def woven(knots: Mapping[Knot, int], links: Mapping[tuple[Knot, Knot], set[str]], hidden: int) -> SignatureGraph:
    """The picture of these knots, each in its layer."""
    layers = sorted(set(knots.values()))
    columns = [[knot for knot, layer in knots.items() if layer == wanted] for wanted in layers]
    drawing = layered(columns, list(links), [WIDTHS[column[0].kind] for column in columns])
    return SignatureGraph(drawing, tuple(_lines(drawing, links)), tuple(_heads(drawing)), hidden)


def _lines(drawing: Drawing[Knot], links: Mapping[tuple[Knot, Knot], set[str]]) -> Iterator[Line]:
    for edge in drawing.edges:
        css = links[_ends(drawing, edge)]
        name = "gap" if css & {"gap", "open"} and "on" not in css else "on" if "on" in css else ""
        yield Line(drawing.path(edge), name)


def _ends(drawing: Drawing[Knot], edge: Edge) -> tuple[Knot, Knot]:
    return drawing.nodes[edge.start].value, drawing.nodes[edge.end].value


def _heads(drawing: Drawing[Knot]) -> Iterator[tuple[int, str]]:
    """The name of each column; authorities may fill several, and are named once."""
    columns = {node.level: (node.x, node.value.kind) for node in drawing.nodes}
    said = set()
    for level, (x, kind) in sorted(columns.items()):
        name = HEADS[kind] if level > 1 or kind != "certificate" else "Leaves"
        if name not in said:
            yield x, name
        said.add(name)
