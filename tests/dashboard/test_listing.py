from datetime import timedelta

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from dashboard import listing
from dashboard.listing import Cursor, Filters
from registries.models import Repository
from tests.dashboard.rows import AT, make_artifact, make_chain, make_repository, make_revision
from trust.models import ArtifactStatus
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db


def listed(query="", *, active=1, at=AT, after="", before="", size=50, repositories=None):
    filters = Filters.parse(QueryDict(query))
    everything = Repository.objects.all() if repositories is None else repositories
    rows = listing.found_in(listing.artifacts(everything, active, at), filters)
    return listing.page(rows.filter(filters.verdict()), after=after, before=before, size=size)


def names(page):
    return [f"{row.repository.name}:{row.tags[0]}" for row in page.rows]


def test_the_worst_comes_first_and_the_newest_change_within():
    repository = make_repository()
    make_artifact(repository, "verified", tag="good")
    make_artifact(repository, "failed", tag="older", changed_at=AT - timedelta(days=2))
    make_artifact(repository, "failed", tag="newer", changed_at=AT - timedelta(days=1))
    make_artifact(repository, "untrusted", tag="bad")
    assert names(listed()) == ["web/cart:newer", "web/cart:older", "web/cart:bad", "web/cart:good"]


def test_pages_forth_and_back_show_every_row_once_in_the_same_order():
    repository = make_repository()
    for number in range(23):  # many share severity and time: only the key tells them apart
        make_artifact(repository, ("failed", "unsigned")[number % 2], tag=f"t{number}", changed_at=AT)
    forth, page = [], listed(size=5)
    assert page.previous == ""
    while page.next:
        forth.append(names(page))
        page = listed(size=5, after=page.next)
        assert page.previous
    forth.append(names(page))
    back = [names(page)]
    while page.previous:
        page = listed(size=5, before=page.previous)
        assert page.next
        back.append(names(page))
    assert back[::-1] == forth
    assert len({name for each in forth for name in each}) == sum(map(len, forth)) == 23


def test_a_page_begins_where_the_last_one_ended_even_when_that_row_is_gone():
    repository = make_repository()
    rows = [make_artifact(repository, tag=f"t{number}", changed_at=AT - timedelta(hours=number)) for number in range(6)]
    page = listed(size=3)
    rows[2].delete()
    assert names(listed(size=3, after=page.next)) == ["web/cart:t3", "web/cart:t4", "web/cart:t5"]


@given(
    severity=st.integers(0, 99),
    moment=st.datetimes(min_value=AT.replace(tzinfo=None, year=1970)),
    pk=st.integers(1, 2**53),
)
def test_a_cursor_survives_its_url(severity, moment, pk):
    cursor = Cursor(severity, moment.replace(tzinfo=AT.tzinfo), pk)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "a.b.c", "1.2.3.4", "1.-2.3", "1.2.٣", "9" * 30 + ".1.1", "1.999999999999999999.1"]
)
def test_what_is_no_cursor_leads_nowhere(text):
    assert Cursor.parse(text) is None
    make_artifact(make_repository())
    for place in ({"after": text}, {"before": text}):
        assert len(listed(**place).rows) == (0 if text else 1)


def test_the_status_filter_asks_for_the_word_at_the_time_of_reading():
    repository = make_repository()
    make_artifact(repository, "verified", tag="fresh")
    make_artifact(repository, "verified", tag="aged", green_until=AT)
    make_artifact(repository, "verified", tag="old-revision", revision=0)
    make_artifact(repository, "unsigned", tag="unsigned")
    assert names(listed("status=verified")) == ["web/cart:fresh"]
    assert set(names(listed("status=stale"))) == {"web/cart:aged", "web/cart:old-revision"}
    assert names(listed("status=unsigned")) == ["web/cart:unsigned"]
    assert len(listed("status=stale,unsigned").rows) == 3


def test_a_green_row_without_a_chain_is_not_green():
    make_artifact(make_repository(), "verified", chain=None)
    assert [row.word_now for row in listed().rows] == ["stale"]


def test_no_row_is_green_from_the_moment_of_a_new_revision():
    make_revision(1)
    make_artifact(make_repository(), "verified")
    assert [row.word_now for row in listed(active=1).rows] == ["verified"]
    assert [row.word_now for row in listed(active=2).rows] == ["stale"]
    assert listed("status=verified", active=2).rows == []


