"""The signature graph from a certificate's side: artifacts → leaves → authorities → stores → statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from dashboard.signature_graph import Knot, SignatureGraph, woven
from dashboard.trust_pages import StatementRow
from trust.models import Certificate
from trust.seen import Resting, Sight

MOST = 12  # chains in the picture
MOST_STATEMENTS = 4  # of one store, before they are folded


@dataclass(slots=True)
class _Weaver:
    """Collects knots by layer, and links."""

    sight: Sight
    chosen: str
    certificates: Mapping[str, Certificate]
    through: Mapping[str, list[str]]  # the chains of each
    statements: Iterable[StatementRow]
    knots: dict[Knot, int] = field(default_factory=dict)  # to their layer
    links: dict[tuple[Knot, Knot], set[str]] = field(default_factory=dict)

    def add(self, knot: Knot, layer: int) -> Knot:
        self.knots[knot] = max(layer, self.knots.get(knot, 0))
        return knot

    def link(self, start: Knot, end: Knot) -> None:
        self.links.setdefault((start, end), {"on"})

    def certificate(self, thumbprint: str, layer: int) -> Knot:
        row = self.certificates[thumbprint]
        claimed = self.sight.is_claimed(thumbprint, self.through[thumbprint])
        sub = "claims, not proven" if claimed else f"until {row.not_after:%-d %b %Y}"
        knot = Knot(
            "certificate", thumbprint, "certificate", row.common_name or row.subject, sub,
            reverse("certificate", args=[thumbprint]), claimed=claimed, is_self=thumbprint == self.chosen,
        )  # fmt: skip
        return self.add(knot, layer)

    def weave(self, chain: tuple[str, ...], resting: Resting) -> None:
        """One chain, with the artifacts below its leaf and the stores beside those that they hold."""
        last = self.certificate(chain[0], 1)
        if resting.number:
            title = f"{resting.number:,} {'artifact' if resting.number == 1 else 'artifacts'}"
            url = f"{reverse('artifacts')}?certificate={chain[0]}"
            below = self.add(Knot("artifacts", chain[0], "artifact", title, f"{resting.green:,} green", url), 0)
            self.link(below, last)
        for place, thumbprint in enumerate(chain):
            knot = self.certificate(thumbprint, 1 + place)
            if place:
                self.link(last, knot)
            last = knot
            for store in self.sight.stores.get(thumbprint, ()):
                self._store(knot, store)

    def _store(self, holder: Knot, name: str) -> None:
        kind, _, _ = name.partition(":")
        sub = {"tsa": "for timestamps", "signingAuthority": "signing authorities"}.get(kind, "trust store")
        url = f"{reverse('trust_stores')}#{name.replace(':', '-')}"
        store = self.add(Knot("store", name, "store", name, sub, url), 100)
        self.link(holder, store)
        naming = [row.statement for row in self.statements if name in map(str, row.statement.trust_stores)]
        url = reverse("trust_policy")
        if len(naming) > MOST_STATEMENTS:
            folded = Knot("policy", name, "policy", f"{len(naming)} statements", f"name {name}", url)
            self.link(store, self.add(folded, 101))
            return
        for statement in naming:
            knot = Knot("policy", statement.name, "policy", statement.name, f"level {statement.level.name}", url)
            self.link(store, self.add(knot, 101))


def certificate_graph(
    sight: Sight,
    thumbprint: str,
    chains: Mapping[tuple[str, ...], Resting],
    certificates: Mapping[str, Certificate],
    statements: Iterable[StatementRow],
) -> SignatureGraph:
    """The picture around one certificate; of the chains through it those with the most artifacts."""
    chains = chains or {(thumbprint,): Resting()}
    ordered = sorted(chains, key=lambda chain: (-chains[chain].number, chain))
    weaver = _Weaver(sight, thumbprint, certificates, sight.chains_through(certificates), list(statements))
    for chain in ordered[:MOST]:
        weaver.weave(chain, chains[chain])
    return woven(weaver.knots, weaver.links, max(0, len(ordered) - MOST))
