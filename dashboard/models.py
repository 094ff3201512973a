"""People: teams and what they may see, invitations, and the audit record."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registries.models import Registry, Repository


class Team(models.Model):
    """People who see the same repositories: everything, whole registries, or single repositories."""

    name = models.CharField(max_length=100, unique=True)
    sees_everything = models.BooleanField(default=False)
    registries = models.ManyToManyField(Registry, blank=True)
    repositories = models.ManyToManyField(Repository, blank=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ADMIN = "admin", "Admin"
    REVIEWER = "reviewer", "Reviewer"


class Membership(models.Model):
    """A person is in a team, with a role."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership_a_team")]


class Invitation(models.Model):
    """A one-time link that creates one person; only the SHA-256 of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    team = models.ForeignKey(Team, models.CASCADE)
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class AuditEntry(models.Model):
    """One act of a person, written in the transaction of the act; each entry's hash covers the one before."""

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=60)  # "registry.connected", "trust_revision.applied" …
    subject = models.CharField(max_length=255)  # what it was done to, in words
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "audit entries"


class FailedSignIns(models.Model):
    """How often signing in with one name failed lately; the name is kept as its hash, whether anybody has it or not."""

    name_hash = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    forgotten_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "failed sign-ins"
