"""What a referrers tag lost, told from what was withdrawn: clients write such a list anew as a whole, and lose others' entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched

from registries.indexing.listings import Finding
from registries.indexing.manifests import QUERY
from registries.indexing.run import Run
from registries.models import Fault, Listing, ListingSource, Manifest
from registries.oci.client import Client
from registries.oci.digest import Digest
from registries.oci.errors import OciError
from registries.oci.media_types import Kind

DROPPED = "dropped_from_tag"  # the code of the fault, as long as it is so
MOST = 100  # a subject, that are asked for
TAGS = frozenset({ListingSource.FALLBACK, ListingSource.BOTH})


def earlier(run: Run) -> dict[Digest, dict[Digest, str]]:
    """What was known as dropped before this run, with its message, by subject."""
    faults = dict(Fault.objects.filter(repository=run.repository, code=DROPPED).values_list("digest", "message"))
    rows = Manifest.objects.filter(digest__in=list(faults), subject__isnull=False).values_list("digest", "subject")
    found: dict[Digest, dict[Digest, str]] = {}
    for digest, subject in rows:
        if subject:
            found.setdefault(subject, {})[digest] = faults[str(digest)]
    return found


def look(
    run: Run,
    findings: Iterable[Finding],
    rows: Mapping[Digest, Listing],
    known: Mapping[Digest, Mapping[Digest, str]],
) -> None:
    """Ask for what is listed no longer: what is still there was dropped by somebody, what is not was withdrawn."""
    asked: list[tuple[Finding, Digest]] = []
    dropped: list[tuple[Finding, Digest, str]] = []
    for finding in findings:
        before = known.get(finding.subject, {})
        if finding.reused or finding.same:
            continue
        if not finding.complete:  # nothing is known to have changed
            dropped += [(finding, digest, message) for digest, message in before.items()]
        elif finding.source in TAGS and isinstance(run.source, Client):
            attached = {manifest.digest for manifest in finding.attached}
            row = rows.get(finding.subject)
            listed = map(Digest.parse, row.digests) if row else ()
            lost = [digest for digest in dict.fromkeys((*listed, *before)) if digest not in attached]
            asked += [(finding, digest) for digest in lost[:MOST]]
            # The rest is not asked for, so not known to be withdrawn; a later index asks.
            text = f"{_dropped(finding)}It is one of {len(lost):,}, of which {MOST} are asked for."
            dropped += [(finding, digest, text) for digest in lost[MOST:]]
    _note(run, [*dropped, *_still_there(run, asked, known)])


def _still_there(
    run: Run, asked: Sequence[tuple[Finding, Digest]], known: Mapping[Digest, Mapping[Digest, str]]
) -> Iterator[tuple[Finding, Digest, str]]:
    source = run.source
    if not asked or not isinstance(source, Client):
        return
    for (finding, digest), there in run.fetcher.each(lambda one: source.has_manifest(run.name, one[1]), asked):
        if there is False:
            if digest in known.get(finding.subject, {}):
                finding.withdrawn.append(digest)
            continue
        unsure = f"Whether it is still there could not be asked: {there}" if isinstance(there, OciError) else ""
        still = unsure or "It is still there: put it back, or push it again."
        yield finding, digest, _dropped(finding) + still


def _dropped(finding: Finding) -> str:
    return (
        f"It refers to {finding.subject}, but the referrers tag lists it no longer: another client has written the list "
        "anew without it. "
    )


def _note(run: Run, dropped: Iterable[tuple[Finding, Digest, str]]) -> None:
    for batch in batched(dropped, QUERY):
        # A signature that is there and not listed leaves the question open; nothing else has a say in it.
        rows = Manifest.objects.filter(digest__in=[digest for _, digest, _ in batch], kind=Kind.signature.value)
        decisive = set(rows.values_list("digest", flat=True))
        for finding, digest, message in batch:
            finding.dropped.add(digest)
            decides = digest in decisive
            run.fault(digest, DROPPED, message, subject=finding.subject if decides else None, decides=decides)
