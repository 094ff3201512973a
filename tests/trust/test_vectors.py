"""What the real notation said of real and crafted signatures (`tests/vectors/README.md`), asked of our judge.

Every case is asked.
"""

import json
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import RegistryError
from registries.oci.layout import Layout
from tests.simulators.revocation import RevocationHost
from trust.asking import answers_for
from trust.blobs import judge_blob
from trust.notary.blob import Blob, envelope_type
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.notation_verdict import MAX_SIGNATURES, notation_verdict
from trust.notary.outcome import CheckStatus, Outcome, SignatureFault, Word
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores
from trust.signatures import list_signatures
from trust.statuses import artifact_status

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
CASES = {case["name"]: case for case in json.loads((VECTORS / "cases.json").read_text())}

# docs/compatibility.md has a row for each of these: notation accepts the signature, we do not.
STRICTER = {
    "jws-duplicate-payload-key": (Word.failed, "envelope_unreadable"),
    "jws-critical-unknown-attribute": (Word.unknown, "critical_attribute_unknown"),
    "cose-critical-unknown-attribute": (Word.unknown, "critical_attribute_unknown"),
}

# The registry hid the signature from notation; whoever reads the tag schema as well finds it.
FOUND_BY_US_ONLY = {"forced-tag"}

BLOB_FAULTS = {  # how notation ends its error, and our reason for the same
    "signature does not match the given blob": "blob_mismatch",
    "signature is not produced by a trusted signer": "unknown_root",
    "no global blob trust policy": "no_global_statement",
}

BLOBS = [name for name, case in CASES.items() if case["group"] == "J"]
ARTIFACTS = [name for name in CASES if name not in BLOBS]


def expected(case):
    return case["expected"].get("notation-1.3.2") or case["expected"]["notation-2.0.0-alpha.1"]


def flag(case, name):
    flags = case["verify_flags"]
    return [value for given, value in pairwise(flags) if given == name]


def policy_of(case):
    document = case.get("trust_policy")
    text = json.dumps(document) if document is not None else case.get("trust_policy_text") or ""
    return TrustPolicy.parse(text.encode())


def stores_of(case):
    return TrustStores.of(
        *(
            TrustStore.of(*name.split("/"), {Path(file).name: (VECTORS / file).read_bytes() for file in files})
            for name, files in case["trust_stores"].items()
        )
    )


@cache
def listed(layout, digest):
    found = list_signatures(Layout(VECTORS / layout, "r"), "r", Digest.parse(digest))
    assert found.complete
    return [(one, one.fault or examine(one.envelope, one.media_type)) for one in found.signatures]


def revocation_host():
    """What answered the revocation requests of the vectors; a connection to port 5719 was refused, all else not found."""
    host = RevocationHost()
    for place in json.loads((VECTORS / "revocation" / "index.json").read_text()):
        host.put(place["url"], (VECTORS / place["file"]).read_bytes())
    served = host.transport()

    def send(method, url, **options):
        if ":5719/" in url:
            raise RegistryError("the connection is refused", code="unreachable")
        return served(method, url, **options)

    return send


@cache
def answers(layout, digest, at):
    chains = [seen.chain for _, seen in listed(layout, digest) if not isinstance(seen, SignatureFault)]
    return answers_for(chains, revocation_host(), at, at)


class Asked:
    """One case put to the judge: every signature alone, and the artifact as a whole."""

    def __init__(self, name):
        self.case = CASES[name]
        reference = self.case["reference"]
        fetched = Layout(VECTORS / self.case["layout"], "r").manifest("r", Digest.parse(reference["digest"]))
        target = Descriptor(fetched.media_type, fetched.digest, len(fetched.content))
        name = f"{reference['registry']}/{reference['repository']}"
        metadata = dict(pair.split("=", 1) for pair in flag(self.case, "-m"))
        question = Question(name, target, metadata)
        policy, stores = policy_of(self.case), stores_of(self.case)
        at = datetime.fromisoformat(self.case["observed_at"])
        self.choice = policy.choose(name)
        self.outcomes = {
            str(one.manifest): seen
            if isinstance(seen, SignatureFault)
            else judge(
                question,
                seen.with_roots(stores),
                policy,
                stores,
                answers(self.case["layout"], reference["digest"], at),
                at,
            )
            for one, seen in listed(self.case["layout"], reference["digest"])
        }
        limit = int((flag(self.case, "--max-signatures") or [MAX_SIGNATURES])[0])
        self.notation = notation_verdict(list(self.outcomes.values()), limit, choice=self.choice)

    def signatures(self):
        """What notation said of each signature alone, beside what we say."""
        return [(one, self.outcomes[one["digest"]]) for one in self.case["signatures"]]

    @property
    def open_checks(self):
        return [
            result
            for outcome in self.outcomes.values()
            if isinstance(outcome, Outcome)
            for result in outcome.results
            if result.status is CheckStatus.not_evaluated
        ]


