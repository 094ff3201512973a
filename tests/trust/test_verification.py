"""Judging repositories: what is due, what a run writes, and that it writes it once."""

from datetime import timedelta

import pytest

from registries.leases import LeaseLostError, take
from registries.models import Content, Fault, Listing, Presence, SchemaTag, Tag, TagMove
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement
from tests.trust.stopping import judge_until_stopped
from trust import verification
from trust.models import ArtifactStatus, Judgement, StatusChange, Verdict

pytestmark = pytest.mark.django_db

SBOM = "application/spdx+json"


def words(place):
    return {row.manifest_id: row.word for row in ArtifactStatus.objects.filter(repository=place.repository)}


# -- words


def test_a_good_signature_makes_its_artifact_verified(place):
    publish()
    image = place.signed("release", tag="1.0")
    place.judge()
    status = place.status(image)
    assert (status.word, status.signer, status.statement, status.tags) == (
        "verified",
        "release-signer 03",
        "release",
        ["1.0"],
    )
    assert status.green_until == NOW + timedelta(days=2)  # the listing ages before anything else turns
    assert Verdict.objects.get().word == "verified"


def test_a_cose_signature_counts_like_a_jws_one(place):
    publish()
    image = place.signed("release", envelope_format="cose")
    place.judge()
    assert place.status(image).word == "verified"


@pytest.mark.parametrize(
    ("signer", "options", "word", "reason"),
    [
        ("stranger", {}, "untrusted", "unknown_root"),
        ("build", {}, "untrusted", "identity_mismatch"),
        ("expired", {"signing_time": NOW - 100 * DAY}, "untrusted", "certificate_expired"),
        ("release", {"expiry": NOW - HOUR}, "untrusted", "expired"),
        ("release", {"defects": ["payload changed"]}, "failed", "signature_invalid"),
        ("ocsp", {}, "unknown", "revocation_not_evaluated"),
    ],
)
def test_every_condition_of_a_signature_has_its_word_and_reason(place, signer, options, word, reason):
    publish()
    image = place.signed(signer, **options)
    place.judge()
    status = place.status(image)
    assert (status.word, status.reason) == (word, reason)


def test_a_signature_moved_to_another_artifact_fails(place):
    publish()
    image, other = place.image(), place.image()
    place.list(image, place.sign(image, over=other))
    place.judge()
    assert place.status(image).word == "failed"
    assert place.status(image).reason == "target_mismatch"


def test_a_complete_listing_without_signatures_is_unsigned(place):
    publish()
    image = place.image()
    place.list(image, place.attach(image, SBOM))
    place.judge()
    assert place.status(image).word == "unsigned"


def test_an_artifact_whose_referrers_were_never_listed_is_unknown(place):
    publish()
    image = place.image()
    place.judge()
    status = place.status(image)
    assert (status.word, status.reason, status.listed_at) == ("unknown", "not_listed", None)


def test_an_incomplete_listing_is_unknown_and_says_the_cause(place):
    publish()
    image = place.image()
    place.list(image, complete=False, error_code="rate_limited", error="the registry answered 429")
    place.judge()
    status = place.status(image)
    assert (status.word, status.reason, status.listed_at) == ("unknown", "listing_incomplete", NOW)
    assert "The registry answered 429." in status.message


def test_a_good_signature_counts_even_in_an_incomplete_listing(place):
    publish()
    image = place.image()
    place.list(image, place.sign(image), complete=False, error="timeout")
    place.judge()
    assert place.status(image).word == "verified"


def test_beyond_the_cap_with_none_good_the_word_is_unknown_for_the_limit(place):
    publish()
    image = place.image()
    place.list(image, place.sign(image, "stranger"), complete=False, error_code="limit", error="more than 1,000")
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("unknown", "limit")


def test_an_envelope_that_is_not_to_be_had_is_unknown(place):
    publish()
    image = place.signed("release", envelope_kept=False)
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("unknown", "envelope_missing")
    assert Verdict.objects.get().word == "unknown"


def test_a_signature_manifest_with_two_layers_fails(place):
    publish()
    image = place.signed("release", layers=2)
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("failed", "layer_count")


def test_a_referrer_that_could_not_be_read_keeps_its_subject_from_reading_unsigned(place):
    publish()
    image = place.image()
    place.list(image)
    Fault.objects.create(
        repository=place.repository, digest="sha256:" + "a" * 64, subject=image.digest,
        code="digest_mismatch", message="the manifest has another digest", seen_at=NOW,
    )  # fmt: skip
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("unknown", "digest_mismatch")
    assert place.spot(image).verdict.word == "unknown"


