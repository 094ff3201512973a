"""A registry connected over real HTTP, found and indexed as a worker does it."""

from collections import Counter

from django.utils import timezone

from registries import connections, credentials, indexing, leases, survey
from registries.models import Listing, Registry, Repository, Survey
from trust import verification
from trust.models import Judgement


class Site:
    """One connection; `requests` are those of the last act, by kind."""

    def __init__(self, address, *, username="", password="", **fields):
        fields = {"reference_name": address, "plain_http": True, "allowed_networks": ["127.0.0.0/8"], **fields}
        self.registry = Registry.objects.create(address=address, username=username, **fields)
        self.change(password=password)
        self.survey_row = Survey.objects.create(registry=self.registry)
        self.requests = Counter()

    def change(self, *, password, **fields):
        """Edit the connection."""
        self.registry.sealed_password = credentials.seal(credentials.READING, self.registry, password)
        for name, value in fields.items():
            setattr(self.registry, name, value)
        self.registry.save()

    @property
    def repositories(self):
        return Repository.objects.filter(registry=self.registry)

    def look(self):
        """Find the repositories; answers their names."""
        self.requests = Counter()
        with connections.open_source(self.registry) as source:
            survey.survey(self.registry, source, leases.take(Survey.objects.all(), self.survey_row.pk))
            self.requests.update(source.requests)
        return sorted(self.repositories.values_list("name", flat=True))

    def index(self, name="team/app"):
        """Index one repository, all of which is due."""
        now = timezone.now()
        row, _ = Repository.objects.get_or_create(registry=self.registry, name=name)
        Repository.objects.filter(pk=row.pk).update(due_at=now, tags_due_at=row.tags_due_at and now)
        Listing.objects.filter(repository=row).update(due_at=now)
        with connections.open_source(self.registry) as source:
            lease = leases.take(Repository.objects.all(), row.pk)
            indexing.index_repository(lease.row, source, lease)
            self.requests.update(source.requests)
        row.refresh_from_db()
        return row


def judge(repository):
    """As a worker does it, after an index."""
    row, _ = Judgement.objects.get_or_create(repository=repository)
    with leases.claim(Judgement.objects.all(), row.pk) as lease:
        verification.judge_repository(lease)
