"""Valid signatures under valid policies, of every kind that notation makes; the answer may still be no."""

import functools
from datetime import UTC, datetime, timedelta, timezone

import cbor2

from tests.interop.differential.draft import Draft, authority, digest_of, in_pem, signer, subject
from tests.simulators.tsa import Tsa
from tests.trust.notary.making import PAYLOAD_TYPE, algorithm_of, key_of, make_chain
from tests.trust.notary.stamping import TIME_STAMPING

KEYS = ("p256", "p256", "p384", "p384", "p521", "p521", "rsa2048", "rsa2048", "rsa3072", "rsa4096")
LEVELS = ("strict", "permissive", "audit", "skip")
OVERRIDES = {
    "expiry": ("enforce", "log"),
    "authenticity": ("enforce", "log"),
    "authenticTimestamp": ("enforce", "log"),
    "revocation": ("enforce", "log", "skip"),
}
SCHEME, EXPIRY = "io.cncf.notary.signingScheme", "io.cncf.notary.expiry"
TIME, AUTHENTIC = "io.cncf.notary.signingTime", "io.cncf.notary.authenticSigningTime"
X509, AUTHORITY = "notary.x509", "notary.x509.signingAuthority"
AGENT = "io.cncf.notary.signingAgent"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "registry.acme.example/payments/ledger"


def valid(random, at, *, good=False):
    """A draft of a sound signature, with a policy that says something about it; `good`: one that accepts it."""
    form = random.choice(("jws", "cose"))
    scheme = random.choice((X509, X509, AUTHORITY))
    key = random.choice(KEYS)
    certificates = _certificates(random, key, at, good)
    annotations = random.choice(({}, {}, {"build": "7"}, {"build": "7", "io.wabbit": "ü ∆"}))
    target = _target(random)
    draft = Draft(
        form=form,
        key=key_of(key),
        certificates=certificates,
        protected=_protected(random, form, key_of(key), scheme, at, good),
        payload={"targetArtifact": target | ({"annotations": annotations} if annotations else {})},
        policy=_policy(random, scheme, good),
        reference=REPOSITORY,
        target=target,
        stores=_stores(random, scheme, len(certificates)),
        metadata=_metadata(random, annotations, good),
        unprotected={AGENT: "maker/1"} if random.random() < 0.8 else {},
        store_form=random.choice((in_pem, b"".join)),
    )
    if random.random() < (0.1 if good else 0.25):
        _add_timestamp(random, draft, at)
    return draft


def _certificates(random, key, at, good):
    """Mostly three; now and then one is no longer valid, or not yet."""
    depth = random.choice((0, 1, 2, 2, 2, 3))
    since, until = at - timedelta(days=400), at + timedelta(days=400)
    names = {"C": "DE", "ST": "BE", "L": "Berlin", "O": "Acme GmbH", "OU": random.choice(("Release", "Build"))}
    names |= {"CN": random.choice(("Acme Release 07", "a+b, c", "Ünïcode"))}
    if random.random() < 0.3:
        names = dict(random.sample(list(names.items()), len(names)))
    facts = {"serial": random.choice((1, 2**64, 255))}
    validity = 1 if good else random.random()
    if validity < 0.1:
        until = at - timedelta(hours=1)
    elif validity < 0.15:
        since = at + timedelta(hours=1)
    if random.random() < 0.2:
        facts["purposes"] = ()
    leaf = signer(key, subject(**names), since=since, until=until, **facts)
    keys = random.sample(("root", "issuing", "p384", "rsa3072"), depth)
    return [leaf] + [authority(above, f"Acme Authority {number}") for number, above in enumerate(keys, 1)]


def _target(random):
    content = random.randbytes(16)
    media_type = random.choice((MANIFEST, MANIFEST, "application/vnd.oci.image.index.v1+json"))
    return {"mediaType": media_type, "digest": digest_of(content), "size": random.choice((16, 528, 2**40))}


def _protected(random, form, key, scheme, at, good):
    algorithm = algorithm_of(key)
    at = at.replace(microsecond=0)
    signed_at = at - timedelta(seconds=random.choice((1, 3600, 10**7)))
    time = (lambda moment: _rfc3339(random, moment)) if form == "jws" else _epoch
    critical = [SCHEME]
    fields = {SCHEME: scheme, (TIME if scheme == X509 else AUTHENTIC): time(signed_at)}
    if scheme == AUTHORITY:
        critical.append(AUTHENTIC)
    if random.random() < 0.5:
        late = signed_at < at - timedelta(minutes=2) and not good
        fields[EXPIRY] = time(at + timedelta(minutes=random.choice((-1, 60) if late else (60, 600_000))))
        critical.append(EXPIRY)
    if random.random() < 0.2:
        fields["org.example.note"] = random.choice(("a text", "", "ü"))
    random.shuffle(critical)
    if form == "jws":
        return {"alg": algorithm.name, "crit": critical, "cty": PAYLOAD_TYPE} | fields
    return {1: algorithm.cose, 2: critical, 3: PAYLOAD_TYPE} | fields


