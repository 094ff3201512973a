"""Drafts: begun from a revision, edited, approved, applied. Of several who act at once, one wins and the others hear why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from trust import revisions
from trust.additions import Additions
from trust.draft_rows import Draft, DraftFile
from trust.models import TrustRevision
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import TrustPolicyError, TrustStoreError
from trust.notary.trust_policy import TrustPolicy
from trust.revisions import Content, Material


class StaleDraftError(Exception):
    """The draft is not the one any more that was looked at."""


class ReviewError(Exception):
    """Somebody cannot approve this draft; the text says why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a draft cannot be previewed or applied as it is."""

    part: str
    "`policy`, `blob_policy` or `stores`."
    text: str
    rule: str = ""


def begin(content: Content, based_on: int | None, author: AbstractBaseUser, at: datetime, reason: str = "") -> Draft:
    """A new open draft with this content."""
    with transaction.atomic():
        draft = Draft.objects.create(
            based_on=based_on,
            policy=content.policy,
            blob_policy=content.blob_policy,
            additions=content.additions.as_json(),
            reason=reason,
            author_id=author.pk,
            author_name=author.get_username(),
            editors=[author.pk],
            created_at=at,
            saved_at=at,
        )
        DraftFile.objects.bulk_create(_rows(draft, content.files))
    return draft


def content_of(draft: Draft) -> Content:
    rows = draft.store_files.values_list("store_type", "store_name", "file_name", "content")
    files = {(kind, store, name): bytes(content) for kind, store, name, content in rows}
    return Content(bytes(draft.policy), files, bytes(draft.blob_policy), Additions.read(draft.additions))


def refusals(content: Content) -> list[Refusal]:
    """Everything that keeps the content from being a revision: of each part, the first rule that it breaks."""
    found = []
    try:
        TrustPolicy.parse(content.policy)
    except TrustPolicyError as error:
        found.append(Refusal("policy", str(error), error.rule))
    try:
        if content.blob_policy:
            BlobTrustPolicy.parse(content.blob_policy)
    except TrustPolicyError as error:
        found.append(Refusal("blob_policy", str(error), error.rule))
    try:
        revisions.check_files(content.files)
    except TrustStoreError as error:
        found.append(Refusal("stores", str(error)))
    return found


def material_of(content: Content) -> Material:
    """The content parsed; raises TrustPolicyError or TrustStoreError where there are refusals."""
    revisions.check_files(content.files)
    blobs = BlobTrustPolicy.parse(content.blob_policy) if content.blob_policy else None
    return Material(TrustPolicy.parse(content.policy), revisions.stores_of(content.files), blobs)


def save(draft: Draft, content: Content, reason: str, editor: AbstractBaseUser, at: datetime) -> Draft:
    """The draft with this content, as its next version; what was approved or previewed before is of another one.

    Raises StaleDraftError where somebody else changed or ended it meanwhile.
    """
    with transaction.atomic():
        editors = [*draft.editors, *([editor.pk] if editor.pk not in draft.editors else [])]
        _change(
            draft,
            policy=content.policy,
            blob_policy=content.blob_policy,
            additions=content.additions.as_json(),
            reason=reason,
            editors=editors,
            version=F("version") + 1,
            saved_at=at,
            review_asked_at=None,
        )
        DraftFile.objects.filter(draft=draft).delete()
        DraftFile.objects.bulk_create(_rows(draft, content.files))
    return Draft.objects.get(pk=draft.pk)


def rest_on(draft: Draft, number: int | None, at: datetime) -> Draft:
    """The draft as an edit of another revision, content and all: applying replaces that one."""
    _change(draft, based_on=number, version=F("version") + 1, saved_at=at, review_asked_at=None)
    return Draft.objects.get(pk=draft.pk)


def explain(draft: Draft, reason: str) -> None:
    """Say why the change is made; that changes nothing of what was previewed or approved."""
    _change(draft, reason=reason)


def ask_for_review(draft: Draft, at: datetime) -> None:
    _change(draft, review_asked_at=at)


def approve(draft: Draft, reviewer: AbstractBaseUser, at: datetime) -> None:
    """The reviewer approves this version. Raises ReviewError for somebody who had a hand in it."""
    if reviewer.pk in draft.editors:
        raise ReviewError("Whoever edited a draft cannot approve it: another admin must.")
    _change(
        draft,
        reviewer=reviewer.pk,
        reviewer_name=reviewer.get_username(),
        reviewed_at=at,
        reviewed_version=draft.version,
    )


def discard(draft: Draft, at: datetime) -> None:
    _change(draft, state=Draft.State.DISCARDED, ended_at=at)


def apply(draft: Draft, author: AbstractBaseUser, at: datetime) -> TrustRevision:
    """The next revision, active from the moment of commit; whether a review is needed is for the caller to know.

    Raises TrustPolicyError or TrustStoreError for refusals, StaleDraftError where this is not the draft any more, and
    StaleRevisionError where it rests on a revision that is no longer active.
    """
    with transaction.atomic():
        _change(draft, state=Draft.State.APPLIED, ended_at=at)
        content = content_of(draft)
        revision = revisions.publish(
            content.policy,
            content.files,
            blob_policy=content.blob_policy,
            additions=content.additions,
            author=author,
            reason=draft.reason,
            based_on=draft.based_on,
            at=at,
        )
        Draft.objects.filter(pk=draft.pk).update(revision=revision)
    return revision


def _change(draft: Draft, **fields: object) -> None:
    """One conditional UPDATE: of two who saw the same version, one comes first."""
    mine = Draft.objects.filter(pk=draft.pk, version=draft.version, state=Draft.State.OPEN)
    if mine.update(**fields):
        return
    now = Draft.objects.filter(pk=draft.pk).first()
    if now is None or not now.is_open:
        how = now.get_state_display() if now else "deleted"
        raise StaleDraftError(f"This draft was {how} meanwhile.")
    raise StaleDraftError("Somebody changed this draft meanwhile. Look at what it says now, then repeat.")


def _rows(draft: Draft, files: Mapping[tuple[str, str, str], bytes]) -> list[DraftFile]:
    return [
        DraftFile(draft=draft, store_type=store_type, store_name=store_name, file_name=name, content=content)
        for (store_type, store_name, name), content in files.items()
    ]
