"""A worker that is killed while it judges a repository."""

from registries.leases import Lease, take
from tests.trust.seeding import DAY, NOW
from trust import verification
from trust.models import Judgement


class Stopped(BaseException):
    """Like kill -9: what was committed stays, the rest is gone."""


class StoppingLease(Lease):
    """The lease of a worker that is killed after renewing it so many times."""

    renewals = 0

    def renew(self):
        super().renew()
        self.renewals -= 1
        if self.renewals < 0:
            raise Stopped


def judge_until_stopped(renewals):
    """Judge the one repository that is due; whether the worker was stopped before it ended."""
    taken = take(verification.due_judgements(NOW), Judgement.objects.get().pk, NOW - DAY)
    lease = StoppingLease(taken.row, taken.fence)
    lease.renewals = renewals
    try:
        verification.judge_repository(lease, NOW)
    except Stopped:
        return True
    return False
