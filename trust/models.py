"""Trust's memory: revisions, certificates, evidence and verdicts. Every green word here is void unless `green()` says otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, Subquery, Value, When

from registries.fields import DigestField
from registries.leases import DueRow
from registries.models import Manifest, Repository
from trust.draft_rows import Draft, DraftFile, Preview, PreviewGroup, PreviewPart
from trust.notary.evidence import EVIDENCE_VERSION
from trust.notary.judge import JUDGE_VERSION
from trust.notary.outcome import Word

__all__ = [
    "AnswerContent", "ArtifactStatus", "Certificate", "Chain", "Draft", "DraftFile", "Judgement", "Preview", "PreviewGroup",
    "PreviewPart", "RevocationAnswer", "RevocationSource", "Signature", "StatusChange", "StoreFile", "TrustRevision", "Verdict",
]  # fmt: skip

WORDS = [(word.value, word.value.replace("_", " ")) for word in Word]
GREEN = [word.value for word in Word if word.is_green]
BUILD = "build"  # the purpose that makes an artifact's status


class TrustRevision(models.Model):
    """One immutable state of policy and stores together; the highest number is the active one."""

    number = models.PositiveIntegerField(unique=True)
    policy = models.BinaryField()  # trustpolicy.oci.json, byte for byte as uploaded
    blob_policy = models.BinaryField(default=b"")  # trustpolicy.blob.json likewise; empty: it has none
    additions = models.JSONField(default=dict)  # patterns and role labels: trust/additions.py; no verdict rests on them
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    author_name = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64)  # revisions.fingerprint: SHA-256 over policy and store files

    def __str__(self) -> str:
        return f"revision {self.number}"


class StoreFile(models.Model):
    """One certificate file of a trust store of one revision, as notation's directory layout has it."""

    revision = models.ForeignKey(TrustRevision, models.CASCADE, related_name="store_files")
    store_type = models.CharField(max_length=20)
    store_name = models.CharField(max_length=255)
    file_name = models.CharField(max_length=255)
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "store_type", "store_name", "file_name"], name="one_store_file_a_name"
            )
        ]


class Certificate(models.Model):
    """One certificate by the SHA-256 of its DER; the other columns repeat what the DER says, for lists and search."""

    thumbprint = models.CharField(max_length=64, primary_key=True)
    der = models.BinaryField()
    subject = models.TextField()
    issuer = models.TextField()
    serial = models.CharField(max_length=80)
    common_name = models.TextField(blank=True)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    is_ca = models.BooleanField()
    self_signed = models.BooleanField()
    any_purpose = models.BooleanField(default=False)
    key = models.CharField(max_length=20, blank=True)
    ocsp_urls = models.JSONField(default=list)
    crl_urls = models.JSONField(default=list)


class Chain(models.Model):
    """An ordered chain that signatures share, and its standing: what revocation says of all of them at once."""

    class Standing(models.TextChoices):
        NO_SOURCE = "no_source", "no revocation source"
        NOT_EVALUATED = "not_evaluated", "not evaluated"
        GOOD = "good", "good"
        REVOKED = "revoked", "revoked"
        UNKNOWN = "unknown", "unknown"

    fingerprint = models.CharField(max_length=64, primary_key=True)  # SHA-256 over the thumbprints, leaf first
    thumbprints = models.JSONField()
    leaf = models.ForeignKey(Certificate, models.PROTECT, related_name="leads")
    standing = models.CharField(max_length=16, choices=Standing)
    standing_until = models.DateTimeField(null=True)  # null: holds without end (no answer that could age)
    asked_under = models.PositiveIntegerField(null=True, db_index=True)  # revision by which it was decided whom to ask
    of_authority = models.BooleanField(default=False)  # of a timestamp's authority: its root is one of a tsa store

    def stands_at(self, at: datetime, rests: str = "") -> bool:
        """What `green` asks of a chain, of one that is at hand."""
        unexpired = self.standing_until is None or self.standing_until > at
        return rests == RESTS_NOT or (unexpired and (self.standing in STANDS or self.standing == rests))


STANDS = [Chain.Standing.GOOD, Chain.Standing.NO_SOURCE]
RESTS_NOT = "not"  # of a word that is green whatever its chain's standing


