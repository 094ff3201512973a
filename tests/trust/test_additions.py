"""What stands beside a policy: patterns that compile to exact scopes, and the roles of statements and signers."""

import time

import pytest
from django.contrib.auth.models import User

from tests.trust.seeding import NOW, policy, publish, statement, store_files
from trust import drafts, revisions
from trust.additions import Additions, AdditionsError, compiled, is_pattern, matches
from trust.label_differences import label_differences
from trust.revisions import Content

NAMES = [
    "a.example/prod/api",
    "a.example/prod/web/shop",
    "a.example/test/api",
    "b.example/prod/api",
    "a.example/prod/Bad",
]


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("a.example/prod/*", ["a.example/prod/api", "a.example/prod/web/shop"]),
        ("a.example/*/api", ["a.example/prod/api", "a.example/test/api"]),
        ("a.example/p*d/*b/*", ["a.example/prod/web/shop"]),
        ("a.example/*", NAMES[:3]),
        ("a.example/prod/api*", ["a.example/prod/api"]),
        ("c.example/*", []),
    ],
)
def test_a_pattern_stands_for_the_exact_names_that_it_means(pattern, meant):
    assert is_pattern(pattern)
    assert compiled([pattern], NAMES) == meant


@pytest.mark.parametrize("text", ["*", "a.example/b", "*.example/b", "a.example", "a.example/B*", "a.example/*:1", ""])
def test_what_has_no_star_in_its_repository_is_no_pattern(text):
    assert not is_pattern(text)


def test_no_pattern_takes_long():
    began = time.process_time()
    assert not matches("a.example/" + "*a" * 2_000 + "b*", "a.example/" + "a" * 4_000)
    assert time.process_time() - began < 0.5


def test_the_role_of_a_signer_goes_before_that_of_the_statement_and_the_narrower_name_before_the_wider():
    additions = Additions(
        roles={"release": "publisher"},
        signers={
            "x509.subject: C=DE, ST=BE, O=Acme": "certifier",
            "x509.subject: C=DE, ST=BE, O=Acme, CN=Push": "registry",
            "x509.subject: nonsense": "environment",
        },
    )
    assert additions.role_of("release", "CN=x,O=Acme,ST=BE,C=DE") == "certifier"
    assert additions.role_of("release", "CN=Push,O=Acme,ST=BE,C=DE") == "registry"
    assert additions.role_of("release", "CN=x,O=Other,ST=BE,C=DE") == "publisher"
    assert additions.role_of("other", "no name at all") == ""


def test_what_is_said_of_a_statement_goes_with_its_name():
    additions = Additions().of_statement("a", patterns=["a.example/*"], role="publisher").renamed("a", "b")
    assert additions == Additions({"b": ("a.example/*",)}, {"b": "publisher"})
    assert additions.only_of({"a"}, set()) == Additions()
    assert additions.of_statement("b", patterns=[], role="") == Additions()


def test_what_is_kept_can_always_be_read_again_however_long_a_name_is():
    said = Additions().of_signer("x" * 5_000, "registry").of_signer("a\0b", "registry")
    said = said.of_statement("y" * 5_000, patterns=["a.example/*"], role="publisher").renamed("a", "z" * 5_000)
    said = said.of_statement("b", patterns=["a.example/" + "b" * 5_000 + "*", *["a.example/*"] * 200], role="")
    full = Additions({}, {}, {f"s{number}": "registry" for number in range(10_000)}).of_signer("one more", "registry")
    assert Additions.read(full.as_json()) == full
    assert Additions.read(said.as_json()) == said
    assert len(said.patterns["b"]) == 100


def test_what_changes_beside_a_policy_is_said_in_words():
    before = Additions({"a": ("a.example/*",)}, {"a": "publisher"}, {"x509.subject: C=a": "registry"})
    after = Additions({"a": ("a.example/b*",)}, {"a": "certifier"}, {})
    assert list(map(str, label_differences(before, after))) == [
        "Statement a grows with the pattern a.example/b*.",
        "Statement a no longer grows with the pattern a.example/*.",
        "The role of statement a is now certifier, it was publisher.",
        "The role of C=a is now none, it was registry.",
    ]
    assert label_differences(after, after) == []


@pytest.mark.parametrize(
    "value",
    [
        [], {"x": 1}, {"roles": []}, {"roles": {"a": "king"}}, {"patterns": {"a": "b"}}, {"patterns": {"a": ["*"]}},
        {"patterns": {"a": [1]}}, {"patterns": {"a": ["a.example/*"] * 101}}, {"signers": {"x" * 5_000: "registry"}},
        {"signers": {"\0": "registry"}},
    ],
)  # fmt: skip
def test_what_is_not_ours_is_refused(value):
    with pytest.raises(AdditionsError):
        Additions.read(value)


@pytest.mark.django_db
def test_a_draft_keeps_them_and_applying_carries_them_over_without_changing_what_is_judged_by():
    publish()
    maria = User.objects.create_user("maria")
    additions = Additions({"release": ("a.example/*",)}, {"release": "publisher"}, {"x509.subject: C=a": "registry"})
    assert Additions.read(additions.as_json()) == additions
    draft = drafts.begin(Content(policy(statement()), store_files(), b"", additions), 1, maria, NOW)
    drafts.save(draft, drafts.content_of(draft), "because", maria, NOW)
    draft.refresh_from_db()
    revision = drafts.apply(draft, maria, NOW)
    assert revisions.content_of(revision).additions == additions
    assert revision.fingerprint == revisions.fingerprint(policy(statement()), store_files())
