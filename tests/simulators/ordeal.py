"""A registry where people work, through bad days: what we say of it is compared with what is true after every step."""

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from django.db import IntegrityError, connection
from django.utils import timezone

from demo.pki import Pki
from demo.registry import DemoRegistry
from demo.signing import make_envelope
from registries import connections, indexing, leases
from registries.leases import LeaseLostError
from registries.models import Listing, Presence, Registry, Repository, Tag
from registries.oci.digest import Digest
from tests.simulators.chaos import Chaos
from tests.simulators.images import Author, descriptor, digest_of
from tests.simulators.stocktaking import state_of
from trust import revisions, verification
from trust.models import ArtifactStatus, Judgement

POLICY = json.dumps(
    {
        "version": "1.0",
        "trustPolicies": [
            {
                "name": "all",
                "registryScopes": ["*"],
                "signatureVerification": {"level": "strict"},
                "trustStores": ["ca:acme"],
                "trustedIdentities": ["*"],
            }
        ],
    }
).encode()
CAUTIOUS = {"unknown", "stale"}
MINUTE = timedelta(minutes=1)
FEWEST = 6  # images


class FalsehoodError(AssertionError):
    """Something was said that is not so, or something is lost."""


@cache
def pki():
    return Pki.build(timezone.now())


@dataclass
class Image:
    """An image as its author knows it: what is attached now, and what was true of it since when."""

    author: Author
    content: bytes
    tag: str
    signatures: list = field(default_factory=list)  # (bytes of the manifest, whether it is a good one)
    words: list = field(default_factory=list)  # (since, word); None: it is no more

    @property
    def digest(self):
        return Digest.of(self.content)

    def true_word(self):
        if not self.tag:
            return None
        return (
            "verified" if any(good for _, good in self.signatures) else "untrusted" if self.signatures else "unsigned"
        )

    def words_since(self, moment):
        """Every word that was true at some time from that moment on."""
        before = [word for since, word in self.words if since <= moment][-1:]
        return {*before, *(word for since, word in self.words if since > moment)}


