"""The envelopes of notation's own tests, by their names there, made anew with keys of ours: the same answers.

Nothing of them is copied. Each has what the name says and what the upstream one holds: algorithm, scheme, attributes, the
shape of the chain. notation-go has seventeen in `internal/mock/testdata` (fifteen signatures hold, two do not) and two in
`internal/testdata`.
"""

import json
from datetime import UTC, datetime

import pytest

from tests.trust.notary.making import (
    AUTHENTIC,
    CA_USAGE,
    CODE_SIGNING,
    DROPPED,
    EXPIRY,
    PAYLOAD,
    SCHEME,
    TARGET,
    TIME,
    base64url,
    key_of,
    make_certificate,
    make_chain,
    make_cose,
    make_jws,
    name_of,
)
from tests.trust.notary.synthetic import document, level, policy, skip_statement, statement
from trust.notary.certificates import Certificate
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.media_types import COSE, JWS
from trust.notary.outcome import CheckStatus, Word
from trust.notary.payload import Payload
from trust.notary.revocation import NO_ANSWERS
from trust.notary.signed import Scheme
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLUGIN, MIN_VERSION = "io.cncf.notary.verificationPlugin", "io.cncf.notary.verificationPluginMinVersion"
ENFORCING, LOGGING = ("strict", "permissive", "audit"), ("permissive", "audit")

# The leaf is called as its root is: who matches issuers by their names alone takes the one for the other.
SAME_NAME = name_of("Notation Test Root")
ROOT = make_certificate(key_of("root"), SAME_NAME, ca=True, usage=CA_USAGE)
LEAF = make_certificate(
    key_of("rsa3072"), SAME_NAME, issuer=SAME_NAME, issuer_key=key_of("root"), purposes=[CODE_SIGNING]
)
ALONE = make_certificate(key_of("rsa2048"), "wabbit-networks.io", purposes=[CODE_SIGNING])
SHORT_LIVED = make_certificate(
    key_of("rsa2048"),
    "wabbit-networks.io",
    purposes=[CODE_SIGNING],
    since=datetime(2023, 1, 5, tzinfo=UTC),
    until=datetime(2023, 1, 6, tzinfo=UTC),
)
ANNOTATED = {"io.wabbit-networks.buildId": "123", "io.wabbit-networks.buildTime": "1672944615"}
BY_AUTHORITY = {SCHEME: "notary.x509.signingAuthority", TIME: DROPPED, AUTHENTIC: "2020-11-09T07:00:00Z"}


def two(scheme, expiry="2120-11-09T07:00:00Z", critical=(), **header):
    """An envelope of leaf and root in that scheme, with that expiry."""
    crit = [SCHEME, *critical, EXPIRY]
    fields = {TIME: "2020-11-09T07:00:00Z", EXPIRY: expiry}
    if scheme is Scheme.signing_authority:
        fields |= BY_AUTHORITY
        crit.insert(1, AUTHENTIC)
    return make_jws(key_of("rsa3072"), (LEAF, ROOT), fields | {"crit": crit} | header)


def padded(envelope):
    """The same with padding behind its payload, which no JWS has: what upstream calls invalid."""
    fields = json.loads(envelope)
    return json.dumps(fields | {"payload": fields["payload"] + "="}).encode()


def changed(envelope):
    """The same with another payload under the same signature."""
    other = base64url(PAYLOAD.replace(b"528", b"529"))
    return json.dumps(json.loads(envelope) | {"payload": other}).encode()


def needing(version):
    """A self-signed signer that asks for a plugin of at least that version."""
    crit = [SCHEME, MIN_VERSION, PLUGIN]
    header = {"crit": crit, PLUGIN: "io.cncf.notary.plugin.unittest.mock", MIN_VERSION: version}
    return make_jws(key_of("rsa2048"), (ALONE,), header)


def with_plugin(scheme):
    return two(scheme, critical=["SomeKey", PLUGIN], SomeKey="SomeValue", **{PLUGIN: "plugin-name"})


