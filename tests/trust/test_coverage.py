"""The coverage map of any policy."""

import pytest

from registries.models import Registry, Repository
from tests.trust.seeding import Place, policy, publish, statement
from trust import revisions
from trust.coverage import How, Named, Satisfied, cover, resting_on, satisfied
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.trust_policy import TrustPolicy
from trust.notary.trust_store import TrustStore, TrustStores

NONE = TrustStores.of()


def named(*references):
    return [Named(pk, reference, reference.partition("/")[2]) for pk, reference in enumerate(references, 1)]


def of(*statements):
    return TrustPolicy.parse(policy(*statements))


def test_each_repository_falls_under_the_statement_that_notation_would_choose():
    trust = of(statement("web", scopes=["r.example/web/cart"]), statement("rest"))
    found = cover(trust, NONE, named("r.example/web/cart", "r.example/web/cart2", "r.example/other", ""))
    assert {row.repository.reference: (row.how, row.statement and row.statement.name) for row in found.rows} == {
        "r.example/web/cart": (How.exact, "web"),
        "r.example/web/cart2": (How.wildcard, "rest"),
        "r.example/other": (How.wildcard, "rest"),
        "": (How.none, None),
    }
    for row in found.rows:
        assert row.statement == trust.choose(row.repository.reference).statement


def test_what_only_another_spelling_reaches_is_vetoed_and_stands_first():
    trust = of(statement("hub", scopes=["index.docker.io/library/nginx"]), statement("web", scopes=["r.example/web"]))
    found = cover(trust, NONE, named("r.example/web", "r.example/none", "docker.io/library/nginx"))
    assert [row.how for row in found.rows] == [How.folding_veto, How.none, How.exact]
    assert "index.docker.io/library/nginx" in found.rows[0].message
    assert found.counts == {How.folding_veto: 1, How.none: 1, How.wildcard: 0, How.exact: 1}


def test_scopes_and_statements_that_reach_nothing_are_named():
    trust = of(
        statement("web", scopes=["r.example/web", "r.example/gone"]),
        statement("old", scopes=["r.example/old"]),
        statement("rest"),
    )
    found = cover(trust, NONE, named("r.example/web"))
    unused = {reached.statement.name: reached.unused_scopes for reached in found.statements}
    assert unused == {"web": ("r.example/gone",), "old": ("r.example/old",), "rest": ()}
    assert [reached.statement.name for reached in found.unused_statements] == ["old", "rest"]


def test_stores_that_no_statement_names_are_told_those_of_blob_statements_are_not():
    stores = TrustStores.of(*(TrustStore.of("ca", name, {}) for name in ("acme", "blobs", "left-over")))
    blobs = statement("files", stores=["ca:blobs"])
    del blobs["registryScopes"]
    blob_policy = BlobTrustPolicy.parse(policy(blobs))
    found = cover(of(statement(stores=["ca:acme"])), stores, [], blob_policy)
    assert [str(store) for store in found.unnamed_stores] == ["ca:left-over"]
    assert len(cover(of(statement(stores=["ca:acme"])), stores, []).unnamed_stores) == 2


@pytest.mark.django_db
def test_a_root_is_shared_by_all_that_its_key_could_make_green():
    trust = of(
        statement("web", scopes=["r.example/web", "r.example/shop"]),
        statement("own", scopes=["r.example/own"], stores=["ca:other"]),
    )
    stores = revisions.material(publish()).stores
    root = stores.get("ca", "acme").certificates[0]
    references = ["r.example/web", "r.example/shop", "r.example/own", "r.example/none"]
    assert resting_on(trust, stores, root, references) == (2, 1)
    wide = of(statement("rest"), statement("own", scopes=["r.example/own"], stores=["ca:other"]))
    assert resting_on(wide, stores, root, references) == (3, 1)


# -- what was ever satisfied


@pytest.fixture
def place(db):
    return Place("shop/api")


def words(place, *statements):
    trust = of(*statements)
    repositories = Repository.objects.all()
    return satisfied(cover(trust, NONE, Named.all_of(repositories)), repositories)


def test_a_statement_is_satisfied_while_an_artifact_is_green_by_it(place):
    used, idle = statement("used"), statement("idle", scopes=["registry.acme.example/idle"])
    publish(used, idle)
    place.signed("release")
    place.judge()
    assert words(place, used, idle) == {"used": Satisfied.now, "idle": Satisfied.never}


def test_a_statement_whose_repository_was_green_before_is_not_called_never_satisfied(place):
    used = statement("used")
    publish(used)
    image = place.signed("release")
    place.judge()
    place.list(image)
    place.judge()
    assert place.status(image).word == "unsigned"
    assert words(place, used) == {"used": Satisfied.before}


def test_what_never_verified_never_satisfied(place):
    used = statement("used")
    publish(used)
    place.signed("stranger")
    place.judge()
    assert words(place, used) == {"used": Satisfied.never}


def test_repositories_of_others_satisfy_nothing_for_a_reader(place):
    used = statement("used")
    publish(used)
    place.signed("release")
    place.judge()
    trust = of(used)
    none = Repository.objects.none()
    assert satisfied(cover(trust, NONE, Named.all_of(none)), none) == {"used": Satisfied.never}


# -- size


def test_five_thousand_repositories_and_ten_thousand_scopes_take_few_queries(db, django_assert_max_num_queries):
    registry = Registry.objects.create(address="r.example", reference_name="r.example")
    Repository.objects.bulk_create(Repository(registry=registry, name=f"team{n % 50}/app{n}") for n in range(5000))
    scopes = [f"r.example/team{n % 50}/app{n}" for n in range(2500, 12500)]
    statements = [statement(f"s{n}", scopes=scopes[n * 50 : n * 50 + 50]) for n in range(200)]
    trust = of(*statements, statement("rest"))
    with django_assert_max_num_queries(8):
        repositories = Repository.objects.all()
        found = cover(trust, NONE, Named.all_of(repositories))
        satisfied(found, repositories)
    assert (found.counts[How.exact], found.counts[How.wildcard]) == (2500, 2500)
    assert sum(len(reached.unused_scopes) for reached in found.statements) == 7500
