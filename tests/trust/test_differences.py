"""A draft's meaning in words, and whether it broadens trust."""

import pytest

from tests.trust.seeding import RELEASE, blob_statement, policy, statement, store_files
from trust import drafts
from trust.broadening import broadenings
from trust.differences import differences
from trust.revisions import Content

BUILD = "x509.subject: C=DE, ST=BE, O=Acme GmbH, OU=Build"
ACME = "x509.subject: C=DE, ST=BE, O=Acme GmbH"
A, B, C = (f"registry.acme.example/{name}" for name in ("a", "b", "c"))


def material(*statements, stores=("ca:acme", "ca:partner"), blobs=()):
    blob_policy = policy(*blobs) if blobs else b""
    return drafts.material_of(Content(policy(*statements), store_files(*stores), blob_policy))


def words(before, after):
    return [str(found) for found in differences(before, after)]


def test_names_with_commas_in_them_are_told_apart():
    [new] = differences(None, material(statement(identities=[RELEASE, BUILD])))[-1:]
    assert "signed by C=DE, ST=BE, O=Acme GmbH, OU=Release or C=DE, ST=BE, O=Acme GmbH, OU=Build" in str(new)


def test_the_same_policy_says_nothing():
    assert words(material(statement()), material(statement())) == []


def test_a_signer_more_is_said_by_name():
    found = differences(material(statement()), material(statement(identities=[RELEASE, BUILD])))

    assert [str(one) for one in found] == ["Statement release also trusts C=DE, ST=BE, O=Acme GmbH, OU=Build."]
    assert ("C=DE, ST=BE, O=Acme GmbH, OU=Build", "ins") in found[0].words


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([statement(scopes=[A])], [statement(scopes=[A, B])],
         f"Statement release now also covers {B}, which had no statement."),
        ([statement(scopes=[A]), statement("all", scopes=["*"])],
         [statement(scopes=[A, B]), statement("all", scopes=["*"])],
         f"Statement release now also covers {B}, before under all."),
        ([statement(scopes=[A, B])], [statement(scopes=[A])],
         f"Statement release no longer covers {B}, now without a statement."),
        ([statement(level="strict", override={"revocation": "log"})], [statement()],
         "In statement release, revocation is enforced; it was only logged."),
        ([statement()], [statement(level="skip")], "Statement release verifies at level skip; it was strict."),
        ([statement()], [statement(verifyTimestamp="afterCertExpiry")],
         "Statement release verifies timestamps once a certificate has expired; it did always."),
        ([statement()], [statement(stores=["ca:acme", "ca:partner"])],
         "Statement release also trusts the certificates of ca:partner."),
        ([statement(identities=["*"])], [statement()],
         "Statement release no longer trusts every identity that its stores vouch for."),
        ([statement("old", scopes=[A])], [statement("new", scopes=[A])], "Statement old is now called new."),
        ([statement(scopes=[A]), statement("b", scopes=[B])], [statement(scopes=[A])],
         f"Statement b is gone: {B} now have no statement."),
    ],
)  # fmt: skip
def test_each_difference_is_a_sentence(before, after, said):
    assert said in words(material(*before), material(*after))


def test_a_new_store_says_what_it_holds_and_who_trusts_it():
    found = words(material(statement(), stores=["ca:acme"]), material(statement(stores=["ca:acme", "ca:partner"])))

    assert found[0].startswith("Trust store ca:partner is new, with ")
    assert found[0].endswith("; release trusts it.")


def test_the_first_policy_is_all_new():
    assert words(None, material(statement(scopes=[A])))[-1] == (
        f"Statement release is new: {A}, level strict, stores ca:acme, signed by C=DE, ST=BE, O=Acme GmbH, OU=Release."
    )


def test_statements_about_blobs_are_told_from_those_about_artifacts():
    found = words(material(statement()), material(statement(), blobs=[blob_statement("files", is_global=True)]))

    assert found[0].startswith("Blob statement files is new: blobs for which no statement is named, level strict")


def broader(before, after):
    return [str(found) for found in broadenings(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([statement(scopes=[A])], [statement(scopes=[A, B])],
         f"For {B}: nothing could be verified, and now what release accepts is."),
        ([statement(scopes=[A])], [statement("other", scopes=[A], identities=[RELEASE, BUILD])],
         f"For {A}: more identities are accepted: C=DE, ST=BE, O=Acme GmbH, OU=Build."),
        ([statement(scopes=[A])], [statement(scopes=[A], identities=[ACME])],
         f"For {A}: more identities are accepted: C=DE, ST=BE, O=Acme GmbH."),
        ([statement(scopes=[A])], [statement(scopes=[A], identities=["*"])],
         f"For {A}: every identity is accepted that the stores vouch for."),
        ([statement(scopes=[A])], [statement(scopes=[A], level="permissive")],
         f"For {A}: the timestamp is only logged, where it was enforced; expiry is only logged, where it was enforced; "),
        ([statement(scopes=[A])], [statement(scopes=[A], level="skip")], f"For {A}: release skips verification."),
        ([statement(scopes=[A])], [statement(scopes=[A], stores=["ca:acme", "ca:partner"])],
         f"For {A}: more certificates are trusted (ca): "),
        ([statement(scopes=[A])], [statement(scopes=[A], verifyTimestamp="afterCertExpiry")],
         f"For {A}: timestamps are verified only once a certificate has expired."),
        ([statement(scopes=[A]), statement("lax", scopes=["*"], level="audit")],
         [statement("lax", scopes=["*"], level="audit")],
         f"For {A}: authenticity is only logged, where it was enforced; "),
        ([statement(scopes=[A])], [statement(scopes=["*"])],
         "For every repository that no statement names: nothing could be verified, and now what release accepts is."),
    ],
)  # fmt: skip
def test_what_lets_more_pass_broadens(before, after, said):
    assert any(text.startswith(said) for text in broader(material(*before), material(*after)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([statement(scopes=[A])], [statement(scopes=[A])]),
        ([statement(scopes=[A, B])], [statement(scopes=[A])]),
        ([statement(scopes=[A], identities=[ACME])], [statement(scopes=[A], identities=[RELEASE, BUILD])]),
        ([statement(scopes=[A], identities=["*"])], [statement(scopes=[A])]),
        ([statement(scopes=[A], level="audit")], [statement(scopes=[A])]),
        ([statement(scopes=[A], stores=["ca:acme", "ca:partner"])], [statement(scopes=[A])]),
        ([statement("all", scopes=["*"])], [statement("all", scopes=["*"]), statement("own", scopes=[A])]),
        ([statement(scopes=[A], level="skip")], [statement("other", scopes=[A], level="skip")]),
    ],
)  # fmt: skip
def test_what_lets_no_more_pass_does_not_broaden(before, after):
    assert broader(material(*before), material(*after)) == []


def test_a_certificate_more_in_a_store_that_a_statement_trusts_broadens():
    files = store_files("ca:acme")
    partner = next(iter(store_files("ca:partner").values()))
    before = drafts.material_of(Content(policy(statement()), files))
    after = drafts.material_of(Content(policy(statement()), files | {("ca", "acme", "partner.crt"): partner}))
    unused = drafts.material_of(Content(policy(statement()), files | {("ca", "spare", "partner.crt"): partner}))

    assert broader(before, after)
    assert broader(before, unused) == []


def test_the_first_policy_broadens():
    assert broader(None, material(statement(scopes=[A])))
