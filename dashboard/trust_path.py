"""The path of trust: from a signature over its certificates and a store to the statement, and where it breaks. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dashboard.vouched import vouched
from registries.oci.digest import Digest
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence
from trust.notary.levels import Validation
from trust.notary.outcome import CheckResult, CheckStatus, Outcome
from trust.notary.trust_policy import Choice

FORMATS = {"application/jose+json": "JWS", "application/cose": "COSE"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the verdict rests on. `broken`: from here on the path does not hold."""

    kind: str  # icon
    name: str
    note: str = ""
    digest: Digest | str = ""
    until: datetime | None = None
    broken: bool = False
    warning: str = ""
    claimed: bool = False  # nobody vouches for it


def path(
    signature: Digest, evidence: Evidence | None, outcome: Outcome, choice: Choice, reference: str
) -> tuple[Step, ...]:
    return tuple(_steps(signature, evidence, outcome, choice, reference))


def _steps(
    signature: Digest, evidence: Evidence | None, outcome: Outcome, choice: Choice, reference: str
) -> Iterator[Step]:
    results = {result.validation: result for result in outcome.results}
    intact = evidence is not None and evidence.integrity is None
    target = results.get(Validation.target)
    moved = "made for another artifact" if target and target.status is CheckStatus.failed else ""
    yield Step("signature", "Signature", _form(evidence), signature, broken=not intact, warning=moved)
    if evidence is None:
        return
    claimed = not (intact and vouched(outcome))
    for index, certificate in enumerate(evidence.chain if intact else evidence.unverified_chain):
        yield Step(
            "certificate",
            certificate.common_name or certificate.subject,
            "claims, not proven" if claimed else role_of(index, evidence.chain),
            until=certificate.not_after,
            broken=intact and index == len(evidence.chain) - 1 and _failed(results, Validation.authenticity),
            warning=_warning(certificate, results) if intact else "",
            claimed=claimed,
        )
    statement = choice.statement
    if statement is None or statement.level.skips_everything:
        return
    authenticity = results.get(Validation.authenticity)
    store = authenticity.store if authenticity else ""
    stores = store or ", ".join(str(name) for name in statement.trust_stores if name.type != "tsa")
    yield Step(
        "store",
        f"Store {stores}" if store or len(statement.trust_stores) == 1 else f"Stores {stores}",
        _store_note(authenticity),
        broken=_failed(results, Validation.identity),
    )
    wants = " or ".join(statement.trusted_identities)
    yield Step("policy", f"Statement {statement.name}", f"level {statement.level.name}, accepts {wants}")
    yield Step(
        "repository",
        reference.partition("/")[2] or "a repository without a name",
        "exact scope" if choice.code == "exact" else "by the scope *",
    )


def _store_note(authenticity: CheckResult | None) -> str:
    if authenticity and authenticity.store and authenticity.status is CheckStatus.passed:
        return "holds a certificate of the chain"
    failed = authenticity is not None and authenticity.status is CheckStatus.failed
    return "no certificate of the chain in it" if failed else "not reached"


def role_of(index: int, chain: tuple[Certificate, ...]) -> str:
    """Leaf, intermediate or root, by its place."""
    if index == 0:
        return "leaf" if len(chain) > 1 else "leaf and root in one"
    return "root" if index == len(chain) - 1 else "intermediate"


def format_of(evidence: Evidence | None) -> str:
    return FORMATS.get(evidence.media_type, evidence.media_type) if evidence else ""


def _form(evidence: Evidence | None) -> str:
    if evidence is None:
        return "no envelope to examine"
    return ", ".join(
        text for text in (evidence.signed.algorithm if evidence.signed else "", format_of(evidence)) if text
    )


def _failed(results: dict[Validation, CheckResult], validation: Validation) -> bool:
    result = results.get(validation)
    return result is not None and result.status is CheckStatus.failed


def _warning(certificate: Certificate, results: dict[Validation, CheckResult]) -> str:
    for validation, text in ((Validation.revocation, "revoked"), (Validation.authentic_timestamp, "outside validity")):
        result = results.get(validation)
        if result and result.status is CheckStatus.failed and result.certificate == certificate.thumbprint:
            return "not known whether revoked" if result.is_undecided else text
    return ""