class RevocationSource(DueRow):
    """Somebody who is asked about revocation: a responder about one certificate, or the place of an issuer's CRL."""

    class Kind(models.TextChoices):
        OCSP = "ocsp", "OCSP"
        CRL = "crl", "CRL"

    key = models.CharField(max_length=64, unique=True)  # SHA-256 over what follows; an address may be of any length
    kind = models.CharField(max_length=4, choices=Kind)
    url = models.TextField()
    issuer = models.ForeignKey(Certificate, models.PROTECT, related_name="+")
    certificate = models.ForeignKey(Certificate, models.PROTECT, null=True, related_name="+")  # null: a CRL
    chains = models.ManyToManyField(Chain, related_name="sources")  # those that lead to a configured root
    answer = models.ForeignKey("RevocationAnswer", models.SET_NULL, null=True, related_name="+")  # the newest
    asked_at = models.DateTimeField(null=True)
    ask_again_at = models.DateTimeField(null=True)  # until then what the newest answer says is enough


class RevocationAnswer(models.Model):
    """One answer that is signed as it must be. Rows are only ever added; the bytes stand beside, and large ones may go."""

    source = models.ForeignKey(RevocationSource, models.CASCADE, related_name="answers")
    digest = DigestField()
    delta = DigestField(null=True)
    collected_at = models.DateTimeField()
    this_update = models.DateTimeField()
    next_update = models.DateTimeField(null=True)
    number = models.CharField(max_length=60)  # of a CRL ("0" without one), or when an OCSP answer was produced
    signed_by = models.TextField()
    says = models.JSONField()  # by thumbprint: trust/answer_json.py
    imported = models.BooleanField(default=False)  # from a file, not from the source itself


class AnswerContent(models.Model):
    """The exact bytes of an answer about revocation."""

    digest = DigestField(primary_key=True)
    content = models.BinaryField()


class Signature(models.Model):
    """The evidence of one signature manifest: what its bytes prove, whatever the policy, whoever asks, whenever."""

    manifest = models.OneToOneField(Manifest, models.CASCADE, primary_key=True, related_name="signature")
    subject = DigestField(db_index=True)
    envelope = DigestField(null=True)  # null: the manifest names no one envelope
    media_type = models.CharField(max_length=255, blank=True)
    evidence = models.JSONField(null=True)  # trust/evidence.py writes and reads it; null: the envelope is not to be had
    fault_code = models.CharField(max_length=60, blank=True)  # why there is no evidence
    fault = models.TextField(blank=True)
    fault_is_unknown = models.BooleanField(default=False)  # a fault that proves nothing about the signature
    chain = models.ForeignKey(Chain, models.PROTECT, null=True, related_name="signatures")
    evidence_version = models.PositiveIntegerField()
    examined_at = models.DateTimeField()


class Resting(models.Model):
    """A green word rests on the standing of chains: that of the signature, and that of its timestamp's authority."""

    rests = models.CharField(max_length=16, blank=True)  # the standing it knew of, if that is no good one; RESTS_NOT
    tsa_chain = models.ForeignKey(Chain, models.PROTECT, null=True, db_index=False, related_name="+")  # if revocable
    tsa_rests = models.BooleanField(default=False)  # whether the word would turn without it

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["tsa_chain"], condition=models.Q(tsa_chain__isnull=False), name="%(class)s_authority")
        ]


class Verdict(Resting):
    """What the active policy makes of one signature in one repository for one purpose. Small: the ladder is judged anew.

    Another revision rewrites every row, so there is no index that nobody needs: that of the revision least of all.
    """

    repository = models.ForeignKey(Repository, models.CASCADE, db_index=False, related_name="verdicts")  # see Meta
    signature = models.ForeignKey(Signature, models.CASCADE, db_index=False, related_name="verdicts")
    purpose = models.CharField(max_length=64, default=BUILD)
    system = models.CharField(max_length=20, default="notation")
    word = models.CharField(max_length=24, choices=WORDS)
    reason = models.CharField(max_length=60)
    signer = models.TextField(blank=True)
    statement = models.CharField(max_length=255, blank=True)
    green_until = models.DateTimeField(null=True)
    question = models.CharField(max_length=64, blank=True)  # trust/questions.py: those alike in it are judged alike
    inputs = models.CharField(max_length=64)  # hash of what was judged
    revision = models.ForeignKey(TrustRevision, models.CASCADE, null=True, db_index=False)
    judge_version = models.PositiveIntegerField(default=JUDGE_VERSION)
    judged_at = models.DateTimeField()

    class Meta(Resting.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "signature", "purpose", "system"], name="one_verdict_a_question"
            )
        ]
        indexes = [*Resting.Meta.indexes, models.Index(fields=["signature"], name="verdicts_on_a_signature")]


