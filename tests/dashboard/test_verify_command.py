"""`manage.py verify`: its exit code and JSON for pipelines, its ladder for people. No test here may touch a database."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.core.management import call_command

from dashboard.verify_report import printable
from tests.simulators.revocation import RevocationHost, make_crl, on_loopback

PROJECT = Path(__file__).resolve().parents[2]
VECTORS = PROJECT / "tests" / "vectors"
CASES = {case["name"]: case for case in json.loads((VECTORS / "cases.json").read_text())}
NAME = "localhost:5710/demo/policy-base"
CHECKS = [
    "integrity",
    "authenticity",
    "identity",
    "expiry",
    "authenticTimestamp",
    "revocation",
    "target",
    "userMetadata",
]


@pytest.fixture
def world(tmp_path):
    """A trust store folder and a policy file, made from a case."""

    def make(name, **policy):
        case = CASES[name]
        for store, files in case["trust_stores"].items():
            folder = tmp_path / "truststore" / "x509" / store
            folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                shutil.copy(VECTORS / file, folder)
        document = case["trust_policy"] | policy
        (tmp_path / "trustpolicy.json").write_text(json.dumps(document))
        return arguments(tmp_path, VECTORS / case["layout"], case["observed_at"])

    return make


def arguments(folder, layout, at):
    return [
        str(layout), "--policy", str(folder / "trustpolicy.json"), "--trust-store", str(folder / "truststore"), "--at", at
    ]  # fmt: skip


def reference(name):
    wanted = CASES[name]["reference"]
    return ["--reference", f"{wanted['registry']}/{wanted['repository']}@{wanted['digest']}"]


def run(*options):
    """The exit code and what was printed."""
    output = StringIO()
    try:
        call_command("verify", *options, stdout=output)
    except SystemExit as error:
        return error.code, output.getvalue()
    return 0, output.getvalue()


def ask(*options):
    code, output = run(*options, "--json")
    return code, json.loads(output)


def test_the_json_has_its_documented_members_and_every_check(world):
    code, got = ask(*world("several-signers"), *reference("several-signers"))
    assert code == 0
    assert list(got) == [
        "reference", "digest", "statement", "level", "status", "reason", "message", "green_until", "notation", "incomplete",
        "signatures",
    ]  # fmt: skip
    assert (got["status"], got["statement"], got["level"]) == ("verified", "rule", "strict")
    assert got["notation"] == {"verified": True, "skipped": False, "error": ""}
    assert got["green_until"] == "2096-03-01T00:00:00Z"
    assert sorted(signature["status"] for signature in got["signatures"]) == ["failed", "untrusted", "verified"]
    for signature in got["signatures"]:
        assert list(signature["checks"]) == CHECKS
        for check in signature["checks"].values():
            assert {"action", "status", "code", "message", "seen", "wanted", "reached_by_notation"} <= set(check)


def test_what_notation_refuses_exits_with_1(world):
    code, got = ask(*world("policy-untrusted-strict"), *reference("policy-untrusted-strict"))
    assert (code, got["status"], got["notation"]["verified"]) == (1, "untrusted", False)


def test_under_audit_notation_accepts_a_stranger_and_the_status_does_not(world):
    code, got = ask(*world("policy-untrusted-audit"), *reference("policy-untrusted-audit"))
    assert (code, got["notation"]["verified"], got["signatures"][0]["verified"]) == (0, True, True)
    assert (got["status"], got["reason"]) == ("untrusted", "unknown_root")


def test_skip_exits_with_0_and_still_lists_every_signature(world):
    code, got = ask(*world("policy-level-skip"), *reference("policy-level-skip"))
    assert (code, got["status"], got["notation"]["skipped"]) == (0, "not_checked", True)
    assert [(one["verified"], one["status"]) for one in got["signatures"]] == [(False, "not_checked")]


def test_without_a_statement_every_signature_is_still_listed(world):
    code, got = ask(*world("policy-no-applicable"), *reference("policy-no-applicable"))
    assert (code, got["status"], got["statement"], len(got["signatures"])) == (1, "not_checked", None, 1)


def test_a_refused_policy_is_an_error_that_names_its_rule(world):
    code, got = ask(*world("policy-exact-scope", version="2.0"), *reference("policy-exact-scope"))
    assert (code, got["rule"]) == (1, "TP02")
    assert "2.0" in got["error"]
    assert [one["verified"] for one in got["signatures"]] == [False]


def test_a_policy_file_that_is_not_there_is_an_error(world, tmp_path):
    options = world("policy-exact-scope")
    (tmp_path / "trustpolicy.json").unlink()
    code, got = ask(*options, *reference("policy-exact-scope"))
    assert (code, "cannot be read" in got["error"]) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        ["--reference", f"{NAME}:nowhere"],
        ["--reference", "no-registry"],
        ["--reference", f"{NAME}:v1", "--user-metadata", "key="],
        ["--reference", f"{NAME}:v1", "--user-metadata", "key"],
        ["--reference", f"{NAME}:v1", "--user-metadata", "key=1", "--user-metadata", "key=1"],
        ["--reference", f"{NAME}:v1", "--max-signatures", "0"],
        ["--reference", f"{NAME}:v1", "--at", "2026-11-21T09:00:00"],
        ["--reference", f"{NAME}:v1", "--max-signatures", "9" * 5000],  # more digits than Python makes a number of
        ["--reference", f"{NAME}:v1", "--at", "yesterday"],
    ],
)
def test_what_cannot_be_answered_is_one_json_object_with_an_error(world, options):
    code, got = ask(*world("policy-exact-scope"), *options)
    assert (code, list(got)) == (1, ["error"])


NOT_RFC_3339 = [
    "0001-01-01T00:00:00+14:00",  # before the first instant of the calendar
    "9999-12-31T23:59:59-14:00",  # behind the last
    "2026-W47-6T09:00:00+00:00",  # ISO 8601 has these, RFC 3339 does not
    "20261121T090000Z",
    "2026-11-21T09:00:00+01:00:30",
    "2026-11-21T09:00Z",
    "2026-11-21",
    "",
    "2026-11-21T09:00:00Z" + " " * 5000,
]


@pytest.mark.parametrize("at", NOT_RFC_3339)
def test_an_instant_that_is_not_rfc_3339_or_outside_the_calendar_is_refused_by_name(world, at):
    options = world("policy-exact-scope")
    options[options.index("--at") + 1] = at
    code, got = ask(*options, *reference("policy-exact-scope"))
    assert (code, list(got)) == (1, ["error"])
    assert got["error"].startswith("--at ")
    assert len(got["error"]) < 500


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_ends_of_the_calendar_are_judged_like_any_instant(world, at):
    options = world("policy-exact-scope")
    options[options.index("--at") + 1] = at
    code, got = ask(*options, *reference("policy-exact-scope"))
    assert (code, got["status"]) == (1, "untrusted")


def test_a_reference_beside_a_policy_is_told_where_a_layout_may_lie(world):
    options = ["registry.acme.example/app:1", *world("policy-exact-scope")[1:]]
    code, got = ask(*options)
    assert code == 1
    assert "neither a directory nor a .tar file" in got["error"]


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_a_policy_that_is_no_file_is_refused_unread(world, path):
    options = [path if option.endswith("trustpolicy.json") else option for option in world("policy-exact-scope")]
    code, got = ask(*options, *reference("policy-exact-scope"))
    assert (code, got["rule"]) == (1, "TP00")
    assert "it is not a file" in got["error"]


def test_a_policy_of_more_than_a_mebibyte_is_refused(world, tmp_path):
    options = world("policy-exact-scope")
    (tmp_path / "trustpolicy.json").write_bytes(b" " * (1024 * 1024 + 1))
    code, got = ask(*options, *reference("policy-exact-scope"))
    assert (code, got["rule"]) == (1, "TP00")
    assert "more than 1,048,576 bytes" in got["error"]


def test_without_a_database_it_says_what_to_give(world, tmp_path):
    layout = world("policy-exact-scope")[0]
    answer = subprocess.run(
        [sys.executable, "manage.py", "verify", layout, *reference("policy-exact-scope"), "--json"],
        cwd=PROJECT, env={"PATH": os.defpath, "SIGNBOARD_DATA": str(tmp_path / "none")}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 1
    assert "Give --policy and --trust-store" in json.loads(answer.stdout)["error"]
    assert "Traceback" not in answer.stderr


def test_a_directory_that_is_no_layout_is_an_error(world, tmp_path):
    options = world("policy-exact-scope")
    code, got = ask(str(tmp_path), *options[1:], "--reference", f"{NAME}:v1")
    assert (code, list(got)) == (1, ["error"])


def test_a_tag_picks_the_artifact(world):
    code, got = ask(*world("policy-exact-scope"), "--reference", f"{NAME}:v1")
    assert (code, got["reference"]) == (0, f"{NAME}:v1")
    assert got["digest"] == CASES["policy-exact-scope"]["reference"]["digest"]


def test_a_layout_that_nobody_named_is_not_checked_whatever_it_says_of_itself(world):
    code, got = ask(*world("policy-wildcard-scope"))
    assert (code, got["status"], got["signatures"][0]["verified"]) == (1, "not_checked", False)


def test_asked_for_an_earlier_time_it_judges_for_that_time(world):
    options = world("time-leaf-expired-strict")
    assert ask(*options, *reference("time-leaf-expired-strict"))[0] == 1
    options[options.index("--at") + 1] = "2026-11-21T10:22:30+01:00"
    assert ask(*options, *reference("time-leaf-expired-strict"))[0] == 0


def test_user_metadata_must_be_signed(world):
    options = [*world("supply-chain-metadata"), *reference("supply-chain-metadata")]
    assert ask(*options, "--user-metadata", "io.example.build=42")[0] == 0
    code, got = ask(*options, "--user-metadata", "io.example.build=43")
    assert (code, got["status"]) == (1, "untrusted")


def test_the_limit_bounds_notations_answer_only(world, tmp_path):
    options = [*world("several-signers"), *reference("several-signers")]
    shutil.rmtree(tmp_path / "truststore" / "x509" / "ca" / "main")
    (tmp_path / "truststore" / "x509" / "ca" / "main").mkdir()
    shutil.copy(VECTORS / "pki" / "quay-root.crt", tmp_path / "truststore" / "x509" / "ca" / "main")
    _, got = ask(*options)
    assert [one["verified"] for one in got["signatures"]] == [False, True, False]
    assert ask(*options, "--max-signatures", "2")[0] == 0
    code, got = ask(*options, "--max-signatures", "1")
    assert (code, got["notation"]["verified"]) == (1, False)
    assert (len(got["signatures"]), got["status"]) == (3, "verified")


def test_signatures_are_found_by_the_tag_schema_alone(world):
    code, got = ask(*world("forced-tag"), *reference("forced-tag"))
    assert (code, len(got["signatures"])) == (0, 1)


@pytest.mark.parametrize(("name", "layers"), [("manifest-two-layers", 2), ("manifest-no-layer", 0)])
def test_a_signature_manifest_without_exactly_one_layer_is_listed_as_failed(world, name, layers):
    code, got = ask(*world(name), *reference(name))
    assert (code, got["status"], got["reason"]) == (1, "failed", "layer_count")
    assert got["signatures"][0]["message"].startswith(f"The signature manifest has {layers} layers")
    assert {check["status"] for check in got["signatures"][0]["checks"].values()} == {"not run"}


@pytest.mark.parametrize("missing", ["envelope", "manifest"])
def test_what_the_layout_does_not_hold_is_unknown_and_not_unsigned(world, tmp_path, missing):
    options = world("form-new")
    layout = tmp_path / "layout"
    shutil.copytree(options[0], layout)
    digest = CASES["form-new"]["signatures"][0]["digest"]
    manifest = json.loads((layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_text())
    gone = digest if missing == "manifest" else manifest["layers"][0]["digest"]
    (layout / "blobs" / "sha256" / gone.removeprefix("sha256:")).unlink()
    code, got = ask(str(layout), *options[1:], *reference("form-new"))
    assert (code, got["status"]) == (1, "unknown")


def test_an_annotation_that_names_other_certificates_is_noted_and_changes_nothing(world, tmp_path):
    options = world("form-new")
    layout = tmp_path / "layout"
    shutil.copytree(options[0], layout)
    wanted = CASES["form-new"]
    blobs = layout / "blobs" / "sha256"
    old = wanted["signatures"][0]["digest"]
    manifest = json.loads((blobs / old.removeprefix("sha256:")).read_text())
    manifest["annotations"] |= {"io.cncf.notary.x509chain.thumbprint#S256": '["00"]'}
    content = json.dumps(manifest).encode()
    new = hashlib.sha256(content).hexdigest()
    (blobs / new).write_bytes(content)
    index = json.loads((layout / "index.json").read_text())
    for entry in index["manifests"]:
        if entry["digest"] == old:
            entry |= {"digest": f"sha256:{new}", "size": len(content)}
    (layout / "index.json").write_text(json.dumps(index))
    code, got = ask(str(layout), *options[1:], *reference("form-new"))
    assert (code, got["status"]) == (0, "verified")
    assert "thumbprint_mismatch" in [note["code"] for note in got["signatures"][0]["notes"]]


def test_the_ladder_shows_what_was_seen_and_wanted_and_the_nearest_fix(world):
    code, output = run(*world("policy-identity-wrong-cn"), *reference("policy-identity-wrong-cn"))
    assert code == 1
    assert "Untrusted (identity_mismatch)." in output
    assert "nearest fix  CN is release signer, policy wants other signer" in output
    assert "-- notation stops here" in output
    assert "notation says  refused" in output


def test_names_in_foreign_certificates_cannot_rearrange_the_terminal():
    assert printable("CN=\x1b[2Jroot\u202e\n") == "CN=\\x1b[2Jroot\\u202e\\n"
    assert printable("CN=Bäckerei Ünlü") == "CN=Bäckerei Ünlü"


def test_it_needs_no_secret_and_no_environment_variable(world):
    options = [*world("policy-exact-scope"), *reference("policy-exact-scope"), "--json"]
    answer = subprocess.run(
        [sys.executable, "manage.py", "verify", *options],
        cwd=PROJECT, env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(answer.stdout)["status"] == "verified"


@pytest.mark.parametrize(
    "url",
    [
        "garbage",
        "",
        "postgresq://me:secret@db/signboard",
        "sqlite:relative.sqlite3",
        "postgres://me:secret@db:port/signboard",
    ],
)
def test_a_database_url_that_says_nothing_is_refused_by_its_name(world, url):
    options = [*world("policy-exact-scope"), *reference("policy-exact-scope"), "--json"]
    answer = subprocess.run(
        [sys.executable, "manage.py", "verify", *options],
        cwd=PROJECT, env={"PATH": os.defpath, "SIGNBOARD_DATABASE_URL": url}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["error"].startswith("SIGNBOARD_DATABASE_URL is not ")
    assert answer.stderr.startswith("Error: SIGNBOARD_DATABASE_URL is not ")
    assert "secret" not in answer.stderr + answer.stdout


def test_revocation_answers_are_fetched_through_the_guard(world):
    """The responder of this case lies on loopback, which nobody allowed."""
    code, got = ask(*world("revocation-ocsp-good"), *reference("revocation-ocsp-good"))
    check = got["signatures"][0]["checks"]["revocation"]
    assert (code, got["status"], got["reason"]) == (1, "unknown", "revocation_unknown")
    assert (check["status"], "SIGNBOARD_REVOCATION_NETWORKS" in check["message"]) == ("fail", True)


def test_offline_says_that_nobody_was_asked(world):
    code, got = ask(*world("revocation-ocsp-good"), *reference("revocation-ocsp-good"), "--offline")
    assert (code, got["reason"]) == (1, "revocation_not_evaluated")
    assert got["signatures"][0]["checks"]["revocation"]["status"] == "not evaluated"


def published():
    """The responders and CRLs of the vectors."""
    host = RevocationHost()
    for place in json.loads((VECTORS / "revocation" / "index.json").read_text()):
        host.put(place["url"], (VECTORS / place["file"]).read_bytes())
    return host


@pytest.mark.network
def test_answers_of_an_allowed_place_decide_and_bound_how_long_the_word_holds(world, settings):
    settings.REVOCATION_NETWORKS = ["127.0.0.1:5712"]
    host = published()
    with on_loopback(host, 5712):  # which the certificates of the vectors name
        code, got = ask(*world("revocation-ocsp-good"), *reference("revocation-ocsp-good"))
        assert (code, got["status"], got["green_until"]) == (0, "verified", "2096-03-01T00:00:00Z")
        code, got = ask(*world("revocation-crl-revoked"), *reference("revocation-crl-revoked"))
        assert (code, got["status"], got["reason"]) == (1, "untrusted", "revoked")


NOWHERE = dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME", "SIGNBOARD_DATA"), "/dev/null/nowhere")


@pytest.mark.network
@pytest.mark.parametrize("padding", [0, 1 << 21], ids=["small", "of two mebibytes"])
def test_cve_2024_51491_where_nothing_can_be_written_verify_still_answers_from_a_crl(world, padding):
    """No folder for temporary files, a disk that takes no byte: an answer needs neither."""
    host = published()
    if padding:
        host.put("http://127.0.0.1:5712/crl/good.crl", padded_crl(padding))
    asked = {"SIGNBOARD_REVOCATION_NETWORKS": "127.0.0.1:5712"}
    with on_loopback(host, 5712):
        for name, code, status in (("crl-good", 0, "verified"), ("crl-revoked", 1, "untrusted")):
            options = [*world(f"revocation-{name}"), *reference(f"revocation-{name}"), "--json"]
            command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "manage.py", "verify", *options]
            answer = subprocess.run(
                command, cwd=PROJECT, env=NOWHERE | asked | {"PATH": os.defpath}, capture_output=True, timeout=60
            )
            assert (answer.returncode, json.loads(answer.stdout)["status"]) == (code, status), answer.stderr


def padded_crl(size):
    """The good CRL with something in it that nobody reads, so that a process of its own reads it."""
    pki = VECTORS / "pki"
    authority = x509.load_pem_x509_certificate((pki / "wharf-rev-ca.crt").read_bytes())
    key = serialization.load_pem_private_key((pki / "wharf-rev-ca.key").read_bytes(), None)
    private = x509.UnrecognizedExtension(
        x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\4\x83" + size.to_bytes(3) + bytes(size)
    )
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2096, 3, 1, tzinfo=UTC)
    return make_crl(
        this_update=since, next_update=until, issuer=authority.subject, key=key, extensions=[(private, False)]
    )
