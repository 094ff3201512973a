"""Manifests and small blobs: from what is kept, or from the registry; kept once read, for whoever names them next."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain
from types import TracebackType
from typing import Self

from django.db import connection

from registries import models
from registries.indexing.fetching import InterruptedIndexError
from registries.indexing.run import Run
from registries.models import Child, Content, Served, contents
from registries.oci import formats, media_types
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import OciError, RegistryError
from registries.oci.manifest import Manifest, parse_manifest
from registries.oci.media_types import Kind
from registries.oci.source import FetchedManifest

QUERY = 500  # digests a query
MOST_BYTES = 8 * 1024 * 1024  # held before they are written
BLOCKED = "blocked_by_policy"
MOST_SHOWN = 64  # layers and platforms that a summary repeats
DOCUMENTS = frozenset({Kind.sbom, Kind.scan, Kind.provenance, Kind.attestation, Kind.policy, Kind.other})
UNTOLD = frozenset({Kind.attestation, Kind.other})  # where only the content says what it is for
MOST_DOCUMENTS = 8  # blobs kept of one manifest
KEEP = "INSERT INTO registries_content (digest, size, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
SERVE = "INSERT INTO registries_served (repository_id, digest) VALUES (%s, %s) ON CONFLICT DO NOTHING"
FIELDS = ["media_type", "artifact_type", "kind", "subject", "size", "annotations", "summary"]


Found = dict[Digest, Manifest | OciError]


def read(run: Run, digests: Iterable[Digest]) -> Found:
    """The same as `read_to`, written at once."""
    with Shelf(run) as shelf:
        found = read_to(shelf, run, digests)
        shelf.write()
    return found


def read_to(shelf: "Shelf", run: Run, digests: Iterable[Digest]) -> Found:
    """Each of these manifests, or why it is not to be had. Nothing that this repository gave before is fetched again."""
    wanted = dict.fromkeys(digests)
    found: Found = {digest: shelf.manifests[digest] for digest in wanted if digest in shelf.manifests}
    found.update(_kept(Served.objects.among(run.repository, [digest for digest in wanted if digest not in found])))
    found.update((digest, run.blocked[digest]) for digest in wanted if digest in run.blocked)
    missing = [digest for digest in wanted if digest not in found]

    def fetch(digest: Digest) -> tuple[Manifest, bytes]:
        return _parsed(run.source.manifest(run.name, digest))

    came = {digest: answer for digest in missing if (answer := _came_ahead(run, digest))}
    answers = run.fetcher.each(fetch, [digest for digest in missing if digest not in came])
    for digest, answer in chain(came.items(), answers):
        if isinstance(answer, OciError):
            found[digest] = answer
            if answer.code == BLOCKED:
                run.blocked[digest] = answer
        else:
            shelf.add_manifest(*answer)
            found[digest] = answer[0]
    return found


def keep_ahead(run: Run) -> None:
    """Keep what was fetched ahead and is not read in this run any more, so that the next one need not fetch it."""
    with Shelf(run) as shelf:
        for digest in run.ahead.held():
            answer = _came_ahead(run, digest)
            if answer and not isinstance(answer, OciError):
                shelf.add_manifest(*answer)
        shelf.write()


def _came_ahead(run: Run, digest: Digest) -> tuple[Manifest, bytes] | OciError | None:
    """What came with the tag that names it. This is no answer to a question of now, so the fetcher hears nothing of it."""
    try:
        fetched = run.ahead.take(digest)
        return _parsed(fetched) if fetched else None
    except OciError as error:
        return error


def _parsed(fetched: FetchedManifest) -> tuple[Manifest, bytes]:
    manifest = parse_manifest(fetched.content, fetched.media_type, algorithm=fetched.digest.algorithm)
    return manifest, fetched.content


def keep_blobs(shelf: "Shelf", run: Run, manifests: Iterable[Manifest]) -> None:
    """Fetch the envelopes and small documents of these manifests that we do not keep yet."""
    wanted: dict[tuple[Digest, int], tuple[Manifest, Descriptor]] = {}
    for manifest in manifests:
        for blob in _blobs_of(run, manifest):
            wanted.setdefault((blob.digest, blob.size), (manifest, blob))  # a lie about the size hides no honest one
    served = Served.objects.among(run.repository, {digest for digest, _ in wanted})
    kept = _kept_digests(served)
    missing = [wanted[key] for key in wanted if key[0] not in kept]

    def fetch(of: tuple[Manifest, Descriptor]) -> bytes:
        return run.source.blob(run.name, of[1], max_size=Content.MAX_SIZE)

    for (manifest, blob), answer in run.fetcher.each(fetch, missing):
        if isinstance(answer, OciError):
            run.fault(manifest.digest, answer.code, str(answer), subject=_subject_of(manifest))
        else:
            shelf.add(blob.digest, answer)
            if manifest.kind in UNTOLD and formats.is_vague(blob.media_type) and (format_ := formats.sniff(answer)):
                shelf.told[manifest.digest] = manifest, format_


def _tell(told: Mapping[Digest, tuple[Manifest, formats.Format]]) -> None:
    """Name manifests by what their content turned out to be, where they themselves did not say."""
    for digest, (manifest, format_) in sorted(told.items()):
        summary = summary_of(manifest) | {"format": format_.name}
        models.Manifest.objects.filter(digest=digest).update(kind=format_.kind.value, summary=summary)


def _blobs_of(run: Run, manifest: Manifest) -> Sequence[Descriptor]:
    """What of a manifest is worth keeping: the one envelope of a signature, small documents of evidence."""
    if manifest.is_signature:
        return manifest.layers if len(manifest.layers) == 1 else ()
    if manifest.subject and (legacy := manifest.legacy_signature):
        return [legacy] if legacy.size <= run.caps.document else ()
    if manifest.kind not in DOCUMENTS or manifest.subject is None:
        return ()
    return [layer for layer in manifest.layers[:MOST_DOCUMENTS] if layer.size <= run.caps.document]


def _kept_digests(digests: Iterable[Digest]) -> set[Digest]:
    rows = Content.objects.all()
    batches = batched(digests, QUERY)
    return {digest for batch in batches for digest in rows.filter(digest__in=batch).values_list("digest", flat=True)}


def _kept(digests: Iterable[Digest]) -> Iterator[tuple[Digest, Manifest | OciError]]:
    for batch in batched(digests, QUERY):
        types = dict(
            models.Manifest.objects.filter(digest__in=batch).exclude(media_type="").values_list("digest", "media_type")
        )
        for digest, content in contents(types).items():
            try:
                yield digest, parse_manifest(content, types[digest], algorithm=digest.algorithm)
            except OciError as error:  # kept by a version of ours that was less strict
                yield digest, error


def named(found: Found, descriptor: Descriptor) -> Manifest | OciError:
    """The manifest that a descriptor means: one of another size no client of the specification would accept."""
    manifest = found[descriptor.digest]
    if isinstance(manifest, OciError) or descriptor.size == manifest.size:
        return manifest
    return RegistryError(
        f"the manifest {manifest.digest} has {manifest.size} bytes where what names it says {descriptor.size}",
        code="size_mismatch",
    )


class Shelf:
    """Bytes and rows of content on their way into the database, written in parts of bounded size.

    Content and who served it say nothing about presence, so they may be written before what refers to them. If the registry stops
    answering while the block runs, what it gave is written all the same: it will not be asked for that again.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._contents: dict[Digest, bytes] = {}
        self._bytes = 0
        self.manifests: dict[Digest, Manifest] = {}
        self.told: dict[Digest, tuple[Manifest, formats.Format]] = {}
        "Manifests whose content told what they are for."

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, InterruptedIndexError):
            self.write()

    def add(self, digest: Digest, content: bytes) -> None:
        self._contents[digest] = content
        self._bytes += len(content)
        if self._bytes > MOST_BYTES or len(self._contents) >= QUERY:
            self.write()

    def add_manifest(self, manifest: Manifest, content: bytes) -> None:
        self.manifests[manifest.digest] = manifest
        self.add(manifest.digest, content)

    def write(self) -> None:
        if self._contents or self.told:
            with self._run.commit():
                self.put()

    def put(self) -> None:
        """Inside a transaction: write what lies here, always in one order, so that no two writers block each other."""
        if not self._contents and not self.told:
            return
        write_manifests([self.manifests[digest] for digest in sorted(self.manifests)])
        keep(self._contents)
        _note_served(self._run.repository, self._contents)
        _tell(self.told)
        self._contents, self._bytes, self.manifests, self.told = {}, 0, {}, {}


