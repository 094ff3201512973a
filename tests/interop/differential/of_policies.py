"""Operators on the trust policy document, and on the question: which repository, which artifact, which metadata."""

from tests.interop.differential.draft import compact, digest_of
from tests.interop.differential.operators import operator
from tests.interop.differential.valid import LEVELS, OVERRIDES, REPOSITORY


@operator()
def change_the_level(r, d):
    verification = d.statement["signatureVerification"]
    verification["level"] = r.choice((*LEVELS, "Strict", "", "none", "custom"))


@operator("policy names")
def change_the_override(r, d):
    name = r.choice((*OVERRIDES, *OVERRIDES, "integrity", "identity", "Expiry", "", "authentictimestamp"))
    action = r.choice(("enforce", "log", "log", "skip", "audit", "", "Log"))
    verification = d.statement["signatureVerification"]
    verification["override"] = (verification.get("override") or {}) | {name: action}


@operator()
def change_when_timestamps_count(r, d):
    verification = d.statement["signatureVerification"]
    verification["verifyTimestamp"] = r.choice(("always", "afterCertExpiry", "", "never", "Always", None))


@operator()
def change_the_version(r, d):
    d.policy["version"] = r.choice(("1.0", "1", "1.1", "", None, "2.0", " 1.0"))


@operator("spelling")
def change_the_scopes(r, d):
    registry, _, name = REPOSITORY.partition("/")
    d.statement["registryScopes"] = r.choice(
        (
            ["*"],
            [],
            ["*", REPOSITORY],
            [REPOSITORY, REPOSITORY],
            [f"{registry}/*"],
            [f"{registry}/{name}:latest"],
            [f"https://{REPOSITORY}"],
            [registry],
            [REPOSITORY.upper()],
            [f"{registry.upper()}/{name}", "registry.acme.example/b"],
            [f"{registry}:443/{name}"],
            [f"{registry}//{name}"],
            [f"{registry}/{name}/"],
            [""],
            [f"{registry}/payments"],
            [REPOSITORY, "10.0.0.1:5000/a/b__c-d"],
        )
    )


@operator("spelling")
def add_a_statement(r, d):
    statement = {
        "name": r.choice(("more", "release", "", "more")),
        "registryScopes": r.choice(
            (["*"], [REPOSITORY], ["REGISTRY.acme.example/payments/ledger"], ["other.example/a"])
        ),
        "signatureVerification": {"level": r.choice(("strict", "audit", "permissive"))},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
    }
    d.policy["trustPolicies"].insert(r.choice((0, len(d.policy["trustPolicies"]))), statement)


@operator("escapes")
def change_the_identities(r, d):
    name = "x509.subject: C=DE, ST=BE, O=Acme GmbH"
    d.statement["trustedIdentities"] = r.choice(
        (
            ["*"],
            ["*", name],
            [],
            [""],
            ["x509.subject:"],
            ["x509.subject"],
            ["X509.subject: C=DE, ST=BE, O=Acme GmbH"],
            [name, name + ", OU=Release"],
            [name, name],
            ["x509.subject: C=DE, O=Acme GmbH"],
            ["x509.subject: C=DE, C=DE, ST=BE, O=Acme GmbH"],
            ["x509.subject: C=DE+ST=BE, O=Acme GmbH"],
            ["x509.subject: C=DE; ST=BE; O=Acme GmbH"],
            ["x509.subject: c=DE, st=BE, o=Acme GmbH"],
            ["x509.subject: C=de, ST=BE, O=Acme GmbH"],
            ["x509.subject: C=DE, ST=BE, O=Acme  GmbH"],
            [r"x509.subject: C=DE, ST=BE, O=Acme\20GmbH"],
            [r"x509.subject: C=DE, ST=BE, O=Acme GmbH, CN=\FF"],
            [r"x509.subject: C=DE, ST=BE, O=Acme GmbH, CN=#0c0141"],
            ["x509.subject: C=DE, ST=BE, O=Acme GmbH, CN="],
            ["x509.subject: C=DE, ST=BE, O=Acme GmbH, "],
            ["x509.subject: CN=x, O=Acme GmbH, ST=BE, C=DE"],
            ["x509.subject: C=DE, ST=BE, O=Acme GmbH, 2.5.4.5=1234"],
            ["x509.subject: C=DE, ST=BE, O=Acme GmbH, SERIALNUMBER=1234"],
            ["other: a"],
            ["did:x509:0:a", name],
            [name.replace(": ", ":  ")],
        )
    )


