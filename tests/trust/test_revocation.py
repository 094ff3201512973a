"""Collecting answers: whom is asked, when, and what a new answer changes."""

from datetime import timedelta

import pytest

from registries.leases import LONGEST_RETRY, LeaseLostError, take
from registries.models import Listing
from tests.trust.revoking import CRL, OCSP, away, chain_of, collect, crl_answer, ocsp_answer, signer_with, standing
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement, store_files
from trust import revocation, revocation_rows
from trust.models import (
    AnswerContent,
    ArtifactStatus,
    Judgement,
    RevocationAnswer,
    RevocationSource,
    StatusChange,
    Verdict,
)

pytestmark = pytest.mark.django_db

INSTANT = timedelta(microseconds=1)


def nobody(*arguments, **options):
    raise AssertionError("somebody was asked")


# -- whom is asked


def test_only_sources_of_chains_that_lead_to_a_configured_root_are_asked(place, send, host):
    publish(statement(stores=["ca:partner"]), files=store_files("ca:partner"))
    place.signed("ocsp", "crl")
    place.judge()
    assert collect(send) == 0
    assert not RevocationSource.objects.exists()
    assert host.log == []
    assert standing("ocsp") == ("not_evaluated", None)


def test_without_a_trust_policy_nobody_is_asked(place, send):
    place.signed("ocsp")
    place.judge()
    assert collect(send) == 0


def test_a_root_that_is_trusted_for_timestamps_only_leads_nowhere(place, send):
    ((_, _, file), content) = next(iter(store_files("ca:acme").items()))
    publish(statement(stores=["ca:partner"]), files={("tsa", "acme", file): content, **store_files("ca:partner")})
    place.signed("ocsp")
    place.judge()
    assert collect(send) == 0


def test_a_root_that_is_trusted_later_is_followed_then(place, send, host):
    publish(statement(stores=["ca:partner"]), files=store_files("ca:partner"))
    place.signed("ocsp")
    place.judge()
    collect(send)
    host.put(OCSP, ocsp_answer())
    publish()
    assert collect(send) == 1
    assert standing("ocsp") == ("good", NOW + DAY)


