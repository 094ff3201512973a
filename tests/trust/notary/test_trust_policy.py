"""Trust policy documents: each refusal is named after its rule, and found in notation's order."""

import json

import pytest

from tests.trust.notary.synthetic import document, policy, skip_statement, statement
from trust.notary.errors import TrustPolicyError
from trust.notary.levels import Action, Validation
from trust.notary.trust_policy import TrustPolicy

SUBJECT = "x509.subject: C=DE, ST=BE, O=Acme GmbH"


def refusal(*statements, **members):
    return refusal_of(document(*statements, **members))


def refusal_of(content):
    with pytest.raises(TrustPolicyError) as caught:
        TrustPolicy.parse(content)
    return caught.value.rule


def level(name="strict", **members):
    return {"signatureVerification": {"level": name, **members}}


def without(member):
    return {name: value for name, value in statement().items() if name != member}


BROKEN_RULES = [
    ("TP01", document(statement(), version="")),
    ("TP01", json.dumps({"trustPolicies": [statement()]}).encode()),
    ("TP01", b"null"),
    ("TP02", document(statement(), version="1.1")),
    ("TP02", document(statement(), version="2.0")),
    ("TP03", document()),
    ("TP03", json.dumps({"version": "1.0", "trustPolicies": None}).encode()),
    ("TP04", document(statement(registryScopes=["a/b"]), statement())),
    ("TP05", document(statement(name=""))),
    ("TP06", document(statement(signatureVerification={}))),
    ("TP06", document(without("signatureVerification"))),
    ("TP07", document(statement(**level("Strict")))),
    ("TP07", document(statement(**level("custom")))),
    ("TP08", document(skip_statement() | level("skip", override={"expiry": "log"}))),
    ("TP09", document(statement(**level(override={"identity": "log"})))),
    ("TP09", document(statement(**level(override={"Expiry": "log"})))),
    ("TP10", document(statement(**level(override={"expiry": "warn"})))),
    ("TP11", document(statement(**level(override={"integrity": "log"})))),
    ("TP11", document(statement(**level(override={"integrity": "enforce"})))),
    ("TP12", document(statement(**level(override={"expiry": "skip"})))),
    ("TP12", document(statement(**level(override={"authenticity": "skip"})))),
    ("TP12", document(statement(**level(override={"authenticTimestamp": "skip"})))),
    ("TP13", document(statement(**level(verifyTimestamp="Always")))),
    ("TP13", document(skip_statement() | level("skip", verifyTimestamp="never"))),
    ("TP14", document(skip_statement(name="s") | {"trustStores": ["ca:acme"]})),
    ("TP14", document(skip_statement(name="s") | {"trustedIdentities": ["*"]})),
    ("TP15", document(statement(trustStores=[]))),
    ("TP15", document(without("trustedIdentities"))),
    ("TP16", document(statement(trustStores=["acme"]))),
    ("TP17", document(statement(trustStores=["CA:acme"]))),
    ("TP18", document(statement(trustStores=["ca:"]))),
    ("TP18", document(statement(trustStores=["ca:ma:in"]))),
    ("TP18", document(statement(trustStores=["ca:../main"]))),
    ("TP18", document(statement(trustStores=["ca:.."]))),
    ("TP18", document(statement(trustStores=["ca:main\n"]))),
    ("TP19", document(statement(trustedIdentities=["*", SUBJECT]))),
    ("TP19", document(statement(trustedIdentities=["*", "*"]))),
    ("TP20", document(statement(trustedIdentities=[""]))),
    ("TP21", document(statement(trustedIdentities=["C=DE, ST=BE, O=Acme GmbH"]))),
    ("TP22", document(statement(trustedIdentities=["x509.subject:"]))),
    ("TP23", document(statement(trustedIdentities=["x509.subject: C=DE, ST=BE"]))),
    ("TP23", document(statement(trustedIdentities=["x509.subject: C=DE, ST=BE, O=Rook, Pawn & Co"]))),
    ("TP23", document(statement(trustedIdentities=["x509.subject: C=DE, ST=BE, O=#6131"]))),
    ("TP24", document(statement(trustedIdentities=[SUBJECT, SUBJECT]))),
    ("TP24", document(statement(trustedIdentities=[SUBJECT, SUBJECT + ", CN=build"]))),
    ("TP24", document(statement(trustedIdentities=[SUBJECT + ", CN=build", SUBJECT]))),
    ("TP25", document(statement(registryScopes=[]))),
    ("TP26", document(statement(registryScopes=["*", "registry.acme.example/a"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example/"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example/team/*"]))),
    ("TP27", document(statement(registryScopes=["https://registry.acme.example/a"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example/a:v1"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example/Team"]))),
    ("TP27", document(statement(registryScopes=["[::1]:5000/a"]))),
    ("TP27", document(statement(registryScopes=["-registry/a"]))),
    ("TP27", document(statement(registryScopes=["registry.acme.example/a\n"]))),
    ("TP28", document(statement(registryScopes=["r.example/a"]), statement(name="b", registryScopes=["r.example/a"]))),
    ("TP28", document(statement(registryScopes=["r.example/a", "r.example/a"]))),
    ("TP28", document(statement(), statement(name="b"))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "content"), BROKEN_RULES)
