"""The forecast: what it says of a day is what judging on that day writes, where answers were renewed unchanged."""

from datetime import timedelta

import pytest

from demo.pki import ACME, RELEASE, Identity, key_of, make_authority, make_signer
from demo.timestamping import timestamps
from registries.models import Fault, Listing, Registry, Repository
from tests.trust import test_timestamp_revocation as tsa
from tests.trust.revoking import CRL, OCSP, collect, crl_answer, ocsp_answer
from tests.trust.seeding import DAY, HOUR, NOW, Place, pki, publish, statement
from trust import forecast, samples
from trust.forecast import Kind, Why
from trust.models import ArtifactStatus, StatusChange, Verdict
from trust.notary.evidence import Evidence
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db

YEARS = NOW + 3650 * DAY
SECOND = timedelta(seconds=1)
STORES = ("ca:acme", "tsa:acme")
SIGNING_AUTHORITY = {"stores": ["signingAuthority:acme"], "identities": ["x509.subject: C=DE, ST=BE, O=Acme GmbH"]}
WORLD = {  # repository: its statement
    "plain": statement("plain", ["registry.acme.example/plain"]),
    "stamped": statement(
        "stamped", ["registry.acme.example/stamped"], stores=STORES, verifyTimestamp="afterCertExpiry"
    ),
    "always": statement("always", ["registry.acme.example/always"], stores=STORES),
    "lenient": statement("lenient", ["registry.acme.example/lenient"], level="permissive"),
    "mobile": statement("mobile", ["registry.acme.example/mobile"], override={"expiry": "log"}),
    "service": statement("service", ["registry.acme.example/service"], **SIGNING_AUTHORITY),
    "skipped": statement("skipped", ["registry.acme.example/skipped"], level="skip"),
}


def stamp(at=NOW - DAY):
    return timestamps(pki().timestamper, at)


def daily():
    """A signer's certificate of a day, from yesterday."""
    above = Identity("Acme Release CA 2", key_of("Acme Release CA 2"), pki()["release"].chain[1:])
    return make_signer({**RELEASE, "CN": "daily"}, NOW - DAY, NOW + 2 * HOUR, issuer=above)


def fill(name):
    """One of all that there is, most of it with other deadlines."""
    place = Place(name)
    place.signed("release")
    place.signed("release")
    place.signed("release-old-ca")
    place.signed("release-old-ca", "release")
    place.signed("release-old-ca", "stranger")
    place.signed("ocsp")
    place.signed("crl")
    place.signed("stranger")
    place.signed("service", scheme="notary.x509.signingAuthority")
    place.signed("not-yet-valid")
    place.signed("release", expiry=NOW + 14 * DAY)
    place.signed("release-old-ca", expiry=NOW + 14 * DAY)
    place.signed("release", timestamp_token=stamp())
    place.signed("release-old-ca", timestamp_token=stamp())
    place.signed("release-old-ca", timestamp_token=stamp(), expiry=NOW + 30 * DAY)
    place.signed("release-old-ca", timestamp_token=tsa.stamp())
    place.signed("release-old-ca", timestamp_token=tsa.stamp(), expiry=NOW + 30 * DAY)
    place.signed("release-old-ca", timestamp_token=tsa.stamp(), expiry=NOW + 40 * DAY)
    place.signed("release-old-ca", timestamp_token=stamp(NOW - 5000 * DAY))
    place.signed(daily(), timestamp_token=stamp(NOW - HOUR))
    place.signed(daily())
    incomplete, faulty = place.image(), place.image()
    place.list(incomplete, place.sign(incomplete, "release-old-ca"), complete=False, error="timeout")
    place.list(faulty, place.sign(faulty, "release-old-ca"))
    Fault.objects.create(
        repository=place.repository, digest="sha256:" + "a" * 64, subject=faulty.digest,
        code="digest_mismatch", message="the manifest has another digest", seen_at=NOW,
    )  # fmt: skip
    return place


def answers_at(host, at):
    """The authorities say at `at` what they said before."""
    host.put(OCSP, ocsp_answer(at=at))
    host.put(CRL, crl_answer(at=at, number=int(at.timestamp())))
    host.put(tsa.OCSP, tsa.ocsp_answer(at=at))


@pytest.fixture
def world(send, host):
    """Every repository filled and judged, with the answers of now."""
    publish(*WORLD.values(), statement("others", ["registry.acme.example/others"]))
    places = [fill(name) for name in WORLD]
    answers_at(host, NOW)
    for _ in range(3):
        for place in places:
            place.judge(must_be_due=False)
        collect(send)
    return places


def words():
    return dict(ArtifactStatus.objects.values_list("pk", "word"))


def foretold(found, at):
    """The word of every status after all that turns until `at`."""
    said = words()
    courses = dict(ArtifactStatus.objects.values_list("pk", "course"))
    places = dict(ArtifactStatus.objects.values_list("pk", "repository_id"))
    steps = sorted(
        ((deadline.instant, step) for deadline in found.deadlines for step in deadline.turning),
        key=lambda pair: pair[0],
    )
    for instant, step in steps:
        if instant <= at:
            for pk, course in courses.items():
                if course == step.alike.course and places[pk] in step.alike.numbers:
                    assert said[pk] == step.before
                    said[pk] = step.after.value
    return said