X509, AUTHORITY = Scheme.x509, Scheme.signing_authority
HOLDING = {
    "ca_valid_sig_env": two(X509),
    "ca_expired_sig_env": two(X509, "2022-07-29T23:59:00Z"),
    "ca_plugin_sig_env": with_plugin(X509),
    "sa_valid_sig_env": two(AUTHORITY),
    "sa_expired_sig_env": two(AUTHORITY, "2022-07-29T23:59:00Z"),
    "sa_plugin_sig_env": with_plugin(AUTHORITY),
    "sig_env_with_metadata": make_jws(
        key_of("rsa2048"),
        (SHORT_LIVED,),
        payload=json.dumps({"targetArtifact": TARGET | {"annotations": ANNOTATED}}).encode(),
    ),
} | {
    f"ca_{word}_pluginver_sig_env_{version}": needing(version)
    for word, version in (
        ("compatible", "0.0.9"),
        ("compatible", "1.0.0-alpha"),
        ("compatible", "1.0.0-alpha.beta"),
        ("compatible", "1.0.0"),
        ("incompatible", "1.0.1"),
        ("incompatible", "1.0.9"),
        ("incompatible", "1.1.0-alpha"),
        ("incompatible", "1.2.3"),
    )
}
BROKEN = {"ca_invalid_sig_env": padded(two(X509)), "sa_invalid_sig_env": padded(two(AUTHORITY))}
SINGLE = {  # internal/testdata: a chain of one, in either format
    "jws_signature": (make_jws(key_of("rsa2048"), (ALONE,)), JWS),
    "cose_signature": (make_cose(key_of("rsa2048"), (ALONE,)), COSE),
}
STORES = TrustStores.of(
    TrustStore("ca", "trusted", tuple(map(Certificate.parse, (ROOT, ALONE, SHORT_LIVED)))),
    TrustStore("signingAuthority", "trusted", (Certificate.parse(ROOT),)),
    TrustStore("ca", "strangers", tuple(map(Certificate.parse, make_chain(key_of("p256"))[1:]))),
    TrustStore("signingAuthority", "strangers", tuple(map(Certificate.parse, make_chain(key_of("p256"))[1:]))),
)


def under(name, **changes):
    trusted = {"trustStores": ["ca:trusted", "signingAuthority:trusted"]}
    return statement(signatureVerification=level(name), **(trusted | changes))


def judged(envelope, asked, *, media_type=JWS, metadata=None):
    evidence = examine(envelope, media_type)
    signed = evidence.signed or evidence.unverified_signed
    target = signed.target.target if signed and signed.target else Payload.parse(PAYLOAD).target
    question = Question("registry.acme.example/app", target, metadata or {})
    return judge(question, evidence, policy(asked), STORES, NO_ANSWERS, NOW)


def test_there_are_as_many_shapes_as_upstream_has_envelopes():
    assert (len(HOLDING), len(BROKEN), len(SINGLE)) == (15, 2, 2)


@pytest.mark.parametrize("name", HOLDING)
def test_the_signature_of_the_upstream_shape_holds(name):
    evidence = examine(HOLDING[name], JWS)
    assert evidence.integrity is None
    assert evidence.signed.algorithm == ("PS384" if len(evidence.chain) == 2 else "PS256")
    assert evidence.signed.scheme is (AUTHORITY if name.startswith("sa_") else X509)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("asked", ENFORCING)
def test_the_broken_upstream_shape_fails_integrity_at_every_level(name, asked):
    outcome = judged(BROKEN[name], under(asked))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "base64", False)


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("asked", ENFORCING)
def test_another_payload_under_the_upstream_shapes_signature_fails_integrity(scheme, asked):
    outcome = judged(changed(two(scheme)), under(asked))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "signature_invalid", False)


@pytest.mark.parametrize("name", BROKEN | HOLDING)
def test_under_skip_no_upstream_shape_is_looked_at(name):
    outcome = judged((BROKEN | HOLDING)[name], skip_statement())
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.not_checked, "level_skip", False)


@pytest.mark.parametrize("name", ["ca_valid_sig_env", "sa_valid_sig_env"])
def test_the_valid_upstream_shape_passes_every_check_though_leaf_and_root_share_a_name(name):
    outcome = judged(HOLDING[name], under("strict"))
    assert (outcome.word, outcome.verified) == (Word.verified, True)
    assert all(judged(HOLDING[name], under(asked)).verified for asked in LOGGING)


@pytest.mark.parametrize(("name", "store"), [("ca_valid_sig_env", "signingAuthority"), ("sa_valid_sig_env", "ca")])
def test_each_upstream_scheme_is_trusted_through_its_own_type_of_store(name, store):
    outcome = judged(HOLDING[name], under("strict", trustStores=[f"{store}:trusted"]))
    assert (outcome.word, outcome.reason) == (Word.untrusted, "no_store_for_scheme")


