"""With the API of its product, a registry is indexed to the same rows with fewer requests."""

import json

import pytest

from registries.models import Product, Tag
from registries.oci.digest import Digest
from tests.registries.vendors.conftest import SIMULATORS
from tests.simulators.registry_quirks import changed_body, html_page, reply, silent, too_many_requests
from tests.simulators.vendors import BASIC

TAGS, IMAGES, SIGNATURES = 120, 110, 4
FEW = 12
MAPS = {  # requests of the product's API for 120 tags of 110 images, and the path that they go to
    Product.DOCKER_HUB: (2, "/v2/repositories/"),
    Product.GITHUB: (3, "/packages/container/"),  # one is spent on finding out that the owner is a person
    Product.AZURE: (2, "/acr/v1/"),
    Product.QUAY: (2, "/api/v1/repository/"),
    Product.HARBOR: (2, "/artifacts"),
    Product.ZOT: (2, "/v2/_zot/"),
    Product.GOOGLE: (0, "/tags/list"),
}
products = pytest.mark.parametrize("product", MAPS)


def tags_asked(bench):
    """The tags that the registry was asked for itself in the last index."""
    return len(bench.quirks.asked(r"^(GET|HEAD) /v2/team/app/manifests/(?!sha256)"))


@products
def test_the_rows_are_the_same_and_the_requests_fewer(make, content, product):
    plain, chosen = make(product, chosen=False), make(product)
    before, after = plain.index(), chosen.index()
    assert chosen.rows() == plain.rows()
    assert chosen.faults() == []
    same = {"tags": 1, "referrers": IMAGES + SIGNATURES, "blob": SIGNATURES}
    for asked in (before, after):
        asked.pop("token", None)  # of Docker Hub's API
        asked.pop("challenge", None)  # where the registry or the API asks for authentication
    assert before == same | {"manifest": TAGS + SIGNATURES}  # each tag is asked what it names, and gives it
    vendor = {"vendor": MAPS[product][0]} if MAPS[product][0] else {}
    one = {"manifest_head": 1}  # the one tag that is asked for at the registry itself
    assert after == same | vendor | one | {"manifest": IMAGES + SIGNATURES}
    assert sum(after.values()) < sum(before.values())


@products
def test_an_unchanged_repository_costs_no_question_a_tag(make, content, product):
    plain, chosen = make(product, chosen=False), make(product)
    for bench in (plain, chosen):
        bench.index()
    before, after = plain.index(), chosen.index()
    assert before["manifest_head"] == TAGS
    assert after["manifest_head"] == 1
    assert "manifest" not in after
    assert chosen.rows() == plain.rows()


@products
def test_moved_new_and_deleted_tags_are_seen(make, content, author, product):
    plain, chosen = make(product, chosen=False), make(product)
    for bench in (plain, chosen):
        bench.index()
    author.image("another", tags=["1.0", "3.0"])
    author.registry.store.delete_tag(author.repository, "2.0")
    for bench in (plain, chosen):
        bench.index()
    assert [row[:2] for row in chosen.rows()["tags"]] == [row[:2] for row in plain.rows()["tags"]]
    assert Tag.objects.get(repository=chosen.repository, name="2.0").gone_at is not None


