"""A look at a few things of a repository: the lists that are due, and what somebody hinted at."""

from itertools import batched

from registries.indexing import manifests, tags
from registries.indexing.fetching import InterruptedIndexError
from registries.indexing.run import Run
from registries.indexing.tags import Tags, scheme_of
from registries.models import Hint, Listing, Presence, SchemaTag, Tag
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, OciError
from registries.oci.reference import is_tag


def read(run: Run) -> Tags:
    """What is to be visited; a whole index follows where the hints, or the list of tags, ask for one."""
    roots = tags.resolved_now(run, heed_hints(run))
    run.forced.update(run.only)
    due = Listing.objects.filter(repository=run.repository, due_at__lte=run.at).values_list("subject", flat=True)
    subjects = _present(run, {*(() if run.only else due), *run.forced})
    looked = _schema_tags(run) if subjects or roots else Tags(complete=True)
    looked.roots, looked.subjects = roots, subjects
    return looked


def heed_hints(run: Run) -> list[str]:
    """Have the lists that hints lead to read, due or not; answers the tags that are hinted at."""
    named, digests = _hinted(run)
    run.forced.update(_subjects_of(run, digests))
    return named


def _hinted(run: Run) -> tuple[list[str], list[Digest]]:
    """The tags and the digests of the hints; a tag that is a listing counts as a hint at its subject."""
    names: list[str] = []
    digests: list[Digest] = []
    for hint in run.hints:
        digest = _digest_in(hint)
        scheme = scheme_of(hint.reference)
        if digest:
            digests.append(digest)
        elif scheme:
            digests += [scheme[1]] if scheme[1] else []
        elif is_tag(hint.reference):
            names.append(hint.reference)
    return names, digests


def _digest_in(hint: Hint) -> Digest | None:
    try:
        return Digest.parse(hint.reference)
    except DigestError:
        return None


def _subjects_of(run: Run, digests: list[Digest]) -> set[Digest]:
    """Whose lists a change of these manifests would change: as their own bytes say, never as a hint says."""
    found = manifests.read(run, digests)
    subjects: set[Digest] = set(digests)
    for manifest in found.values():
        if not isinstance(manifest, OciError) and manifest.subject:
            subjects.add(manifest.subject.digest)
    return subjects


def _present(run: Run, digests: set[Digest]) -> list[Digest]:
    here = Presence.objects.filter(repository=run.repository).current()
    some = (here.filter(manifest__in=batch) for batch in batched(digests, manifests.QUERY))
    return sorted(digest for rows in some for digest in rows.values_list("manifest_id", flat=True))


def _schema_tags(run: Run) -> Tags:
    """The tags that are listings. Without the referrers API only the list of tags says which there are."""
    if run.repository.referrers_api:
        kept = SchemaTag.objects.filter(repository=run.repository, scheme="referrers", gone_at=None)
        return Tags(complete=True, indexes=dict(kept.values_list("name", "digest")))
    listed = run.source.tags(run.name)
    if listed.error and not listed.tags:
        raise InterruptedIndexError(listed.error)
    known = set(Tag.objects.filter(repository=run.repository, gone_at=None).values_list("name", flat=True))
    if listed.complete and known != {name for name in listed.tags if scheme_of(name) is None}:
        run.look_again = True
    return Tags(listed.complete, indexes=tags.schema_tags(run, listed))
