"""The path of trust: signature, certificates, store, statement, scope, repository; where it breaks, and its weak links. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dashboard.vouched import vouched
from dashboard.weak_links import Shared, of_anchor, of_certificate, of_scope, of_signature, of_statement
from registries.oci.digest import Digest
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence
from trust.notary.levels import Validation
from trust.notary.outcome import CheckResult, CheckStatus, Note, Outcome
from trust.notary.trust_policy import WILDCARD, Choice, Statement

FORMATS = {"application/jose+json": "JWS", "application/cose": "COSE"}
OF_SIGNATURE = {  # checks of which the signature itself is the place
    Validation.integrity: "it does not hold",
    Validation.target: "it was made for another artifact",
    Validation.expiry: "it has expired",
    Validation.user_metadata: "it does not say what was asked for",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the verdict rests on. `broken`: why the path does not hold from here on; empty where it does."""

    kind: str  # icon
    name: str
    note: str = ""
    digest: Digest | str = ""
    until: datetime | None = None
    broken: str = ""
    weak: tuple[Note, ...] = ()
    claimed: bool = False  # nobody vouches for it


@dataclass(frozen=True, slots=True)
class Path:
    """The one path from a signature to the repository."""

    steps: tuple[Step, ...]
    green: bool

    @property
    def breaks(self) -> Step | None:
        """The first place at which it does not hold."""
        return next((step for step in self.steps if step.broken), None)

    @property
    def weak(self) -> tuple[Note, ...]:
        return tuple(note for step in self.steps for note in step.weak)

    def as_json(self) -> dict[str, Any]:
        return {
            "holds": self.green,
            "steps": [
                {
                    "kind": step.kind,
                    "name": step.name,
                    "note": step.note,
                    "digest": str(step.digest),
                    "until": step.until,
                    "broken": step.broken,
                    "proven": not step.claimed,
                    "weak_links": [{"code": note.code, "message": note.message} for note in step.weak],
                }
                for step in self.steps
            ],
        }


@dataclass(frozen=True, slots=True)
class Where:
    """What the path leads to, and when it is looked at."""

    choice: Choice
    reference: str
    name: str
    at: datetime
    shared: Shared | None = None  # of the certificate that anchors the chain


def path(signature: Digest, evidence: Evidence | None, outcome: Outcome, where: Where) -> Path:
    """The path of one signature. Whatever is not green breaks somewhere; whatever is green breaks nowhere."""
    green = outcome.word.is_green
    results = {result.validation: result for result in outcome.results}
    steps = [*_of_signature(signature, evidence, outcome, results, where), *_of_policy(where, results)]
    if green:
        return Path(tuple(replace(step, broken="") for step in steps), green)
    if not any(step.broken for step in steps):
        steps[0] = replace(steps[0], broken=outcome.message)
    return Path(tuple(steps), green)


def path_of_none(message: str, where: Where) -> Path:
    """The path where there is no signature: it has no beginning."""
    return Path((Step("signature", "No signature", broken=message), *_of_policy(where, {})), green=False)


def _of_signature(
    signature: Digest,
    evidence: Evidence | None,
    outcome: Outcome,
    results: Mapping[Validation, CheckResult],
    where: Where,
) -> Iterator[Step]:
    intact = evidence is not None and evidence.integrity is None
    yield Step(
        "signature",
        "Signature",
        _form(evidence),
        signature,
        broken=_broken_signature(evidence, outcome, results),
        weak=tuple(of_signature(evidence, outcome, where.at)) if intact else (),
    )
    if evidence is None:
        return
    claimed = not (intact and vouched(outcome))
    chain = evidence.chain if intact else evidence.unverified_chain
    anchor = results[Validation.authenticity].certificate if _passed(results, Validation.authenticity) else ""
    for index, certificate in enumerate(chain):
        last = index == len(chain) - 1
        weak = [*of_certificate(certificate, chain, outcome, where.at)] if intact and not claimed else []
        if certificate.thumbprint == anchor and where.shared:
            weak += of_anchor(where.shared)
        yield Step(
            "certificate",
            certificate.common_name or certificate.subject,
            "claims, not proven" if claimed else role_of(index, chain),
            until=certificate.not_after,
            broken=_broken_certificate(certificate, results, last=last) if intact else "",
            weak=tuple(weak),
            claimed=claimed,
        )


def _broken_signature(evidence: Evidence | None, outcome: Outcome, results: Mapping[Validation, CheckResult]) -> str:
    if evidence is None:
        return outcome.error or outcome.message
    return next((text for check, text in OF_SIGNATURE.items() if _failed(results, check)), "")


def _broken_certificate(certificate: Certificate, results: Mapping[Validation, CheckResult], *, last: bool) -> str:
    for validation, text in (
        (Validation.revocation, "it is revoked"),
        (Validation.authentic_timestamp, "it was not valid"),
    ):
        result = results.get(validation)
        if result and result.status is CheckStatus.failed and result.certificate == certificate.thumbprint:
            return "nobody says whether it is revoked" if result.is_undecided else text
    authenticity = results.get(Validation.authenticity)
    if last and authenticity and authenticity.status is CheckStatus.failed and not authenticity.store:
        return (
            "no trust store of the statement holds it" if authenticity.code == "unknown_root" else authenticity.message
        )
    return ""


def _of_policy(where: Where, results: Mapping[Validation, CheckResult]) -> Iterator[Step]:
    """The half that is the admin's: store, statement, scope, repository."""
    choice, statement = where.choice, where.choice.statement
    if statement and not statement.level.skips_everything:
        yield _store(statement, results)
    if statement is None:
        yield Step("policy", "No statement", broken=choice.message)
    else:
        skips = "its level is skip: nothing is checked" if statement.level.skips_everything else ""
        yield Step(
            "policy",
            f"Statement {statement.name}",
            skips or f"level {statement.level.name}, accepts {' or '.join(statement.trusted_identities)}",
            broken=skips,
            weak=() if skips else tuple(of_statement(statement)),
        )
        scope = WILDCARD if choice.code == "wildcard" else where.reference
        note = "every repository that no other statement names" if scope == WILDCARD else "names the repository exactly"
        yield Step("label", f"Scope {scope}", note, weak=tuple(of_scope(choice)))
    yield Step("repository", where.name, where.reference or "stands for nothing that a policy could name")


def _store(statement: Statement, results: Mapping[Validation, CheckResult]) -> Step:
    authenticity = results.get(Validation.authenticity)
    store = authenticity.store if authenticity else ""
    stores = store or ", ".join(str(name) for name in statement.trust_stores if name.type != "tsa")
    title = "Store" if store or len(statement.trust_stores) == 1 else "Stores"
    broken = ""
    if authenticity and store and authenticity.status is CheckStatus.failed:
        broken = "it cannot be used"
    elif _failed(results, Validation.identity):
        broken = f"statement {statement.name} does not accept the signer's name"
    return Step("store", f"{title} {stores}", _store_note(authenticity), broken=broken)


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


def _failed(results: Mapping[Validation, CheckResult], validation: Validation) -> bool:
    result = results.get(validation)
    return result is not None and result.status is CheckStatus.failed


def _passed(results: Mapping[Validation, CheckResult], validation: Validation) -> bool:
    result = results.get(validation)
    return result is not None and result.status is CheckStatus.passed
