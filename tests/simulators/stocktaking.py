"""What an index left behind, so that two of them can be compared: the present state, apart from when it was learned."""

from registries.models import Child, Content, Event, Fault, Listing, Presence, SchemaTag, Served, Tag


def state_of(repository):
    """All that is known of a repository now. Two indexes of the same content leave the same, whatever came between."""
    here = {"repository": repository}
    present = Presence.objects.filter(**here).current()
    digests = set(present.values_list("manifest_id", flat=True))
    served = set(Served.objects.filter(**here, digest__in=digests).values_list("digest", flat=True))
    listings = Listing.objects.filter(**here, subject__in=digests)
    schema_tags = SchemaTag.objects.filter(**here, gone_at=None)
    return {
        "tags": dict(Tag.objects.filter(**here, gone_at=None).values_list("name", "digest")),
        "schema tags": {
            (row.name, row.scheme, row.subject, row.digest if row.subject in digests else None) for row in schema_tags
        },
        "present": dict(present.values_list("manifest_id", "is_artifact")),
        "manifests": set(present.values_list("manifest_id", "manifest__media_type", "manifest__kind")),
        "served": served,
        "children": set(Child.objects.filter(parent__in=digests).values_list("parent", "child", "platform")),
        "kept": set(Content.objects.filter(digest__in=served).values_list("digest", flat=True)),
        "listings": {
            row.subject: (row.source, row.complete, row.error_code, row.digests, row.missing) for row in listings
        },
        "faults": set(Fault.objects.filter(**here).values_list("digest", "code")),
        "referrers_api": repository.referrers_api if listings else None,  # of nothing, nobody asks for referrers
        "tags_complete": repository.tags_complete,
    }


def ended(repository):
    """What is taken for gone: intervals that ended, tags that vanished, and what was told of it."""
    return {
        "presences": set(
            Presence.objects.filter(repository=repository, until__isnull=False).values_list("manifest_id", flat=True)
        ),
        "tags": set(Tag.objects.filter(repository=repository, gone_at__isnull=False).values_list("name", flat=True)),
        "schema tags": set(
            SchemaTag.objects.filter(repository=repository, gone_at__isnull=False).values_list("name", flat=True)
        ),
        "events": set(Event.objects.filter(repository=repository).values_list("kind", "thing")),
    }


def twice(repository):
    """Intervals of one manifest that should be one: an index that was cut off and resumed counts nothing twice."""
    rows = list(Presence.objects.filter(repository=repository).values_list("manifest_id", flat=True))
    return {digest for digest in rows if rows.count(digest) > 1}
