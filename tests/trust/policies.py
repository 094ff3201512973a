"""Generated trust policy documents: nearly right ones, so that every rule is kept by some and broken by others."""

from hypothesis import strategies as st

NAMES = st.sampled_from(["release", "web", "", 'Ünïcode \u202e "quoted" \\', "release-2", "a\nb", "{[,]}:"])
SCOPES = ["a.example/b", "a.example/c", "b.example:5000/x/y", "*", "a.example/*", "A.example/b", "a.example/B", ""]
STORES = ["ca:acme", "ca:other", "tsa:clock", "signingAuthority:acme", "acme", "ca:", "xx:acme", "ca:a b"]
IDENTITIES = [
    "x509.subject: C=DE, ST=BE, O=Acme", "x509.subject: C=DE, ST=BE, O=Acme, CN=x", "x509.subject: CN=ü, C=DE, S=BE, O=\\\"",
    "x509.subject: C=DE, O=Acme", "x509.subject:", "*", "", "plain", "did:x509:0:a",
]  # fmt: skip
LEVELS = ["strict", "permissive", "audit", "skip", "", "Strict"]
OVERRIDES = ["integrity", "authenticity", "authenticTimestamp", "expiry", "revocation", "identity"]


def lists(values, most=4):
    """Mostly of the first of them, which are right."""
    return st.lists(st.sampled_from(values[:2]) | st.sampled_from(values), max_size=most)


def verifications():
    return st.fixed_dictionaries(
        {"level": st.sampled_from(LEVELS[:4]) | st.sampled_from(LEVELS)},
        optional={
            "override": st.dictionaries(
                st.sampled_from(OVERRIDES), st.sampled_from(["enforce", "log", "skip", "x"]), max_size=2
            ),
            "verifyTimestamp": st.sampled_from(["always", "afterCertExpiry", "", "never"]),
            "note": st.just({"ignored": [1, None]}),
        },
    )


def statements(**own):
    fields = {"name": NAMES, "signatureVerification": verifications()}
    lists_of = {"trustStores": lists(STORES), "trustedIdentities": lists(IDENTITIES)}
    return st.fixed_dictionaries(fields, optional=lists_of | own | {"x-note": st.just("kept")})


def documents(items):
    fields = {
        "version": st.sampled_from(["1.0", "1.0", "1.0", "2.0", ""]),
        "trustPolicies": st.lists(items, max_size=4),
    }
    return st.fixed_dictionaries(fields, optional={"$schema": st.just("ours")})


def policies():
    return documents(statements(registryScopes=lists(SCOPES)))


def blob_policies():
    return documents(statements(globalPolicy=st.booleans()))