def all_repositories():
    return Repository.objects.all()


def test_what_is_said_of_a_day_is_what_judging_writes_on_that_day(world, host, send):
    found = look(330)
    instants = sorted({deadline.instant for deadline in found.deadlines if deadline.turning})
    assert len(instants) >= 5
    checked = [moment for instant in instants for moment in (instant - 2 * SECOND, instant)]
    expected = {at: foretold(found, at) for at in checked}
    assert len({tuple(said.items()) for said in expected.values()}) > 4
    for at in checked:
        Listing.objects.update(checked_at=at)
        answers_at(host, at)
        collect(send, at)
        for place in world:
            place.judge(at, must_be_due=False)
        assert words() == expected[at], at


def one(found, kind, name=""):
    (deadline,) = [each for each in found.deadlines if each.kind is kind and name in each.certificate.subject]
    return deadline


def look(days=60, **filters):
    return forecast.forecast(samples.take(Repository.objects.filter(**filters), NOW), NOW, NOW + days * DAY)


def test_each_deadline_says_how_many_turn_and_why_the_others_do_not(place):
    publish(statement(stores=STORES, verifyTimestamp="afterCertExpiry"))
    for _ in range(3):
        place.signed("release-old-ca")
    place.signed("release-old-ca", timestamp_token=stamp())
    place.signed("release-old-ca", "release")
    place.signed("release")
    place.judge()
    leaf = one(look(), Kind.leaf, "release-signer 01")
    assert leaf.turns == {(Word.verified, Word.untrusted): 3}
    assert leaf.repositories == {place.repository.pk: 3}
    assert leaf.stays == {Why.timestamp: 1, Why.other_signature: 1}
    authority = one(look(), Kind.intermediate, "Acme Release CA 1")
    assert (authority.number, authority.at - leaf.at) == (0, DAY)
    assert authority.stays == {Why.before: 3, Why.timestamp: 1, Why.other_signature: 1}


def test_signatures_that_expire_on_one_day_are_one_deadline(place):
    publish()
    place.signed("release", expiry=NOW + 14 * DAY)
    place.signed("release", expiry=NOW + 14 * DAY + HOUR)
    place.signed("release", expiry=NOW + 15 * DAY)
    place.judge()
    first, second = [each for each in look().deadlines if each.kind is Kind.signature]
    assert (first.number, first.at, second.number) == (2, NOW + 14 * DAY, 1)
    assert first.key == f"expiry-2026-03-15-{pki()['release'].thumbprints[0]}"


def test_certificates_renewed_every_day_are_no_deadline_while_timestamps_keep_what_they_signed(place):
    publish(statement(stores=STORES, verifyTimestamp="afterCertExpiry"))
    place.signed(daily(), timestamp_token=stamp(NOW - HOUR))
    place.judge()
    found = look()
    assert (len(found.short_lived), [one for one in found.deadlines if "daily" in one.certificate.subject]) == (1, [])
    place.signed(daily())
    place.judge(must_be_due=False)
    assert one(look(), Kind.leaf, "daily").number == 1


def test_authorities_of_timestamps_and_trusted_roots_are_deadlines_that_turn_nothing(place):
    publish(statement(stores=STORES))
    place.signed("release", timestamp_token=stamp())
    place.judge()
    found = look(days=3650)
    stamper = one(found, Kind.tsa, "Acme TSA 1")
    assert (stamper.number, stamper.stays) == (0, {Why.keeps: 1})
    assert one(found, Kind.tsa_authority, "Acme TSA Root").stores == ("tsa:acme",)
    assert one(found, Kind.root, "Fjord Payments Root").steps == ()


def test_two_certificates_that_end_together_turn_an_artifact_once(place):
    both = NOW + 20 * DAY
    issuer = make_authority({**ACME, "CN": "Twin root"}, NOW - DAY, both)
    publish(statement(stores=["ca:twin"], identities=["*"]), files={("ca", "twin", "r.pem"): issuer.pem})
    place.signed(make_signer({**RELEASE, "CN": "twin"}, NOW - DAY, both, issuer=issuer))
    place.judge()
    found = look()
    assert sum(each.number for each in found.deadlines) == 1
    assert sorted(why for each in found.deadlines for why in each.stays) == [Why.together]


def test_answers_that_run_out_are_assumed_renewed_and_those_that_ran_out_are_not(place, send, host):
    publish()
    place.signed("ocsp")
    host.put(OCSP, ocsp_answer(lasts=DAY))
    place.judge()
    collect(send)
    place.judge()
    assert look(days=200).samples.samples
    assert all(each.number == 0 for each in look(days=200).deadlines)
    late = forecast.forecast(samples.take(all_repositories(), NOW), NOW + 2 * DAY, NOW + 200 * DAY)
    assert [each for each in late.deadlines if each.steps] == []  # nothing is green there: the answer has run out


