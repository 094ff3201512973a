"""Who may see what, and who may act: every list, count and object is reached through the sets made here.

What somebody may not see does not exist for them (404); what they see but may not do is refused (403).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase

from dashboard.models import Membership, Role, Team
from registries.models import Registry, Repository

type Person = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a person reaches: everything, or what their teams were given; and whether they administer it all."""

    everything: bool = False
    admin: bool = False
    teams: tuple[int, ...] = ()


def reach(user: Person) -> Reach:
    """The person's reach; asked of the database once for each user object, that is once a request."""
    known = getattr(user, "_reach", None)
    if isinstance(known, Reach):
        return known
    found = _read_reach(user)
    user._reach = found  # type: ignore[union-attr]  # as Django keeps a user's permissions
    return found


def _read_reach(user: Person) -> Reach:
    if not user.is_authenticated or not user.is_active:
        return Reach()
    rows = list(Membership.objects.filter(user=user).values_list("team", "role", "team__sees_everything"))
    return Reach(
        everything=any(everything for _, _, everything in rows),
        # An admin edits what all teams rest on (policy, stores, connections): only in a team that sees all of it.
        admin=any(everything and role == Role.ADMIN for _, role, everything in rows),
        teams=tuple(team for team, _, _ in rows),
    )


def sees_everything(user: Person) -> bool:
    return reach(user).everything


def is_admin(user: Person) -> bool:
    return reach(user).admin


def admins() -> QuerySet[User]:
    """Everybody who administers it all."""
    memberships = Membership.objects.filter(role=Role.ADMIN, team__sees_everything=True)
    return User.objects.filter(is_active=True, pk__in=memberships.values("user"))


def repositories_of(user: Person) -> QuerySet[Repository]:
    """The repositories that the person may see."""
    reached = reach(user)
    if reached.everything:
        return Repository.objects.all()
    if not reached.teams:
        return Repository.objects.none()
    teams = Team.objects.filter(pk__in=reached.teams)
    return Repository.objects.filter(
        Q(registry__in=teams.values("registries")) | Q(pk__in=teams.values("repositories"))
    )


def registries_of(user: Person) -> QuerySet[Registry]:
    """The registries of which the person may see anything; their repositories still go through repositories_of."""
    reached = reach(user)
    if reached.everything:
        return Registry.objects.all()
    if not reached.teams:
        return Registry.objects.none()
    teams = Team.objects.filter(pk__in=reached.teams)
    return Registry.objects.filter(
        Q(pk__in=teams.values("registries")) | Q(pk__in=teams.values("repositories__registry"))
    )


def sees_whole(user: Person, registry: Registry) -> bool:
    """Whether the person sees every repository of the registry, those to come included."""
    reached = reach(user)
    return reached.everything or Team.objects.filter(pk__in=reached.teams, registries=registry).exists()


def admin_required[Request: HttpRequest, **Arguments, Answer: HttpResponseBase](
    view: Callable[Concatenate[Request, Arguments], Answer],
) -> Callable[Concatenate[Request, Arguments], Answer]:
    """An act of admins: anybody else is refused before anything is looked up, so the refusal tells nothing."""

    @wraps(view)
    def guarded(request: Request, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        if not is_admin(request.user):
            raise PermissionDenied("Only an admin may do this.")
        return view(request, *args, **kwargs)

    return guarded
