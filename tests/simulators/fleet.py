"""A fleet of repositories on a simulated clock, in a registry in memory that counts what it is asked."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from demo.registry import DemoRegistry
from registries import connections, credentials, indexing, leases, survey
from registries.models import Listing, Presence, Registry, Repository, Survey
from registries.oci.digest import Digest
from registries.polling import Tier, interval
from tests.simulators.images import Author, digest_of
from tests.simulators.registry_quirks import Quirks


@dataclass(frozen=True)
class Rest:
    """Some days in which little happens: what was asked, and how long each signature added stayed unseen."""

    days: int
    asked: Counter
    signed: int
    waits: list

    @property
    def a_day(self):
        return self.asked.total() / self.days


class Fleet:
    """Repositories of images with referrers, and a clock; `step` indexes whatever is due by then."""

    def __init__(self, root, *, repositories, tags, referrers, api, **options):
        self.demo = DemoRegistry(root, referrers_api=api, **options)
        self.quirks = Quirks(self.demo)
        self.api = api
        self.authors = {}
        self.images = []
        with self.demo.batch():
            for number in range(repositories):
                author = self.authors[f"team/app-{number}"] = Author(self.demo, f"team/app-{number}")
                for tag in range(tags):
                    image = author.image(f"{number} {tag}", tags=f"1.{tag}")
                    listed = [author.signature(image, b"%d" % n) for n in range(referrers)]
                    self.images.append((author, image, listed))
                    if not api:
                        author.fallback(image, listed)
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.registry = Registry.objects.create(address="fleet.test", reference_name="fleet.test", plain_http=True)
        self.survey = Survey.objects.create(registry=self.registry, due_at=self.at)

    def log_in(self, username, password):
        self.registry.username = username
        self.registry.sealed_password = credentials.seal(credentials.READING, self.registry, password)
        self.registry.save()

    def sign(self, which):
        author, image, listed = which
        listed.append(author.signature(image, b"late %d" % len(listed)))
        if not self.api:
            author.fallback(image, listed)
        return Digest.parse(digest_of(listed[-1]))

    def step(self):
        """Do what is due; answers the requests by kind, as the registry and as the client counted them."""
        counted = Counter()
        self.quirks.log.clear()
        with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
            self.survey.refresh_from_db()
            if self.survey.due_at <= self.at:
                lease = leases.take(Survey.objects.all(), self.survey.pk)
                survey.survey(self.registry, source, lease, now=lambda: self.at)
            counted.update(source.requests)
        due = Repository.objects.filter(leases.due(self.at)).values_list("pk", flat=True)
        for pk in list(due):
            with connections.open_source(self.registry, wire=self.quirks.wire()) as source:
                lease = leases.take(Repository.objects.all(), pk)
                indexing.index_repository(lease.row, source, lease, now=lambda: self.at)
                counted.update(source.requests)
        assert counted.total() == len(self.quirks.log)
        return counted

    def make_everything_due(self):
        Survey.objects.update(due_at=self.at)
        Repository.objects.update(due_at=self.at, tags_due_at=self.at)
        Listing.objects.update(due_at=self.at)

    def rest(self, days, *, signatures, chance, step=timedelta(hours=1)):
        """Some days on the clock, in which signatures are added to random images and nobody is told."""
        asked, late = Counter(), {}
        steps = timedelta(days=days) // step
        last = steps - interval(Tier.OLD) // step - 1  # what is added later need not be seen by the end
        for number in range(steps):
            self.at += step
            if number < last:
                for _ in range(signatures * (number + 1) // last - signatures * number // last):
                    late[self.sign(chance.choice(self.images))] = self.at
            asked.update(self.step())
        seen = dict(Presence.objects.filter(manifest__in=late).values_list("manifest_id", "since"))
        return Rest(
            days, asked, len(late), [seen[digest] - signed for digest, signed in late.items() if digest in seen]
        )
