"""Why trusted: one click from a badge to the path, where it breaks, and its weak links."""

import json
import re
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from dashboard.trust_path import Where, path, path_of_none
from registries.models import Registry, Repository
from tests.dashboard.rows import make_person
from tests.trust.seeding import DAY, HOUR, Place, publish, statement
from trust import revisions
from trust.models import TrustRevision

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(now):
    return Place(at=now)


def own(**fields):
    return statement("release", scopes=["registry.acme.example/shop/api"], **fields)


def show(client, page, place, image, *more, **query):
    answer = client.get(reverse(page, args=[place.repository.pk, image.digest, *more], query=query))
    assert answer.status_code == 200
    return answer.content.decode()


def path_of(client, place, image):
    return json.loads(show(client, "api_artifact_trust", place, image))["path"]


def weak(found):
    return [link["code"] for step in found["steps"] for link in step["weak_links"]]


def kinds(found):
    return [step["kind"] for step in found["steps"]]


def test_every_badge_of_the_list_leads_to_the_path_in_one_click(place, reader):
    publish(own(), at=place.at)
    image = place.signed("release", tag="1.0")
    place.judge()
    page = reader.get(reverse("artifacts")).content.decode()
    (link,) = re.findall(r'<a class="badge [^"]+" href="([^"]+)"', page)
    target, _, anchor = link.partition("#")
    assert target == reverse("artifact", args=[place.repository.pk, image.digest])
    shown = show(reader, "artifact", place, image)
    assert f'id="{anchor}"' in shown
    assert re.search(r'<a class="badge is-verified" href="#path">', shown)


def test_the_path_leads_from_the_signature_to_the_repository(place, reader):
    publish(own(), at=place.at)
    image = place.signed("release")
    found = path_of(reader, place, image)
    assert found["holds"]
    assert kinds(found) == [
        "signature",
        *["certificate"] * (len(found["steps"]) - 5),
        "store",
        "policy",
        "label",
        "repository",
    ]
    assert [step["name"] for step in found["steps"][-4:]] == [
        "Store ca:acme", "Statement release", "Scope registry.acme.example/shop/api", "shop/api",
    ]  # fmt: skip
    assert not any(step["broken"] for step in found["steps"])


@pytest.mark.parametrize(
    ("signer", "options", "kind", "says"),
    [
        ("stranger", {}, "certificate", "no trust store"),
        ("build", {}, "store", "does not accept the signer's name"),
        ("release", {"defects": ["payload changed"]}, "signature", "does not hold"),
        ("release", {"expiry": "past"}, "signature", "expired"),
        ("release", {"envelope_kept": False}, "signature", ""),
    ],
)
def test_what_is_not_green_breaks_first_where_the_ladder_does_and_says_why(place, reader, signer, options, kind, says):
    publish(own(), at=place.at)
    if options.get("expiry"):
        options = {"expiry": place.at - HOUR}
    found = path_of(reader, place, place.signed(signer, **options))
    assert not found["holds"]
    broken = [step for step in found["steps"] if step["broken"]]
    assert broken[0]["kind"] == kind
    assert says in broken[0]["broken"]


def test_without_a_signature_the_path_has_no_beginning(place, reader):
    publish(own(), at=place.at)
    image = place.image()
    place.list(image)
    found = path_of(reader, place, image)
    assert (found["holds"], kinds(found)) == (False, ["signature", "store", "policy", "label", "repository"])
    assert found["steps"][0]["broken"] == "The registry lists no signature for this artifact."


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([statement("other", scopes=["registry.acme.example/other"])], "No statement names"),
        ([statement("skips", level="skip")], "nothing is checked"),
    ],
)
def test_where_no_statement_asks_the_path_breaks_at_the_policy(place, reader, statements, says):
    publish(*statements, at=place.at)
    found = path_of(reader, place, place.signed("release"))
    assert [step["kind"] for step in found["steps"] if step["broken"]] == ["policy"]
    assert says in next(step["broken"] for step in found["steps"] if step["broken"])


def test_a_listing_too_old_breaks_the_path_too(place, reader):
    publish(own(), at=place.at)
    image = place.image()
    place.list(image, place.sign(image), at=place.at - 30 * DAY)
    found = path_of(reader, place, image)
    assert found["steps"][0]["kind"] == "signature"
    assert "last asked" in found["steps"][0]["broken"]


def test_a_strict_statement_for_one_repository_has_only_the_weak_links_of_its_certificates(place, reader):
    publish(own(), at=place.at)
    assert set(weak(path_of(reader, place, place.signed("release")))) == {"no_revocation_source"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"identities": ["*"]}, "any_identity"),
        ({"level": "permissive"}, "revocation_only_logged"),
        ({"override": {"revocation": "skip"}}, "revocation_skipped"),
        ({"level": "permissive"}, "expiry_only_logged"),
    ],
)
def test_what_the_statement_forgoes_is_named(place, reader, fields, code):
    publish(own(**fields), at=place.at)
    assert code in weak(path_of(reader, place, place.signed("release")))


def test_a_wildcard_scope_is_a_weak_link(place, reader):
    publish(statement("rest"), at=place.at)
    assert "wildcard_scope" in weak(path_of(reader, place, place.signed("release")))


