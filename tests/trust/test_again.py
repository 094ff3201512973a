"""Judging again after another revision: once a question, by sets, and with the rows that judging anew would have left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registries.leases import LeaseLostError, take
from registries.models import Fault, Listing, Presence
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement
from tests.trust.stopping import judge_until_stopped
from trust import remembering, tasks, verification
from trust.models import ArtifactStatus, Judgement, Signature, StatusChange, TrustRevision, Verdict

pytestmark = pytest.mark.django_db

SBOM = "application/spdx+json"
REVISIONS = {
    "another name": [statement("renamed")],
    "another store": [statement(stores=["ca:partner"], identities=["*"])],
    "another level": [statement(level="permissive")],
    "any identity": [statement(stores=["ca:acme", "ca:partner"], identities=["*"])],
    "skip": [statement(level="skip")],
    "no statement": [statement(scopes=["registry.acme.example/other"])],
    "revocation logged": [statement(level="strict", override={"revocation": "log"})],
    "revocation skipped": [statement(level="strict", override={"revocation": "skip"})],
}


@pytest.fixture(autouse=True)
def nothing_remembered():
    remembering.forget()
    yield
    remembering.forget()


def fill(place):
    """One of all that there is, most of it twice."""
    for _ in range(2):
        place.signed("release", tag=f"release-{place.number}")
        place.signed("release", "stranger")
        place.signed("stranger", "release", envelope_format="cose")
        place.signed("stranger")
        place.signed("partner")
        place.signed("build")
        place.signed("ocsp")
        place.signed("expired", signing_time=NOW - 100 * DAY)
        place.signed("release", expiry=NOW + HOUR)
        place.signed("release", expiry=NOW - HOUR)
        place.signed("release", defects=["payload changed"])
        place.signed("release", envelope_kept=False)
        place.signed("release", layers=2)
        place.list(place.image())
        place.image()
        incomplete, limited, faulty, moved = (place.image() for _ in range(4))
        place.list(incomplete, place.sign(incomplete, "stranger"), complete=False, error="timeout")
        place.list(limited, place.sign(limited, "stranger"), complete=False, error_code="limit")
        place.list(moved, place.sign(moved, over=limited))
        place.list(faulty)
        Fault.objects.create(
            repository=place.repository, digest="sha256:" + "a" * 63 + str(place.number % 10), subject=faulty.digest,
            code="digest_mismatch", message="the manifest has another digest", seen_at=NOW,
        )  # fmt: skip
        gone, old = place.signed("release"), place.signed("release")
        Presence.objects.filter(manifest=gone).update(until=NOW)
        Listing.objects.filter(subject=old.digest).update(checked_at=NOW - HOUR)
        child = place.image(is_artifact=False)
        index = place.index(child, tag=f"index-{place.number}")
        sbom = place.attach(index, SBOM, str(place.number))
        place.list(child)
        place.list(index, place.sign(index), sbom)
        place.list(sbom, place.sign(sbom, "partner"))
        place.list(place.signed("release"))  # withdrawn


def rows():
    """All that judging writes, without the keys that a database gives."""
    changes = StatusChange.objects.order_by("at", "status__manifest")
    fields = ("status__repository", "status__manifest", "before", "after", "reason", "cause", "revision", "at")
    return (
        list(ArtifactStatus.objects.order_by("repository", "manifest").values()),
        list(Verdict.objects.order_by("repository", "signature").values()),
        sorted(changes.values_list(*fields), key=str),
        list(Judgement.objects.values("generation", "revision", "judged_at", "due_at")),
    )


def back_to(before):
    for model, values in before:
        model.objects.all().delete()
        model.objects.bulk_create(model(**each) for each in values)


def kept():
    return [(model, list(model.objects.values())) for model in (ArtifactStatus, Verdict, StatusChange)]


def judged_both_ways(place, at, monkeypatch):
    """The rows after judging by sets, and after judging all anew from the same rows."""
    before, work = kept(), Judgement.objects.values().get()
    with monkeypatch.context() as patch:
        patch.delattr("trust.verification._judge_anew")
        assert place.judge(at)
    by_sets = rows()
    back_to(before)
    Judgement.objects.update(**work)
    with monkeypatch.context() as patch:
        patch.setattr("trust.again.holds_as_judged", lambda *_: False)
        assert place.judge(at)
    return by_sets, rows()


def unreadable(signatures):
    """Whoever reads the evidence of these stumbles."""
    signatures.update(evidence={"chain": []})


# -- the same rows


@pytest.mark.parametrize("change", REVISIONS)
def test_another_revision_leaves_the_rows_that_judging_anew_would_leave(place, change, monkeypatch):
    publish()
    fill(place)
    place.judge()
    for minutes, statements in enumerate((REVISIONS[change], [statement()]), start=1):
        publish(*statements)
        by_sets, anew = judged_both_ways(place, NOW + timedelta(minutes=minutes), monkeypatch)
        assert by_sets == anew
        assert len(by_sets[0]) > 40


def test_a_first_policy_leaves_the_rows_that_judging_anew_would_leave(place, monkeypatch):
    fill(place)
    place.judge()
    publish()
    by_sets, anew = judged_both_ways(place, NOW + timedelta(minutes=1), monkeypatch)
    assert by_sets == anew


def test_the_clock_alone_leaves_the_rows_that_judging_anew_would_leave(place, monkeypatch):
    publish()
    fill(place)
    place.judge()
    by_sets, anew = judged_both_ways(place, NOW + HOUR + timedelta(seconds=1), monkeypatch)
    assert by_sets == anew
    assert {row[5] for row in by_sets[2]} == {"first", "clock"}


def test_judging_again_by_the_same_revision_writes_no_row(place):
    publish()
    fill(place)
    place.judge()
    before = rows()[:3]
    assert place.judge(NOW + timedelta(minutes=1), must_be_due=False)
    assert rows()[:3] == before


def test_children_are_no_longer_covered_when_their_index_is_no_longer_verified(place):
    publish()
    child = place.image(is_artifact=False)
    index = place.index(child)
    place.list(child)
    place.list(index, place.sign(index))
    place.judge()
    publish(statement(stores=["ca:partner"]))
    place.judge()
    assert place.status(child).covered_by is None
    publish()
    place.judge()
    assert place.status(child).covered_by == index.pk


# -- once a question


def test_of_signatures_that_are_alike_one_is_read(place):
    publish()
    images = [place.signed("release") for _ in range(3)]
    place.judge()
    first = ArtifactStatus.objects.earliest("pk").manifest_id
    unreadable(Signature.objects.exclude(subject=first))
    publish(statement(stores=["ca:partner"]))
    place.judge()
    assert [place.status(image).word for image in images] == ["untrusted"] * 3
    assert StatusChange.objects.filter(cause="revision", before="verified", after="untrusted").count() == 3


def test_queries_do_not_grow_with_artifacts_that_are_alike(place, django_assert_max_num_queries):
    publish()
    for _ in range(40):
        place.signed("release", "stranger")
    place.judge()
    publish(statement(stores=["ca:partner"]))
    with django_assert_max_num_queries(50):
        place.judge()
    assert set(ArtifactStatus.objects.values_list("word", flat=True)) == {"untrusted"}


@pytest.fixture
def two_places():
    """Two repositories with signatures that are alike, judged by a worker."""
    at = timezone.now()
    places = [Place("shop/api", at=at), Place("shop/web", at=at)]
    publish(at=at)
    for place in places:
        place.signed("stranger")
        tasks.judge_repository(place.repository.pk)
    return places


def words_of(place):
    return set(ArtifactStatus.objects.filter(repository=place.repository).values_list("word", "revision"))


def test_what_a_worker_found_out_in_one_repository_it_knows_in_the_next(two_places):
    first, second = two_places
    publish(statement(level="skip"), at=timezone.now())
    tasks.judge_repository(first.repository.pk)
    unreadable(Signature.objects.filter(manifest__presences__repository=second.repository))
    tasks.judge_repository(second.repository.pk)
    assert words_of(first) == words_of(second) == {("not_checked", 2)}


def test_nothing_is_known_from_before_a_revision(two_places):
    first, second = two_places
    publish(statement(level="skip"), at=timezone.now())
    tasks.judge_repository(first.repository.pk)
    publish(statement(level="permissive"), at=timezone.now())
    tasks.judge_repository(second.repository.pk)
    assert words_of(second) == {("untrusted", 3)}
    row = Judgement.objects.get(repository=second.repository)
    assert row.judged_at > TrustRevision.objects.get(number=3).created_at


def test_nothing_is_known_from_before_somebody_asked_for_a_look(two_places):
    first, second = two_places
    publish(statement(level="skip"), at=timezone.now())
    tasks.judge_repository(first.repository.pk)
    asked = timezone.now()
    Judgement.objects.filter(repository=second.repository).update(due_at=asked)
    tasks.judge_repository(second.repository.pk)
    row = Judgement.objects.get(repository=second.repository)
    assert (row.judged_at > asked, row.due_at) == (True, None)


# -- where more than the revision changed


def test_a_signature_withdrawn_meanwhile_is_noticed_with_the_next_revision(place):
    publish()
    image = place.signed("release")
    place.judge()
    publish(statement("renamed"))
    place.list(image)
    place.judge()
    assert (place.status(image).word, place.status(image).signature_withdrawn) == ("unsigned", True)


def test_what_is_found_changed_without_announcement_is_judged_anew(place):
    """An index that still runs has written a listing, and says so at its end: the worker believes what it sees."""
    publish()
    image = place.signed("release")
    place.judge()
    publish(statement("renamed"))
    Listing.objects.update(digests=[])
    place.judge()
    assert (place.status(image).word, place.status(image).revision) == ("unsigned", 2)


def test_rows_that_name_no_question_are_judged_anew(place):
    publish()
    image = place.signed("release")
    place.judge()
    for model in (ArtifactStatus, Verdict):
        model.objects.update(question="")
    publish(statement(stores=["ca:partner"]))
    place.judge()
    assert (place.status(image).word, place.status(image).revision) == ("untrusted", 2)
    assert place.status(image).question


# -- workers that stop


def test_a_worker_that_was_overtaken_while_judging_again_writes_nothing(place):
    publish()
    image = place.signed("release")
    place.judge()
    publish(statement(stores=["ca:partner"]))
    slow = take(verification.due_judgements(NOW), Judgement.objects.get().pk, NOW - DAY)
    assert place.judge()
    ArtifactStatus.objects.update(message="whatever the slow one writes would show")
    with pytest.raises(LeaseLostError):
        verification.judge_repository(slow, NOW)
    assert place.status(image).message == "whatever the slow one writes would show"
    assert StatusChange.objects.count() == 2


@pytest.mark.parametrize("renewals", range(9))
def test_a_worker_stopped_while_judging_again_leaves_nothing_green_and_the_rest_to_the_next(
    place, renewals, monkeypatch
):
    publish()
    images = [place.signed("release" if number % 2 else "partner") for number in range(4)]
    place.judge()
    monkeypatch.setattr("trust.again.BATCH", 2)
    publish(statement(stores=["ca:partner"], identities=["*"]))
    stopped = judge_until_stopped(renewals)
    assert stopped == (renewals < 7)  # the samples, two batches of verdicts, two of statuses, the covers, the end
    green = {image.pk for image in images[::2]}
    assert {image.pk for image in images if place.word_now(image) == "verified"} <= green
    Judgement.objects.update(leased_until=NOW - HOUR)
    assert place.judge() == stopped
    assert {image.pk for image in images if place.word_now(image) == "verified"} == green
    assert StatusChange.objects.filter(cause="revision").count() == StatusChange.objects.count() - 4 == 4
    assert not verification.due_judgements(NOW).exists()
