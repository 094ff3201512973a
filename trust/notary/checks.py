"""The validations one by one: what each sees, what it wants, and the smallest change that would flip it.

A check looks at its inputs only; what a failure leads to is decided in `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from registries.oci.descriptor import Descriptor
from registries.oci.values import quickly_made
from trust.notary.algorithms import BY_NAME
from trust.notary.blob import Blob
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence, Scheme, Signed
from trust.notary.outcome import CertificateAnswer, CheckStatus, Note
from trust.notary.revocation import RevocationAnswers
from trust.notary.timestamp import TimestampEvidence
from trust.notary.trust_policy import Statement
from trust.notary.trust_store import TrustStore, TrustStores

UNSUPPORTED_ENVELOPE = "envelope_type"  # unknown to us and to notation alike, which calls that a failed integrity
STORE_TYPE = {Scheme.x509: "ca", Scheme.signing_authority: "signingAuthority"}


@quickly_made
@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a check may look at, for a signature whose integrity holds."""

    target: Descriptor | Blob
    user_metadata: Mapping[str, str]
    signed: Signed
    chain: tuple[Certificate, ...]
    unverified_timestamp_token: bytes | None
    timestamp: TimestampEvidence | None
    statement: Statement
    stores: TrustStores
    answers: RevocationAnswers
    at: datetime

    @property
    def leaf(self) -> Certificate:
        return self.chain[0]


@quickly_made
@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    status: CheckStatus
    code: str
    message: str
    seen: str = ""
    wanted: str = ""
    nearest_fix: str = ""
    certificate: str = ""
    store: str = ""
    until: datetime | None = None
    doubts: tuple[Note, ...] = ()
    answers: tuple[CertificateAnswer, ...] = ()
    authority: tuple[Certificate, ...] = ()  # the chain of a timestamp's authority, if any of it can be revoked


def integrity(evidence: Evidence) -> Finding:
    """Whether the envelope is sound and signed by its leaf certificate; established when it was examined."""
    wanted = "a sound envelope, signed by the key of its own first certificate"
    fault = evidence.integrity
    if fault is None:
        algorithm = evidence.signed.algorithm if evidence.signed else ""
        seen = f"{algorithm}, {evidence.media_type}, {evidence.size} bytes"
        return Finding(CheckStatus.passed, "intact", "The signature is intact.", seen, wanted)
    beyond_us = fault.kind == "unknown" and fault.code != UNSUPPORTED_ENVELOPE
    status = CheckStatus.not_evaluated if beyond_us else CheckStatus.failed
    seen = f"{evidence.media_type}, {evidence.size} bytes"
    fix = "Sign the artifact again." if fault.kind == "failed" else ""
    return Finding(status, fault.code, as_sentence(fault.message), seen, wanted, fix, certificate=fault.certificate)


def authenticity(inputs: Inputs) -> Finding:
    """Whether any certificate of the chain stands in a store of the statement that is of the scheme's type."""
    store_type = STORE_TYPE[inputs.signed.scheme]
    names = inputs.statement.stores_of(store_type)
    root = inputs.chain[-1]
    if not names:
        return Finding(
            CheckStatus.failed,
            "no_store_for_scheme",
            f"The statement names no {store_type} store, which a signature of the scheme {inputs.signed.scheme} needs.",
            seen=root.subject,
            wanted=f"a certificate of a {store_type} store",
            nearest_fix=_other_store(inputs) or f"Name a {store_type} store in statement {inputs.statement.name}.",
        )
    wanted = f"a certificate of {either(names)}"
    stores = [inputs.stores.get(store.type, store.name) for store in names]
    for store in stores:
        if store.fault:
            fix = f"Repair {store}: while it cannot be read, the whole statement trusts nobody."
            return Finding(
                CheckStatus.failed, "trust_store_unusable", store.fault, root.subject, wanted, fix, store=str(store)
            )
    if anchor := _anchor(inputs.chain, stores):
        certificate, store = anchor
        message = f"The chain leads to a certificate in store {store}."
        return Finding(
            CheckStatus.passed,
            "trusted",
            message,
            certificate.subject,
            wanted,
            certificate=certificate.thumbprint,
            store=str(store),
        )
    return Finding(
        CheckStatus.failed,
        "unknown_root",
        f"No certificate of the chain is in {either(names)}.",
        seen=root.subject,
        wanted=wanted,
        nearest_fix=_namesake(inputs.chain, stores)
        or _other_store(inputs)
        or f"Add {root.subject} to {names[0]}, but only if its owner confirms the SHA-256 thumbprint {_short(root)}.",
        certificate=root.thumbprint,
    )


def is_anchored(inputs: Inputs) -> bool:
    """Whether the chain leads to a certificate that the statement trusts."""
    names = inputs.statement.stores_of(STORE_TYPE[inputs.signed.scheme])
    return _anchor(inputs.chain, [inputs.stores.get(store.type, store.name) for store in names]) is not None


def _anchor(chain: Sequence[Certificate], stores: Sequence[TrustStore]) -> tuple[Certificate, TrustStore] | None:
    if any(store.fault for store in stores):
        return None
    anchors = ((certificate, store) for certificate in reversed(chain) for store in stores if store.holds(certificate))
    return next(anchors, None)


