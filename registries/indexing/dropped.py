"""What a referrers tag lost, told from what was withdrawn: clients write such a list anew as a whole, and lose others' entries."""

from collections.abc import Iterable, Mapping

from registries.indexing.listings import Finding
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
    for finding in findings:
        before = known.get(finding.subject, {})
        if finding.reused or finding.same:
            continue
        if not finding.complete:
            for digest, message in before.items():  # nothing is known to have changed
                _fault(run, finding, digest, message)
        elif finding.source in TAGS and isinstance(run.source, Client):
            attached = {manifest.digest for manifest in finding.attached}
            row = rows.get(finding.subject)
            listed = map(Digest.parse, row.digests) if row else ()
            lost = [digest for digest in dict.fromkeys((*listed, *before)) if digest not in attached]
            asked += [(finding, digest) for digest in lost[:MOST]]
            for digest in lost[MOST:]:  # not asked for, so not known to be withdrawn; a later index asks
                _fault(
                    run,
                    finding,
                    digest,
                    f"{_dropped(finding)}It is one of {len(lost):,}, of which {MOST} are asked for.",
                )
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
        _fault(run, finding, digest, _dropped(finding) + still)


def _dropped(finding: Finding) -> str:
    return (
        f"It refers to {finding.subject}, but the referrers tag lists it no longer: another client has written the list "
        "anew without it. "
    )


def _fault(run: Run, finding: Finding, digest: Digest, message: str) -> None:
    finding.dropped.add(digest)
    kind = Manifest.objects.filter(digest=digest).values_list("kind", flat=True).first()
    # A signature that is there and not listed leaves the question open; nothing else has a say in it.
    decides = kind == Kind.signature.value
    run.fault(digest, DROPPED, message, subject=finding.subject if decides else None, decides=decides)
