"""Invitations: a one-time link lets one person in; of its token only the hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from dashboard import audit
from dashboard.models import Invitation, Membership, Role, Team

LIFETIME = timedelta(days=7)
LIFETIME_OF_THE_FIRST = timedelta(hours=24)  # nobody watches over the admin who makes all others


class InvitationError(Exception):
    """A link that lets nobody in; the text says why."""


def invite(team: Team, role: Role, at: datetime, lifetime: timedelta = LIFETIME) -> tuple[Invitation, str]:
    """A new invitation and the token of its link, which nobody can have a second time."""
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        token_hash=_hash(token), team=team, role=role.value, expires_at=at + lifetime
    )
    return invitation, token


def find(token: str, at: datetime) -> Invitation:
    """The invitation that this token opens at `at`; raises InvitationError."""
    invitation = Invitation.objects.select_related("team").filter(token_hash=_hash(token)).first()
    if invitation is None:
        raise InvitationError("No invitation has this link. Check that it was copied whole, or ask for another.")
    if invitation.used_at is not None:
        raise InvitationError("This invitation was already used. If that was you, sign in; if not, tell an admin.")
    if invitation.expires_at <= at:
        raise InvitationError("This invitation has expired. Ask for another.")
    return invitation


def accept(invitation: Invitation, name: str, password: str, at: datetime) -> User:
    """The person that the invitation makes, a member of its team; of two who try at once, one is refused."""
    with transaction.atomic():
        used = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=at).update(used_at=at)
        if not used:
            raise InvitationError("This invitation was used meanwhile. If that was you, sign in.")
        user = User.objects.create_user(name, password=password)
        Membership.objects.create(user=user, team=invitation.team, role=invitation.role)
        audit.record(user, "person.joined", name, at, team=invitation.team.name, role=invitation.role)
    return user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
