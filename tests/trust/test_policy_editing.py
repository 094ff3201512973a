"""Editing a policy as it is written: what nobody touched stays byte for byte."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trust.policies import SCOPES as SOME_SCOPES
from tests.trust.policies import blob_policies, lists, policies
from trust import policy_editing
from trust.notary.policy_document import GLOBAL, SCOPES, WrittenStatement, read_document

BY_HAND = b"""{ "version" : "1.0",\r
\t"$schema":"ours",
  "trustPolicies": [
      {   "name": "release",  "note" : {"ours": [1,2 , 3]},
          "signatureVerification": { "level" : "strict", "override": {"expiry":"log" , "revocation": "skip"} },
          "registryScopes": [ "a.example/b","a.example\\/c" ],
          "trustStores": ["ca:acme"], "trustedIdentities": [
              "x509.subject: C=DE, ST=BE, O=\\u00dcmlaut"
          ]
      }
  , {"name":"rest","registryScopes":["*"],"signatureVerification":{"level":"skip"}}]
}

"""
NEW = WrittenStatement("more", ("a.example/d",), "strict", {}, "", ("ca:acme",), ("*",))


def said(content, kind=SCOPES):
    return read_document(content, kind).statements


def edit(content, position, kind=SCOPES, **fields):
    return policy_editing.change(content, kind, position, replace(said(content, kind)[position], **fields))


@pytest.mark.parametrize(
    ("fields", "before", "after"),
    [
        ({"name": "prod"}, b'"name": "release"', b'"name": "prod"'),
        ({"level": "audit"}, b'"level" : "strict"', b'"level" : "audit"'),
        ({"override": {"revocation": "skip"}}, b'{"expiry":"log" , "revocation": "skip"}', b'{"revocation": "skip"}'),
        ({"override": {}}, b', "override": {"expiry":"log" , "revocation": "skip"}', b""),
        ({"override": {"expiry": "log", "revocation": "log"}}, b'"revocation": "skip"', b'"revocation": "log"'),
        ({"scopes": ("a.example/c",)}, b'[ "a.example/b","a.example\\/c" ]', b'[ "a.example\\/c" ]'),
        ({"scopes": ("a.example/b", "a.example/c", "a.example/d")}, b'\\/c" ]', b'\\/c","a.example/d" ]'),
        ({"scopes": ()}, b'[ "a.example/b","a.example\\/c" ]', b"[]"),
        ({"trust_stores": ("ca:acme", "tsa:clock")}, b'["ca:acme"]', b'["ca:acme", "tsa:clock"]'),
        (
            {"trusted_identities": ("x509.subject: C=DE, ST=BE, O=Ümlaut", "x509.subject: C=DE, ST=BE, O=ß")},
            b'O=\\u00dcmlaut"\n',
            'O=\\u00dcmlaut",\n              "x509.subject: C=DE, ST=BE, O=ß"\n'.encode(),
        ),
    ],
)
def test_of_a_statement_only_what_changed_is_written_anew(fields, before, after):
    assert BY_HAND.count(before) == 1
    assert edit(BY_HAND, 0, **fields) == BY_HAND.replace(before, after)


def test_a_member_that_is_new_is_written_in_the_manner_of_the_text():
    edited = edit(BY_HAND, 1, verify_timestamp="afterCertExpiry")
    assert edited == BY_HAND.replace(b'{"level":"skip"}', b'{"level":"skip", "verifyTimestamp": "afterCertExpiry"}')


def test_a_statement_is_added_removed_doubled_and_moved_with_the_others_left_alone():
    added = policy_editing.add(BY_HAND, SCOPES, NEW)
    assert said(added) == (*said(BY_HAND), NEW)
    assert policy_editing.remove(added, 2) == BY_HAND
    doubled = policy_editing.duplicate(BY_HAND, SCOPES, 0)
    assert said(doubled)[1] == replace(said(BY_HAND)[0], name="release-2")
    assert policy_editing.remove(doubled, 1) == BY_HAND
    moved = policy_editing.move_down(BY_HAND, 0)
    assert said(moved) == said(BY_HAND)[::-1]
    assert policy_editing.move_down(moved, 0) == BY_HAND


@pytest.mark.parametrize("content", [b"", b" \n", b"{}", b'{"version": "1.0", "trustPolicies": null}', b"null"])
def test_a_document_without_statements_gets_its_first(content):
    assert said(policy_editing.add(content, SCOPES, NEW)) == (NEW,)


@pytest.mark.parametrize(
    "content", [b'{"trustPolicies": [null]}', b'{"trustPolicies": [{"signatureVerification": null}]}']
)
def test_what_is_null_is_written_where_it_is_needed(content):
    assert edit(content, 0, name="x", level="strict")[:1] == b"{"
    now = said(edit(content, 0, name="x", level="strict", override={"expiry": "log"}, scopes=("a.example/b",)))[0]
    assert (now.name, now.level, now.override, now.scopes) == ("x", "strict", {"expiry": "log"}, ("a.example/b",))


def texts_of(value, how):
    return json.dumps(value, **how).encode()


MANNERS = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t", "ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 0}]
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", 'b"\\', "ü"]),
        "level": st.sampled_from(["strict", "audit"]),
        "override": st.dictionaries(st.sampled_from(["expiry", "revocation"]), st.sampled_from(["log", "enforce"])),
        "verify_timestamp": st.sampled_from(["", "always"]),
        "trust_stores": lists(["ca:acme", "ca:x", "tsa:y"]).map(tuple),
        "trusted_identities": lists(["*", "x509.subject: C=DE, ST=BE, O=ü"]).map(tuple),
        "scopes": lists(SOME_SCOPES).map(tuple),
    },
)


@settings(max_examples=300, deadline=None)
@given(policies(), MANNERS, CHANGES, st.data())
def test_an_edit_says_exactly_what_was_meant_and_loses_nothing_else(value, how, changes, data):
    content = texts_of(value, how)
    before = said(content)
    if not before:
        return
    position = data.draw(st.integers(0, len(before) - 1))
    edited = edit(content, position, **changes)
    wanted = replace(before[position], **changes)
    assert said(edited) == (*before[:position], wanted, *before[position + 1 :])
    now = json.loads(edited)
    assert [one.get("x-note") for one in now["trustPolicies"]] == [one.get("x-note") for one in value["trustPolicies"]]
    assert now.get("$schema") == value.get("$schema")
    assert policy_editing.change(edited, SCOPES, position, wanted) == edited


@settings(max_examples=200, deadline=None)
@given(blob_policies(), MANNERS, st.booleans(), st.data())
def test_a_blob_statement_is_edited_likewise(value, how, is_global, data):
    content = texts_of(value, how)
    before = said(content, GLOBAL)
    if not before:
        return
    position = data.draw(st.integers(0, len(before) - 1))
    wanted = replace(before[position], is_global=is_global, name="x")
    edited = policy_editing.change(content, GLOBAL, position, wanted)
    assert said(edited, GLOBAL) == (*before[:position], wanted, *before[position + 1 :])


@settings(max_examples=200, deadline=None)
@given(policies(), MANNERS, st.data())
def test_what_is_done_and_undone_leaves_no_trace(value, how, data):
    content = texts_of(value, how)
    before = said(content)
    if not before:
        return
    position = data.draw(st.integers(0, len(before) - 1))
    doubled = policy_editing.duplicate(content, SCOPES, position)
    assert policy_editing.remove(doubled, position + 1) == content
    assert policy_editing.remove(policy_editing.add(content, SCOPES, NEW), len(before)) == content
    if position + 1 < len(before):
        assert policy_editing.move_down(policy_editing.move_down(content, position), position) == content
