"""notation-go and Signboard take and refuse the same trust policies, as they were written and as the editor leaves them."""

import base64
import json
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.notary.test_upstream_policies import REFUSED, TAKEN
from tests.trust.notary.test_upstream_policies import document as written
from tests.trust.policies import policies
from tests.trust.seeding import NOW
from tests.trust.test_policy_editing import CHANGES, MANNERS, texts_of
from trust import configuration, policy_editing
from trust.notary.errors import TrustPolicyError
from trust.notary.policy_document import SCOPES, read_document
from trust.notary.trust_policy import TrustPolicy
from trust.revisions import Content

pytestmark = pytest.mark.interop
SHAPES = {name: written(*statements) for name, (_, statements) in (REFUSED | TAKEN).items()}
SHAPES["invalid_format"] = b'{"version": "1.0",, "trustPolicies": []}'


@pytest.fixture(scope="module")
def notation(peers):
    """Asks notation-go why it refuses a document; "" where it takes it."""
    process = subprocess.Popen([str(peers), "policies"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(content):
        process.stdin.write(json.dumps(base64.b64encode(content).decode()) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(20)


def refused_here(content):
    try:
        TrustPolicy.parse(content)
    except TrustPolicyError as error:
        return str(error)
    return ""


def agree(notation, content):
    theirs, ours = notation(content), refused_here(content)
    assert bool(theirs) == bool(ours), f"notation: {theirs or 'taken'}; here: {ours or 'taken'}; {content!r}"
    return not ours


def round_trip(content):
    """Out of the house and in again."""
    exported = configuration.write(Content(content, {}), NOW)
    return configuration.read({"x.tar": exported}).over(Content(b"", {})).policy


@pytest.mark.parametrize("name", SHAPES)
def test_each_upstream_policy_is_taken_or_refused_alike_before_and_after_a_round_trip(notation, name):
    content = SHAPES[name]
    assert agree(notation, content) == (name in TAKEN)
    assert round_trip(content) == content
    if name != "invalid_format":
        undone = policy_editing.remove(policy_editing.duplicate(content, SCOPES, 0), 1)
        assert undone == content


@settings(max_examples=600, deadline=None, derandomize=True)
@given(policies(), MANNERS, CHANGES, st.data())
def test_generated_policies_are_taken_or_refused_alike_however_they_were_edited(notation, value, how, changes, data):
    content = texts_of(value, how)
    agree(notation, content)
    assert round_trip(content) == content
    statements = read_document(content).statements
    if statements:
        position = data.draw(st.integers(0, len(statements) - 1))
        now = replace(statements[position], **changes)
        agree(notation, policy_editing.change(content, SCOPES, position, now))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_a_policy_that_both_take_is_taken_by_both_after_every_edit_that_breaks_no_rule(notation, data):
    content = SHAPES[data.draw(st.sampled_from(sorted(TAKEN)))]
    changes = data.draw(CHANGES)
    edited = policy_editing.change(content, SCOPES, 0, replace(read_document(content).statements[0], **changes))
    agree(notation, edited)
