"""Who may see what."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied

from dashboard import access
from dashboard.models import Membership, Role, Team
from registries.models import Repository
from tests.dashboard.rows import make_person, make_repository

pytestmark = pytest.mark.django_db


def names(rows):
    return sorted(str(row) for row in rows)


@pytest.fixture
def world():
    return {
        "cart": make_repository("web/cart"),
        "shop": make_repository("web/shop"),
        "other": make_repository("web/cart", "other.example"),
    }


def test_somebody_without_a_team_sees_nothing(world):
    user = User.objects.create_user("nobody")
    assert not access.repositories_of(user).exists()
    assert not access.registries_of(user).exists()
    assert not access.repositories_of(AnonymousUser()).exists()


def test_a_team_that_sees_everything_sees_what_is_connected_later_too(world):
    user = make_person(everything=True)
    seen = access.repositories_of(user)
    make_repository("new/one")
    assert seen.count() == Repository.objects.count() == 4


def test_a_team_with_a_registry_sees_all_its_repositories_and_no_other(world):
    user = make_person(everything=False, registries=[world["cart"].registry])
    assert names(access.repositories_of(user)) == ["registry.acme.example/web/cart", "registry.acme.example/web/shop"]
    assert names(access.registries_of(user)) == ["registry.acme.example"]
    assert access.sees_whole(user, world["cart"].registry)
    assert not access.sees_whole(user, world["other"].registry)


def test_a_team_with_one_repository_sees_its_registry_but_no_neighbour(world):
    user = make_person(everything=False, repositories=[world["cart"]])
    assert names(access.repositories_of(user)) == ["registry.acme.example/web/cart"]
    assert names(access.registries_of(user)) == ["registry.acme.example"]
    assert not access.sees_whole(user, world["cart"].registry)


def test_what_two_teams_see_adds_up_and_nothing_appears_twice(world):
    user = make_person(everything=False, registries=[world["cart"].registry], repositories=[world["cart"]])
    second = Team.objects.create(name="second")
    second.repositories.set([world["cart"], world["other"]])
    Membership.objects.create(user=user, team=second, role=Role.REVIEWER)
    assert len(access.repositories_of(user)) == 3
    assert len(access.registries_of(user)) == 2


def test_a_person_who_left_sees_nothing(world):
    user = make_person(everything=True)
    user.is_active = False
    assert not access.repositories_of(user).exists()


def test_only_an_admin_of_a_team_that_sees_everything_is_admin(world):
    assert access.is_admin(make_person("a", Role.ADMIN, everything=True))
    assert not access.is_admin(make_person("b", Role.ADMIN, everything=False, registries=[world["cart"].registry]))
    assert not access.is_admin(make_person("c", Role.REVIEWER, everything=True))
    assert not access.is_admin(AnonymousUser())


def test_being_admin_of_a_small_team_and_reviewer_of_everything_makes_no_admin(world):
    user = make_person("d", Role.REVIEWER, everything=True)
    Membership.objects.create(user=user, team=Team.objects.create(name="small"), role=Role.ADMIN)
    assert not access.is_admin(user)


def test_the_reach_of_a_person_is_read_once_a_request(world, django_assert_num_queries):
    user = make_person(everything=True)
    with django_assert_num_queries(1):
        access.is_admin(user)
        access.sees_everything(user)
        access.repositories_of(user)
        access.registries_of(user)


def test_an_act_of_admins_is_refused_before_anything_is_looked_up(rf, world, django_assert_num_queries):
    asked = []
    guarded = access.admin_required(lambda request: asked.append(request))
    request = rf.post("/")
    request.user = make_person("e")
    with django_assert_num_queries(1), pytest.raises(PermissionDenied):  # the person's own memberships
        guarded(request)
    assert not asked
