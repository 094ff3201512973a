"""`manage.py verify_blob`: its exit code and JSON for pipelines, its ladder for people."""

import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from registries.oci.digest import Digest
from trust import revisions
from trust.notary.evidence import MAX_ENVELOPE

PROJECT = Path(__file__).resolve().parents[2]
VECTORS = PROJECT / "tests" / "vectors"
BLOB, SIGNATURE = VECTORS / "blobs" / "harbour-0.txt", VECTORS / "blobs" / "harbour-0.txt.jws.sig"
AT = "2026-11-21T09:22:23Z"
STATEMENT = {
    "name": "blobs", "signatureVerification": {"level": "strict"}, "trustStores": ["ca:main"], "trustedIdentities": ["*"],
    "globalPolicy": True,
}  # fmt: skip


def policy(**changes):
    return json.dumps({"version": "1.0", "trustPolicies": [STATEMENT | changes]}).encode()


def run(*options):
    """The exit code and what was printed."""
    output = StringIO()
    try:
        call_command("verify_blob", *map(str, options), "--at", AT, stdout=output)
    except SystemExit as error:
        return error.code, output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def files(tmp_path):
    """A policy and a trust store as files, as options."""

    def make(root="wharf-root", content=None, **changes):
        store = tmp_path / "truststore" / "x509" / "ca" / "main"
        store.mkdir(parents=True, exist_ok=True)
        shutil.copy(VECTORS / "pki" / f"{root}.crt", store)
        document = tmp_path / "trustpolicy.blob.json"
        document.write_bytes(policy(**changes) if content is None else content)
        return ["--policy", document, "--trust-store", tmp_path / "truststore"]

    return make


def ask(*options):
    code, output = run(*options, "--json")
    return code, json.loads(output)


def test_the_json_has_the_members_of_verify_and_every_check(files):
    code, got = ask(BLOB, "--signature", SIGNATURE, *files())
    assert code == 0
    assert list(got) == [
        "reference", "digest", "statement", "level", "status", "reason", "message", "green_until", "notation",
        "incomplete", "signatures",
    ]  # fmt: skip
    assert (got["reference"], got["digest"]) == (str(BLOB), str(Digest.of(BLOB.read_bytes())))
    assert (got["status"], got["statement"], got["level"]) == ("verified", "blobs", "strict")
    assert got["notation"] == {"verified": True, "skipped": False, "error": ""}
    (signature,) = got["signatures"]
    assert signature["manifest"] == str(Digest.of(SIGNATURE.read_bytes()))
    assert list(signature["checks"]) == [
        "integrity", "authenticity", "identity", "expiry", "authenticTimestamp", "revocation", "target", "userMetadata"
    ]  # fmt: skip
    assert signature["checks"]["target"]["code"] == "blob_matches"


def test_the_digest_and_size_stand_for_the_blob(files):
    content = BLOB.read_bytes()
    options = ["--digest", Digest.of(content), "--signature", SIGNATURE, *files()]
    assert ask(*options, "--size", len(content))[0] == 0
    code, got = ask(*options, "--size", len(content) + 1)
    assert (code, got["reason"]) == (1, "blob_mismatch")


def test_a_digest_by_another_hash_is_unknown_and_exits_with_1(files):
    content = BLOB.read_bytes()
    options = ["--digest", Digest.of(content, "sha512"), "--size", len(content), "--signature", SIGNATURE, *files()]
    code, got = ask(*options)
    assert (code, got["status"], got["reason"]) == (1, "unknown", "blob_digest_unknown")


def test_a_changed_blob_is_failed(files):
    code, got = ask(BLOB.with_name("harbour-0-changed.txt"), "--signature", SIGNATURE, *files())
    assert (code, got["status"], got["notation"]["verified"]) == (1, "failed", False)
    assert got["notation"]["error"] == "The signature was made for another blob."


def test_under_audit_notation_accepts_a_stranger_and_the_status_does_not(files):
    audit = {"signatureVerification": {"level": "audit"}}
    code, got = ask(BLOB, "--signature", SIGNATURE, *files("quay-root", **audit))
    assert (code, got["status"], got["notation"]["verified"]) == (0, "untrusted", True)


def test_skip_exits_with_0_and_verifies_nothing(files):
    skip = {"signatureVerification": {"level": "skip"}, "trustStores": [], "trustedIdentities": []}
    code, got = ask(BLOB, "--signature", SIGNATURE, *files(**skip))
    assert (code, got["status"], got["notation"]["skipped"]) == (0, "not_checked", True)
    assert got["signatures"][0]["verified"] is False


