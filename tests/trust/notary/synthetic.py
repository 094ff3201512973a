"""Made-up certificates and evidence: what `examine` would say of envelopes that nobody had to sign."""

import json
from datetime import UTC, datetime, timedelta

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from trust.notary.certificates import Certificate
from trust.notary.evidence import Evidence, Fault, Scheme, Signed
from trust.notary.judge import Question, judge
from trust.notary.payload import Payload
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TARGET = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 5)
OTHER_TARGET = Descriptor(TARGET.media_type, Digest.of(b"other"), 5)
REPOSITORY = "registry.acme.example/payments/ledger"
SUBJECT = "CN=Acme Build 07,OU=Build,O=Acme GmbH,ST=BE,C=DE"


def certificate(subject=SUBJECT, *, not_before=NOW - 30 * DAY, not_after=NOW + 30 * DAY, is_ca=False, **facts):
    """A certificate with these facts, told apart by its subject and validity."""
    der = f"{subject} {not_before} {not_after} {facts}".encode()
    return Certificate(
        der=der,
        thumbprint=Digest.of(der).encoded,
        subject=subject,
        issuer=facts.get("issuer", subject),
        serial="01",
        not_before=not_before,
        not_after=not_after,
        is_ca=is_ca,
        self_signed=facts.get("self_signed", is_ca),
        any_purpose=facts.get("any_purpose", False),
        key="EC-256",
        ocsp_urls=facts.get("ocsp_urls", ()),
        crl_urls=facts.get("crl_urls", ()),
        common_name=facts.get("common_name", subject.partition(",")[0].removeprefix("CN=")),
    )


ROOT = certificate("CN=Acme Root CA 2,O=Acme GmbH,ST=BE,C=DE", is_ca=True, not_after=NOW + 3650 * DAY)
OTHER_ROOT = certificate("CN=Other Root,O=Other AG,ST=ZH,C=CH", is_ca=True, not_after=NOW + 3650 * DAY)
LEAF = certificate()


def evidence(
    *,
    chain=(LEAF, ROOT),
    scheme=Scheme.x509,
    expiry=None,
    signed_at=NOW - DAY,
    attributes=(),
    plugin="",
    target=TARGET,
    annotations=None,
    token=None,
    timestamp=None,
    fault=None,
):
    """Evidence of an intact signature, or of one with a fault."""
    described = target and Descriptor(target.media_type, target.digest, target.size, annotations=annotations or {})
    signed = Signed(
        scheme=scheme,
        algorithm="ES256",
        content_type="application/vnd.cncf.notary.payload.v1+json",
        signing_time=signed_at if scheme is Scheme.x509 else None,
        authentic_signing_time=signed_at if scheme is Scheme.signing_authority else None,
        expiry=expiry,
        attributes=tuple(attributes),
        verification_plugin=plugin,
        verification_plugin_min_version="",
        payload=b"{}",
        target=Payload(described) if described else None,
        target_fault="" if described else "the payload names no target artifact",
    )
    return Evidence(
        media_type="application/jose+json",
        envelope=Digest.of(b"envelope"),
        size=8,
        integrity=fault,
        signed=None if fault else signed,
        unverified_signed=signed if fault else None,
        chain=() if fault else tuple(chain),
        unverified_chain=tuple(chain) if fault else (),
        unverified_signing_agent="",
        unverified_timestamp_token=token or (b"token" if timestamp else None),
        timestamp=timestamp,
    )


BROKEN = Fault("signature", "the signature does not match", "failed")
TOO_LARGE = Fault("limit", "the envelope is too large", "unknown")


def statement(**changes):
    """A statement as a document writes it."""
    members = {
        "name": "release-images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
    }
    return members | changes


def skip_statement(**changes):
    return statement(signatureVerification={"level": "skip"}, trustStores=[], trustedIdentities=[], **changes)


def document(*statements, version="1.0"):
    """The bytes of a trust policy document."""
    return json.dumps({"version": version, "trustPolicies": list(statements)}).encode()


def policy(*statements):
    return TrustPolicy.parse(document(*(statements or (statement(),))))


def level(name, **override):
    return {"level": name, "override": override} if override else {"level": name}


def store(*certificates, name="acme", type="ca", fault=""):  # noqa: A002
    return TrustStore(type, name, tuple(certificates), fault)


STORES = TrustStores.of(store(ROOT))


def judge_with(
    seen=None,
    *statements,
    stores=STORES,
    at=NOW,
    reference=REPOSITORY,
    target=TARGET,
    metadata=None,
    answers=NO_ANSWERS,
    **facts,
):
    """The outcome for evidence with these facts, under one statement that trusts the signer unless said otherwise."""
    question = Question(reference, target, metadata or {})
    seen = (seen or evidence(**facts)).with_roots(stores)
    return judge(question, seen, policy(*statements), stores, answers, at)
