"""Coming to trust a signer: by the smallest addition, and nobody who was trusted before is lost."""

import json

import pytest

from tests.trust.seeding import RELEASE, Place, policy, publish, statement, store_files
from trust import drafts, revisions, signers_seen, trusting
from trust.additions import Additions
from trust.models import Chain
from trust.notary.certificates import read_certificates
from trust.notary.trust_policy import TrustPolicy
from trust.revisions import Content

pytestmark = pytest.mark.django_db
SHOP = "registry.acme.example/shop/api"


@pytest.fixture
def shop():
    place = Place("shop/api")
    place.signed("release", tag="1")
    place.judge()
    return place


def the_signer(part="Release"):
    return next(one for one in signers_seen.seen()[0] if part in one.subject)


def under(content, place):
    """What the artifacts of a place read under this content."""
    assert drafts.refusals(content) == []
    revisions.publish(
        content.policy, content.files, author=None, reason="x", based_on=revisions.active_number(), at=place.at
    )
    place.judge(must_be_due=False)
    return [place.status(row.manifest).word for row in place.repository.statuses.all()]


def test_signers_are_told_by_name_and_root_and_counted_by_artifact(shop):
    twice = shop.image("2")
    shop.list(twice, shop.sign(twice, "release"), shop.sign(twice, "release", envelope_format="cose"))
    shop.judge()
    [signer], more = signers_seen.seen()
    assert (signer.artifacts, more, signer.store_type) == (2, 0, "ca")
    assert signer.root.thumbprint in Chain.objects.get().thumbprints
    assert signers_seen.repositories_of(signer) == [("registry.acme.example", "shop/api")]


def test_a_signing_authority_gets_a_store_of_its_own_kind(shop):
    image = shop.image("2")
    shop.list(image, shop.sign(image, "build", scheme="notary.x509.signingAuthority"))
    shop.judge()
    authority = the_signer("Build")
    content = trusting.first([(authority, [SHOP])])
    assert {key[0] for key in content.files} == {"signingAuthority"}
    assert json.loads(content.policy)["trustPolicies"][0]["trustStores"] == ["signingAuthority:acme-gmbh"]


def test_a_first_policy_accepts_the_signer_where_they_signed_and_nothing_else(shop):
    content = trusting.first([(the_signer(), [SHOP])])
    [only] = TrustPolicy.parse(content.policy).statements
    assert (only.scopes, only.level.name) == ((SHOP,), "strict")
    assert only.trusted_identities == (the_signer().identity,)
    assert under(content, shop) == ["verified"]


def test_where_a_statement_names_the_repository_it_gets_what_it_lacks(shop):
    publish(statement("shop", [SHOP], stores=["ca:other"], identities=["x509.subject: C=US, ST=WA, O=Other"]))
    before = revisions.content_of(revisions.active())
    content = trusting.trusting(before, the_signer(), SHOP)
    [only] = TrustPolicy.parse(content.policy).statements
    assert only.trusted_identities == ("x509.subject: C=US, ST=WA, O=Other", the_signer().identity)
    assert [str(store) for store in only.trust_stores][:1] == ["ca:other"]
    assert len(only.trust_stores) == 2


def test_a_statement_about_several_repositories_keeps_the_others_as_they_are(shop):
    other = "x509.subject: C=US, ST=WA, O=Other"
    before = statement("all", [SHOP, "a.example/b"], level="permissive", identities=[other])
    additions = Additions({}, {"all": "publisher"})
    content = trusting.trusting(Content(policy(before), store_files(), b"", additions), the_signer(), SHOP)
    rest, own = TrustPolicy.parse(content.policy).statements
    assert (rest.name, rest.scopes, rest.trusted_identities) == ("all", ("a.example/b",), (other,))
    assert (own.scopes, own.trusted_identities) == ((SHOP,), (other, the_signer().identity))
    assert (own.level.name, content.additions.roles) == ("permissive", {"all": "publisher", own.name: "publisher"})


def test_a_store_that_has_the_root_is_enough(shop):
    content = trusting.trusting(
        Content(policy(statement("shop", [SHOP], identities=["x509.subject: C=US, ST=WA, O=Other"])), store_files()),
        the_signer(),
        SHOP,
    )
    assert content.files == store_files()
    assert under(content, shop) == ["verified"]


def test_whom_the_wildcard_accepts_is_still_accepted_under_the_new_statement(shop):
    everywhere = Content(
        policy(statement("all", ["*"], identities=["x509.subject: C=US, ST=WA, O=Other"])), store_files()
    )
    content = trusting.trusting(everywhere, the_signer(), SHOP)
    rest, new = TrustPolicy.parse(content.policy).statements
    assert rest.name == "all"
    assert (new.scopes, new.trusted_identities[0]) == ((SHOP,), "x509.subject: C=US, ST=WA, O=Other")
    assert under(content, shop) == ["verified"]


@pytest.mark.parametrize("scope", ["*", SHOP])
def test_where_verification_is_skipped_it_is_strict_afterwards(shop, scope):
    content = trusting.trusting(Content(policy(statement("off", [scope], level="skip")), {}), the_signer(), SHOP)
    assert under(content, shop) == ["verified"]


def test_an_identity_that_is_covered_is_not_written_twice_and_a_narrower_one_gives_way(shop):
    covered = trusting.trusting(Content(policy(statement("a", [SHOP])), store_files()), the_signer(), SHOP)
    assert json.loads(covered.policy)["trustPolicies"][0]["trustedIdentities"] == [RELEASE]
    narrower = the_signer().identity + ", L=Berlin"
    wide = trusting.trusting(
        Content(policy(statement("a", [SHOP], identities=[narrower])), store_files()), the_signer(), SHOP
    )
    assert json.loads(wide.policy)["trustPolicies"][0]["trustedIdentities"] == [the_signer().identity]


def test_whom_no_policy_can_name_is_refused_with_the_reason(shop):
    nameless = signers_seen.Signer("CN=x", the_signer().root, "ca")
    with pytest.raises(trusting.TrustingError, match="needs C, ST and O"):
        trusting.trusting(Content(b"", {}), nameless, SHOP)
    with pytest.raises(trusting.TrustingError, match="layout"):
        trusting.trusting(Content(b"", {}), the_signer(), "")


def test_of_many_groups_of_signers_one_statement_is_made():
    root = read_certificates(next(iter(store_files("ca:acme").values())))[0]
    signers = [signers_seen.Signer(f"CN=s{n},O=A,ST=B,C=DE", root, "ca") for n in range(30)]
    content = trusting.first([(signer, [f"a.example/r{n}"]) for n, signer in enumerate(signers)])
    [only] = TrustPolicy.parse(content.policy).statements
    assert (len(only.scopes), len(only.trusted_identities), len(only.trust_stores)) == (30, 30, 1)
