"""Nudges: each due repository gets one message, and a message that comes twice does no harm."""

import pytest
from django.utils import timezone

from dashboard.celery import app
from registries.leases import take
from tests.simulators.revocation import RevocationHost, on_loopback
from tests.trust.revoking import ocsp_answer, signer_with, standing
from tests.trust.seeding import Place, publish
from trust import tasks, verification
from trust.models import ArtifactStatus, Judgement, RevocationSource, Signature, StatusChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return Place(at=timezone.now())


@pytest.fixture
def messages():
    """What lies in the queue, taken out of it."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        queue.clear()

        def taken():
            found = []
            while queue.qsize():
                message = queue.get_nowait()
                message.ack()
                found.append((message.headers["task"], message.payload[0][0]))
            return found

        yield taken
        queue.clear()


def test_every_due_repository_is_nudged_and_no_other(place, messages):
    idle = Place("other/idle", at=place.at)
    idle.judge()
    tasks.nudge_due()
    assert messages() == [("trust.tasks.judge_repository", place.repository.pk)]


def test_at_most_fifty_are_nudged_at_a_time(messages):
    for number in range(60):
        Place(f"many/{number}")
    tasks.nudge_due()
    assert len(messages()) == 50


def test_a_message_that_waits_is_enough_whatever_changes_meanwhile(place, messages):
    tasks.nudge_due()
    place.changed()
    publish()
    tasks.nudge_due()
    assert messages() == [("trust.tasks.judge_repository", place.repository.pk)]
    tasks.judge_repository(place.repository.pk)
    place.changed()
    tasks.nudge_due()
    assert messages() == [("trust.tasks.judge_repository", place.repository.pk)]


def test_what_a_worker_holds_is_not_nudged(place, messages):
    verification.ensure_judgements()
    take(Judgement.objects.all(), Judgement.objects.get().pk)
    tasks.nudge_due()
    assert messages() == []


def test_a_nudge_judges_and_a_second_one_does_nothing(place):
    publish()
    image = place.signed("stranger")
    for _ in range(2):
        tasks.judge_repository(place.repository.pk)
    assert place.status(image).word == "untrusted"
    assert (ArtifactStatus.objects.count(), StatusChange.objects.count()) == (1, 1)
    assert Judgement.objects.get().attempts == 0


def test_a_nudge_for_a_repository_that_is_gone_does_nothing(place):
    tasks.judge_repository(place.repository.pk + 1)


def test_an_unforeseen_error_is_written_into_the_row_and_tried_again(place):
    publish()
    place.signed("release")
    place.judge()
    Signature.objects.update(evidence={"chain": []})  # nobody wrote it so
    place.changed()
    with pytest.raises(KeyError):
        tasks.judge_repository(place.repository.pk)
    row = Judgement.objects.get()
    assert row.last_error.startswith("unforeseen: KeyError")
    assert row.due_at > timezone.now()
    assert not verification.due_judgements(timezone.now()).exists()


def test_a_source_that_is_due_is_nudged_and_asked_once(place, messages, settings):
    publish()
    signer = signer_with("release-signer private", ocsp="http://10.0.0.1/ocsp")
    place.signed(signer)
    place.judge()
    tasks.nudge_due()
    source = RevocationSource.objects.get()
    assert ("trust.tasks.collect_answer", source.pk) in messages()
    for _ in range(2):
        tasks.collect_answer(source.pk)
    source.refresh_from_db()
    assert source.attempts == 1
    assert "allow 10.0.0.1:80 (or its network) in SIGNBOARD_REVOCATION_NETWORKS" in source.last_error
    assert standing(signer) == ("unknown", None)


@pytest.mark.network
def test_private_places_are_asked_where_an_operator_named_them(place, settings):
    publish()
    host = RevocationHost()
    with on_loopback(host) as address:
        signer = signer_with("release-signer private", ocsp=f"http://{address}/ocsp")
        host.put(f"http://{address}/ocsp", ocsp_answer(at=place.at, signer=signer))
        place.signed(signer)
        place.judge()
        tasks.nudge_due()
        settings.REVOCATION_NETWORKS = [address]
        tasks.collect_answer(RevocationSource.objects.get().pk)
    assert standing(signer)[0] == "good"
    assert len(host.log) == 1