@pytest.mark.parametrize("name", ["ca_expired_sig_env", "sa_expired_sig_env"])
def test_the_expired_upstream_shape_fails_its_expiry_alone_and_only_where_that_is_enforced(name):
    strict = judged(HOLDING[name], under("strict"))
    assert (strict.word, strict.reason, strict.verified) == (Word.untrusted, "expired", False)
    assert strict.error == "The signature expired at 2022-07-29 23:59:00 UTC."
    assert [one.validation.value for one in strict.results if one.status is CheckStatus.failed] == ["expiry"]
    for asked in LOGGING:
        outcome = judged(HOLDING[name], under(asked))
        assert (outcome.word, outcome.reason, outcome.verified) == (
            Word.verified_with_exceptions, "expiry_logged", True,
        )  # fmt: skip


@pytest.mark.parametrize("asked", ENFORCING)
@pytest.mark.parametrize("name", [name for name in HOLDING if "plugin" in name])
def test_the_upstream_shapes_that_need_a_plugin_are_unknown_whatever_version_they_want(name, asked):
    outcome = judged(HOLDING[name], under(asked))
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "plugin_needed", False)


@pytest.mark.parametrize(
    ("metadata", "verified"),
    [
        ({}, True),
        ({"io.wabbit-networks.buildId": "123"}, True),
        ({"io.wabbit-networks.buildId": "321"}, False),
        (ANNOTATED, True),
        (ANNOTATED | {"io.wabbit-networks.buildTime": "1"}, False),
    ],
)
def test_upstream_user_metadata_must_be_signed_with_those_values(metadata, verified):
    outcome = judged(HOLDING["sig_env_with_metadata"], under("audit"), metadata=metadata)
    assert outcome.verified is verified
    assert outcome.reason == ("authentic_timestamp_logged" if verified else "metadata_mismatch")


@pytest.mark.parametrize("name", SINGLE)
def test_the_upstream_signature_of_a_chain_of_one_is_verified(name):
    envelope, media_type = SINGLE[name]
    outcome = judged(envelope, under("strict"), media_type=media_type)
    assert (outcome.word, outcome.verified) == (Word.verified, True)


# notation-go: TestNotationVerificationCombinations

STRANGER = "x509.subject:CN=LOL,O=DummyOrg,L=Hyderabad,ST=TG,C=IN"
SITUATIONS = {  # name: (how the envelope is bent, its media type, what the statement has, the check, its code)
    "unsupported envelope": ("valid", "application/unsupported+json", {}, "integrity", "envelope_type"),
    "integrity passes": ("valid", JWS, {}, "integrity", ""),
    "integrity fails": ("invalid", JWS, {}, "integrity", "base64"),
    "authenticity passes": ("valid", JWS, {}, "authenticity", ""),
    "authenticity fails": (
        "valid", JWS, {"trustStores": ["ca:strangers", "signingAuthority:strangers"]}, "authenticity", "unknown_root",
    ),
    "identity fails": ("valid", JWS, {"trustedIdentities": [STRANGER]}, "identity", "identity_mismatch"),
    "expiry passes": ("valid", JWS, {}, "expiry", ""),
    "expiry fails": ("expired", JWS, {}, "expiry", "expired"),
}  # fmt: skip
LOGGED = {"integrity": (), "authenticity": ("audit",), "identity": ("audit",), "expiry": LOGGING}


@pytest.mark.parametrize("scheme", ["ca", "sa"])
@pytest.mark.parametrize("asked", ENFORCING)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_upstream_combination_of_situation_level_and_scheme_ends_alike(situation, asked, scheme):
    bent, media_type, members, check, code = SITUATIONS[situation]
    outcome = judged((HOLDING | BROKEN)[f"{scheme}_{bent}_sig_env"], under(asked, **members), media_type=media_type)
    result = outcome.result(check)
    assert result.action == ("log" if asked in LOGGED[check] else "enforce")
    if code:
        assert result.status is not CheckStatus.passed
        assert (result.code, outcome.verified) == (code, asked in LOGGED[check])
    else:
        assert (result.status, outcome.verified) == (CheckStatus.passed, True)


@pytest.mark.parametrize("asked", ENFORCING)
@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"trustStores": ["ca:strangers", "signingAuthority"]}, "TP16"),
        ({"trustedIdentities": ["x509.subject"]}, "TP21"),
        ({"trustedIdentities": ["x509.subject:"]}, "TP22"),
    ],
)
def test_the_upstream_statements_without_separator_or_value_are_refused_before_anything_is_judged(members, rule, asked):
    with pytest.raises(TrustPolicyError) as caught:
        TrustPolicy.parse(document(under(asked, **members)))
    assert caught.value.rule == rule