def test_a_root_that_is_trusted_no_more_is_asked_about_no_more(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    place.signed("ocsp")
    place.judge()
    collect(send)
    publish(statement(stores=["ca:partner"]), files=store_files("ca:partner"))
    collect(send)
    assert standing("ocsp") == ("not_evaluated", None)
    host.log.clear()
    collect(send, NOW + 13 * HOUR)
    assert host.log == []
    assert RevocationSource.objects.get().due_at is None


def test_a_chain_without_sources_is_left_alone(place, send):
    publish()
    place.signed("release")
    place.judge()
    assert (collect(send), standing("release")) == (0, ("no_source", None))


# -- what follows from an answer


@pytest.mark.parametrize(
    ("status", "expected", "word", "reason"),
    [
        ("good", ("good", NOW + DAY), "verified", "verified"),
        ("revoked", ("revoked", None), "untrusted", "revoked"),
        ("unknown", ("unknown", None), "unknown", "revocation_unknown"),
    ],
)
def test_an_answer_makes_the_standing_of_the_chain_and_the_word_of_its_artifacts(
    place, send, host, status, expected, word, reason
):
    publish()
    host.put(OCSP, ocsp_answer(status))
    image = place.signed("ocsp")
    place.judge()
    assert place.status(image).reason == "revocation_not_evaluated"
    collect(send)
    assert standing("ocsp") == expected
    assert place.judge()  # the answer made it due
    assert (place.status(image).word, place.status(image).reason) == (word, reason)
    spot = place.spot(image).verdict
    assert (spot.word, spot.reason) == (word, reason)
    assert place.word_now(image) == word


def test_a_source_that_cannot_be_reached_is_unknown_and_tried_again(place, host):
    publish()
    image = place.signed("ocsp")
    place.judge()
    collect(away)
    source = RevocationSource.objects.get()
    assert (standing("ocsp"), source.last_error, source.attempts) == (("unknown", None), "it cannot be reached", 1)
    assert source.leased_until is None
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("unknown", "revocation_unknown")
    assert "it cannot be reached" in place.status(image).message


def test_a_crl_answers_for_every_certificate_that_names_it(place, send, host):
    publish()
    host.put(CRL, crl_answer("crl"))
    place.signed("crl")
    place.judge()
    collect(send)
    assert standing("crl") == ("revoked", None)
    assert host.asked() == [f"GET {CRL.removeprefix('http://')}"]


def test_the_answer_is_kept_with_its_bytes_dates_and_what_it_says(place, send, host):
    publish()
    content = ocsp_answer("revoked")
    host.put(OCSP, content)
    place.signed("ocsp")
    place.judge()
    collect(send)
    answer = RevocationAnswer.objects.get()
    assert bytes(AnswerContent.objects.get(digest=answer.digest).content) == content
    assert (answer.collected_at, answer.this_update, answer.next_update) == (NOW, NOW, NOW + DAY)
    assert answer.signed_by == chain_of("ocsp")[1].subject
    assert answer.says[chain_of("ocsp")[0].thumbprint]["entries"][0]["reason"] == "keyCompromise"
    assert revocation_rows.answer_of(answer).says[chain_of("ocsp")[0].thumbprint].entries[0].revoked_at == NOW


# -- renewal: the answers are shared, and green is computed at read time


def green(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    image = place.signed("ocsp")
    place.judge()
    collect(send)
    place.judge()
    assert place.word_now(image) == "verified"
    return image


def test_a_green_word_ends_at_the_instant_at_which_its_answer_runs_out(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer(lasts=timedelta(minutes=20)))
    image = place.signed("ocsp")
    place.judge()
    collect(send)
    place.judge()
    end = NOW + timedelta(minutes=20)
    assert place.word_now(image, end - INSTANT) == place.spot(image, end - INSTANT).verdict.word == "verified"
    assert place.word_now(image, end) == place.spot(image, end).verdict.word == "stale"
    assert place.spot(image, end + INSTANT).verdict.word == "unknown"
    assert place.spot(image).verdict.holds_until == end
    rows = ArtifactStatus.objects.with_word_at(1, NOW)
    assert rows.get(manifest=image).holds_until == end


def test_a_renewed_answer_changes_the_row_of_the_chain_and_nothing_else(place, send, host):
    image = green(place, send, host)
    before = [
        list(model.objects.order_by("pk").values()) for model in (ArtifactStatus, Verdict, StatusChange, Judgement)
    ]
    later = NOW + 13 * HOUR
    host.put(OCSP, ocsp_answer(at=later))
    assert collect(send, later) == 1
    assert standing("ocsp") == ("good", later + DAY)
    after = [
        list(model.objects.order_by("pk").values()) for model in (ArtifactStatus, Verdict, StatusChange, Judgement)
    ]
    assert after == before
    assert RevocationAnswer.objects.count() == 2
    end = Listing.objects.get(subject=image.digest).recent_until
    assert place.status(image).green_until == end != later + DAY  # no answer is part of it


def test_one_renewed_answer_serves_every_signature_of_the_chain(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    images = [place.signed("ocsp") for _ in range(4)]
    place.judge()
    collect(send)
    place.judge()
    assert {place.word_now(image) for image in images} == {"verified"}
    assert (RevocationSource.objects.count(), len(host.log)) == (1, 1)


def test_a_revocation_takes_green_away_at_once_and_the_history_says_so(place, send, host):
    image = green(place, send, host)
    later = NOW + timedelta(minutes=30)
    host.put(OCSP, ocsp_answer("revoked", at=later))
    RevocationSource.objects.update(due_at=later, ask_again_at=later)
    collect(send, later)
    assert place.word_now(image, later) == "stale"  # at once, before anybody judged it again
    assert place.judge(later)
    assert (place.status(image).word, place.status(image).reason) == ("untrusted", "revoked")
    assert StatusChange.objects.latest("pk").after == "untrusted"


def test_what_else_becomes_known_of_a_chain_that_is_revoked_already_is_judged(place, send, host):
    """A signature from before the first revocation may rest on it, and not on the second."""
    image = green(place, send, host)
    for minutes in (1, 2):
        moment = NOW + timedelta(minutes=minutes)
        host.put(OCSP, ocsp_answer("revoked", at=moment))
        RevocationSource.objects.update(due_at=moment, ask_again_at=moment)
        collect(send, moment)
        assert place.judge(moment), minutes
    assert f"{moment:%H:%M:%S}" in place.status(image).message


def test_a_failed_renewal_takes_nothing_away_while_the_last_answer_holds(place, send, host):
    image = green(place, send, host)
    later = NOW + timedelta(minutes=30)
    RevocationSource.objects.update(due_at=later, ask_again_at=later)
    collect(away, later)
    assert standing("ocsp") == ("good", NOW + DAY)
    assert place.word_now(image, later) == place.spot(image, later).verdict.word == "verified"
    place.list(image, *[signature.manifest for signature in place.spot(image).signatures], at=NOW + DAY)
    RevocationSource.objects.update(due_at=NOW + DAY)
    collect(away, NOW + DAY + INSTANT)
    assert standing("ocsp") == ("unknown", None)
    assert place.spot(image, NOW + DAY + INSTANT).verdict.word == "unknown"


def test_an_old_answer_that_is_served_again_does_not_count(place, send, host):
    image = green(place, send, host)
    good = host.places[OCSP.removeprefix("http://")][0]
    revoked_at = NOW + timedelta(minutes=1)
    host.put(OCSP, ocsp_answer("revoked", at=revoked_at))
    RevocationSource.objects.update(due_at=revoked_at, ask_again_at=revoked_at)
    collect(send, revoked_at)
    assert standing("ocsp") == ("revoked", None)
    host.put(OCSP, good)
    replayed_at = NOW + timedelta(minutes=2)
    RevocationSource.objects.update(due_at=replayed_at, ask_again_at=replayed_at)
    collect(send, replayed_at)
    assert standing("ocsp") == ("revoked", None)
    assert place.spot(image, replayed_at).verdict.reason == "revoked"


def test_the_same_answer_again_adds_no_row(place, send, host):
    green(place, send, host)
    later = NOW + HOUR
    RevocationSource.objects.update(due_at=later, ask_again_at=later)
    collect(send, later)
    assert len(host.log) == 2
    assert RevocationAnswer.objects.count() == 1
    assert RevocationSource.objects.get().asked_at == later


@pytest.mark.parametrize(
    ("lasts", "again"),
    [
        (timedelta(hours=10), timedelta(hours=9)),
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(seconds=5), timedelta(minutes=10)),
        (timedelta(days=7), timedelta(hours=12)),
        (timedelta(days=-1), LONGEST_RETRY),
    ],
)
def test_a_source_is_asked_again_before_its_answer_runs_out_but_neither_always_nor_hardly_ever(
    place, send, host, lasts, again
):
    publish()
    if lasts < timedelta():
        host.put(OCSP, ocsp_answer(at=NOW + 2 * lasts, lasts=-lasts))
    else:
        host.put(OCSP, ocsp_answer(lasts=lasts))
    place.signed("ocsp")
    place.judge()
    collect(send)
    assert RevocationSource.objects.get().due_at == NOW + again


# -- green and the actions of a statement


@pytest.mark.parametrize("status", ["revoked", "unknown"])
@pytest.mark.parametrize("level", [{"level": "permissive"}, {"level": "strict", "override": {"revocation": "skip"}}])
def test_a_word_that_does_not_rest_on_revocation_stays_green(place, send, host, level, status):
    publish(statement(**level))
    host.put(OCSP, ocsp_answer(status))
    image = place.signed("ocsp")
    place.judge()
    assert place.word_now(image) == "verified_with_exceptions"
    collect(send)
    assert place.word_now(image) == place.spot(image).verdict.word == "verified_with_exceptions"
    place.judge(must_be_due=False)
    assert place.word_now(image) == place.spot(image).verdict.word == "verified_with_exceptions"


def test_a_chain_that_is_good_again_is_judged_again(place, send, host):
    publish()
    image = place.signed("ocsp")
    place.judge()
    collect(away)
    place.judge()
    later = NOW + timedelta(minutes=5)
    host.put(OCSP, ocsp_answer(at=later))
    RevocationSource.objects.update(due_at=later)
    collect(send, later)
    assert place.judge(later)
    assert place.word_now(image, later) == "verified"


# -- OCSP and CRL together: nobody is asked who is not needed


BOTH = signer_with("release-signer both", ocsp=OCSP, crl=CRL)


def kinds():
    return {row.kind: row.due_at for row in RevocationSource.objects.all()}


def test_a_crl_is_not_asked_while_the_responder_answers(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer(signer=BOTH))
    host.put(CRL, crl_answer())
    place.signed(BOTH)
    place.judge()
    collect(send)
    assert standing(BOTH) == ("good", NOW + DAY)
    assert host.asked("crl.acme") == []
    assert list(kinds()) == ["ocsp"]


def test_a_crl_is_asked_where_the_responder_does_not_answer(place, send, host):
    publish()
    host.put(CRL, crl_answer(lasts=2 * DAY))
    place.signed(BOTH)
    place.judge()
    collect(send)
    assert standing(BOTH) == ("good", NOW + 2 * DAY)
    assert set(kinds()) == {"ocsp", "crl"}


def test_a_crl_is_let_be_when_the_responder_answers_again(place, send, host):
    publish()
    host.put(CRL, crl_answer())
    place.signed(BOTH)
    place.judge()
    collect(send)
    later = NOW + 13 * HOUR
    host.put(OCSP, ocsp_answer(at=later, signer=BOTH))
    RevocationSource.objects.update(due_at=later)
    RevocationSource.objects.filter(kind="crl").update(due_at=later + HOUR)
    host.log.clear()
    collect(send, later)
    collect(send, later + HOUR)
    assert host.asked("crl.acme") == []
    assert kinds()["crl"] is None
    assert standing(BOTH) == ("good", later + DAY)


def test_a_crl_that_slept_is_asked_when_the_responder_fails_again(place, send, host):
    test_a_crl_is_let_be_when_the_responder_answers_again(place, send, host)
    host.take_away(OCSP)
    later = NOW + 3 * DAY
    host.put(CRL, crl_answer(at=later, number=2))
    RevocationSource.objects.filter(kind="ocsp").update(due_at=later)
    collect(send, later)
    assert standing(BOTH) == ("good", later + DAY)


# -- certificates that come after the CRL


def test_a_certificate_that_comes_later_is_looked_up_in_the_crl_at_hand(place, send, host):
    publish()
    second = signer_with("release-signer later", crl=CRL)
    host.put(CRL, crl_answer(second))
    place.signed("crl")
    place.judge()
    collect(send)
    assert standing("crl") == ("good", NOW + DAY)
    image = place.signed(second)
    place.judge()
    host.log.clear()
    collect(nobody, NOW + HOUR)
    assert host.log == []
    assert standing(second) == ("revoked", None)
    assert standing("crl") == ("good", NOW + DAY)
    newest = RevocationSource.objects.get().answer
    assert newest.collected_at == NOW
    assert len(newest.says) == 2
    assert place.judge(NOW + HOUR)
    assert place.status(image).reason == "revoked"


def test_the_bytes_of_a_large_answer_go_when_a_newer_one_takes_its_place(place, send, host, monkeypatch):
    monkeypatch.setattr(revocation_rows, "LARGE", 100)
    publish()
    host.put(CRL, crl_answer())
    place.signed("crl")
    place.judge()
    collect(send)
    later = NOW + 13 * HOUR
    host.put(CRL, crl_answer("crl", at=later, number=2))
    collect(send, later)
    old, new = RevocationAnswer.objects.order_by("pk")
    assert set(AnswerContent.objects.values_list("digest", flat=True)) == {new.digest}
    assert old.says  # what it said stays


# -- leases, and the order of things


def test_a_worker_that_was_too_slow_writes_nothing(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    place.signed("ocsp")
    place.judge()
    revocation.follow_chains(NOW)
    pk = RevocationSource.objects.get().pk
    slow = take(revocation.due_sources(NOW), pk, NOW)

    def overtaken(*arguments, **options):
        answer = send(*arguments, **options)
        RevocationSource.objects.update(leased_until=None)
        assert take(revocation.due_sources(NOW), pk, NOW)
        return answer

    with pytest.raises(LeaseLostError):
        revocation.collect(slow, overtaken, NOW)
    assert not RevocationAnswer.objects.exists()
    assert standing("ocsp")[0] == "not_evaluated"


def test_a_repository_that_is_being_judged_meanwhile_is_judged_once_more(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    image = place.signed("ocsp")
    place.judge()
    place.changed()
    lease = take(Judgement.objects.all(), Judgement.objects.get().pk, NOW)
    collect(send)
    Judgement.objects.update(due_at=NOW + INSTANT)  # as the clock would have it
    lease.finish(None)
    assert place.judge(NOW + INSTANT)
    assert place.word_now(image) == "verified"


def test_chains_are_followed_once_a_revision(place, send):
    publish()
    place.signed("ocsp", "crl", "release")
    place.judge()
    assert revocation.follow_chains(NOW) == 2
    assert revocation.follow_chains(NOW) == 0
    publish()
    assert revocation.follow_chains(NOW) == 2


def test_only_those_repositories_are_judged_again_that_hold_the_chain(place, send, host):
    publish()
    host.put(OCSP, ocsp_answer())
    other = Place("shop/web")
    place.signed("ocsp")
    other.signed("release")
    place.judge()
    other.judge()
    other_due = Judgement.objects.get(repository=other.repository).due_at
    collect(send)
    assert place.judge()
    assert Judgement.objects.get(repository=other.repository).due_at == other_due


def test_an_address_that_is_not_http_is_never_asked_and_its_chain_is_unknown(place, send, host):
    publish()
    odd = signer_with("release-signer odd", ocsp="https://ocsp.acme.example/r2")
    image = place.signed(odd)
    place.judge()
    assert collect(send) == 0
    assert standing(odd) == ("unknown", None)
    place.judge()
    assert "only http addresses are asked" in place.status(image).message
