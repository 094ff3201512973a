"""Both answers to one specimen, check by check, and which row of docs/compatibility.md explains where they differ."""

import base64
import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from registries.oci.descriptor import Descriptor
from registries.oci.errors import OciError
from trust.notary.errors import TrustPolicyError
from trust.notary.evidence import examine
from trust.notary.judge import Question, judge
from trust.notary.levels import Validation
from trust.notary.outcome import CheckStatus
from trust.notary.revocation import NO_ANSWERS
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStores

MISMATCH, NO_METADATA = "content descriptor mismatch", "unable to find specified metadata in the signature"


@dataclass(frozen=True)
class Answer:
    """`checks`: name -> (action, passes), those that notation comes to; `codes`: why ours says no."""

    accepts: bool
    policy: str
    skipped: bool
    checks: dict
    codes: frozenset
    why: str

    def differs_from(self, other):
        """What differs, for people; empty if nothing does."""
        parts = [
            f"{name}: ours {mine}, theirs {theirs}"
            for name, mine, theirs in (
                ("accepts", self.accepts, other.accepts),
                ("policy refused", bool(self.policy), bool(other.policy)),
                ("skipped", self.skipped, other.skipped),
                *((name, self.checks.get(name), other.checks.get(name)) for name in {**self.checks, **other.checks}),
            )
            if mine != theirs
        ]
        return "; ".join(parts)


def write_stores(specimen, folder):
    """notation's configuration folder for the specimen, one for each distinct content."""
    key = sha256(repr(sorted(specimen.stores.items())).encode()).hexdigest()[:20]
    config = folder / key
    if not config.exists():
        for (kind, name), files in specimen.stores.items():
            directory = config / "truststore" / "x509" / kind / name
            directory.mkdir(parents=True)
            for file, content in files.items():
                (directory / file).write_bytes(content)
        config.mkdir(exist_ok=True)
    return config


def ask_notation(program, specimens, folder):
    """notation-go's answers, in order."""
    lines = [
        json.dumps(
            {
                "envelope": _base64(one.envelope),
                "mediaType": one.media_type,
                "policy": _base64(one.policy),
                "config": str(write_stores(one, folder)),
                "reference": f"{one.repository}@{one.target['digest']}",
                "target": one.target,
                "metadata": one.metadata,
            }
        )
        for one in specimens
    ]
    done = subprocess.run([str(program), "oracle"], input="\n".join(lines), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return [_theirs(json.loads(line)) for line in done.stdout.splitlines()]


def _base64(content):
    return base64.b64encode(content).decode()


def _theirs(answer):
    checks = {check["type"]: (check["action"], not check["error"]) for check in answer["checks"]}
    error = answer["error"]
    if checks and not any(action == "enforce" and not passes for action, passes in checks.values()):
        # notation has no results for these two; when it came to them its error says how they went
        if error in ("", MISMATCH, NO_METADATA):
            checks["target"] = ("enforce", None if error == NO_METADATA else not error)
            checks["userMetadata"] = ("enforce", error != NO_METADATA)
        elif "plugin" not in error.lower():
            checks["target"] = ("enforce", False)
    return Answer(
        accepts=answer["verified"],
        policy=answer["policy"],
        skipped=answer["skipped"],
        checks=checks,
        codes=frozenset(),
        why=answer["policy"] or error,
    )


def ask_ours(specimen, folder):
    """Our answer now, in the words of notation's: identity is part of authenticity, skipped checks have no result."""
    evidence = examine(specimen.envelope, specimen.media_type)
    try:
        policy = TrustPolicy.parse(specimen.policy)
    except TrustPolicyError as error:
        return Answer(False, str(error), False, {}, frozenset({error.rule}), str(error))
    stores = TrustStores.read(write_stores(specimen, folder) / "truststore")
    try:
        target = Descriptor.from_json(specimen.target)
    except OciError as error:
        return Answer(False, "", False, {}, frozenset({"question"}), str(error))
    question = Question(specimen.repository, target, specimen.metadata)
    outcome = judge(question, evidence.with_roots(stores), policy, stores, NO_ANSWERS, datetime.now(UTC))
    reached = [one for one in outcome.results if one.reached_by_notation and one.status is not CheckStatus.skipped]
    if reached and reached[-1].validation is Validation.target:
        reached.append(outcome.result(Validation.user_metadata))  # notation asks for it also after a mismatch
    checks = {one.validation.value: (one.action.value, one.status is CheckStatus.passed) for one in reached}
    if (identity := checks.pop("identity", None)) and not identity[1]:
        checks["authenticity"] = identity
    codes = {one.code for one in outcome.results if one.status in (CheckStatus.failed, CheckStatus.not_evaluated)}
    if evidence.signed and any(attribute.critical for attribute in evidence.signed.attributes):
        codes.add("critical_attribute_unknown")  # an obstacle of no check
    why = outcome.error or outcome.message
    return Answer(outcome.verified, "", outcome.skipped, checks, frozenset({outcome.reason, *codes}), why)


def comparable(ours, theirs):
    """The two without what notation cannot tell: its last error hides the one before."""
    if "target" in theirs.checks and theirs.checks["target"][1] is None:
        theirs.checks["target"] = ours.checks.get("target")
    if "userMetadata" not in theirs.checks and theirs.checks.get("target") == ("enforce", False):
        ours.checks.pop("userMetadata", None)  # a payload that it cannot read ends it
    return ours, theirs
