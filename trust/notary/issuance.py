"""Which certificate signed which: found out once a pair, so that whoever looks for a chain needs no key operation."""

from collections.abc import Iterable, Sequence

from trust.notary import x509
from trust.notary.certificates import Certificate
from trust.notary.remembered import remembered_together
from trust.notary.x509_signatures import X509SignatureError

type Issuances = frozenset[tuple[str, str]]
"Pairs of thumbprints: the first certificate names the second as its issuer and is signed with its key."


def is_issued(child: Certificate, parent: Certificate) -> bool:
    """Whether `parent` may issue certificates, is named by `child` byte for byte, and signed it."""
    return _is_issued((child.der, parent.der))


@remembered_together
def _is_issued(pair: tuple[bytes, ...]) -> bool:
    below, above = map(x509.parse, pair)
    if below.raw_issuer != above.raw_subject:
        return False
    try:
        below.check_issued_by(above)
    except X509SignatureError:
        return False
    return True


def issuances(children: Iterable[Certificate], parents: Sequence[Certificate]) -> Issuances:
    """Which of the parents issued which of the children."""
    return frozenset(
        (child.thumbprint, parent.thumbprint) for child in children for parent in parents if is_issued(child, parent)
    )


def issuances_above(leaves: Iterable[Certificate], pool: Sequence[Certificate]) -> Issuances:
    """Who in the pool issued the leaves, who issued those, and so on."""
    found: set[tuple[str, str]] = set()
    todo = list(leaves)
    seen = {certificate.thumbprint for certificate in todo}
    while todo:
        child = todo.pop()
        for parent in pool:
            if is_issued(child, parent):
                found.add((child.thumbprint, parent.thumbprint))
                if parent.thumbprint not in seen:
                    seen.add(parent.thumbprint)
                    todo.append(parent)
    return frozenset(found)