def _namesake(chain: Sequence[Certificate], stores: Sequence[TrustStore]) -> str:
    by_name = {certificate.subject: certificate for certificate in chain}
    for store in stores:
        for trusted in store.certificates:
            if stranger := by_name.get(trusted.subject):
                return (
                    f"{store} holds another certificate named {trusted.subject}, and anybody can take a name. Add this "
                    f"one too if it was renewed, but only if its owner confirms the SHA-256 thumbprint {_short(stranger)}."
                )
    return ""


def _short(certificate: Certificate) -> str:
    return f"{certificate.thumbprint[:16]}…"


def _other_store(inputs: Inputs) -> str:
    wanted = STORE_TYPE[inputs.signed.scheme]
    store = next((store for store in inputs.stores if any(map(store.holds, inputs.chain))), None)
    if store is None:
        return ""
    if store.type != wanted:
        return f"{store} holds the chain, but a signature of the scheme {inputs.signed.scheme} needs a {wanted} store."
    return f"{store} holds the chain: name it in statement {inputs.statement.name}, if that is meant."


def expiry(inputs: Inputs) -> Finding:
    """Whether the signature's own expiry lies ahead. The instant itself is too late."""
    wanted = f"later than the time of checking, {as_text(inputs.at)}"
    moment = inputs.signed.expiry
    if moment is None:
        return Finding(CheckStatus.passed, "no_expiry", "The signature names no expiry.", "none", "none, or " + wanted)
    if inputs.at >= moment:
        message = f"The signature expired at {as_text(moment)}."
        return Finding(CheckStatus.failed, "expired", message, as_text(moment), wanted, "Sign the artifact again.")
    return Finding(
        CheckStatus.passed, "not_expired", f"The signature expires at {as_text(moment)}.", as_text(moment), wanted
    )


def target(inputs: Inputs) -> Finding:
    """Whether the payload names this very artifact: media type, digest and size."""
    if isinstance(inputs.target, Blob):
        return _blob_target(inputs.target, inputs.signed)
    wanted = describe(inputs.target)
    payload = inputs.signed.target
    if payload is None:
        message = as_sentence(inputs.signed.target_fault or "the payload names no artifact")
        return Finding(CheckStatus.failed, "target_unreadable", message, "", wanted, "Sign this artifact.")
    if payload.target.same_content(inputs.target):
        return Finding(CheckStatus.passed, "target_matches", "The payload names this very artifact.", wanted, wanted)
    seen = describe(payload.target)
    if payload.target.digest == inputs.target.digest:
        message = "The payload names this digest with another size or media type."
    else:
        message = "The signature was made for another artifact."
    return Finding(CheckStatus.failed, "target_mismatch", message, seen, wanted, "Sign this artifact.")


def _blob_target(blob: Blob, signed: Signed) -> Finding:
    """Whether the payload names this very blob, by the hash of the signature itself; the media type only if one was given."""
    algorithm = BY_NAME[signed.algorithm].hash.name
    wanted = blob.describe(algorithm)
    if signed.target is None:
        message = as_sentence(signed.target_fault or "the payload names no artifact")
        return Finding(CheckStatus.failed, "target_unreadable", message, "", wanted, "Sign this blob.")
    named, ours = signed.target.target, blob.digest_by(algorithm)
    seen = describe(named)
    if named.size != blob.size or named.digest.algorithm != algorithm or ours not in (None, named.digest):
        message = "The signature was made for another blob."
        return Finding(CheckStatus.failed, "blob_mismatch", message, seen, wanted, "Sign this blob.")
    if blob.media_type not in ("", named.media_type):
        message = "The signature was made for a blob of another media type."
        fix = "Ask for the media type that was signed, if that is what the blob is, or for none."
        return Finding(CheckStatus.failed, "blob_mismatch", message, seen, wanted, fix)
    if ours is None:
        message = f"The signature names its blob by {algorithm}, and that digest of the blob is not at hand."
        fix = f"Give the blob itself, or its {algorithm} digest."
        return Finding(CheckStatus.not_evaluated, "blob_digest_unknown", message, seen, wanted, fix)
    return Finding(CheckStatus.passed, "blob_matches", "The payload names this very blob.", seen, wanted)


_NO_METADATA_WANTED = Finding(CheckStatus.passed, "no_metadata_wanted", "No user metadata was asked for.")


def user_metadata(inputs: Inputs) -> Finding:
    """Whether the payload holds every key and value that was asked for."""
    asked = inputs.user_metadata
    if not asked:
        return _NO_METADATA_WANTED
    have = inputs.signed.target.annotations if inputs.signed.target else {}
    seen, wanted = _pairs({key: have[key] for key in asked if key in have}) or "none of them", _pairs(asked)
    differences = [
        f"{key} is {have.get(key, 'absent')}, {value} is wanted"
        for key, value in asked.items()
        if have.get(key) != value
    ]
    if differences:
        message = "The signature does not hold the user metadata that was asked for."
        return Finding(CheckStatus.failed, "metadata_mismatch", message, seen, wanted, "; ".join(differences))
    return Finding(CheckStatus.passed, "metadata_matches", "The signature holds what was asked for.", seen, wanted)


def describe(descriptor: Descriptor) -> str:
    return f"{descriptor.digest}, {descriptor.size} bytes, {descriptor.media_type}"


def validity_of(certificate: Certificate) -> str:
    return f"between {as_text(certificate.not_before)} and {as_text(certificate.not_after)}"


@lru_cache(maxsize=1024)  # each check of each signature shows the same few instants
def as_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def as_sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _pairs(metadata: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in metadata.items())


def either(names: Sequence[object]) -> str:
    """The names, any one of which will do."""
    return " or ".join(str(name) for name in names)
