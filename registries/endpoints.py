"""Endpoints that registries notify: each has one secret, shown once, and believes nothing but "look there"."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import models
from django.db.models import F, Q

WINDOW = timedelta(hours=1)  # an older notification is no news: the next look has seen it
AHEAD = timedelta(minutes=5)  # clocks differ
MOST = 600  # notifications a minute


class Proof(models.TextChoices):
    """How a sender shows that it knows the secret."""

    HEADER = "header", "a header"
    URL = "url", "the address itself"
    HMAC = "hmac", "a signature (HMAC-SHA256)"


class EndpointKind(models.TextChoices):
    DISTRIBUTION = "distribution", "Distribution (docker-registry)"
    HARBOR = "harbor", "Harbor"
    ZOT = "zot", "zot"
    QUAY = "quay", "Quay"
    ACR = "acr", "Azure Container Registry"
    GITHUB = "github", "GitHub (GHCR)"
    ECR = "ecr", "Amazon ECR through EventBridge"

    @property
    def proof(self) -> Proof:
        """What the sender can do: Quay sends no header of ours, GitHub signs."""
        return {EndpointKind.QUAY: Proof.URL, EndpointKind.GITHUB: Proof.HMAC}.get(self, Proof.HEADER)


class Endpoint(models.Model):
    """Where one registry may say that something changed."""

    public_id = models.UUIDField(default=uuid4, unique=True)  # in its address; no secret
    registry = models.ForeignKey("registries.Registry", models.CASCADE, related_name="endpoints")
    kind = models.CharField(max_length=12, choices=EndpointKind)
    secret_hash = models.CharField(max_length=64, blank=True)  # SHA-256 of the secret; of one that is compared
    sealed_secret = models.BinaryField(default=b"", blank=True)  # the secret itself, encrypted; of one that signs
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    accepted = models.PositiveBigIntegerField(default=0)
    last_problem = models.CharField(max_length=200, blank=True)
    minute = models.DateTimeField(null=True)  # the running minute, and what came in it
    in_minute = models.PositiveIntegerField(default=0)


class Delivery(models.Model):
    """A notification that came, so that it counts once."""

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries")
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "fingerprint"], name="one_delivery_a_fingerprint")]


def is_too_much(endpoint: Endpoint, at: datetime) -> bool:
    """Count a request; whether there are more of them in this minute than anybody needs."""
    mine = Endpoint.objects.filter(pk=endpoint.pk)
    minute = at.replace(second=0, microsecond=0)
    mine.filter(Q(minute=None) | ~Q(minute=minute)).update(minute=minute, in_minute=0)
    return not mine.filter(in_minute__lt=MOST).update(in_minute=F("in_minute") + 1)
