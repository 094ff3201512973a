"""Asking which referrers a subject has: the referrers API, the referrers tag schema, or both merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

from registries import capabilities
from registries.indexing.run import Run
from registries.indexing.tags import Tags
from registries.models import ListingSource, contents
from registries.oci import media_types
from registries.oci.client import Client
from registries.oci.descriptor import Descriptor
from registries.oci.digest import Digest
from registries.oci.errors import LimitError, ManifestError, OciError, RegistryError
from registries.oci.layout import Layout
from registries.oci.paging import read_descriptors
from registries.oci.source import FetchedManifest, ReferrerList
from registries.polling import PROBE

LIMIT = "limit"  # error code of a listing that is longer than what is read
ORAS_SEEN = timedelta(days=7)  # for so long, a registry that lacked the ORAS call is not asked for it again
GONE_API = RegistryError(
    "the registry had a referrers API for this repository and now answers as if it had none", code="referrers_api_gone"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry says are the referrers of a subject."""

    entries: tuple[Descriptor, ...]
    complete: bool
    "The list was read to its end."
    error: OciError | None
    source: ListingSource
    api: bool | None = None
    "Whether there is a referrers API, if this answer says so."
    indexes: tuple["ReadIndex", ...] = ()
    notes: tuple[str, ...] = ()
    oras: bool | None = None
    "Whether there is the older referrers API of ORAS, if this answer says so."

    @property
    def error_code(self) -> str:
        if self.error is None:
            return ""
        return LIMIT if isinstance(self.error, LimitError) else self.error.code


@dataclass(frozen=True, slots=True)
class ReadIndex:
    """The index under a tag of the referrers tag schema, as just read."""

    tag: str
    entries: tuple[Descriptor, ...] = ()
    fetched: FetchedManifest | None = None
    "Its bytes, if they were not kept already."
    error: OciError | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    """All that a thread needs to ask about one subject."""

    subject: Digest
    tags: Mapping[str, Digest | None]
    "Its tags of the referrers tag schema that the repository has, and what they named when last read."
    kept: Mapping[Digest, bytes]