class Ordeal:
    """Some repositories, people who change them, workers that index them, and chaos in between.

    `source` and `lease` wrap what the workers use: this is where a test plants a bug.
    """

    def __init__(self, root, seed, *, api, share, takeovers=0.0, source=lambda it: it, lease=leases.Lease):
        self.demo = DemoRegistry(root, referrers_api=api, page_size=4, referrers_page_size=2)
        self.chaos = Chaos(self.demo, seed, share)
        self.chance = random.Random(seed)
        self.api, self.takeovers = api, takeovers
        self.source, self.lease = source, lease
        self.at = timezone.now()
        self.indexes = self.taken_over = self.number = 0
        self.images = []
        self._depth, self._working = None, None
        self._last_read = {}
        files = {("ca", "acme", "root.pem"): pki().root.pem}
        revisions.publish(POLICY, files, author=None, reason="chaos", based_on=revisions.active_number(), at=self.at)
        self.registry = Registry.objects.create(address="chaos.test", reference_name="chaos.test", plain_http=True)
        for number in range(3):
            Repository.objects.create(registry=self.registry, name=f"team/app-{number}", due_at=self.at)
            author = Author(self.demo, f"team/app-{number}")
            for _ in range(6):
                self.push(author)

    # -- people

    def push(self, author=None):
        author = author or self.chance.choice(self.images).author
        self.number += 1
        image = Image(author, author.image(f"image {self.number}", tags=f"v{self.number}"), f"v{self.number}")
        self.images.append(image)
        for _ in range(self.number % 4):
            self.sign(image)
        self._note(image)

    def sign(self, image=None):
        image = image or self.chance.choice(self.living())
        good = self.chance.random() < 0.5
        target = {name: descriptor(image.content)[name] for name in ("mediaType", "digest", "size")}
        signed_at = self.at - timedelta(seconds=1 + len(image.signatures))
        envelope = make_envelope("jws", target, pki()["release" if good else "stranger"], signing_time=signed_at)
        image.signatures.append((image.author.signature(image.content, envelope), good))
        self._note(image)

    def withdraw(self):
        signed = [image for image in self.living() if image.signatures]
        image = self.chance.choice(signed)
        signature, _ = image.signatures.pop(self.chance.randrange(len(image.signatures)))
        self.demo.store.delete_manifest(image.author.repository, digest_of(signature))
        self._note(image)

    def delete(self):
        image = self.chance.choice(self.living())
        self.demo.store.delete_tag(image.author.repository, image.tag)
        image.tag = ""
        self._note(image)

    def living(self):
        return [image for image in self.images if image.tag]

    def somebody_works(self):
        """Something happens; a team that has hardly anything left, or nothing signed, sees to that first."""
        if len(self.living()) < FEWEST:
            self.push()
        elif not any(image.signatures for image in self.living()):
            self.sign()
        else:
            self.chance.choice([self.push, self.sign, self.sign, self.withdraw, self.withdraw, self.delete])()

    def _note(self, image):
        """What is true of the image from now on; without the API its author keeps the list."""
        if not self.api and (image.signatures or image.words):
            image.author.fallback(image.content, [signature for signature, _ in image.signatures])
        image.words.append((self.at, image.true_word()))

    # -- workers

    def through(self, requests):
        """Bad days until so much was asked; what is said is checked after each index."""
        while self.chaos.requests < requests:
            self.at += self.chance.uniform(5, 60) * MINUTE
            self.somebody_works()
            if self.chance.random() < 0.3:  # somebody clicks "Index now"
                pk = self.chance.choice(list(Repository.objects.values_list("pk", flat=True)))
                Repository.objects.filter(pk=pk).ask_now(self.at)
            self.step()

    def step(self):
        for pk in list(
            Repository.objects.filter(leases.due(self.at), registry=self.registry).values_list("pk", flat=True)
        ):
            self._work(pk)

    def _work(self, pk):
        taken = leases.take(Repository.objects.all(), pk)
        lease = self.lease(taken.row, taken.fence)
        outer, self._working = self._working, pk
        self._depth = len(connection.savepoint_ids)
        try:
            with connections.open_source(self.registry, wire=self.chaos.wire()) as source:
                caps = indexing.Caps(delay=0, slice=3)
                indexing.index_repository(lease.row, self.source(source), lease, caps=caps, now=self.now)
        except LeaseLostError:
            pass  # another worker does the rest
        except IntegrityError as error:
            raise FalsehoodError("two workers wrote the same row") from error
        finally:
            self._working = outer
        self.indexes += 1
        self.judge(pk)
        self.check()

    def now(self):
        """The clock, as the one thread of a worker that writes looks at it: sometimes the worker falls asleep here."""
        awake = self._working is None or len(connection.savepoint_ids) != self._depth
        if not awake and self.chance.random() < self.takeovers:
            pk, self._working = self._working, None
            self.taken_over += 1
            self.at += 2 * MINUTE
            for _ in range(4):
                self.somebody_works()
            Repository.objects.filter(pk=pk).update(leased_until=None, due_at=self.at, tags_due_at=self.at)
            Listing.objects.filter(repository=pk).update(due_at=self.at)
            takeovers, self.takeovers = self.takeovers, 0.0
            self._work(pk)
            self.takeovers, self._working = takeovers, pk
            self.at += MINUTE
        return self.at

    def judge(self, pk):
        verification.ensure_judgements()
        judgement = Judgement.objects.get(repository=pk)
        verification.judge_repository(leases.take(Judgement.objects.all(), judgement.pk), self.at)

    # -- what is said, and what is so

    def check(self):
        """Nothing false is said, and nothing that is there is taken for gone; raises FalsehoodError."""
        read = {
            (name, subject): checked_at
            for name, subject, checked_at in Listing.objects.filter(repository__registry=self.registry).values_list(
                "repository__name", "subject", "checked_at"
            )
        }
        for key, moment in read.items():
            self._last_read[key] = max(moment, self._last_read.get(key, moment))
        said = self.words()
        for image in self.images:
            key = image.author.repository, image.digest
            if key not in said or key not in read or not image.tag:
                continue
            true = image.words_since(self._last_read[key])
            if said[key] not in true | CAUTIOUS:
                raise FalsehoodError(f"{image.tag} of {key[0]} is called {said[key]}; it is or was {true}")
        self._check_nothing_is_lost()

    def _check_nothing_is_lost(self):
        here = {"repository__registry": self.registry}
        tags = Tag.objects.filter(**here, gone_at__isnull=False).values_list("repository__name", "name")
        ended = Presence.objects.filter(**here, until__isnull=False).values_list("repository__name", "manifest_id")
        there = {(image.author.repository, image.tag) for image in self.living()}
        kept = {
            (image.author.repository, Digest.of(content))
            for image in self.living()
            for content in (image.content, *(signature for signature, _ in image.signatures))
        }
        if lost := (there & set(tags)) | (kept & set(ended)):
            raise FalsehoodError(f"taken for gone, and still there: {lost}")

    def words(self, registry=None):
        """What lists say now."""
        rows = ArtifactStatus.objects.artifacts().filter(repository__registry=registry or self.registry)
        rows = rows.with_word_at(revisions.active_number(), self.at)
        return {
            (name, digest): word for name, digest, word in rows.values_list("repository__name", "manifest", "word_now")
        }

    # -- afterwards

    def calm(self, days=4):
        """The registry is well again, and nobody does anything but the workers, who come by every few hours."""
        self.chaos.share, self.takeovers = 0.0, 0.0
        for _ in range(days * 4):
            self.at += timedelta(hours=6)
            self.step()

    def states(self, registry=None):
        rows = Repository.objects.filter(registry=registry or self.registry)
        return {row.name: state_of(row) for row in rows}

    def undisturbed(self):
        """The same registry, connected by somebody who had none of this."""
        chaotic = self.registry
        self.registry = Registry.objects.create(address="twin.test", reference_name="chaos.test", plain_http=True)
        for name in chaotic.repositories.values_list("name", flat=True):
            row = Repository.objects.create(registry=self.registry, name=name, due_at=self.at)
            self._work(row.pk)
        twin, self.registry = self.registry, chaotic
        return twin
