"""What an index says of a repository, to be compared with what another says of the same content."""

from registries.models import Child, Listing, Manifest, Presence, Tag


def rows_of(repository):
    """Everything but what only the source explains."""
    presences = Presence.objects.filter(repository=repository).current()
    here = set(presences.values_list("manifest_id", flat=True))
    listings = Listing.objects.filter(repository=repository, subject__in=here)
    return {
        "tags": dict(Tag.objects.filter(repository=repository, gone_at=None).values_list("name", "digest")),
        "present": here,
        "artifacts": set(presences.filter(is_artifact=True).values_list("manifest_id", flat=True)),
        "listed": {row.subject: (set(row.digests), row.complete) for row in listings},
        "kinds": dict(Manifest.objects.filter(digest__in=here).values_list("digest", "kind")),
        "children": set(Child.objects.filter(parent__in=here).values_list("parent", "child")),
    }
