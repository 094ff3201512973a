"""Putting back what other clients dropped from the referrers tags of a repository."""

from collections import defaultdict

from registries import publishing
from registries.indexing.dropped import DROPPED
from registries.models import Content, Fault, Repository, Served
from registries.oci.digest import Digest
from registries.oci.errors import DigestError
from registries.oci.manifest import Manifest, parse_manifest
from registries.transport import Wire

MOST = 20  # subjects at once: somebody waits


def number_of(repository: Repository) -> int:
    """How many are known to be dropped."""
    return Fault.objects.filter(repository=repository, code=DROPPED).count()


def put_back(repository: Repository, *, wire: Wire | None = None) -> int:
    """Have them listed again that are still there; answers how many. Raises CredentialsError or OciError."""
    done = 0
    with publishing.open_destination(repository.registry, repository.name, wire=wire) as destination:
        for subject, manifests in list(_dropped(repository).items())[:MOST]:
            there = [manifest for manifest in manifests if destination.has(manifest.digest)]
            if there and destination.has(subject):
                publishing.make_listed(destination, subject, there)
                done += len(there)
                publishing.look_soon(destination, [subject])
    return done


def _dropped(repository: Repository) -> dict[Digest, list[Manifest]]:
    """By subject, from the bytes that the registry itself gave."""
    found: dict[Digest, list[Manifest]] = defaultdict(list)
    for name in Fault.objects.filter(repository=repository, code=DROPPED).values_list("digest", flat=True):
        try:
            digest = Digest.parse(name)
        except DigestError:
            continue
        here = Content.objects.filter(Served.objects.here(repository, "digest"), digest=digest)
        content = here.values_list("content", flat=True).first()
        if content is not None:
            manifest = parse_manifest(bytes(content), algorithm=digest.algorithm)
            if manifest.subject:
                found[manifest.subject.digest].append(manifest)
    return found