def test_a_document_that_breaks_a_rule_is_refused_by_that_rule(rule, content):
    assert refusal_of(content) == rule


def test_every_rule_of_oci_documents_has_a_document_that_breaks_it():
    assert {rule for rule, _ in BROKEN_RULES} == {f"TP{number:02}" for number in range(1, 29)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": "1.0", ',
        b"[]",
        b'"1.0"',
        b"[" * 100_000,
        b"\xef\xbb\xbf" + document(statement()),
        document(statement()) + b"{}",
        b'{"version": "1.0", "version": "1.0", "trustPolicies": []}',
        document(statement()).replace(b'"registryScopes"', b'"registryscopes"'),
        document(statement()).replace(b'"level"', b'"Level"'),
        document(statement()).replace(b'"version"', b'"ver\xc5\xbfion"'),
        document(statement(name=1)),
        document(statement(registryScopes="*")),
        document(statement(registryScopes=[1])),
        document(statement(**level(override=["expiry"]))),
        document(statement(**level(override={"expiry": 1}))),
        document(statement(signatureVerification="strict")),
        json.dumps({"version": "1.0", "trustPolicies": {}}).encode(),
        json.dumps({"version": "1.0", "trustPolicies": [{}] * 10_001}).encode(),
        json.dumps({"version": "1.0", "trustPolicies": ["x"]}).encode(),
    ],
)
def test_a_document_that_two_readers_could_read_differently_is_refused(content):
    assert refusal_of(content) == "TP00"


def test_names_are_asked_before_anything_else_of_a_statement():
    assert refusal(statement(), statement(trustStores=[])) == "TP04"


def test_scopes_are_asked_after_every_statement_passed():
    assert refusal(statement(registryScopes=[]), statement(name="b", trustStores=[])) == "TP15"


def test_one_bad_statement_refuses_the_whole_document():
    good, bad = statement(registryScopes=["r.example/a"]), statement(name="b", trustStores=["acme"])
    assert refusal(good, bad) == "TP16"


def test_the_refusal_names_the_statement_and_what_to_write():
    with pytest.raises(
        TrustPolicyError, match=r'Statement "release-images" names the trust store "acme": write type:name'
    ):
        policy(statement(trustStores=["acme"]))


def test_the_bytes_are_kept_as_they_were_written():
    content = document(statement()).replace(b", ", b" ,\n ")
    assert TrustPolicy.parse(content).content == content


def test_unknown_members_are_kept_and_named():
    parsed = TrustPolicy.parse(document(statement(comment="x", **level(note="y"))))
    assert parsed.unknown_members == ("trustPolicies[0].comment", "trustPolicies[0].signatureVerification.note")


def test_identities_of_other_kinds_pass_untouched():
    parsed = policy(statement(trustedIdentities=["aws.arn: x", "aws.arn: x", SUBJECT]))
    assert parsed.statements[0].trusted_identities == ("aws.arn: x", "aws.arn: x", SUBJECT)
    assert len(parsed.statements[0].subjects) == 1


def test_an_absent_verify_timestamp_means_always():
    assert policy().statements[0].verify_timestamp == "always"
    chosen = policy(statement(**level(verifyTimestamp="afterCertExpiry"))).statements[0]
    assert chosen.verify_timestamp == "afterCertExpiry"


# Levels

TABLE = {  # integrity, authenticity, authentic timestamp, expiry, revocation
    "strict": ("enforce", "enforce", "enforce", "enforce", "enforce"),
    "permissive": ("enforce", "enforce", "log", "log", "log"),
    "audit": ("enforce", "log", "log", "log", "log"),
}
COLUMNS = (
    Validation.integrity,
    Validation.authenticity,
    Validation.authentic_timestamp,
    Validation.expiry,
    Validation.revocation,
)


@pytest.mark.parametrize("name", TABLE)
def test_a_level_is_the_specifications_row(name):
    chosen = policy(statement(**level(name))).statements[0].level
    assert tuple(chosen[column] for column in COLUMNS) == TABLE[name]
    assert chosen.name == name


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize(
    ("overridden", "action"),
    [(column, action) for column in COLUMNS[1:] for action in (Action.enforce, Action.log)]
    + [(Validation.revocation, Action.skip)],
)
def test_an_override_changes_its_own_check_and_makes_the_level_custom(name, overridden, action):
    chosen = policy(statement(**level(name, override={overridden: action}))).statements[0].level
    expected = dict(zip(COLUMNS, TABLE[name], strict=True)) | {overridden: action}
    assert {column: chosen[column] for column in COLUMNS} == expected
    assert chosen.name == "custom"
    assert chosen[Validation.identity] is chosen[Validation.authenticity]
    assert chosen[Validation.target] is chosen[Validation.user_metadata] is Action.enforce