def keep(contents_: Mapping[Digest, bytes]) -> None:
    """Most rows of an index are these. As plain values they take a fraction of the time that objects take."""
    rows = [(str(digest), len(content), content) for digest, content in sorted(contents_.items())]
    with connection.cursor() as cursor:
        cursor.executemany(KEEP, rows)


def _note_served(repository: models.Repository, digests: Iterable[Digest]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(SERVE, [(repository.pk, str(digest)) for digest in sorted(digests)])


def write_manifests(manifests: Sequence[Manifest]) -> None:
    rows = [row_of(manifest) for manifest in manifests]
    # A row that stands for a manifest which was not to be had becomes a real one; any other is this very one already.
    models.Manifest.objects.bulk_create(rows, update_conflicts=True, unique_fields=["digest"], update_fields=FIELDS)
    children = [
        Child(parent_id=manifest.digest, child=child.digest, position=position, platform=child.platform[:100])
        for manifest in manifests
        for position, child in enumerate(manifest.manifests)
    ]
    Child.objects.bulk_create(children, ignore_conflicts=True)


def row_of(manifest: Manifest) -> models.Manifest:
    return models.Manifest(
        digest=manifest.digest,
        media_type=manifest.media_type,
        artifact_type=manifest.artifact_type,
        kind=manifest.kind.value,
        subject=_subject_of(manifest),
        size=manifest.size,
        annotations=dict(manifest.annotations),
        summary=summary_of(manifest),
    )


def _subject_of(manifest: Manifest) -> Digest | None:
    return manifest.subject.digest if manifest.subject else None


def summary_of(manifest: Manifest) -> dict[str, object]:
    """What pages show of a manifest without reading its bytes."""
    blobs = [*([manifest.config] if manifest.config else []), *manifest.layers]
    return {
        "config": _described(manifest.config) if manifest.config else None,
        "layers": [_described(layer) for layer in manifest.layers[:MOST_SHOWN]],
        "layer_count": len(manifest.layers),
        "format": formats.name_of_manifest(
            manifest.media_type,
            artifact_type=manifest.artifact_type,
            layers=[layer.media_type for layer in manifest.layers],
            annotations=manifest.annotations,
            layer_annotations=[layer.annotations for layer in manifest.layers],
        ),
        "blob_size": sum(blob.size for blob in blobs),
        "platforms": list(dict.fromkeys(child.platform for child in manifest.manifests if child.platform))[:MOST_SHOWN],
    }


def _described(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size}


def children_of(manifest: Manifest) -> list[Descriptor]:
    """What an index names that can be a manifest at all."""
    return [child for child in manifest.manifests if media_types.essence(child.media_type) in media_types.MANIFESTS]
