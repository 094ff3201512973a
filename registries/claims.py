"""What registries say of signatures themselves: shown beside our verdict, counted for nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from registries.fields import DigestField
from registries.oci.digest import Digest

if TYPE_CHECKING:
    from registries.models import Repository

LONGEST = 300


class Claim(models.Model):
    """A product says this of a manifest in a repository, by rules that are its own."""

    repository = models.ForeignKey("registries.Repository", models.CASCADE, related_name="claims")
    digest = DigestField()
    product = models.CharField(max_length=40)  # who says so
    said = models.CharField(max_length=LONGEST)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "digest"], name="one_claim_a_manifest")]


def replace(repository: "Repository", product: str, claims: Mapping[Digest, str], at: datetime) -> None:
    """What the product says now is all that it says."""
    rows = [
        Claim(repository=repository, digest=digest, product=product, said=said[:LONGEST], seen_at=at)
        for digest, said in claims.items()
    ]
    known = dict(Claim.objects.filter(repository=repository).values_list("digest", "said"))
    Claim.objects.filter(
        repository=repository, digest__in=[digest for digest in known if digest not in claims]
    ).delete()
    Claim.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["repository", "digest"],
        update_fields=["product", "said", "seen_at"],
    )
