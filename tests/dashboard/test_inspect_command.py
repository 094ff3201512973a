"""`manage.py inspect` and `manage.py list`: what notation shows, and what is wrong where something is."""

import base64
import json
import os
import shutil
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import call_command

from tests.dashboard.test_verify_command import CASES, PROJECT, VECTORS, reference
from tests.trust.legacy.making import ISSUED, nv2_token, signer
from tests.trust.notary.making import make_jws
from tests.trust.test_signatures import Folder

GOLDEN = sorted((VECTORS / "inspect").glob("*.notation-2.0.0-alpha.1.json"))
NV2 = "application/vnd.cncf.notary.config.v2+jwt"
ALPHA = "application/vnd.cncf.notary.v2.signature"
ORAS = "application/vnd.cncf.oras.artifact.manifest.v1+json"


def run(command, *options):
    output = StringIO()
    try:
        call_command(command, *options, stdout=output)
    except SystemExit as error:
        return error.code, output.getvalue()
    return 0, output.getvalue()


def ask(command, *options):
    code, output = run(command, *options, "--json")
    return code, json.loads(output)


def layout(name):
    return [str(VECTORS / CASES[name]["layout"]), *reference(name)]


def as_notation_shows(signature):
    """notation's inspect does not look whether a signature fits, so it shows as facts what we show as claims."""
    signature = signature | signature.get("unverified", {})
    return {name: value for name, value in signature.items() if name not in ("unverified", "error", "notes")}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_inspect_shows_what_notation_shows(golden):
    wanted = json.loads(golden.read_text())
    _, got = ask("inspect", *layout(golden.name.partition(".")[0]))
    assert list(got) == ["mediaType", "signatures"]
    assert got["mediaType"] == wanted["mediaType"]
    shown = {one["digest"]: as_notation_shows(one) for one in got["signatures"]}
    assert shown == {one["digest"]: one for one in wanted["signatures"]}


def test_there_are_golden_files_of_notation():
    assert len(GOLDEN) > 5


def test_sound_signatures_exit_with_0_and_without_errors():
    code, got = ask("inspect", *layout("form-both"))
    assert code == 0
    assert len(got["signatures"]) == 2
    assert not [one for one in got["signatures"] if {"error", "unverified", "notes"} & one.keys()]


def test_what_an_envelope_claims_that_does_not_hold_stands_apart():
    code, got = ask("inspect", *layout("several-signers"))
    assert code == 1
    (damaged,) = [one for one in got["signatures"] if "error" in one]
    assert damaged["error"]["code"] == "signature_invalid"
    assert "certificates" not in damaged
    assert damaged["unverified"]["certificates"]


@pytest.mark.parametrize("name", ["manifest-two-layers", "manifest-no-layer"])
@pytest.mark.parametrize("command", ["inspect", "list"])
def test_a_signature_manifest_without_exactly_one_layer_is_shown_with_its_error(command, name):
    code, got = ask(command, *layout(name))
    assert code == 1
    assert got["signatures"][0]["error"]["code"] == "layer_count"


def test_a_timestamp_is_shown_with_its_bounds_and_certificates():
    _, got = ask("inspect", *layout("time-timestamp-rescues-always"))
    shown = got["signatures"][0]["unsignedAttributes"]["timestampSignature"]
    low, high = shown["timestamp"].strip("[]").split(", ")
    assert low <= high
    assert low.startswith("20")
    assert shown["certificates"][0]["SHA256Fingerprint"]


def test_list_names_every_signature_in_the_order_listed():
    code, got = ask("list", *layout("several-signers"))
    assert code == 1
    _, inspected = ask("inspect", *layout("several-signers"))
    assert [one["digest"] for one in got["signatures"]] == [one["digest"] for one in inspected["signatures"]]
    assert got["digest"] == CASES["several-signers"]["reference"]["digest"]


def test_people_read_a_tree():
    code, output = run("inspect", *layout("form-both"))
    lines = output.splitlines()
    wanted = CASES["form-both"]["reference"]
    assert code == 0
    assert lines[0] == f"{wanted['registry']}/{wanted['repository']}@{wanted['digest']}"
    assert lines[1] == "└── application/vnd.cncf.notary.signature"
    assert "    │   ├── signature algorithm: ECDSA-SHA-256" in lines
    assert "    │   │   └── (empty)" in lines
    assert any(line.endswith("signing scheme: notary.x509") for line in lines)


def test_an_artifact_without_signatures_has_none_and_exits_with_0(tmp_path):
    folder = Folder(tmp_path / "layout")
    folder.list()
    assert run("list", str(folder.root))[1].splitlines() == [folder.subject["digest"], "└── no signature"]
    assert ask("inspect", str(folder.root)) == (0, {"mediaType": folder.subject["mediaType"], "signatures": []})


def test_a_list_that_may_lack_a_signature_says_so(tmp_path):
    folder = Folder(tmp_path / "layout")
    folder.fallback({"mediaType": folder.subject["mediaType"], "digest": "sha256:" + "0" * 64, "size": 4})
    folder.list()
    code, got = ask("list", str(folder.root))
    assert (code, got["signatures"], "incomplete" in got) == (1, [], True)


