"""An approver who could also sign as a publisher is pointed out before that holds."""

import pytest

from tests.trust.seeding import RELEASE, policy, statement, store_files
from trust import drafts
from trust.additions import Additions
from trust.double_roles import double_roles, new_double_roles
from trust.revisions import Content

QA = "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=QA"
ACME = "x509.subject: C=DE, ST=BE, O=Acme GmbH"
ROLES = {"builds": "publisher", "approvals": "certifier"}
SAID = (
    "For C=DE, ST=BE, O=Acme GmbH, OU=QA, whose role is certifier: their signatures also satisfy builds, a statement for "
    "publishers."
)


def policies(builds, *, stores=("ca:acme",), builds_level="strict", signers=None, roles=ROLES):
    """A statement for builds beside one for approvals by QA, and the labels."""
    content = Content(
        policy(
            statement("builds", scopes=["registry.acme.example/app"], identities=builds, level=builds_level),
            statement("approvals", scopes=["registry.acme.example/approvals"], identities=[QA], stores=list(stores)),
        ),
        store_files("ca:acme", "ca:partner"),
    )
    return drafts.material_of(content), Additions(roles=roles, signers=signers or {})


@pytest.mark.parametrize(
    "builds", [["*"], [QA], [RELEASE, QA], [ACME]], ids=["anybody", "they", "both", "a wider name"]
)
def test_whoever_approves_and_also_satisfies_a_statement_for_publishers_is_named(builds):
    assert [str(one) for one in double_roles(*policies(builds))] == [SAID]


@pytest.mark.parametrize(
    "options",
    [
        {"builds": [RELEASE]},
        {"builds": ["*"], "roles": {"builds": "publisher"}},
        {"builds": ["*"], "roles": {"approvals": "certifier"}},
        {"builds": ["*"], "stores": ("ca:partner",)},
        {"builds": ["*"], "builds_level": "skip"},
        {"builds": ["*"], "signers": {QA: "publisher"}},
    ],
    ids=[
        "others",
        "no approver",
        "no publisher",
        "other roots",
        "nothing is verified",
        "labelled a publisher themselves",
    ],
)
def test_nobody_else_is(options):
    assert double_roles(*policies(**options)) == []


def test_an_approver_among_the_identities_of_publishers_is_named_too():
    found = double_roles(*policies([RELEASE, QA], roles={"builds": "publisher"}, signers={QA: "environment"}))
    assert [str(one) for one in found] == [SAID.replace("certifier", "environment")]


def test_only_what_was_not_so_before_counts_as_broader():
    before, after = policies([RELEASE]), policies([RELEASE, QA])
    assert [str(one) for one in new_double_roles(before, after)] == [SAID]
    assert new_double_roles(after, after) == []
    assert [str(one) for one in new_double_roles(None, after)] == [SAID]