def _rfc3339(random, moment):
    if random.random() < 0.3:
        moment = moment.astimezone(timezone(timedelta(minutes=random.choice((-330, 60, 840)))))
    return moment.isoformat().replace("+00:00", "Z")


def _epoch(moment):
    return cbor2.CBORTag(1, int(moment.timestamp()))


def _metadata(random, annotations, good):
    if good:
        return dict(random.sample(list(annotations.items()), random.randint(0, len(annotations))))
    if not annotations or random.random() < 0.5:
        return {"build": "8"} if random.random() < 0.1 else {}
    return {"build": random.choice(("7", "7", "8"))}


def _policy(random, scheme, good):
    level = random.choice(LEVELS)
    verification = {"level": level}
    statement = {"name": "release", "registryScopes": [REPOSITORY], "signatureVerification": verification}
    if good:
        verification["level"] = random.choice(LEVELS[:3])
    elif level == "skip":
        return {"version": "1.0", "trustPolicies": [statement, *_other_statements(random)]}
    if random.random() < 0.4:
        chosen = random.sample(list(OVERRIDES), random.randint(1, 3))
        verification["override"] = {name: random.choice(OVERRIDES[name]) for name in chosen}
    if random.random() < 0.2:
        verification["verifyTimestamp"] = random.choice(("always", "afterCertExpiry"))
    if random.random() < 0.3:
        statement["registryScopes"] = random.choice((["*"], [REPOSITORY, "registry.acme.example/other"]))
    own = "ca:acme" if scheme == X509 else "signingAuthority:acme"
    other = "signingAuthority:acme" if scheme == X509 else "ca:acme"
    statement["trustStores"] = (
        [own] if good else random.choice(([own], [own], [own, other], ["ca:second", own], [other]))
    )
    statement["trustedIdentities"] = random.choice(IDENTITIES[:3] if good else IDENTITIES)
    return {"version": "1.0", "trustPolicies": [statement, *_other_statements(random)]}


IDENTITIES = (
    ["*"],
    ["*"],
    ["x509.subject: C=DE, ST=BE, O=Acme GmbH"],
    ["x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Release"],
    ["x509.subject:C=DE,ST=BE,O=Acme GmbH,OU=Build", "x509.subject: C=DE, ST=BE, L=Berlin, O=Acme GmbH, OU=Release"],
    ["x509.subject: O=Acme GmbH, S=BE, C=DE", "other.kind: anything"],
    ["x509.subject: C=US, ST=WA, O=Other"],
    [r"x509.subject: C=DE, ST=BE, O=Acme GmbH, CN=a\+b\, c"],
    ["x509.subject: CN=Ünïcode, C=DE, ST=BE, O=Acme GmbH"],
)


def _other_statements(random):
    if random.random() < 0.6:
        return []
    statement = {
        "name": "others",
        "registryScopes": ["registry.acme.example/unrelated"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:unrelated"],
        "trustedIdentities": ["*"],
    }
    return [statement]


def _stores(random, scheme, length):
    """The root is trusted, or another certificate of the chain that may be."""
    trusted = random.choice(([length - 1], [length - 1], [length - 1], list(range(length))[1:] or [0]))
    files = {"acme.crt": trusted}
    own = {("ca" if scheme == X509 else "signingAuthority", "acme"): files}
    return own | {("ca", "second"): {"second.pem": in_pem([_stranger()])}}


@functools.cache
def _stranger():
    return make_chain(key_of("p256"))[1]


@functools.cache
def authority_of_time():
    leaf = {"purposes": (), "extensions": [TIME_STAMPING]}
    return Tsa(tuple(make_chain(key_of("rsa2048"), 2, **leaf)), key_of("rsa2048"))


def _add_timestamp(random, draft, at):
    """A statement that names a tsa store, and mostly a token that holds."""
    tsa, stamped_at = authority_of_time(), at.astimezone(UTC) - timedelta(seconds=random.choice((1, 7200)))
    draft.stores[("tsa", "stamps")] = {"stamps.crt": in_pem([tsa.root])}
    if random.random() < 0.8 and draft.statement.get("trustStores"):
        draft.statement["trustStores"] = [*draft.statement["trustStores"], "tsa:stamps"]
    if random.random() < 0.8:
        draft.token = lambda signature: tsa.token(signature, _whole(stamped_at))


def _whole(moment: datetime):
    return moment.replace(microsecond=0)