def test_an_annotation_that_names_other_certificates_is_noted(tmp_path):
    folder = Folder(tmp_path / "layout")
    envelope = (VECTORS / "envelopes" / "jws-control.jws.json").read_bytes()
    annotations = {"io.cncf.notary.x509chain.thumbprint#S256": '["00"]'}
    folder.add(folder.signature(folder.blob(envelope), annotations=annotations))
    folder.list()
    _, got = ask("inspect", str(folder.root))
    assert [note["code"] for note in got["signatures"][0]["notes"]] == ["thumbprint_mismatch"]
    assert got["signatures"][0]["certificates"]


def test_an_extended_attribute_does_not_pass_for_a_system_attribute(tmp_path):
    folder = Folder(tmp_path / "layout")
    header = {"signingTime": "1999-01-01T00:00:00Z", "io.example.build": "42"}
    folder.add(folder.signature(folder.blob(make_jws(header=header))))
    folder.list()
    _, got = ask("inspect", str(folder.root))
    attributes = got["signatures"][0]["signedAttributes"]
    assert attributes["io.example.build"] == "42"
    assert attributes["signingTime"] != header["signingTime"]


def legacy_layout(tmp_path, **claims):
    """A layout whose artifact has an nv2 signature and one of notation 0.7 that is junk."""
    folder = Folder(tmp_path / "layout")
    target = {name: folder.subject[name] for name in ("mediaType", "digest", "size")}
    token = nv2_token(signer(), target | claims)
    folder.add({"config": folder.blob(token, NV2), "layers": [], "subject": folder.subject})
    junk = folder.blob(b"\x1b[2J")
    folder.add({"artifactType": ALPHA, "blobs": [junk], "subject": folder.subject}, media_type=ORAS)
    folder.list()
    return folder.root


def test_legacy_signatures_are_shown_apart_from_those_of_notation(tmp_path):
    root = legacy_layout(tmp_path, references=["registry.example.com/app:v1"])
    stores = tmp_path / "truststore" / "x509" / "ca" / "old"
    stores.mkdir(parents=True)
    (stores / "root.pem").write_bytes(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(signer().chain[-1]) + b"-----END CERTIFICATE-----\n"
    )
    at = ["--at", ISSUED.isoformat()]
    code, got = ask("inspect", str(root), "--trust-store", str(tmp_path / "truststore"), *at)
    assert (code, got["signatures"]) == (0, [])
    nv2, alpha = sorted(got["legacySignatures"], key=lambda one: one["kind"], reverse=True)
    assert (nv2["kind"], nv2["status"], nv2["reason"]) == ("Legacy (nv2)", "not_checked", "legacy")
    assert {check["status"] for check in nv2["checks"].values()} == {"pass"}
    assert (alpha["kind"], alpha["status"]) == ("Legacy (notation alpha)", "failed")
    _, untrusted = ask("inspect", str(root), *at)
    nv2 = next(one for one in untrusted["legacySignatures"] if one["kind"] == "Legacy (nv2)")
    assert nv2["checks"]["certificate"]["code"] == "unknown_root"


@pytest.mark.parametrize("command", ["inspect", "list"])
def test_hostile_text_is_printed_inert(tmp_path, command):
    root = legacy_layout(tmp_path, references=["\x1b[2J\u202eevil/app"])
    _, output = run(command, str(root), "--at", ISSUED.isoformat())
    assert "Legacy (nv2)" in output
    assert "\x1b" not in output
    assert "\u202e" not in output


def test_legacy_signatures_leave_verify_as_it_was(tmp_path):
    root = legacy_layout(tmp_path)
    (tmp_path / "policy.json").write_text(json.dumps(CASES["policy-exact-scope"]["trust_policy"]))
    (tmp_path / "truststore").mkdir()
    code, got = ask(
        "verify", str(root), "--policy", str(tmp_path / "policy.json"), "--trust-store", str(tmp_path / "truststore"),
        "--reference", "localhost:5710/demo/policy-base:v1",
    )  # fmt: skip
    assert (code, got["status"], got["signatures"]) == (1, "unsigned", [])
    assert got["notation"]["verified"] is False


@pytest.mark.parametrize(
    "options", [["--reference", "no-registry"], ["--at", "yesterday"], ["--reference", "a.example/b:nowhere"]]
)
@pytest.mark.parametrize("command", ["inspect", "list"])
def test_what_cannot_be_answered_is_one_error(command, options):
    code, got = ask(command, str(VECTORS / "layouts" / "policy-base"), *options)
    assert (code, list(got)) == (1, ["error"])
    assert run(command, str(VECTORS / "layouts" / "policy-base"), *options)[1].startswith("Error: ")


@pytest.mark.parametrize("command", ["inspect", "list"])
def test_it_needs_no_secret_and_no_environment_variable(command):
    answer = subprocess.run(
        [sys.executable, "manage.py", command, *layout("form-both"), "--json"],
        cwd=PROJECT, env={"PATH": os.defpath}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert len(json.loads(answer.stdout)["signatures"]) == 2


def test_a_missing_envelope_is_an_error_of_that_signature_alone(tmp_path):
    root = tmp_path / "layout"
    shutil.copytree(VECTORS / CASES["form-both"]["layout"], root)
    digest = CASES["form-both"]["signatures"][0]["digest"].removeprefix("sha256:")
    manifest = json.loads((root / "blobs" / "sha256" / digest).read_text())
    (root / "blobs" / "sha256" / manifest["layers"][0]["digest"].removeprefix("sha256:")).unlink()
    code, got = ask("inspect", str(root), *reference("form-both"))
    assert (code, sorted("error" in one for one in got["signatures"])) == (1, [False, True])