def test_user_metadata_must_be_signed(files):
    code, got = ask(BLOB, "--signature", SIGNATURE, *files(), "--user-metadata", "build=none such")
    assert (code, got["reason"]) == (1, "metadata_mismatch")


def test_a_statement_that_does_not_exist_exits_with_1(files):
    code, got = ask(BLOB, "--signature", SIGNATURE, *files(), "--policy-name", "others")
    assert (code, got["status"], got["statement"]) == (1, "not_checked", None)


@pytest.mark.parametrize(
    ("content", "rule"), [(policy(name=""), "TP05"), (b"{", "TP00"), (b" " * (2 << 20), "TP00"), (b"", "TP00")]
)
def test_a_refused_policy_is_an_error_that_names_its_rule_and_exits_with_1(files, content, rule):
    code, got = ask(BLOB, "--signature", SIGNATURE, *files(content=content))
    assert (code, got["rule"], got["notation"]["verified"]) == (1, rule, False)
    assert got["error"]
    assert got["signatures"][0]["verified"] is False


def test_what_cannot_be_answered_is_an_error_and_exits_with_1(files, tmp_path):
    given, large, unnamed = files(), tmp_path / "large.jws.sig", tmp_path / "harbour.sig"
    large.write_bytes(b"x" * (MAX_ENVELOPE + 1))
    unnamed.write_bytes(SIGNATURE.read_bytes())
    for options in (
        ["--signature", SIGNATURE],
        ["--digest", "sha256:" + "a" * 64, "--signature", SIGNATURE],
        ["--digest", "md5:1", "--size", "1", "--signature", SIGNATURE],
        ["--digest", "sha256:" + "a" * 64, "--size", "1e3", "--signature", SIGNATURE],
        ["--digest", "sha256:" + "a" * 64, "--size", "-1", "--signature", SIGNATURE],
        [BLOB, "--digest", "sha256:" + "a" * 64, "--size", "1", "--signature", SIGNATURE],
        [BLOB, "--signature", large],
        [BLOB, "--signature", unnamed],
        [BLOB, "--signature", tmp_path / "absent.jws.sig"],
        [tmp_path / "absent", "--signature", SIGNATURE],
        [tmp_path, "--signature", SIGNATURE],
        [BLOB, "--signature", SIGNATURE, "--media-type", "no media type"],
    ):
        code, got = ask(*options, *given)
        assert (code, list(got)) == (1, ["error"]), options


def test_policy_and_trust_store_come_together(files):
    code, got = ask(BLOB, "--signature", SIGNATURE, *files()[:2])
    assert (code, "both or not at all" in got["error"]) == (1, True)


def test_an_empty_signature_is_failed(files, tmp_path):
    empty = tmp_path / "a.cose.sig"
    empty.touch()
    code, got = ask(BLOB, "--signature", empty, *files())
    assert (code, got["status"]) == (1, "failed")


def test_people_read_the_ladder(files):
    code, printed = run(BLOB.with_name("harbour-0-changed.txt"), "--signature", SIGNATURE, *files())
    assert code == 1
    assert "Failed (blob_mismatch). The signature was made for another blob." in printed
    assert "notation says  refused" in printed


def test_it_needs_no_secret_and_no_environment_variable(files):
    options = [*map(str, [BLOB, "--signature", SIGNATURE, *files()]), "--json"]
    answer = subprocess.run(
        [sys.executable, "manage.py", "verify_blob", *options],
        cwd=PROJECT, env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(answer.stdout)["status"] == "verified"


@pytest.mark.django_db
class TestActiveRevision:
    def publish(self, blob_policy):
        root = (VECTORS / "pki" / "wharf-root.crt").read_bytes()
        artifacts = json.dumps({"version": "1.0", "trustPolicies": [STATEMENT | {"registryScopes": ["*"]}]}).encode()
        stores = {("ca", "main", "root.crt"): root}
        return revisions.publish(
            artifacts, stores, blob_policy=blob_policy, author=None, reason="x", based_on=revisions.active_number()
        )

    def test_its_blob_policy_and_stores_judge(self):
        self.publish(policy())
        code, got = ask(BLOB, "--signature", SIGNATURE)
        assert (code, got["status"]) == (0, "verified")

    def test_a_revision_without_a_blob_policy_never_lends_the_one_about_artifacts(self):
        self.publish(policy())
        self.publish(b"")
        code, got = ask(BLOB, "--signature", SIGNATURE)
        assert (code, list(got)) == (1, ["error"])

    def test_without_a_revision_it_says_so(self):
        code, got = ask(BLOB, "--signature", SIGNATURE)
        assert (code, "no blob trust policy" in got["error"]) == (1, True)