@operator("store names")
def change_the_named_stores(r, d):
    own = d.statement.get("trustStores") or ["ca:acme"]
    d.statement["trustStores"] = r.choice(
        (
            [],
            ["ca:acme", "signingAuthority:acme"],
            [*own, *own],
            ["acme"],
            ["ca:"],
            ["CA:acme"],
            ["ca:acme:2"],
            ["ca:../acme"],
            ["ca:.."],
            ["ca:."],
            [*own, "ca:missing"],
            [*own, "tsa:missing"],
            ["ca:Acme"],
            ["ca:acme "],
            ["ca:second"],
        )
    )


@operator("policy names")
def add_a_member_to_the_policy(r, d):
    where = r.choice((d.policy, d.statement, d.statement["signatureVerification"]))
    where[r.choice(("note", "$schema", "globalPolicy", "Level", "LEVEL", "levels", "Name"))] = r.choice(
        ("x", 1, None, {})
    )


@operator()
def drop_a_member_of_the_policy(r, d):
    where = r.choice((d.policy, d.statement, d.statement, d.statement.get("signatureVerification") or d.policy))
    del where[r.choice(list(where))]


@operator()
def retype_a_member_of_the_policy(r, d):
    where = r.choice((d.policy, d.statement, d.statement, d.statement.get("signatureVerification") or d.policy))
    where[r.choice(list(where))] = r.choice((None, 1, "", "text", [], {}, [None], [1], True))


@operator("policy names", "policy end", "policy text")
def reencode_the_policy(r, d):
    changes = (
        lambda whole: b"\n " + whole + b" \n",
        lambda whole: whole + b"{}",
        lambda whole: whole + b"x",
        lambda whole: b"\xef\xbb\xbf" + whole,
        lambda whole: whole[:-1] + b',"version":"1.0"}',
        lambda whole: whole.replace(b'"version"', b'"Version"'),
        lambda whole: whole.replace(b'"name"', b'"NAME"', 1),
        lambda whole: whole.replace(b'"name":', b'"name":"other","name":', 1),
        lambda whole: whole.replace(b"release", b"rele\\u0061se"),
        lambda whole: whole.replace(b"release", b"rele\xffase"),
        lambda whole: whole.replace(b"release", b"\\ud800"),
        lambda whole: whole[:-1],
        lambda whole: whole[:-1] + b',"note":' + b"[" * 70 + b"]" * 70 + b"}",
        lambda whole: whole[:-1] + b',"note":1e5}',
        lambda whole: whole.replace(b"trustStores", b"trust\xc5\xbftores"),
        lambda whole: b"",
        lambda whole: b"null",
        lambda whole: b"[" + whole + b"]",
        lambda whole: whole.replace(b",", b" ,\t"),
    )
    d.policy_finally.append(r.choice(changes))
    d.encode_policy = compact


@operator("spelling")
def ask_for_another_repository(r, d):
    d.reference = r.choice(
        (
            "registry.acme.example/payments/other",
            "REGISTRY.acme.example/payments/ledger",
            "registry.acme.example:443/payments/ledger",
            "registry.acme.example/payments",
            "registry.acme.example/payments/ledger/x",
            "registry.acme.example/unrelated",
            "other.example/payments/ledger",
        )
    )


@operator()
def ask_for_another_artifact(r, d):
    d.target = d.target | r.choice(
        (
            {"digest": digest_of(b"other")},
            {"size": d.target["size"] + 1},
            {"mediaType": "application/vnd.oci.image.config.v1+json"},
            {"annotations": {"a": "b"}},
        )
    )


@operator()
def ask_for_other_metadata(r, d):
    d.metadata = r.choice(
        ({"build": "7"}, {"build": "8"}, {"Build": "7"}, {"none": "such"}, {"build": "7", "a": "b"}, {})
    )
