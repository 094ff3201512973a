"""What a product's own API says of a repository: hints that save requests, each checked as far as that is cheaper than to ask."""

import zlib
from collections.abc import Mapping
from itertools import batched

from registries import claims
from registries.indexing import manifests
from registries.indexing.run import Run
from registries.models import Claim, Listing, Presence, Served
from registries.oci.digest import Digest
from registries.oci.errors import OciError, RegistryError
from registries.vendors import Look, ProductClient

WRONG = frozenset({"not_found", "digest_mismatch"})


def look(run: Run) -> Look:
    """The tags, as the registry itself lists them, and what its product says beside; nothing for any other registry."""
    source = run.source
    if not isinstance(source, ProductClient):
        _keep_claims(run, "", {})
        return Look(source.tags(run.name))

    def pushed_back(found: Look) -> OciError | None:
        """Who asks for patience at the registry's own API asks for it there."""
        return found.error if source.at_home and found.error and found.error.code == "rate_limited" else None

    for _, answer in run.fetcher.each(source.look, [run.name], pushed_back):
        if isinstance(answer, OciError):  # what fails is in the look; this is a name that cannot be asked for
            return Look(source.tags(run.name))
        found = answer
    if found.digests:
        _spot_check(run, found)
    if found.error:
        text = f"{source.vendor.name}'s own API was of no use, so each tag was asked for: {found.error}"
        run.fault(run.name, "vendor_api", text)
    else:
        _keep_claims(run, source.vendor.name, found.claims)
    _look_at_unknown(run, found.referrers)
    return found


def _spot_check(run: Run, found: Look) -> None:
    """Ask the registry for one of the tags, another one each time: a map that is old or wrong is not heeded at all."""
    names = sorted(found.digests.keys() & set(found.tags.tags))
    asked = names[zlib.crc32(run.at.isoformat().encode()) % len(names) :][:1] if names else []
    for name, answer in run.fetcher.each(lambda name: run.source.resolve(run.name, name, found.digests[name]), asked):
        if isinstance(answer, OciError) and answer.code == manifests.BLOCKED:
            continue  # then the map is all that there is
        if isinstance(answer, OciError):
            found.digests.pop(name)  # asked for again with the tags that nobody told, which says what is wrong
        elif answer != found.digests[name]:
            found.error = RegistryError(f"it says that {name} names {found.digests[name]}, the registry says {answer}")
            found.digests = {}


def proven(run: Run, told: Mapping[str, Digest]) -> dict[str, Digest]:
    """What these tags name, as far as the registry gives it. A tag that was told wrong is left out: it has to be asked for."""
    known = _held(run, set(told.values()))
    found = manifests.read(run, [digest for digest in told.values() if digest not in known])
    wrong = {digest for digest, answer in found.items() if isinstance(answer, OciError) and answer.code in WRONG}
    for name, digest in told.items():
        if digest in wrong:
            text = f"The product's own API says that this tag names {digest}, which the registry does not give."
            run.fault(name, "vendor_map", text)
    return {name: digest for name, digest in told.items() if digest not in wrong}


def _held(run: Run, digests: set[Digest]) -> set[Digest]:
    """Those that the repository has at this moment, and gave before."""
    here = Presence.objects.filter(repository=run.repository).current()
    held = Served.objects.among(run.repository, digests)
    rows = (here.filter(manifest__in=batch) for batch in batched(held, manifests.QUERY))
    return {digest for row in rows for digest in row.values_list("manifest_id", flat=True)}


def _look_at_unknown(run: Run, referrers: Mapping[Digest, set[Digest]]) -> None:
    """Have the lists read now in which something is missing that the product knows of."""
    for batch in batched(referrers, manifests.QUERY):
        rows = Listing.objects.filter(repository=run.repository, subject__in=batch)
        for subject, digests in rows.values_list("subject", "digests"):
            if not {str(digest) for digest in referrers[subject]} <= set(digests):
                run.forced.add(subject)


def _keep_claims(run: Run, product: str, said: Mapping[Digest, str]) -> None:
    if said or Claim.objects.filter(repository=run.repository).exists():
        with run.commit():
            claims.replace(run.repository, product, said, run.now())
