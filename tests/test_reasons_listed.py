"""docs/verify.md names every reason that a verdict can have, and none that no code gives."""

import ast
import re

from registries.oci import errors as oci
from tests.test_house import ROOT, modules
from trust.notary import errors as notary
from trust.notary.chains import CHAIN_RULES, SINGLE_RULES, TIMESTAMPING_RULES
from trust.notary.levels import Validation

PAGE = (
    (ROOT / "docs/verify.md").read_text().partition("## Words and reasons")[2].partition("# `manage.py verify_blob`")[0]
)
STATUSES = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
LISTED = set(re.findall(r"`([a-z0-9_]+)`", PAGE)) - (STATUSES - {"verified", "unsigned"})
REFUSALS = ("EnvelopeError", "CertificateError", "TimestampError", "LimitError", "UnsupportedError", "ManifestError")
FETCHING = ("registries/oci", "registries/indexing")
ELSEWHERE = {
    # What cannot be written is no reason of a verdict.
    "pusher.py", "referrers_tag.py", "publishing.py", "referrers_tags.py", "copying.py",
    "payload.py",  # what is wrong with a payload is the reason `target_unreadable`
    "crl.py", "ocsp.py", "revocation.py",  # why there is no answer stands in the sentence of `revocation_unknown`
}  # fmt: skip


def calls(folder):
    """Every call in a folder's modules by the last name of what is called."""
    for path in modules(folder):
        if path.name not in ELSEWHERE:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield ast.unparse(node.func).rpartition(".")[2], node


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def codes(folder, names):
    """The codes that errors of these names are made with."""
    for name, node in calls(folder):
        if name in names:
            yield from (literal(keyword.value) for keyword in node.keywords if keyword.arg == "code")
        elif name == "_refuse" and len(node.args) > 1:
            yield literal(node.args[1])


def verdicts(folder):
    """The reasons that verdicts, faults and failed checks are made with."""
    place = {"ArtifactVerdict": 1, "SignatureFault": 1, "Finding": 1, "_finding": 2}
    yield from re.findall(r'\bNote\("(\w+)"', (ROOT / "trust/notary/words.py").read_text())
    for name, node in calls(folder):
        if name in place and len(node.args) > place[name]:
            status = ast.unparse(node.args[place[name] - 1])
            if not status.endswith((".passed", ".skipped", ".not_run")):
                yield literal(node.args[place[name]])
        elif name == "replace":
            yield from (literal(keyword.value) for keyword in node.keywords if keyword.arg == "reason")


def given():
    """Every reason, by where it comes from."""
    yield from codes("trust/notary", REFUSALS)
    yield from (rule for rules in (SINGLE_RULES, CHAIN_RULES) for rule in rules)
    yield from (f"tsa_{rule}" for rule in TIMESTAMPING_RULES)
    yield from (kind.code for kind in (notary.EnvelopeError, notary.CertificateError, notary.TimestampError))
    yield from verdicts("trust")
    for folder in FETCHING:
        yield from codes(folder, ("RegistryError", "LimitError", "LayoutError", "ManifestError", "DigestError"))
    yield from codes("registries", ("RegistryError",))
    yield from (
        kind.code for kind in (oci.RegistryError, oci.ManifestError, oci.LayoutError, oci.LimitError, oci.DigestError)
    )


def is_covered(code):
    return code in LISTED or code.startswith(("timestamp_", "tsa_"))  # the page says so of all that begin like that


def test_every_reason_that_the_code_gives_is_on_the_page():
    reasons = set(filter(None, given()))
    assert len(reasons) > 80
    assert {reason for reason in reasons if not is_covered(reason)} == set()


def test_every_reason_on_the_page_is_given_somewhere():
    source = "\n".join(path.read_text() for room in ("registries", "trust", "dashboard") for path in modules(room))
    built = {f"{validation.name}_logged" for validation in Validation} | {f"tsa_{rule}" for rule in TIMESTAMPING_RULES}
    assert {
        code for code in LISTED - built if f'"{code}"' not in source and code not in ("verified", "unsigned")
    } == set()