def accepted(outcome):
    return isinstance(outcome, Outcome) and outcome.verified


def refused(case):
    error = expected(case).get("error") or ""
    return "trust policy" in error and "no applicable" not in error


REFUSED = [name for name in ARTIFACTS if refused(CASES[name])]
JUDGED = [name for name in ARTIFACTS if name not in REFUSED]


def test_every_case_is_asked():
    assert set(JUDGED) | set(REFUSED) | set(BLOBS) == set(CASES)
    assert len(BLOBS) == 10
    assert len(CASES) == 164


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_that_notation_refuses_is_refused(name):
    with pytest.raises(TrustPolicyError):
        policy_of(CASES[name])
    assert expected(CASES[name])["exit"] == 1


@pytest.mark.parametrize("name", JUDGED)
def test_notations_answer_for_the_artifact_is_the_same(name):
    asked, want = Asked(name), expected(CASES[name])
    if name in FOUND_BY_US_ONLY:
        assert (asked.notation.verified, want["verified"]) == (True, False)
        return
    assert asked.notation.skipped == bool(want.get("skipped"))
    assert asked.notation.verified == (want["verified"] and not asked.notation.skipped)
    assert (asked.notation.verified or asked.notation.skipped) == (want["exit"] == 0)


@pytest.mark.parametrize("name", JUDGED)
def test_every_signature_alone_has_notations_answer(name):
    for one, outcome in Asked(name).signatures():
        if one.get("label") in STRICTER:
            assert (outcome.word, outcome.reason, outcome.verified) == (*STRICTER[one["label"]], False)
        else:
            skipped = isinstance(outcome, Outcome) and outcome.skipped
            assert accepted(outcome) == (one["expected"]["verified"] and not skipped), one.get("label")


def ours(outcome, check):
    """Our result for one of notation's checks; its authenticity is our authenticity and our identity."""
    if check == "authenticity":
        both = {outcome.result("authenticity").status, outcome.result("identity").status}
        return CheckStatus.failed if CheckStatus.failed in both else both.pop() if len(both) == 1 else both
    return outcome.result(check).status


RESULTS = {
    "pass": (CheckStatus.passed,),
    "fail": (CheckStatus.failed,),
    "not run": (CheckStatus.not_run, CheckStatus.skipped),
}


@pytest.mark.parametrize("name", JUDGED)
def test_every_check_has_notations_result(name):
    for one, outcome in Asked(name).signatures():
        checks = {check: seen["result"] for check, seen in one["expected"].get("checks", {}).items()}
        if "not reached" in checks.values() or one.get("label") == "jws-duplicate-payload-key":
            continue
        for check, result in checks.items():
            assert ours(outcome, check) in RESULTS[result], (one.get("label"), check)
        if checks and "mismatch" in one["expected"].get("after_checks_error", ""):
            assert outcome.result("target").status is CheckStatus.failed, one.get("label")


@pytest.mark.parametrize("name", JUDGED)
def test_signboards_word_is_never_better_than_notations_answer(name):
    asked = Asked(name)
    word = artifact_status(list(asked.outcomes.values()), True, asked.choice).word
    if word.is_green:
        assert expected(asked.case)["verified"] or name in FOUND_BY_US_ONLY


@pytest.mark.parametrize("name", JUDGED)
def test_every_check_is_evaluated_to_the_end(name):
    assert Asked(name).open_checks == []


@pytest.mark.parametrize("name", BLOBS)
def test_notations_answer_for_a_blob_is_the_same(name):
    case = CASES[name]
    evidence = examine((VECTORS / case["signature"]).read_bytes(), envelope_type(case["signature"]))
    media_type = "".join(flag(case, "--media-type"))
    blob = Blob.read([(VECTORS / case["blob"]).read_bytes()], media_type=media_type)
    policy = BlobTrustPolicy.parse(json.dumps(case["blob_trust_policy"]).encode())
    question = Question("".join(flag(case, "--policy-name")), blob)
    judged = judge_blob(question, evidence, policy, stores_of(case), datetime.fromisoformat(case["observed_at"]))
    want = expected(case)
    assert evidence.media_type == case["envelope_media_type"]
    assert judged.notation.verified == want["verified"] == (want["exit"] == 0)
    assert judged.outcome.word.is_green == want["verified"]
    if want["verified"]:
        return
    fault = next(text for text in BLOB_FAULTS if want["error"].endswith(text))
    assert judged.outcome.reason == BLOB_FAULTS[fault]