def stands(at: datetime, of: str = "", chain: str = "chain__") -> Q:
    """Whether the chains stand on which rows rest: that of the signature, and that of its timestamp's authority.

    `of`: the way from the rows that are asked for to those that rest; `chain`: the way to the chain of the signature.
    """
    signer = _unexpired(at, chain) & (
        Q(**{f"{chain}standing__in": STANDS}) | Q(**{f"{of}rests": F(f"{chain}standing")})
    )
    authority = _unexpired(at, f"{of}tsa_chain__") & Q(**{f"{of}tsa_chain__standing__in": STANDS})
    return (Q(**{f"{of}rests": RESTS_NOT}) | signer) & (Q(**{f"{of}tsa_rests": False}) | authority)


def _unexpired(at: datetime, chain: str) -> Q:
    return Q(**{f"{chain}standing_until": None}) | Q(**{f"{chain}standing_until__gt": at})


def green(active: int | Subquery | None, at: datetime, of: str = "") -> Q:
    """The green test (design: green is computed at read time): which stored green words still hold at `at`.

    `of`: the way from the rows that are asked for to the status.
    """
    facts = {
        "word__in": GREEN,
        "revision__isnull": False,  # without an active revision nothing is green
        "revision": active,
        "evidence_version": EVIDENCE_VERSION,
        "judge_version": JUDGE_VERSION,
        "green_until__gt": at,
    }
    return Q(**{of + name: value for name, value in facts.items()}) & stands(at, of, f"{of}chain__")


def word_at(active: int | Subquery | None, at: datetime, of: str = "") -> Case:
    """The stored word, or `stale` where it was green and no longer is."""
    return word_if(green(active, at, of), of)


def word_if(holds: Q, of: str = "") -> Case:
    """The same by another test."""
    return Case(
        When(holds, then=F(f"{of}word")),
        When(**{f"{of}word__in": GREEN}, then=Value(Word.stale.value)),
        default=F(f"{of}word"),
        output_field=CharField(),
    )


class ArtifactStatusQuerySet(models.QuerySet["ArtifactStatus"]):
    def within(self, repositories: models.QuerySet[Repository]) -> Self:
        return self.filter(repository__in=repositories)

    def artifacts(self) -> Self:
        return self.filter(is_artifact=True, present=True)

    def with_word_at(self, active: int | None, at: datetime) -> Self:
        """Adds `word_now`; `covered_now`: whether the index that covers it is still green; `holds_until`: how long it is."""
        covers = self.model.objects.covers(OuterRef("repository"), OuterRef("covered_by"), active, at)
        return self.annotate(word_now=word_at(active, at), covered_now=Exists(covers), holds_until=_holds_until())

    def covers(self, repository: Any, index: Any, active: int | Subquery | None, at: datetime) -> Self:
        """The index of a repository that is green and there now, and so covers what it names."""
        return self.filter(green(active, at), repository=repository, manifest=index, present=True)


def _holds_until() -> Case:
    """The earliest of the deadlines: its own, and those of the answers on which the standing of its chains rests."""
    own, signer, authority = F("green_until"), F("chain__standing_until"), F("tsa_chain__standing_until")
    by_signer = ~Q(rests=RESTS_NOT) & Q(chain__standing_until__lt=own)
    by_authority = Q(tsa_rests=True, tsa_chain__standing_until__lt=own)
    first = Q(tsa_chain__standing_until__lt=signer)
    return Case(
        When(by_signer & by_authority & first, then=authority),
        When(by_signer, then=signer),
        When(by_authority, then=authority),
        default=own,
    )