@pytest.fixture
def shop():
    cart, storefront = make_repository("web/cart"), make_repository("web/storefront", "harbor.acme.example:8443")
    make_artifact(cart, "verified", tag="1.0", signer="Acme Release 07", chain=make_chain("release"))
    make_artifact(storefront, "untrusted", tag="2026.48", reason="identity_mismatch")
    make_artifact(storefront, "unsigned", tag="", name="loose")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=cart", 1),
        ("q=WEB/", 3),
        ("q=harbor.acme.example:8443/web/storefront", 2),
        ("q=harbor.acme.example:8443/web/storefront:2026.48", 1),
        ("q=storefront:2026", 1),
        ("q=cart:2026", 0),
        ("q=2026.48", 1),
        ("q=release+07", 1),
        ("q=nothing-of-the-sort", 0),
        ("q=%00", 0),
        ("q=", 3),
        (f"q={'a' * 256}", 0),
        ("q=%25", 0),
        ("reason=identity_mismatch", 1),
        ("name=web/cart", 1),
        ("name=web/*", 3),
        ("name=web", 0),
        ("status=unheard-of", 0),
        ("status=untrusted,unheard-of", 0),
        ("status=Untrusted", 0),
        ("status=", 3),
        ("registry=no-number", 0),
        ("registry=-1", 0),
        ("repository=0", 0),
        ("repository=", 3),
        ("kind=sbom", 0),
        ("after=zzz", 0),
        ("registry=999999", 0),
    ],
)
def test_filters_find(shop, query, found):
    assert len(listed(query).rows) == found


def test_a_digest_is_found_by_its_beginning(shop):
    row = ArtifactStatus.objects.get(tags=[])
    digest = row.manifest_id
    for text in (str(digest), digest.encoded, digest.short, f"sha256:{digest.short}", f"web/storefront@{digest}"):
        assert [found.pk for found in listed(f"q={text}").rows] == [row.pk], text


def test_registry_and_repository_narrow(shop):
    cart = Repository.objects.get(name="web/cart")
    assert names(listed(f"registry={cart.registry_id}")) == ["web/cart:1.0"]
    assert names(listed(f"repository={cart.pk}")) == ["web/cart:1.0"]


def test_nobody_sees_artifacts_of_other_repositories(shop):
    mine = Repository.objects.filter(name="web/cart")
    assert names(listed(repositories=mine)) == ["web/cart:1.0"]
    assert listed("q=storefront", repositories=mine).rows == []


def test_what_is_gone_or_no_artifact_is_not_listed():
    repository = make_repository()
    make_artifact(repository, tag="gone", present=False)
    make_artifact(repository, tag="child", is_artifact=False)
    assert listed().rows == []


def test_filters_survive_their_url():
    query = "q=web&registry=3&repository=4&name=prod/*&status=failed,stale&reason=expired"
    filters = Filters.parse(QueryDict(query))
    assert filters == Filters("web", 3, 4, "prod/*", (Word.failed, Word.stale), "expired")
    assert Filters.parse(QueryDict(filters.query())) == filters
    assert bool(filters)
    misspelt = Filters.parse(QueryDict("status=nope&kind=a%26b&kind=c&q=web"))
    assert misspelt.unknown == (("status", "nope"), ("kind", "a&b"), ("kind", "c"))
    assert Filters.parse(QueryDict(misspelt.query(unknown=misspelt.unknown))) == misspelt
    assert misspelt.query() == "q=web"
    assert not Filters.parse(QueryDict("after=1.2.3"))


def test_the_tally_counts_words_as_they_read_now_and_reasons_of_the_chosen_words(shop):
    make_artifact(make_repository("web/cart"), "verified", tag="aged", green_until=AT)
    filters = Filters.parse(QueryDict("status=untrusted,unsigned&reason=unsigned"))
    rows = listing.found_in(listing.artifacts(Repository.objects.all(), 1, AT), filters)
    tally = listing.tally(rows, filters, 1, AT)
    assert tally.words == {"verified": 1, "stale": 1, "untrusted": 1, "unsigned": 1}
    assert tally.reasons == {"identity_mismatch": 1, "unsigned": 1}
    assert (tally.total, tally.selected) == (4, 1)
