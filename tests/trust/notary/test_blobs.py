"""Blobs: their trust policy documents, and whether a signature was made for this one."""

import json

import pytest

from registries.oci.digest import Digest
from tests.trust.notary.making import TARGET as SIGNED
from tests.trust.notary.making import key_of, make_cose, make_jws, sound_chain
from tests.trust.notary.synthetic import NOW, document, skip_statement, statement, store
from trust.blobs import judge_blob
from trust.notary.blob import Blob, envelope_type, hash_of, is_media_type
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.certificates import Certificate
from trust.notary.errors import NotaryError, TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import Question
from trust.notary.media_types import COSE, JWS
from trust.notary.outcome import Word
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores

CONTENT = b"what is signed\n"
HASHES = {
    "p256": "sha256", "p384": "sha384", "p521": "sha512", "rsa2048": "sha256", "rsa3072": "sha384", "rsa4096": "sha512",
}  # fmt: skip


def blob_statement(**changes):
    members = {name: value for name, value in (statement() | changes).items() if name != "registryScopes"}
    return {name: value for name, value in members.items() if value is not None}


def blob_policy(*statements):
    return BlobTrustPolicy.parse(document(*statements or (blob_statement(globalPolicy=True),)))


def refusal(*statements):
    with pytest.raises(TrustPolicyError) as caught:
        blob_policy(*statements)
    return caught.value.rule


class TestPolicy:
    @pytest.mark.parametrize(
        ("rule", "changes"),
        [
            ("TP05", {"name": ""}),
            ("TP06", {"signatureVerification": {}}),
            ("TP14", {"signatureVerification": {"level": "skip"}}),
            ("TP15", {"trustStores": []}),
            ("TP18", {"trustStores": ["ca:.."]}),
            ("TP23", {"trustedIdentities": ["x509.subject: C=DE"]}),
        ],
    )
    def test_the_rules_of_statements_are_those_of_artifacts(self, rule, changes):
        assert refusal(blob_statement(**changes)) == rule

    def test_two_statements_of_one_name_are_refused(self):
        assert refusal(blob_statement(), blob_statement()) == "TP04"

    def test_at_most_one_statement_is_global(self):
        statements = [blob_statement(name=name, globalPolicy=True) for name in "ab"]
        assert refusal(*statements) == "TP29"

    def test_a_second_global_statement_is_found_before_what_is_wrong_with_a_third(self):
        statements = [blob_statement(name=name, globalPolicy=True) for name in "ab"]
        assert refusal(*statements, blob_statement(name="c", trustStores=[])) == "TP29"

    @pytest.mark.parametrize("value", ["true", 1, [], {}])
    def test_global_is_true_or_false(self, value):
        assert refusal(blob_statement(globalPolicy=value)) == "TP00"

    def test_another_spelling_of_global_is_refused(self):
        assert refusal(blob_statement(GlobalPolicy=True)) == "TP00"

    def test_null_is_not_global(self):
        assert blob_policy(blob_statement() | {"globalPolicy": None}).global_statement is None

    def test_a_global_statement_may_skip_as_in_notation(self):
        skip = blob_statement(**skip_statement(globalPolicy=True))
        assert blob_policy(skip).choose("").statement.level.skips_everything

    def test_scopes_mean_nothing_in_a_document_about_blobs_and_are_noted(self):
        policy = blob_policy(blob_statement() | {"registryScopes": ["not a scope"]})
        assert policy.unknown_members == ("trustPolicies[0].registryScopes",)
        assert policy.statements[0].scopes == ()

    def test_global_means_nothing_in_a_document_about_artifacts(self):
        both = [statement(name=name, registryScopes=[f"r.example/{name}"], globalPolicy=True) for name in "ab"]
        policy = TrustPolicy.parse(document(*both))
        assert not any(one.is_global for one in policy.statements)

    def test_a_document_about_artifacts_is_never_global_for_blobs(self):
        assert BlobTrustPolicy.parse(document(statement())).choose("").statement is None


class TestChoosing:
    policy = blob_policy(blob_statement(name="releases"), blob_statement(name="rest", globalPolicy=True))

    @pytest.mark.parametrize(
        ("name", "statement", "code"),
        [
            ("releases", "releases", "named"),
            ("rest", "rest", "named"),
            ("", "rest", "global"),
            ("Releases", None, "no_such_statement"),
            (" releases", None, "no_such_statement"),
            ("*", None, "no_such_statement"),
        ],
    )
    def test_a_name_is_taken_exactly_and_no_name_is_the_global_one(self, name, statement, code):
        choice = self.policy.choose(name)
        assert (choice.statement and choice.statement.name, choice.code) == (statement, code)

    def test_without_a_global_one_a_statement_must_be_named(self):
        assert blob_policy(blob_statement()).choose("").code == "no_global_statement"

    def test_a_name_of_blanks_is_no_name(self):
        assert blob_policy(blob_statement(name=" ")).choose(" ").statement is None


def payload(content=CONTENT, algorithm="sha256", **changes):
    target = {"mediaType": "text/plain", "digest": str(Digest.of(content, algorithm)), "size": len(content)}
    return json.dumps({"targetArtifact": target | {"annotations": SIGNED["annotations"]} | changes}).encode()