class Asker:
    """Asks one repository for referrers, and learns on the way whether it has the API."""

    def __init__(self, run: Run, tags: Tags) -> None:
        self._run = run
        self._tags = tags
        self._layout = isinstance(run.source, Layout)
        # A registry without the API may have got it since; one that had it does not lose it by one odd answer.
        row = run.repository
        probe = row.referrers_probed_at is None or run.at - row.referrers_probed_at >= PROBE
        probe = probe or run.was_asked_about(row.referrers_probed_at)
        self.api = False if row.referrers_api is False and not probe else True if row.referrers_api else None
        self._had_none = row.referrers_api is False
        self.api_is_gone = False
        known = capabilities.seen(run.repository.registry, "referrers_oras", ORAS_SEEN, run.now())
        self.oras = {"yes": True, "no": False}.get(known)
        self._seen = self._written = False

    def is_free(self, subject: Digest) -> bool:
        """Whether an answer about it costs no request: no API, all tags known, and none of them about it."""
        return self._layout or (
            self.api is False and self.oras is False and self._tags.complete and not self._tags_of(subject)
        )

    def ask(self, subjects: Sequence[Digest]) -> Iterator[tuple[Digest, Answer]]:
        """The referrers of each subject; no failure of one keeps the others from being asked."""
        questions = iter(self._questions(subjects))
        if self.api is None:
            yield from self._answers(islice(questions, 1))  # its answer spares the others a request
        yield from self._answers(questions)

    def _answers(self, questions: Iterable[_Question]) -> Iterator[tuple[Digest, Answer]]:
        for question, answer in self._run.fetcher.each(self._ask, questions, lambda answer: answer.error):
            assert isinstance(answer, Answer)  # _ask catches every OciError
            self._seen = self._seen or bool(answer.api)
            if answer.api is not None and self.api is None:
                self.api, self._seen = answer.api, True
            if answer.oras is not None and self.oras is None:
                self.oras = answer.oras
            self.api_is_gone = self.api_is_gone or answer.error is GONE_API
            yield question.subject, answer

    def learned(self) -> dict[str, object]:
        """For the next commit: whether there is the API, as soon as an answer showed it, so that whoever resumes knows."""
        if not self._seen or self._written:
            return {}
        self._written, at = True, self._run.now()
        columns: dict[str, object] = {"referrers_api": self.api, "referrers_api_seen_at": at}
        return columns if self.api else columns | {"referrers_probed_at": at}

    def _questions(self, subjects: Sequence[Digest]) -> list[_Question]:
        mine = {subject: self._tags_of(subject) for subject in subjects}
        kept = contents({digest for tags in mine.values() for digest in tags.values() if digest})
        return [
            _Question(subject, tags, {digest: kept[digest] for digest in tags.values() if digest in kept})
            for subject, tags in mine.items()
        ]

    def _tags_of(self, subject: Digest) -> dict[str, Digest | None]:
        if self._layout:
            return {}
        names = (subject.fallback_tag, subject.untruncated_fallback_tag)
        return {name: self._tags.indexes[name] for name in names if name in self._tags.indexes}

    # in a thread, without the database

    def _ask(self, question: _Question) -> Answer:
        by_api = self._by_api(question.subject) if self.api is not False else None
        if by_api is None or by_api.supported is False:
            return self._without_api(question)
        if not question.tags:
            source = ListingSource.LAYOUT if self._layout else ListingSource.API
            return Answer(by_api.descriptors, by_api.complete, by_api.error, source, by_api.supported)
        return _merged(by_api, [self._read_index(question, tag) for tag in question.tags])

    def _by_api(self, subject: Digest) -> ReferrerList:
        listed = self._listed(subject)
        if listed.supported is False and self.api is None and not self._had_none:
            listed = self._listed(subject)  # one odd answer, of a proxy perhaps, shall not empty every list
        if listed.supported is False and self.api:
            return ReferrerList((), complete=False, error=GONE_API)
        return listed

    def _listed(self, subject: Digest) -> ReferrerList:
        try:
            return self._run.source.referrers(self._run.name, subject, limit=self._run.caps.listed)
        except OciError as error:
            return ReferrerList((), complete=False, error=error)

    def _without_api(self, question: _Question) -> Answer:
        """What the tags of the schema say, and the call that some registries had before there was the API."""
        by_oras = self._by_oras(question.subject) if self.oras is not False else None
        by_tag = self._by_tag(question)
        if by_oras is None or by_oras.supported is False:
            return replace(by_tag, oras=by_oras.supported if by_oras else None)
        both = {entry.digest: entry for entry in (*by_tag.entries, *by_oras.descriptors)}
        return replace(
            by_tag,
            entries=tuple(both.values()),
            complete=by_tag.complete and by_oras.complete,
            error=by_tag.error or by_oras.error,
            source=ListingSource.BOTH if question.tags else ListingSource.API,
            oras=by_oras.supported,
        )

    def _by_oras(self, subject: Digest) -> ReferrerList | None:
        source = self._run.source
        if not isinstance(source, Client):
            return None
        try:
            listed = source.referrers_oras(self._run.name, subject, limit=self._run.caps.listed)
        except OciError as error:
            return ReferrerList((), complete=False, error=error)
        if listed.supported is False and self.oras:
            return ReferrerList((), complete=False, error=GONE_API)
        return listed

    def _by_tag(self, question: _Question) -> Answer:
        """Where there is no API, a subject without a tag has no referrers, if all tags are known."""
        if not question.tags and not self._tags.complete:
            try:
                listed = self._run.source.referrers_by_tag(self._run.name, question.subject)
            except OciError as error:
                listed = ReferrerList((), complete=False, error=error)
            return Answer(listed.descriptors, listed.complete, listed.error, ListingSource.FALLBACK, api=False)
        return _merged(None, [self._read_index(question, tag) for tag in question.tags])

    def _read_index(self, question: _Question, tag: str) -> ReadIndex:
        """The index under a tag; its bytes are fetched only if the tag moved since they were kept."""
        known = question.tags[tag]
        try:
            if known is None:
                return _fetched_index(tag, self._run.source.manifest(self._run.name, tag))
            digest = self._run.source.resolve(self._run.name, tag, known)
            if (content := question.kept.get(digest)) is not None:
                return _index(tag, content)
            return _fetched_index(tag, self._run.source.manifest(self._run.name, digest))
        except OciError as error:
            return self._missing_index(tag) if error.code == "not_found" else ReadIndex(tag, error=error)

    def _missing_index(self, tag: str) -> ReadIndex:
        """A tag that is listed and answers 404 lists nothing if the registry says so itself, which an answer to HEAD cannot."""
        try:
            return _fetched_index(tag, self._run.source.manifest(self._run.name, tag))
        except OciError as error:
            if (
                error.code == "not_found"
                and isinstance(error, RegistryError)
                and error.has_words
                and self._tags.complete
            ):
                return ReadIndex(tag, note=f"the referrers tag {tag} is listed, but the registry does not have it")
            return ReadIndex(tag, error=error)


def _fetched_index(tag: str, fetched: FetchedManifest) -> ReadIndex:
    if media_types.essence(fetched.media_type) != media_types.OCI_INDEX:
        return ReadIndex(tag, note=f"the tag {tag} names no OCI index, so it lists no referrers")
    return replace(_index(tag, fetched.content), fetched=fetched)


def _index(tag: str, content: bytes) -> ReadIndex:
    """The entries of an index; one that cannot be read leaves the list incomplete and hides no other."""
    entries, odd = read_descriptors(content)
    error = ManifestError(f"{odd} entries of the referrers tag {tag} could not be read") if odd else None
    return ReadIndex(tag, tuple(entries), error=error)


def _merged(by_api: ReferrerList | None, indexes: Sequence[ReadIndex]) -> Answer:
    """Registries that got the API must merge old tags into it; not all do, and some clients still write tags."""
    entries: dict[Digest, Descriptor] = {}
    for group in (by_api.descriptors if by_api else (), *(index.entries for index in indexes)):
        for entry in group:
            entries.setdefault(entry.digest, entry)
    error = by_api.error if by_api else None
    error = error or next((index.error for index in indexes if index.error), None)
    return Answer(
        tuple(entries.values()),
        error is None and (by_api is None or by_api.complete),
        error,
        ListingSource.BOTH if by_api else ListingSource.FALLBACK,
        by_api.supported if by_api else False,
        tuple(indexes),
        tuple(index.note for index in indexes if index.note),
    )