def test_an_empty_override_changes_nothing():
    assert policy(statement(**level(override={}))).statements[0].level.name == "strict"


def test_skip_skips_everything():
    assert policy(skip_statement()).statements[0].level.skips_everything


# Which statement applies

EXACT = statement(name="exact", registryScopes=["registry.acme.example/a"])
ANY = statement(name="any")


def chosen(name, *statements):
    choice = policy(*statements).choose(name)
    return choice.code, choice.statement and choice.statement.name


def test_an_exact_scope_wins_over_the_wildcard_whatever_their_order():
    for statements in ((EXACT, ANY), (ANY, EXACT)):
        assert chosen("registry.acme.example/a", *statements) == ("exact", "exact")
        assert chosen("registry.acme.example/b", *statements) == ("wildcard", "any")


def test_a_scope_is_neither_a_prefix_nor_a_registry():
    assert chosen("registry.acme.example/a/b", EXACT) == ("none", None)
    assert chosen("registry.acme.example/ab", EXACT) == ("none", None)


@pytest.mark.parametrize("name", ["", "registry.acme.example", "registry.acme.example/A", "[::1]:5000/a", "*"])
def test_a_name_that_no_scope_can_have_gets_not_even_the_wildcard(name):
    assert chosen(name, ANY) == ("none", None)


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("registry.acme.example/a", "Registry.Acme.example/a"),
        ("Registry.Acme.example/a", "registry.acme.example/a"),
        ("registry.acme.example:443/a", "registry.acme.example/a"),
        ("index.docker.io/acme/a", "docker.io/acme/a"),
        ("docker.io/nginx", "docker.io/library/nginx"),
    ],
)
def test_another_spelling_of_the_name_vetoes_and_never_matches(scope, name):
    other = statement(name="other", registryScopes=[scope])
    for statements in ((other,), (other, ANY), (other, statement(name="exact", registryScopes=[name]))):
        assert chosen(name, *statements) == ("folding_veto", None)
        assert scope in policy(*statements).choose(name).message


def test_a_veto_says_how_to_end_it():
    other = statement(name="other", registryScopes=["docker.io/nginx"])
    exact = statement(name="exact", registryScopes=["docker.io/library/nginx"])
    name = "docker.io/library/nginx"
    assert policy(other, exact).choose(name).message.endswith("Name the repository in one of exact and other only.")
    for statements in ((other,), (other, ANY)):
        said = policy(*statements).choose(name).message
        assert said.endswith(f"Write {name} there, or change the registry's reference name.")


def test_where_nobody_said_which_repository_it_is_that_is_said():
    assert policy(ANY).choose("").message == "Nobody said which repository this is, so no statement can apply."
    assert "not a name that a trust policy scope can have" in policy(ANY).choose("No Name").message


def test_two_spellings_in_one_statement_veto_nothing():
    both = statement(name="both", registryScopes=["docker.io/acme/a", "index.docker.io/acme/a"])
    assert chosen("docker.io/acme/a", both) == ("exact", "both")


def test_a_port_that_is_not_the_default_is_another_registry():
    other = statement(name="other", registryScopes=["registry.acme.example:5000/a"])
    assert chosen("registry.acme.example/a", other, ANY) == ("wildcard", "any")


def test_five_hundred_identities_are_compared_and_more_are_refused():
    many = [f"x509.subject: C=DE, ST=BE, O=Acme {number}" for number in range(501)]
    assert len(policy(statement(trustedIdentities=many[:500])).statements[0].subjects) == 500
    assert refusal(statement(trustedIdentities=many)) == "TP00"
    assert refusal(statement(trustedIdentities=[*many[:499], many[7] + ", OU=x"])) == "TP24"


def test_a_document_of_a_mebibyte_is_read_and_no_larger_one():
    content = document(statement())
    assert TrustPolicy.parse(content.ljust(1024 * 1024)).statements
    assert refusal_of(content.ljust(1024 * 1024 + 1)) == "TP00"


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("OU=", "OU=", True),
        ("OU=", "CN=b", True),
        ("OU=", "OU=b", False),  # that it is absent is wanted, and it is there
        ("OU=a", "OU=b", False),
        ("OU=a", "OU=a, CN=b", True),
        ("OU=a, L=", "OU=a, L=b", False),
    ],
)
def test_an_identity_covers_another_where_all_that_it_wants_is_there(one, other, overlap):
    for pair in ((one, other), (other, one)):
        asked = [f"{SUBJECT}, {part}" for part in pair]
        try:
            parsed = policy(statement(trustedIdentities=asked))
        except TrustPolicyError as error:
            assert overlap
            assert error.rule == "TP24"
        else:
            assert not overlap
            assert len(parsed.statements[0].subjects) == 2


def test_a_very_long_scope_is_refused_at_once():
    assert refusal(statement(registryScopes=["a/" + "a-" * 50_000])) == "TP27"
    assert refusal(statement(registryScopes=["a-" * 50_000 + "/a"])) == "TP27"
