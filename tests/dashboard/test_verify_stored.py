"""`manage.py verify` of what is connected and indexed, by the active revision."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from registries.models import Listing
from tests.simulators.revocation import RevocationHost, on_loopback
from tests.trust.revoking import chain_of, collect, ocsp_answer, signer_with
from tests.trust.seeding import HOUR, NOW, Place, publish, statement
from tests.trust.test_vectors import VECTORS

pytestmark = pytest.mark.django_db

NAME = "registry.acme.example/shop/api"


def verify(*arguments, at=NOW):
    out, code = StringIO(), 0
    try:
        call_command("verify", *arguments, "--json", "--at", at.isoformat(), stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, json.loads(out.getvalue())


@pytest.fixture
def image():
    place = Place()
    return place.signed("stranger", "release", tag="1.0", metadata={"step": "7"})


@pytest.mark.parametrize("form", ["tag", "digest", "both"])
def test_an_indexed_artifact_is_answered_by_the_active_revision(image, form):
    publish()
    suffix = {"tag": ":1.0", "digest": f"@{image.digest}", "both": f":1.0@{image.digest}"}[form]
    code, answer = verify(NAME + suffix)
    assert (code, answer["status"], answer["statement"], answer["digest"]) == (
        0,
        "verified",
        "release",
        str(image.digest),
    )
    assert answer["reference"] == NAME + suffix
    assert [signature["status"] for signature in answer["signatures"]] == ["untrusted", "verified"]


def test_the_exit_code_says_that_nothing_good_was_found(image):
    publish(statement(stores=["ca:partner"]))
    code, answer = verify(f"{NAME}:1.0")
    assert (code, answer["status"], answer["reason"]) == (1, "untrusted", "unknown_root")


def test_user_metadata_and_the_bound_of_notation_are_asked_of_stored_signatures_too(image):
    publish()
    assert verify(f"{NAME}:1.0", "--user-metadata", "step=7")[0] == 0
    assert verify(f"{NAME}:1.0", "--user-metadata", "step=8")[1]["notation"]["verified"] is False
    code, answer = verify(f"{NAME}:1.0", "--max-signatures", "1")
    assert (code, answer["status"], answer["notation"]["verified"]) == (1, "verified", False)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (NAME, "Say which artifact"),
        (f"{NAME}:2.0", "no tag 2.0"),
        (f"{NAME}@sha256:{'0' * 64}", "as far as it was indexed"),
        ("registry.acme.example/other:1.0", "No connected registry has"),
        ("nowhere", "has no registry"),
    ],
)
def test_what_is_not_stored_is_an_error_that_says_so(image, target, says):
    publish()
    code, answer = verify(target)
    assert code == 1
    assert says in answer["error"]


def test_a_layout_can_be_judged_by_the_active_revision(image):
    layout = str(VECTORS / "layouts" / "policy-base")
    wanted = ["--reference", "registry.acme.example/shop/api"]
    code, answer = verify(layout, *wanted)
    assert (code, "No trust policy has been uploaded yet" in answer["error"]) == (1, True)
    publish()
    code, answer = verify(layout, *wanted)
    assert (code, answer["status"], answer["statement"]) == (1, "untrusted", "release")


def test_half_of_policy_and_stores_is_refused(image, tmp_path):
    code, answer = verify(str(VECTORS / "layouts" / "policy-base"), "--trust-store", str(tmp_path))
    assert (code, answer["error"]) == (1, "--policy and --trust-store are given both or not at all.")


def test_stale_is_said_of_what_was_asked_too_long_ago(image):
    publish()
    Listing.objects.update(checked_at=NOW - 72 * HOUR)
    assert verify(f"{NAME}:1.0")[1]["status"] == "stale"


@pytest.fixture
def responder(settings):
    """A responder on loopback, and a signer whose certificate names it."""
    host = RevocationHost()
    with on_loopback(host) as address:
        settings.REVOCATION_NETWORKS = [address]
        url = f"http://{address}/ocsp"
        signer = signer_with("release-signer asked", ocsp=url)
        host.put(url, ocsp_answer(signer=signer))
        yield host, signer


@pytest.mark.network
def test_whoever_was_not_asked_yet_about_revocation_is_asked_now(responder):
    host, signer = responder
    publish()
    Place().signed(signer, tag="1.0")
    code, answer = verify(f"{NAME}:1.0")
    assert (code, answer["status"], len(host.log)) == (0, "verified", 1)
    assert answer["signatures"][0]["checks"]["revocation"]["code"] == "not_revoked"


@pytest.mark.network
def test_an_answer_that_has_run_out_is_asked_for_again(responder):
    host, signer = responder
    publish()
    place = Place()
    place.signed(signer, tag="1.0")
    place.judge()
    with host.transport() as send:
        assert collect(send) == 1
    later = NOW + 72 * HOUR
    Listing.objects.update(checked_at=later)
    (url,) = chain_of(signer)[0].ocsp_urls
    host.put(url, ocsp_answer(signer=signer, at=later))
    asked = len(host.log)
    code, answer = verify(f"{NAME}:1.0", at=later)
    assert (code, answer["status"], len(host.log) - asked) == (0, "verified", 1)
    code, answer = verify(f"{NAME}:1.0", "--offline", at=later)
    assert (code, answer["reason"]) == (1, "revocation_unknown")


@pytest.mark.network
def test_offline_asks_nobody(responder):
    host, signer = responder
    publish()
    Place().signed(signer, tag="1.0")
    code, answer = verify(f"{NAME}:1.0", "--offline")
    assert (code, answer["status"], answer["reason"]) == (1, "unknown", "revocation_not_evaluated")
    assert host.log == []


@pytest.mark.network
@pytest.mark.parametrize("level", [{"level": "audit"}, {"level": "strict"}])
def test_t30_nobody_is_asked_about_a_chain_that_nobody_trusts(responder, level):
    host, signer = responder
    publish(statement(stores=["ca:partner"], **level))
    Place().signed(signer, tag="1.0")
    answer = verify(f"{NAME}:1.0")[1]
    assert answer["signatures"][0]["checks"]["revocation"]["code"] == "chain_not_trusted"
    assert host.log == []


@pytest.mark.network
def test_nobody_is_asked_where_the_statement_skips_revocation(responder):
    host, signer = responder
    publish(statement(level="strict", override={"revocation": "skip"}))
    Place().signed(signer, tag="1.0")
    assert verify(f"{NAME}:1.0")[1]["reason"] == "revocation_skipped"
    assert host.log == []