def test_a_foreign_manifest_in_a_listing_says_nothing_of_the_subject(place):
    publish()
    image = place.image()
    place.list(image)
    Fault.objects.create(
        repository=place.repository, digest="sha256:" + "a" * 64, subject=image.digest,
        code="foreign_referrer", message="it names another subject", seen_at=NOW,
    )  # fmt: skip
    place.judge()
    assert place.status(image).word == "unsigned"


def test_what_could_not_be_read_does_not_take_green_away(place):
    publish()
    image = place.signed("release")
    Fault.objects.create(
        repository=place.repository, digest="sha256:" + "a" * 64, subject=image.digest,
        code="not_found", message="404", seen_at=NOW,
    )  # fmt: skip
    place.judge()
    assert place.status(image).word == "verified"


def test_a_listed_signature_of_another_subject_is_nobodys(place):
    publish()
    image, other = place.image(), place.image()
    place.list(image, place.sign(other))
    place.judge()
    assert place.status(image).word == "unsigned"
    assert place.spot(image).signatures == ()


def test_without_a_policy_signed_is_not_checked_and_unsigned_is_unsigned(place):
    signed, unsigned, unlisted = place.signed("release"), place.image(), place.image()
    place.list(unsigned)
    place.judge()
    assert words(place) == {signed.pk: "not_checked", unsigned.pk: "unsigned", unlisted.pk: "unknown"}
    assert place.status(signed).reason == "no_policy"
    assert place.spot(signed).verdict.reason == "no_policy"
    assert place.status(signed).revision is None


def test_where_no_statement_applies_nothing_is_checked(place):
    publish(statement(scopes=["registry.acme.example/other"]))
    image = place.signed("release")
    place.judge()
    assert (place.status(image).word, place.status(image).reason) == ("not_checked", "no_statement")


def test_one_manifest_in_two_repositories_has_the_word_of_each_ones_statement():
    places = [Place("shop/api"), Place("mirror/api")]
    publish(
        statement("strict", ["registry.acme.example/shop/api"]),
        statement("partner", ["registry.acme.example/mirror/api"], stores=["ca:partner"], identities=["*"]),
    )
    for place in places:
        image = place.image(seed="the same bytes")
        place.list(image, place.sign(image))
    for place in places:
        place.judge()
    assert [place.status(image).word for place in places] == ["verified", "untrusted"]
    assert [place.spot(image).verdict.word for place in places] == ["verified", "untrusted"]
    assert Verdict.objects.count() == 2


# -- what stands beside the word


def test_referrers_are_counted_by_kind_and_other_signatures_apart(place):
    publish()
    image = place.image()
    place.list(
        image,
        place.sign(image),
        place.attach(image, SBOM, "1"),
        place.attach(image, SBOM, "2"),
        place.attach(image, "application/vnd.dev.cosign.artifact.sig.v1+json"),
    )
    SchemaTag.objects.create(
        repository=place.repository, name=f"{image.digest.fallback_tag}.sig", scheme="cosign", subject=image.digest
    )
    SchemaTag.objects.create(
        repository=place.repository, name=f"{image.digest.fallback_tag}.att", scheme="cosign", subject=image.digest
    )
    place.judge()
    assert (place.status(image).counts, place.status(image).cosign) == ({"sbom": 2, "signature": 1}, 2)


def test_signatures_have_no_status_of_their_own_and_referrers_have(place):
    publish()
    image = place.image()
    sbom = place.attach(image, SBOM)
    place.list(image, place.sign(image), sbom)
    place.list(sbom, place.sign(sbom))
    place.judge()
    assert words(place) == {image.pk: "verified", sbom.pk: "verified"}
    assert not place.status(sbom).is_artifact


def test_children_of_a_verified_index_are_covered_but_not_verified(place):
    publish()
    children = [place.image(is_artifact=False) for _ in range(2)]
    inner = place.index(*children)
    outer = place.index(inner, tag="1.0")
    for manifest in (*children, inner):
        place.list(manifest)
    place.list(outer, place.sign(outer))
    place.judge()
    assert place.status(children[0]).word == "unsigned"
    assert {place.status(each).covered_by for each in (*children, inner)} == {outer.pk}


