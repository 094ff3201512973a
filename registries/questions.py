"""Questions about one artifact: answered from what is stored, and heard by whoever asks the registry next."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from registries import connections, credentials, hints, indexing, leases
from registries.models import Listing, Repository
from registries.oci.digest import Digest
from registries.oci.errors import OciError, as_sentence
from registries.polling import Tier, interval
from registries.transport import Wire

BUSY = "Its repository is being indexed right now, and this list is read with it."


def asked_about(listing: Listing | None, at: datetime) -> bool:
    """Have an older listing read again soon, as somebody asks about it; whether that was news."""
    soon = at + interval(Tier.NEW)
    if listing is None or listing.checked_at + interval(Tier.NEW) > at or listing.due_at <= soon:
        return False  # it is young, or looked at shortly anyway: a registry that fails is not asked more for being asked about
    if not Listing.objects.filter(pk=listing.pk, due_at__gt=soon).update(due_at=at, interest_at=at):
        return False
    listing.due_at = at
    hints.look_soon(Repository.objects.filter(pk=listing.repository_id), at)
    return True


def is_checked_again(repository: Repository, listing: Listing | None, at: datetime) -> bool:
    """Whether the registry is about to be asked; one that failed is waited for without promises."""
    return listing is not None and listing.due_at <= at and not repository.last_error


def check_now(repository: Repository, subject: Digest, *, wire: Wire | None = None) -> str:
    """Ask the registry what refers to the artifact, and wait for the answer; what kept it from answering, if anything."""
    at = timezone.now()
    with transaction.atomic():
        Listing.objects.filter(repository=repository, subject=subject).update(due_at=at, interest_at=at)
        hints.look_soon(Repository.objects.filter(pk=repository.pk), at)
    with leases.claim(Repository.objects.all(), repository.pk) as lease:
        if lease is None:
            return BUSY
        try:
            with connections.open_source(lease.row.registry, wire=wire) as source:
                indexing.index_repository(lease.row, source, lease, only=[subject])
        except (OciError, credentials.CredentialsError) as error:
            lease.give_back(as_sentence(str(error)))
    listing = Listing.objects.filter(repository=repository, subject=subject).first()
    failure = Repository.objects.values_list("last_error", flat=True).get(pk=repository.pk)
    return failure or (listing.error if listing else "")
