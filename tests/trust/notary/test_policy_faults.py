"""What is wrong with a policy that is being written: every rule, at the member and the line to blame."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.test_upstream_policies import BLOB_TRUST_POLICY, REFUSED, TAKEN
from tests.trust.notary.test_upstream_policies import document as written
from tests.trust.policies import blob_policies, policies
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import TrustPolicyError
from trust.notary.policy_document import GLOBAL, SCOPES, read_document
from trust.notary.policy_faults import MOST_LINES, faults
from trust.notary.trust_policy import TrustPolicy


def found(*statements, own=SCOPES):
    return faults(read_document(written(*statements), own), own)


def a_statement(**members):
    fields = {
        "name": "one",
        "registryScopes": ["a.example/b"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["x509.subject: C=DE, ST=BE, O=Acme"],
    }
    return fields | members


@pytest.mark.parametrize("name", REFUSED)
def test_the_rule_of_each_upstream_policy_is_among_those_named(name):
    rule, statements = REFUSED[name]
    assert rule in {fault.rule for fault in found(*statements)}


@pytest.mark.parametrize("name", TAKEN)
def test_nothing_is_wrong_with_an_upstream_policy_that_is_taken(name):
    assert found(*TAKEN[name][1]) == []


def test_nothing_is_wrong_with_the_upstream_blob_policy():
    assert faults(read_document(BLOB_TRUST_POLICY, GLOBAL), GLOBAL) == []


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"name": ""}, ("TP05", "name", None)),
        ({"signatureVerification": {}}, ("TP06", "level", None)),
        ({"signatureVerification": {"level": "severe"}}, ("TP07", "level", None)),
        ({"signatureVerification": {"level": "strict", "override": {"x": "log"}}}, ("TP09", "override", None)),
        ({"signatureVerification": {"level": "strict", "override": {"expiry": "x"}}}, ("TP10", "override", None)),
        ({"signatureVerification": {"level": "strict", "verifyTimestamp": "x"}}, ("TP13", "verifyTimestamp", None)),
        ({"trustStores": []}, ("TP15", "trustStores", None)),
        ({"trustedIdentities": []}, ("TP15", "trustedIdentities", None)),
        ({"trustStores": ["ca:acme", "acme"]}, ("TP16", "trustStores", 2)),
        ({"trustStores": ["xx:acme"]}, ("TP17", "trustStores", 1)),
        ({"trustedIdentities": ["x509.subject: C=DE, ST=BE, O=A", "x509.subject: O=B"]}, ("TP23", "trustedIdentities", 2)),
        ({"trustedIdentities": ["*", "a:b"]}, ("TP19", "trustedIdentities", None)),
        ({"registryScopes": []}, ("TP25", "registryScopes", None)),
        ({"registryScopes": ["*", "a.example/b"]}, ("TP26", "registryScopes", None)),
        ({"registryScopes": ["a.example/b", "a.example/*"]}, ("TP27", "registryScopes", 2)),
        ({"registryScopes": ["a.example/b", "a.example/c", "a.example/b"]}, ("TP28", "registryScopes", 3)),
    ],
)  # fmt: skip
def test_a_fault_names_the_rule_the_member_and_the_line(members, where):
    [fault] = found(a_statement(**members))
    assert (fault.rule, fault.member, fault.line, fault.statement) == (*where, 0)


def test_all_that_is_wrong_is_said_at_once():
    wrong = a_statement(
        name="", registryScopes=["B"], trustStores=["x"], trustedIdentities=["", "x509.subject: O=A", "a:b", "*"]
    )
    assert {fault.rule for fault in found(wrong, a_statement(name="two"))} == {
        "TP05", "TP16", "TP19", "TP20", "TP23", "TP27",
    }  # fmt: skip


def test_a_line_that_will_not_do_hides_no_overlap_of_the_others():
    name = "x509.subject: C=DE, ST=BE, O=Acme"
    wrong = a_statement(trustedIdentities=["x509.subject: O=A", name, name + ", CN=x"])
    assert [fault.rule for fault in found(wrong)] == ["TP23", "TP24"]


def test_of_ten_thousand_wrong_lines_a_few_are_named():
    wrong = a_statement(registryScopes=["B"] * 5_000 + ["a.example/b"] * 5_000, trustStores=["x"] * 10_000)
    assert len(found(wrong)) == 3 * MOST_LINES


@settings(max_examples=300, deadline=None)
@given(st.one_of(policies().map(lambda value: (value, SCOPES)), blob_policies().map(lambda value: (value, GLOBAL))))
def test_nothing_is_wrong_where_the_policy_is_taken_and_else_the_rule_is_named_that_refuses_it(case):
    value, own = case
    content = json.dumps(value).encode()
    named = {fault.rule for fault in faults(read_document(content, own), own)}
    try:
        (TrustPolicy if own == SCOPES else BlobTrustPolicy).parse(content)
    except TrustPolicyError as error:
        assert error.rule in named
    else:
        assert not named