def test_nothing_is_covered_by_an_index_that_is_not_verified(place):
    publish()
    child = place.image(is_artifact=False)
    index = place.index(child)
    place.list(child)
    place.list(index, place.sign(index, "stranger"))
    place.judge()
    assert place.status(child).covered_by is None


def test_a_withdrawn_signature_takes_green_away_and_leaves_a_mark(place):
    publish()
    image = place.signed("release")
    place.judge()
    place.list(image)  # the registry lists it no more
    place.judge()
    status = place.status(image)
    assert (status.word, status.signature_withdrawn) == ("unsigned", True)
    assert not Verdict.objects.exists()
    assert status.changes.latest("id").cause == "evidence"


def test_a_signature_missing_from_an_incomplete_listing_is_not_called_withdrawn(place):
    publish()
    image = place.signed("release")
    place.list(image, complete=False, error="timeout")
    place.judge()
    assert (place.status(image).word, place.status(image).signature_withdrawn) == ("unknown", False)


def test_a_tag_that_names_an_earlier_digest_again_is_marked(place):
    publish()
    old, new = place.image("latest"), place.image()
    tag = Tag.objects.get()
    for before, after in ((None, old), (old, new), (new, old)):
        TagMove.objects.create(tag=tag, before=before and before.digest, after=after.digest, at=NOW)
    place.judge()
    assert (place.status(old).tag_moved_back, place.status(new).tag_moved_back) == (True, False)


def test_a_tag_that_vanished_and_came_back_alike_is_not_marked(place):
    publish()
    image = place.image("latest")
    tag = Tag.objects.get()
    for before, after in ((None, image), (image, None), (None, image)):
        TagMove.objects.create(tag=tag, before=before and before.digest, after=after and after.digest, at=NOW)
    place.judge()
    assert not place.status(image).tag_moved_back


def test_what_has_vanished_from_the_registry_keeps_its_row_and_is_marked(place):
    publish()
    image = place.signed("release")
    place.judge()
    Presence.objects.filter(manifest=image).update(until=NOW)
    place.changed()
    place.judge()
    assert not place.status(image).present


# -- once, and only what changed


def test_judging_twice_changes_nothing(place):
    publish()
    place.signed("release", "stranger")
    place.list(place.image())
    place.judge()
    before = [list(model.objects.order_by("pk").values()) for model in (ArtifactStatus, StatusChange, Verdict)]
    assert place.judge(NOW + HOUR, must_be_due=False)
    assert [list(model.objects.order_by("pk").values()) for model in (ArtifactStatus, StatusChange, Verdict)] == before


def test_a_listing_that_was_renewed_renews_green_without_a_change_of_word(place):
    publish()
    image = place.signed("release")
    place.judge()
    Listing.objects.update(checked_at=NOW + HOUR)
    place.changed()
    place.judge(NOW + HOUR)
    assert place.status(image).green_until == NOW + HOUR + 2 * DAY
    assert StatusChange.objects.count() == 1


def test_a_worker_that_was_overtaken_writes_nothing(place):
    publish()
    image = place.signed("release")
    verification.ensure_judgements()
    row = Judgement.objects.get()
    slow = take(Judgement.objects.all(), row.pk, NOW - DAY)
    assert place.judge()
    ArtifactStatus.objects.update(word="untrusted")  # whatever the slow one writes would show
    with pytest.raises(LeaseLostError):
        verification.judge_repository(slow, NOW)
    assert place.status(image).word == "untrusted"


@pytest.mark.parametrize("renewals", range(8))
def test_a_worker_stopped_anywhere_leaves_the_rest_to_the_next(place, renewals, monkeypatch):
    publish()
    for _ in range(4):
        place.signed("release")
    monkeypatch.setattr("trust.records.BATCH", 2)
    monkeypatch.setattr("trust.evidence.BATCH", 3)
    verification.ensure_judgements()
    stopped = judge_until_stopped(renewals)
    assert stopped == (renewals < 6)  # two batches of evidence, one of verdicts, two of rows, the end
    Judgement.objects.update(leased_until=NOW - HOUR)
    assert place.judge() == stopped
    assert set(words(place).values()) == {"verified"}
    assert (ArtifactStatus.objects.count(), StatusChange.objects.count(), Verdict.objects.count()) == (4, 4, 4)
    assert not verification.due_judgements(NOW).exists()


# -- due


def test_a_repository_is_due_until_it_was_judged(place):
    verification.ensure_judgements()
    assert verification.due_judgements(NOW).count() == 1
    assert place.judge()
    assert not verification.due_judgements(NOW).exists()
    assert not place.judge()