class ArtifactStatus(Resting):
    """One row for lists: the word of one subject in one repository, and all that the green test needs."""

    repository = models.ForeignKey(Repository, models.CASCADE, db_index=False, related_name="statuses")  # see Meta
    manifest = models.ForeignKey(Manifest, models.CASCADE, db_index=False, related_name="statuses")
    is_artifact = models.BooleanField(default=True)  # tagged, or with neither parent nor subject
    present = models.BooleanField(default=True)  # the registry still has it
    word = models.CharField(max_length=24, choices=WORDS)
    severity = models.PositiveSmallIntegerField()  # worst first in lists; statuses.SEVERITY
    reason = models.CharField(max_length=60)
    question = models.CharField(max_length=64, blank=True)  # trust/questions.py; empty: of no use for judging again
    course = models.CharField(
        max_length=64, blank=True, default=""
    )  # questions.course_of: those alike in it turn alike, with time and by another policy
    message = models.TextField(blank=True)  # the verdict sentence without its word
    signer = models.TextField(blank=True)
    statement = models.CharField(max_length=255, blank=True)
    chain = models.ForeignKey(Chain, models.SET_NULL, null=True, db_index=False)  # of the signature that decided
    green_until = models.DateTimeField(null=True)  # min(own deadlines, end of the listing's recency)
    revision = models.PositiveIntegerField(null=True)  # TrustRevision.number it was judged under
    evidence_version = models.PositiveIntegerField(default=EVIDENCE_VERSION)
    judge_version = models.PositiveIntegerField(default=JUDGE_VERSION)
    judged_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True)  # age of the listing it rests on; null: never listed
    tags = models.JSONField(default=list)
    counts = models.JSONField(default=dict)  # referrers by kind
    covered_by = DigestField(null=True)  # an index that names this child and was verified; see `covered_now`
    signature_withdrawn = models.BooleanField(default=False)
    tag_moved_back = models.BooleanField(default=False)
    cosign = models.PositiveIntegerField(default=0)  # signatures of the other kind: noted, never counted
    changed_at = models.DateTimeField()  # when the word last changed
    since = models.DateTimeField()  # first seen in this repository
    objects = ArtifactStatusQuerySet.as_manager()

    class Meta(Resting.Meta):
        abstract = False
        verbose_name_plural = "artifact statuses"
        constraints = [models.UniqueConstraint(fields=["repository", "manifest"], name="one_status_an_artifact")]
        indexes = [
            models.Index(fields=["is_artifact", "present", "severity", "-changed_at", "-id"], name="worst_first"),
            models.Index(fields=["word", "revision", "green_until"], name="green_test"),
            models.Index(fields=["manifest"], name="statuses_of_a_manifest"),
            models.Index(fields=["chain"], name="statuses_by_chain"),
            *Resting.Meta.indexes,
        ]


class StatusChange(models.Model):
    """The word of an artifact changed, and why: the history of a verdict."""

    class Cause(models.TextChoices):
        FIRST = "first", "first seen"
        REVISION = "revision", "another trust revision"
        CLOCK = "clock", "time passed"
        EVIDENCE = "evidence", "other signatures or listing"
        VERSION = "version", "a newer Signboard"

    status = models.ForeignKey(ArtifactStatus, models.CASCADE, db_index=False, related_name="changes")  # see Meta
    before = models.CharField(max_length=24, blank=True, choices=WORDS)
    after = models.CharField(max_length=24, choices=WORDS)
    reason = models.CharField(max_length=60)
    cause = models.CharField(max_length=12, choices=Cause)
    revision = models.PositiveIntegerField(null=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "-at", "-id"], name="changes_of_a_status"),
            models.Index(fields=["after", "-at", "-id"], name="changes_to_a_word"),  # lists as of an instant
        ]


class Judgement(DueRow):
    """The due work of judging one repository: what was judged of it last, and what would make that old."""

    repository = models.OneToOneField(Repository, models.CASCADE, related_name="judgement")
    generation = models.PositiveBigIntegerField(null=True)  # of Repository, that was judged; null: never
    revision = models.PositiveIntegerField(null=True)
    evidence_version = models.PositiveIntegerField(default=0)
    judge_version = models.PositiveIntegerField(default=0)
    judged_at = models.DateTimeField(null=True)
