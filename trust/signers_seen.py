"""Who signed what is indexed: by the name in the leaf and the root above it, since anybody can write a name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, Q

from registries.models import Presence
from registries.oci.digest import Digest
from trust import chains
from trust.models import Chain, Signature
from trust.notary.certificates import Certificate
from trust.notary.distinguished_names import parse_subject
from trust.notary.errors import DistinguishedNameError
from trust.notary.policy_rules import SUBJECT_PREFIX

MOST = 50  # that are offered
STORE_TYPE = {"notary.x509": "ca", "notary.x509.signingAuthority": "signingAuthority"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whose certificates lead to one root."""

    subject: str
    root: Certificate
    "What a trust store would hold: the last certificate of the chain that it may."
    store_type: str
    chains: tuple[str, ...] = ()
    artifacts: int = 0

    @property
    def key(self) -> str:
        """Names the signer in a form: chains are content, so nobody else can come to have the same."""
        return min(self.chains, default="")

    @property
    def identity(self) -> str:
        """How a policy names it; empty where no policy can."""
        return identity_of(self.subject)


def identity_of(subject: str) -> str:
    try:
        parse_subject(subject)
    except DistinguishedNameError:
        return ""
    return f"{SUBJECT_PREFIX}: {subject}"


def trustable(chain: Sequence[Certificate]) -> Certificate | None:
    """The certificate nearest to the root that a trust store may hold."""
    return next((one for one in reversed(chain) if one.is_ca or one.self_signed), None)


def seen(most: int = MOST) -> tuple[list[Signer], int]:
    """Signers of intact signatures, those of most artifacts first; and how many more there are."""
    rows = Signature.objects.filter(chain__isnull=False, fault_code="").order_by()
    counts = list(rows.values("chain").annotate(artifacts=Count("subject", distinct=True), sample=Max("manifest")))
    leaves = dict(Chain.objects.filter(pk__in=[row["chain"] for row in counts]).values_list("pk", "leaf__subject"))
    named = {row.pk: row.thumbprints for row in Chain.objects.filter(pk__in=leaves).only("thumbprints")}
    groups: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for row in counts:
        groups.setdefault((leaves[row["chain"]], named[row["chain"]][-1]), []).append(row)
    largest = sorted(groups.values(), key=lambda group: -sum(int(str(row["artifacts"])) for row in group))
    shown = largest[:most]
    schemes = _schemes([group[0]["sample"] for group in shown])
    known = chains.certificates_of(name for group in shown for row in group for name in named[str(row["chain"])])
    exact = _exact(shown)
    signers = []
    for position, group in enumerate(shown):
        first = str(group[0]["chain"])
        if root := trustable([known[name] for name in named[first]]):
            store_type = STORE_TYPE.get(schemes.get(str(group[0]["sample"]), ""), "ca")
            names = tuple(str(row["chain"]) for row in group)
            signers.append(Signer(leaves[first], root, store_type, names, exact[position]))
    return signers, len(largest) - len(shown)


def repositories_of(signer: Signer) -> list[tuple[str, str]]:
    """Where signatures of a signer are now: reference name of the registry, and name."""
    signatures = Signature.objects.filter(chain__in=signer.chains, fault_code="").values("manifest")
    rows = Presence.objects.filter(manifest__in=signatures, until=None).order_by()
    found = rows.values_list("repository__registry__reference_name", "repository__name").distinct()
    return sorted(found)


def _exact(groups: Sequence[Sequence[Mapping[str, object]]]) -> list[int]:
    """The artifacts of each group: one that was signed by two certificates of a signer counts once."""
    several = {n: [row["chain"] for row in group] for n, group in enumerate(groups) if len(group) > 1}
    asked = {f"n{n}": Count("subject", distinct=True, filter=Q(chain__in=some)) for n, some in several.items()}
    found = Signature.objects.filter(fault_code="").aggregate(**asked) if asked else {}
    return [int(found.get(f"n{n}", group[0]["artifacts"])) for n, group in enumerate(groups)]


def _schemes(manifests: Iterable[object]) -> dict[str, str]:
    wanted = [Digest.parse(str(manifest)) for manifest in manifests]
    rows = Signature.objects.filter(pk__in=wanted).values_list("pk", "evidence__signed__scheme")
    return {str(pk): str(scheme) for pk, scheme in rows}