@pytest.mark.parametrize("change", ["generation", "revision", "evidence_version", "judge_version"])
def test_a_repository_is_due_again_when_what_it_was_judged_by_is_another(place, change):
    publish()
    place.judge()
    Judgement.objects.update(**{change: 77})
    assert verification.due_judgements(NOW).count() == 1


def test_a_repository_is_due_when_its_first_green_word_ends(place):
    publish()
    place.signed("release", expiry=NOW + HOUR)
    place.judge()
    assert not verification.due_judgements(NOW + HOUR - timedelta(seconds=1)).exists()
    assert verification.due_judgements(NOW + HOUR + timedelta(seconds=1)).count() == 1


def test_an_aged_listing_is_judged_once_and_then_waits_for_the_next_listing(place):
    publish()
    image = place.signed("release")
    place.judge()
    later = NOW + 5 * DAY
    assert place.judge(later)
    assert place.word_now(image, later) == "stale"
    assert not verification.due_judgements(later + DAY).exists()
    assert StatusChange.objects.count() == 1


def test_work_that_failed_waits_for_its_next_attempt(place):
    verification.ensure_judgements()
    lease = take(verification.due_judgements(NOW), Judgement.objects.get().pk)
    lease.give_back("no space left on device")
    failed_at = Judgement.objects.get().failed_at
    assert not verification.due_judgements(failed_at).exists()
    assert verification.due_judgements(failed_at + HOUR).count() == 1


def test_a_revision_published_while_judging_makes_the_repository_due_again(place):
    publish()
    image = place.signed("release")
    verification.ensure_judgements()
    lease = take(verification.due_judgements(NOW), Judgement.objects.get().pk)
    verification.judge_repository(lease, NOW)
    publish(statement(stores=["ca:partner"]))
    assert place.word_now(image) == "stale"
    assert verification.due_judgements(NOW).count() == 1


# -- history


def causes(status):
    return list(status.changes.order_by("id").values_list("before", "after", "cause"))


def test_history_tells_a_revision_from_the_clock_and_from_evidence(place):
    publish()
    image = place.signed("release", expiry=NOW + HOUR)
    place.judge()
    place.judge(NOW + 2 * HOUR)
    place.list(image, place.sign(image, "release"), at=NOW + 2 * HOUR)
    place.judge(NOW + 2 * HOUR)
    publish(statement(stores=["ca:partner"]))
    place.judge(NOW + 2 * HOUR)
    assert causes(place.status(image)) == [
        ("", "verified", "first"),
        ("verified", "untrusted", "clock"),
        ("untrusted", "verified", "evidence"),
        ("verified", "untrusted", "revision"),
    ]


def test_an_envelope_that_comes_after_all_is_examined_and_is_new_evidence(place):
    publish()
    image = place.image()
    signature = place.sign(image)
    place.list(image, signature)
    envelope = Content.objects.exclude(digest__in=[image.pk, signature.pk]).get()
    Content.objects.filter(pk=envelope.pk).delete()
    place.judge()
    assert place.status(image).word == "unknown"
    place.keep(envelope.content)
    place.changed()
    place.judge()
    assert causes(place.status(image))[-1] == ("unknown", "verified", "evidence")


def test_a_newer_verifier_is_a_cause_of_its_own(place):
    publish()
    image = place.signed("release")
    place.judge()
    ArtifactStatus.objects.update(word="untrusted", judge_version=0)
    Judgement.objects.update(judge_version=0)
    place.judge()
    assert causes(place.status(image))[-1] == ("untrusted", "verified", "version")


# -- cost


def test_queries_do_not_grow_with_signatures_or_artifacts(django_assert_max_num_queries):
    publish()
    place = Place()
    for _ in range(60):
        place.signed("release", "stranger")
    with django_assert_max_num_queries(60):
        place.judge()


def test_a_signature_dropped_from_the_referrers_tag_leaves_the_question_open_and_is_not_called_withdrawn(place):
    publish()
    image = place.signed("release")
    place.judge()
    [signature] = place.repository.listings.get(subject=image.pk).digests
    place.list(image)
    Fault.objects.create(
        repository=place.repository, digest=signature, subject=image.pk, code="dropped_from_tag", message="Dropped.",
        seen_at=NOW,
    )  # fmt: skip
    place.judge()
    status = place.status(image)
    assert (status.word, status.reason, status.signature_withdrawn) == ("unknown", "dropped_from_tag", False)