def test_a_failure_that_is_only_logged_is_a_weak_link_and_no_break(place, reader):
    publish(own(level="permissive"), at=place.at)
    found = path_of(reader, place, place.signed("release", expiry=place.at - HOUR))
    assert found["holds"]
    assert "failure_only_logged" in weak(found)
    assert not any(step["broken"] for step in found["steps"])


def test_what_ends_soon_is_named(place, reader):
    publish(own(), at=place.at)
    assert "signature_expires_soon" in weak(path_of(reader, place, place.signed("release", expiry=place.at + 9 * DAY)))
    assert "signature_expires_soon" not in weak(
        path_of(reader, place, place.signed("release", expiry=place.at + 90 * DAY))
    )


def test_certificates_that_end_soon_are_named_unless_the_time_is_vouched_for(place):
    publish(own(), at=place.at)
    (signature,) = place.spot(place.signed("release")).signatures
    leaf = signature.evidence.chain[0]
    choice = revisions.material(TrustRevision.objects.get()).policy.choose("registry.acme.example/shop/api")
    for days, soon in ((10, True), (40, False)):
        where = Where(choice, "registry.acme.example/shop/api", "shop/api", leaf.not_after - timedelta(days=days))
        found = path(signature.digest, signature.evidence, signature.outcome, where)
        assert ("expires_soon" in [note.code for note in found.weak]) is soon


def test_a_root_is_shared_by_the_repositories_that_the_reader_sees(place, client):
    publish(statement("rest"), statement("own", scopes=["registry.acme.example/own"], stores=["ca:acme"]), at=place.at)
    others = [Repository.objects.create(registry=Registry.objects.get(), name=f"other{n}") for n in range(3)]
    image = place.signed("release")

    def shared():
        found = path_of(client, place, image)
        return [
            note["message"] for step in found["steps"] for note in step["weak_links"] if note["code"] == "root_shared"
        ]

    client.force_login(make_person())
    assert shared() == ["Shared: one statement trusts it for 4 repositories."]
    client.force_login(make_person("eve", everything=False, repositories=[place.repository, others[0]]))
    assert shared() == ["Shared: one statement trusts it for 2 repositories that you see."]
    client.force_login(make_person("ann", everything=False, repositories=[place.repository]))
    assert shared() == []


def test_the_page_names_the_weak_links_beside_the_step(place, reader):
    publish(statement("rest", identities=["*"]), at=place.at)
    page = show(reader, "artifact", place, place.signed("release"))
    box = page[page.index('id="path"') :]
    assert "It accepts every name that its trust stores vouch for." in box
    assert "weak links" in box


def test_the_picture_shows_the_path_of_the_chosen_signature_whatever_its_place(place, reader):
    publish(own(), at=place.at)
    image = place.image()
    strangers = [place.sign(image, "build", signing_time=place.at - DAY * n) for n in range(1, 20)]
    place.list(image, *strangers, place.sign(image))
    last = place.spot(image).signatures[-1].digest
    shown = show(reader, "artifact", place, image, signature=str(last))
    (link,) = re.findall(r'<a href="([^"]+)">In the signature graph</a>', shown)
    picture = reader.get(link.partition("#")[0]).content.decode()
    assert f'id="{link.partition("#")[2]}"' in picture
    graph = picture[picture.index('id="signature-graph"') :]
    assert re.search(r'class="g-node self" href="[^"]+' + last.encoded, graph)
    assert graph.count('class="g-edge gap"') >= 1
    assert 'class="g-edge on"' in graph


def test_the_picture_of_a_good_signature_leads_dark_to_the_repository(place, reader):
    publish(own(), at=place.at)
    image = place.signed("release")
    graph = show(reader, "artifact_tree", place, image)
    graph = graph[graph.index('id="signature-graph"') :]
    assert "g-edge gap" not in graph
    edges = graph.count('class="g-edge on"')
    assert edges == len(path_of(reader, place, image)["steps"]) - 2  # the scope is told with the repository
    assert f'href="{reverse("repository", args=[place.repository.pk])}"' in graph


def test_an_expired_signature_breaks_in_the_picture_as_in_the_path(place, reader):
    publish(own(), at=place.at)
    image = place.signed("release", expiry=place.at - HOUR)
    graph = show(reader, "artifact_tree", place, image)
    assert graph[graph.index('id="signature-graph"') :].count('class="g-edge gap"') == 1


def test_names_in_a_path_are_inert(place):
    choice = revisions.material(publish(statement("<b>"), at=place.at)).policy.choose("r.example/x")
    found = path_of_none("<i>", Where(choice, "r.example/x", "<script>", place.at))
    page = render_to_string("dashboard/parts/path.html", {"path": found, "at": place.at})
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_the_path_costs_one_query(place, reader, django_assert_max_num_queries):
    publish(own(), at=place.at)
    image = place.signed("release")
    Repository.objects.bulk_create(Repository(registry=Registry.objects.get(), name=f"r{n}") for n in range(50))
    show(reader, "artifact", place, image)
    with django_assert_max_num_queries(14):
        show(reader, "artifact", place, image)
