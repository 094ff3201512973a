"""What Harbor and zot say of signatures, what Harbor's rules keep from being read, and what is done about it."""

import pytest

from demo.registry.auth import Bearer
from registries.models import Claim, Presence, Product, Tag
from registries.oci.digest import Digest
from tests.simulators.images import digest_of
from tests.simulators.registry_quirks import reply
from tests.simulators.vendors import PASSWORD, USER
from tests.simulators.vendors.harbor import Harbor


def test_harbor_says_what_is_signed_and_that_is_kept_as_its_claim(make, author):
    signed, bare = author.image("signed", tags="1"), author.image("bare", tags="2")
    author.signature(signed)
    bench = make(Product.HARBOR)
    bench.index()
    assert bench.claims() == {Digest.of(signed): "signed (notation)", Digest.of(bare): "not signed"}
    assert Claim.objects.values_list("product", flat=True).distinct().get() == "Harbor"


def test_zot_says_by_whom_and_the_words_are_made_harmless(make, author):
    signed = author.image(tags="1")
    author.signature(signed)
    bench = make(Product.ZOT)
    bench.index()
    assert bench.claims() == {Digest.of(signed): "signed (notation, not trusted, CN=<b>somebody</b>)"}


def test_a_claim_that_is_made_no_more_is_gone_and_one_that_cannot_be_asked_for_stays(make, author):
    image = author.image(tags="1")
    signature = author.signature(image)
    bench = make(Product.HARBOR)
    bench.index()
    bench.app.hidden.add(digest_of(signature))
    bench.quirks.break_("/api/v2.0/", reply("500 Internal Server Error"))
    bench.index()
    assert bench.claims() == {Digest.of(image): "signed (notation)"}
    bench.quirks.mend()
    bench.index()
    assert bench.claims() == {Digest.of(image): "not signed"}


def test_a_connection_whose_product_is_no_longer_chosen_keeps_no_claims(make, author):
    author.image(tags="1")
    bench = make(Product.HARBOR)
    bench.index()
    bench.registry.vendor = ""
    bench.registry.save()
    bench.index()
    assert bench.claims() == {}


def test_a_signature_that_harbor_does_not_know_of_is_found_all_the_same(make, author):
    """Its list of accessories proves nothing about what is missing from it, so every list of referrers is asked for."""
    image = author.image(tags="1")
    signature = author.signature(image)
    bench = make(Product.HARBOR)
    bench.app.hidden.add(digest_of(signature))
    requests = bench.index()
    assert bench.referrers(image) == [digest_of(signature)]
    assert requests["referrers"] == 2
    assert bench.claims() == {Digest.of(image): "not signed"}


def test_a_signature_that_harbor_knows_and_we_do_not_has_its_list_read_now(make, author):
    bench = make(Product.HARBOR)
    image = author.image(tags="1")
    bench.index()
    author.signature(image)
    resting = bench.listing(image)
    resting.due_at = bench.at.replace(year=2030)
    resting.save()
    bench.repository.tags_due_at = bench.at
    bench.repository.save()
    bench.index(everything=False)
    assert len(bench.referrers(image)) == 1


class TestBlockedByPolicy:
    @pytest.fixture
    def harbor(self, demo):
        return Harbor(demo, content_trust=True)

    @pytest.fixture
    def images(self, author):
        return [author.image(f"{n}", tags=f"1.{n}") for n in range(3)]

    def test_what_is_blocked_is_known_and_unknown_with_the_registrys_words(self, make, harbor, images):
        bench = make(Product.HARBOR, of=harbor)
        bench.index()
        assert bench.artifacts() == {Digest.of(image) for image in images}
        listing = bench.listing(images[0])
        assert (listing.complete, listing.error_code) == (False, "blocked_by_policy")
        assert "PROJECTPOLICYVIOLATION: The image is not signed by <b>notation</b>." in listing.error
        assert "Relax the rule" in listing.error
        assert bench.faults() == ["blocked_by_policy"] * 3

    def test_each_is_asked_for_once_an_index(self, make, harbor, images):
        bench = make(Product.HARBOR, of=harbor)
        for _ in range(2):
            requests = bench.index()
            assert requests["manifest"] == 4  # the fourth has the words to the one tag that is asked for

    def test_a_rule_that_comes_later_ends_no_presence_and_takes_no_evidence(self, make, harbor, images, author):
        author.signature(images[0])
        harbor.content_trust = False
        bench = make(Product.HARBOR, of=harbor)
        bench.index()
        before = bench.rows()
        harbor.content_trust = True
        for _ in range(3):
            bench.index()
        assert bench.rows() == before
        assert not Presence.objects.exclude(until=None).exists()
        assert not Tag.objects.exclude(gone_at=None).exists()

    def test_without_the_product_chosen_its_tags_say_why_and_are_not_gone(self, make, harbor, images):
        harbor.content_trust = False
        bench = make(Product.HARBOR, of=harbor, chosen=False)
        bench.index()
        harbor.content_trust = True
        bench.index()
        assert bench.fault("1.0").code == "blocked_by_policy"
        assert "The image is not signed" in bench.fault("1.0").message
        assert bench.present() == {Digest.of(image) for image in images}

    def test_the_exemption_is_used_only_where_it_was_chosen(self, make, harbor, images, demo):
        demo.auth = Bearer({USER: PASSWORD})
        bench = make(Product.HARBOR, of=harbor)
        bench.index()
        assert bench.faults() == ["blocked_by_policy"] * 3
        chosen = make(Product.HARBOR, of=harbor, address="chosen.test", notation_compatible=True)
        chosen.index()
        assert chosen.faults() == []
        assert chosen.listing(images[0]).complete

    def test_a_robot_that_may_not_push_is_not_exempt(self, make, harbor, images, demo):
        demo.auth = Bearer({USER: PASSWORD}, readers=frozenset({USER}))
        bench = make(Product.HARBOR, of=harbor, notation_compatible=True)
        bench.index()
        assert bench.faults() == ["blocked_by_policy"] * 3


def test_a_tag_that_may_not_be_moved_is_no_policy_against_pulling(make, author):
    author.image(tags="1")
    bench = make(Product.HARBOR, chosen=False)
    said = b'{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}'
    bench.quirks.break_("/manifests/", reply("412 Precondition Failed", said, "application/json"))
    bench.index()
    assert bench.fault("1").code == "immutable"
