"""Drafts of a trust revision, and what a preview found out about one."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from registries.leases import DueRow


class Draft(models.Model):
    """Policy and stores as somebody would have them: edited, previewed, reviewed, then applied or discarded."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        APPLIED = "applied", "applied"
        DISCARDED = "discarded", "discarded"

    based_on = models.PositiveIntegerField(null=True)  # the revision that applying would replace; null: there was none
    policy = models.BinaryField(default=b"")  # trustpolicy.oci.json as it was written; may still break rules
    blob_policy = models.BinaryField(default=b"")
    additions = models.JSONField(default=dict)  # trust/additions.py reads and writes it
    reason = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    author_name = models.CharField(max_length=150)
    editors = models.JSONField(default=list)  # keys of all who changed it: none of them can review it
    version = models.PositiveIntegerField(default=1)  # raised by every change; who acts names the one that they saw
    created_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN, db_index=True)
    ended_at = models.DateTimeField(null=True)
    revision = models.OneToOneField("trust.TrustRevision", models.SET_NULL, null=True, related_name="draft")
    review_asked_at = models.DateTimeField(null=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reviewer_name = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_version = models.PositiveIntegerField(
        null=True
    )  # what a reviewer approved; another version needs another look

    def __str__(self) -> str:
        return f"draft {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_approved(self) -> bool:
        return self.reviewed_version == self.version


class DraftFile(models.Model):
    """One certificate file of a trust store of a draft."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="store_files")
    store_type = models.CharField(max_length=20)
    store_name = models.CharField(max_length=255)
    file_name = models.CharField(max_length=255)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "store_type", "store_name", "file_name"], name="one_draft_file_a_name"
            )
        ]


class Preview(models.Model):
    """One version of a draft judged against everything that is stored, as of one instant."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="previews")
    version = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)  # of the draft's content: revisions.fingerprint
    at = models.DateTimeField()  # the instant of which it speaks
    against = models.PositiveIntegerField(null=True)  # the revision that was active then


class PreviewPart(DueRow):
    """The due work of previewing one repository, and its counts once that is done."""

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="parts")
    repository = models.ForeignKey("registries.Repository", models.CASCADE, related_name="+")
    done_at = models.DateTimeField(null=True)
    artifacts = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["preview", "repository"], name="one_part_a_repository")]
        indexes = [models.Index(fields=["preview", "done_at"])]


class PreviewGroup(models.Model):
    """Artifacts of one repository and course whose word would be another one, or hinges on evidence."""

    part = models.ForeignKey(PreviewPart, models.CASCADE, related_name="groups")
    question = models.CharField(max_length=64)  # ArtifactStatus.course, or its question: preview_groups.Asked
    before = models.CharField(max_length=24)
    after = models.CharField(max_length=24)
    recent_since = models.DateTimeField(null=True)  # a listing made later was recent
    old_listing = models.BooleanField(default=False)  # those of them whose listing was not
    reason = models.CharField(max_length=60)  # of the word after
    message = models.TextField(blank=True)
    signer = models.TextField(blank=True)
    statement = models.CharField(max_length=255, blank=True)
    hinges_on = models.JSONField(default=list)  # chains about whose revocation nobody was asked yet
    artifacts = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["part", "question"])]