def judged(envelope, blob, *, media_type=JWS, key="p256", name="", metadata=None, policy=None):
    root = Certificate.parse(sound_chain(key)[-1])
    stores = TrustStores.of(store(root))
    question = Question(name, blob, metadata or {})
    return judge_blob(question, examine(envelope, media_type), policy or blob_policy(), stores, NOW).outcome


def jws(key="p256", **changes):
    return make_jws(key_of(key), sound_chain(key), payload=payload(algorithm=HASHES[key], **changes))


@pytest.mark.parametrize("key", HASHES)
@pytest.mark.parametrize(("make", "media_type"), [(make_jws, JWS), (make_cose, COSE)])
def test_a_blob_is_named_by_the_hash_of_its_signature(key, make, media_type):
    envelope = make(key_of(key), sound_chain(key), payload=payload(algorithm=HASHES[key]))
    blob = Blob.read([CONTENT[:3], CONTENT[3:]], [hash_of(examine(envelope, media_type))])
    outcome = judged(envelope, blob, media_type=media_type, key=key)
    assert [digest.algorithm for digest in blob.digests] == [HASHES[key]]
    assert (outcome.word, outcome.verified, outcome.result("target").code) == (Word.verified, True, "blob_matches")


@pytest.mark.parametrize(("key", "named_by"), [("p384", "sha256"), ("p256", "sha512"), ("rsa3072", "sha512")])
def test_a_payload_that_names_the_blob_by_another_hash_is_refused_as_in_notation(key, named_by):
    envelope = make_jws(key_of(key), sound_chain(key), payload=payload(algorithm=named_by))
    outcome = judged(envelope, Blob.read([CONTENT]), key=key)
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "blob_mismatch", False)


@pytest.mark.parametrize(
    "blob",
    [
        Blob.read([b"What is signed\n"]),
        Blob.read([]),
        Blob.read([CONTENT, b"\n"]),
        Blob((Digest.of(CONTENT),), len(CONTENT) + 1),
        Blob.read([CONTENT], media_type="application/octet-stream"),
    ],
)
def test_another_blob_size_or_media_type_is_a_mismatch_under_every_level(blob):
    audit = blob_policy(blob_statement(globalPolicy=True, signatureVerification={"level": "audit"}))
    for policy in (None, audit):
        outcome = judged(jws(), blob, policy=policy)
        assert (outcome.word, outcome.reason, outcome.verified) == (Word.failed, "blob_mismatch", False)


def test_a_payload_with_the_right_digest_and_another_size_is_a_mismatch():
    assert judged(jws(size=1), Blob.read([CONTENT])).reason == "blob_mismatch"


def test_the_media_type_counts_only_if_somebody_asks_for_it():
    for asked in ("", "text/plain"):
        assert judged(jws(), Blob.read([CONTENT], media_type=asked)).verified


def test_a_digest_by_another_hash_leaves_the_answer_open_and_never_green():
    known = Blob((Digest.of(CONTENT),), len(CONTENT))
    outcome = judged(jws("p384"), known, key="p384")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.unknown, "blob_digest_unknown", False)
    assert "sha384" in outcome.result("target").nearest_fix
    assert judged(jws("p384"), Blob(known.digests, 1), key="p384").word is Word.failed


def test_the_digest_alone_is_as_good_as_the_blob():
    assert judged(jws(), Blob((Digest.of(CONTENT),), len(CONTENT))).verified


def test_a_payload_that_names_nothing_is_failed():
    outcome = judged(make_jws(payload=b"{}"), Blob.read([CONTENT]))
    assert (outcome.word, outcome.reason) == (Word.failed, "target_unreadable")


def test_user_metadata_must_be_signed():
    blob = Blob.read([CONTENT])
    assert judged(jws(), blob, metadata={"build": "7"}).verified
    assert judged(jws(), blob, metadata={"build": "8"}).reason == "metadata_mismatch"


def test_without_a_statement_nothing_is_checked_and_nothing_green():
    outcome = judged(jws(), Blob.read([CONTENT]), name="other")
    assert (outcome.word, outcome.reason, outcome.verified) == (Word.not_checked, "no_such_statement", False)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.tar.jws.sig", JWS), ("app.COSE.SIG", COSE), ("../x/a.b.cose.sig", COSE), (".jws.sig", JWS),
        ("jws.sig", None), ("app.sig", None), ("app.jws", None), ("app.jws.sig.txt", None), ("app.pem.sig", None), ("", None),
    ],
)  # fmt: skip
def test_the_name_of_a_signature_file_tells_its_format_as_in_notation(name, media_type):
    if media_type:
        assert envelope_type(name) == media_type
        return
    with pytest.raises(NotaryError):
        envelope_type(name)


def test_a_signature_in_the_other_format_does_not_hold():
    assert judged(jws(), Blob.read([CONTENT]), media_type=COSE).word is Word.failed


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("text/plain", True), ("application/vnd.acme+json; v=1", True), ("text", False), ("text/", False), ("a b/c", False),
        ("text/plain\n", False), ("a/" + "b" * 300, False), ("text/plain;" * 50_000, False),
        ("text/plain;v=1", True), ("text/plain;  v=1", False), ('text/plain; v="1"', False), ("text/plain; v=1;", False),
        ("text/plain ; v=1", False), ("text/plain; v=1; w=2", False), ("text/plain;", False),
    ],
)  # fmt: skip
def test_what_is_a_media_type(text, fits):
    assert is_media_type(text) is fits