def test_a_certificate_revoked_by_the_stored_answers_stays_revoked(place, send, host):
    publish()
    place.signed("ocsp")
    host.put(OCSP, ocsp_answer("revoked"))
    place.judge()
    collect(send)
    place.judge()
    assert [each for each in look(days=400).deadlines if each.steps] == []


def test_only_what_one_may_see_is_counted(place):
    other = Place("shop/secret")
    publish()
    for each in (place, other):
        each.signed("release-old-ca")
        each.judge()
    assert one(look(), Kind.leaf, "signer 01").number == 2
    mine = one(look(name="shop/api"), Kind.leaf, "signer 01")
    assert (mine.number, set(mine.repositories)) == (1, {place.repository.pk})


def test_one_question_under_two_statements_is_judged_under_each(place):
    other = Place("shop/web")
    publish(
        statement("strict", ["registry.acme.example/shop/api"]),
        statement("lenient", ["registry.acme.example/shop/web"], level="permissive"),
    )
    for each in (place, other):
        each.signed("release-old-ca")
        each.judge()
    leaf = one(look(), Kind.leaf, "signer 01")
    assert (leaf.turns, leaf.stays) == ({(Word.verified, Word.untrusted): 1}, {Why.tolerated: 1})
    assert leaf.repositories == {place.repository.pk: 1}


def test_looking_ahead_writes_nothing_and_reads_one_signature_of_those_that_are_alike(
    place, django_assert_max_num_queries
):
    publish()
    for _ in range(20):
        place.signed("release-old-ca", "release")
        place.signed("release-old-ca")
    place.judge()
    before = list(Verdict.objects.values()), list(ArtifactStatus.objects.values()), StatusChange.objects.count()
    with django_assert_max_num_queries(14):
        found = look()
    assert one(found, Kind.leaf, "signer 01").number == 20
    assert len(found.samples.samples) == 2
    assert before == (
        list(Verdict.objects.values()),
        list(ArtifactStatus.objects.values()),
        StatusChange.objects.count(),
    )


def test_queries_do_not_grow_with_repositories(django_assert_max_num_queries):
    publish()
    for number in range(12):
        place = Place(f"shop/app-{number}")
        place.signed("release-old-ca", expiry=NOW + (10 + number) * DAY)
        place.judge()
    with django_assert_max_num_queries(14):
        assert len(look().samples.samples) == 12


def test_timestamps_at_which_the_same_certificates_were_valid_run_the_same_course(place):
    publish(statement(stores=STORES, verifyTimestamp="afterCertExpiry"))
    for hours in range(5):
        place.signed("release-old-ca", timestamp_token=stamp(NOW - hours * HOUR))
    place.signed("release-old-ca", timestamp_token=stamp(NOW - 5000 * DAY))  # when nothing was valid yet
    place.signed("release-old-ca")
    place.judge()
    assert len(set(ArtifactStatus.objects.values_list("question", flat=True))) == 7
    found = look()
    assert sorted(sample.alike.number for sample in found.samples.samples) == [1, 1, 5]
    assert one(found, Kind.leaf, "signer 01").stays == {Why.timestamp: 5}
    assert one(found, Kind.leaf, "signer 01").number == 2


def test_a_course_that_another_revision_gave_counts_for_nothing(place):
    policy = statement(stores=STORES, verifyTimestamp="afterCertExpiry")
    publish(policy)
    for hours in range(3):
        place.signed("release-old-ca", timestamp_token=stamp(NOW - hours * HOUR))
    place.judge()
    publish(statement("plain"))
    assert [sample.alike.number for sample in look().samples.samples] == [1, 1, 1]
    assert one(look(), Kind.leaf, "signer 01").number == 3  # as the new one says, though nothing was judged by it
    place.judge()
    assert [sample.alike.number for sample in look().samples.samples] == [3]


def test_what_was_not_looked_at_is_counted(place, monkeypatch):
    publish()
    place.signed("release")
    place.signed("release")
    changed = place.signed("release-old-ca")
    place.judge()
    Listing.objects.filter(subject=changed.digest).update(complete=False)  # not judged since
    found = look()
    assert (found.samples.waiting, found.samples.rarer) == (1, 0)
    monkeypatch.setattr(samples, "MOST", 1)
    assert (look().samples.waiting, look().samples.rarer) == (0, 1)


def test_without_a_policy_there_is_nothing_ahead(place):
    place.signed("release")
    place.judge()
    assert look(days=3650).deadlines == ()


def test_every_repository_is_matched_by_its_reference(place):
    """A connection that stands for nothing has no statement, and so no deadline of its artifacts."""
    publish()
    place.signed("release-old-ca")
    place.judge()
    Registry.objects.update(reference_name="")
    assert [each for each in look().deadlines if each.steps] == []


def test_a_sample_is_judged_with_other_stores_where_they_are_given(place):
    publish()
    place.signed("release")
    place.judge()
    taken = samples.take(all_repositories(), NOW)
    (sample,) = taken.samples
    assert isinstance(sample.results[0], Evidence)
    material = sample.rulings.material
    empty = type(material.stores).of()
    assert sample.judged(NOW, taken.answers).verdict.word is Word.verified
    assert sample.judged(NOW, taken.answers, empty).verdict.reason == "trust_store_unusable"
