"""What rests on a certificate: the artifacts that are green by a chain in which it stands, or by a timestamp's."""

from collections import Counter
from collections.abc import Set

from django.db.models import Count, QuerySet

from registries.models import Repository
from trust.models import GREEN, ArtifactStatus, Chain


def resting_on(thumbprints: Set[str], repositories: QuerySet[Repository]) -> dict[str, int]:
    """How many artifacts of these repositories rest on each certificate, as they were judged last; three queries."""
    rows = ArtifactStatus.objects.within(repositories).artifacts().filter(word__in=GREEN).order_by()
    by_chain = Counter(dict(rows.filter(chain__isnull=False).values_list("chain").annotate(Count("pk"))))
    by_chain.update(dict(rows.filter(tsa_chain__isnull=False).values_list("tsa_chain").annotate(Count("pk"))))
    wanted, found = frozenset(thumbprints), dict[str, int]()
    for chain in Chain.objects.filter(pk__in=by_chain).only("thumbprints"):
        for thumbprint in wanted.intersection(chain.thumbprints):
            found[thumbprint] = found.get(thumbprint, 0) + by_chain[chain.pk]
    return found