BROKEN = {
    "a web page": html_page(),
    "an error": reply("500 Internal Server Error"),
    "refused": reply("403 Forbidden", b'{"errors":[{"code":"DENIED","message":"<script>"}]}', "application/json"),
    "limited": too_many_requests(60),
    "silent": silent,
    "half": changed_body(lambda body: body[: len(body) // 2]),
    "a list of numbers": reply("200 OK", b"[1,2]", "application/json"),
    "deep": reply("200 OK", b"[" * 10_000 + b"]" * 10_000, "application/json"),
    "huge": reply("200 OK", b" " * (9 * 1024 * 1024) + b"[]", "application/json"),
    "elsewhere": reply("302 Found", Location="https://evil.test/"),
}
AT_HOME = [Product.HARBOR, Product.QUAY, Product.ZOT, Product.AZURE]
ELSEWHERE = [Product.DOCKER_HUB, Product.GITHUB]


@pytest.mark.parametrize(
    ("product", "broken"),
    [(product, broken) for product in AT_HOME for broken in BROKEN if broken != "limited"]
    + [(product, broken) for product in ELSEWHERE for broken in BROKEN],
)
def test_an_api_that_is_broken_leaves_the_plain_way_and_a_note(make, few, product, broken):
    plain, chosen = make(product, chosen=False), make(product)
    chosen.quirks.break_(MAPS[product][1], BROKEN[broken])
    plain.index()
    chosen.index()
    assert tags_asked(chosen) == FEW
    assert chosen.rows() == plain.rows()
    assert "own API was of no use" in chosen.fault("team/app").message
    assert chosen.registry.capabilities["vendor"]["value"].endswith("does not answer")


@pytest.mark.parametrize("product", AT_HOME)
def test_an_api_at_the_registry_that_asks_for_patience_is_the_registry_asking(make, few, product):
    bench = make(product)
    bench.quirks.break_(MAPS[product][1], too_many_requests(60))
    bench.index()
    assert tags_asked(bench) == 0
    assert "429" in bench.repository.last_error


def test_an_api_elsewhere_that_asks_for_patience_costs_the_registry_nothing(make, few):
    bench = make(Product.DOCKER_HUB)
    bench.quirks.break_("/v2/repositories/", too_many_requests(60))
    bench.index()
    assert tags_asked(bench) == FEW
    assert bench.repository.last_error == ""


def swapped(old, new):
    return changed_body(lambda body: body.replace(str(old).encode(), str(new).encode()))


@products
def test_a_map_that_names_what_the_registry_does_not_give_is_noticed(make, few, product):
    plain, chosen = make(product, chosen=False), make(product)
    plain.index()
    lost, invented = Digest.of(few[1]), Digest.of(b"nobody has this")
    chosen.quirks.break_(MAPS[product][1], swapped(lost, invented))
    chosen.index()
    assert chosen.rows() == plain.rows()
    assert tags_asked(chosen) == 3  # its two tags, and the one that is always asked for
    text = " ".join(fault.message for fault in chosen.repository.faults.all())
    assert str(invented) in text


@products
def test_a_map_that_is_the_old_one_is_found_out_in_time(make, few, author, product):
    """A map may lag behind, or lie about what we know already: each index asks for another tag at the registry itself."""
    chosen = make(product)
    chosen.index()
    other = author.image("other", tags=[name for name, _, _ in chosen.rows()["tags"]])
    old, new = Digest.of(few[7]), Digest.of(other)
    chosen.quirks.break_(MAPS[product][1], swapped(new, old))
    assert chosen.index()["manifest_head"] >= FEW
    assert set(Tag.objects.filter(repository=chosen.repository).values_list("digest", flat=True)) == {new}
    assert "the registry says" in chosen.fault("team/app").message


@products
def test_a_list_that_lacks_tags_deletes_none(make, few, product):
    chosen = make(product)
    chosen.index()

    def without_most(body):
        document = json.loads(body)
        for name in ("results", "tags"):
            if isinstance(document, dict) and isinstance(document.get(name), list) and product is not Product.GOOGLE:
                document[name] = document[name][:1]
        if isinstance(document, list):
            document = document[:1]
        if isinstance(document, dict) and "data" in document:
            document["data"]["ImageList"]["Results"] = document["data"]["ImageList"]["Results"][:1]
        if isinstance(document, dict) and "manifest" in document:
            document["manifest"] = {}
        return json.dumps(document).encode()

    chosen.quirks.break_(MAPS[product][1], changed_body(without_most))
    before = chosen.rows()
    chosen.index()
    assert chosen.rows() == before
    assert not Tag.objects.filter(repository=chosen.repository).exclude(gone_at=None).exists()


def test_a_tag_that_only_the_map_knows_is_no_tag(make, few):
    chosen = make(Product.QUAY)
    extra = b'{"tags": [{"name": "evil", "manifest_digest": "%s"},' % str(Digest.of(few[0])).encode()
    chosen.quirks.break_("/tag/", changed_body(lambda body: body.replace(b'{"tags": [', extra)))
    chosen.index()
    assert not Tag.objects.filter(name="evil").exists()


def test_an_api_that_contradicts_itself_is_not_heeded(make, few):
    chosen = make(Product.QUAY)
    extra = b'{"tags": [{"name": "1.0", "manifest_digest": "%s"},' % str(Digest.of(few[5])).encode()
    chosen.quirks.break_("/tag/", changed_body(lambda body: body.replace(b'{"tags": [', extra)))
    chosen.index()
    assert tags_asked(chosen) == FEW
    assert "two things of the tag '1.0'" in chosen.fault("team/app").message


def test_pages_that_do_not_end_are_left_after_as_many_as_there_are_tags(make, author):
    image = author.image(tags=["a", "b", "c"])
    chosen = make(Product.QUAY)
    endless = (
        b'{"tags": [{"name": "a", "manifest_digest": "%s"}], "has_additional": true}' % str(Digest.of(image)).encode()
    )
    chosen.quirks.break_("/tag/", reply("200 OK", endless, "application/json"))
    requests = chosen.index()
    assert (requests["vendor"], tags_asked(chosen)) == (3, 3)  # b, c, and the one that is asked for always
    assert chosen.faults() == []


def test_one_tag_alone_asks_no_api(make, author):
    author.image(tags="only")
    requests = make(Product.QUAY).index()
    assert "vendor" not in requests


def test_a_referrers_tag_is_asked_for_at_the_registry_itself(make, author, demo):
    """That something is unsigned rests on it, and an API elsewhere may lag behind."""
    demo.referrers_api = False
    image = author.image(tags=["a", "b"])
    author.fallback(image, [author.signature(image)])
    chosen = make(Product.DOCKER_HUB)
    chosen.index()
    tag = Digest.of(image).fallback_tag
    for request in ("GET", "HEAD"):  # while it is new, and later
        assert chosen.quirks.asked(f"^{request} /v2/team/app/manifests/{tag}$")
        assert len(chosen.referrers(image)) == 1
        chosen.index()


@pytest.mark.parametrize("product", [product for product in SIMULATORS if product is not Product.GOOGLE])
def test_credentials_go_to_the_registry_and_the_known_host_of_its_api_alone(make, few, product):
    bench = make(product)
    bench.index()
    sent = {host for host, _, authorization in bench.app.credentials_at if authorization}
    assert sent <= {bench.app.host or bench.registry.address}
    assert bench.app.host in ("", *sent) or product is Product.GITLAB


def test_a_password_is_not_sent_to_an_api_that_wants_another_kind(make, few):
    """Quay's API knows no robot accounts, so the password of one stays away from it."""
    bench = make(Product.QUAY, username="team+robot")
    bench.index()
    assert "own API was of no use" in bench.fault("team/app").message
    assert all(authorization != BASIC for _, path, authorization in bench.app.credentials_at if "/api/" in path)
