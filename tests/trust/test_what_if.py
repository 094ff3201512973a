"""What would follow if a certificate were trusted no more: the same as when it is not."""

import pytest

from registries.models import Listing, Repository
from tests.trust import test_timestamp_revocation as tsa
from tests.trust.revoking import OCSP, collect, ocsp_answer
from tests.trust.seeding import DAY, NOW, Place, pki, publish, statement, store_files
from trust import samples, what_if
from trust.models import ArtifactStatus, TrustRevision, Verdict
from trust.notary.outcome import Word

pytestmark = pytest.mark.django_db

STORES = ("ca:acme", "tsa:acme")


def thumbprint(signer, place=0):
    identity = pki()[signer] if isinstance(signer, str) else signer
    return identity.thumbprints[place]


def everything(**filters):
    return samples.take(Repository.objects.filter(**filters), NOW)


def words():
    return dict(ArtifactStatus.objects.values_list("pk", "word"))


def foretold(supposed):
    said = words()
    for step in supposed.steps:
        for pk in ArtifactStatus.objects.filter(course=step.alike.course).values_list("pk", flat=True):
            assert said[pk] == step.before
            said[pk] = step.after.value
    return said


def fill(place):
    place.signed("release")
    place.signed("release", "partner")
    place.signed("partner")
    place.signed("stranger")
    place.signed("ocsp")
    place.signed("release", timestamp_token=tsa.stamp())
    place.judge()


POLICY = statement(stores=["ca:acme", "ca:partner"], identities=["*"])


@pytest.mark.parametrize("root", ["release", "partner"])
def test_removing_a_root_does_what_was_said_of_it(place, root):
    publish(POLICY)
    fill(place)
    supposed = what_if.removed(everything(), thumbprint(root, -1), NOW)
    green = [pk for pk, word in words().items() if word == "verified"]  # of the others nothing is said
    expected = foretold(supposed)
    assert (supposed.number > 0, len(supposed.emptied)) == (True, 1)
    store = {"release": "acme", "partner": "partner"}[root]
    files = {key: content for key, content in store_files().items() if key[:2] != ("ca", store)}
    publish(POLICY, files=files)
    place.judge()
    assert {pk: words()[pk] for pk in green} == {pk: expected[pk] for pk in green}


def test_a_store_that_holds_others_goes_on_without_it(place):
    both = {("ca", "acme", f"{n}.pem"): pem for n, pem in enumerate((pki().root.pem, pki().partner_root.pem))}
    publish(statement(identities=["*"]), files=both)
    fill(place)
    supposed = what_if.removed(everything(), thumbprint("partner", -1), NOW)
    assert (supposed.stores, supposed.emptied) == (("ca:acme",), ())
    assert supposed.turns == {(Word.verified, Word.untrusted): 1}
    assert supposed.repositories == {place.repository.pk: 1}


def test_what_no_store_holds_can_be_removed_from_none(place):
    publish(POLICY)
    fill(place)
    supposed = what_if.removed(everything(), thumbprint("release"), NOW)
    assert (supposed.stores, supposed.steps) == ((), ())


def test_revoking_a_certificate_does_what_was_said_of_it(place, host, send):
    publish()
    place.signed("ocsp")
    place.signed("ocsp", "release")
    place.signed("release")
    host.put(OCSP, ocsp_answer())
    place.judge()
    collect(send)
    place.judge()
    day = NOW + 10 * DAY
    supposed = what_if.revoked(everything(), thumbprint("ocsp"), NOW, day)
    assert supposed.turns == {(Word.verified, Word.untrusted): 1}
    expected = foretold(supposed)
    host.put(OCSP, ocsp_answer("revoked", at=day))
    Listing.objects.update(checked_at=day)
    collect(send, day)
    place.judge(day, must_be_due=False)
    assert words() == expected


def test_revoking_a_timestamps_authority_turns_what_rests_on_it(place, host, send):
    publish(statement(stores=STORES))
    host.put(tsa.OCSP, tsa.ocsp_answer())
    tsa.stamped(place, send)
    supposed = what_if.revoked(everything(), tsa.asked().thumbprints[0], NOW, NOW)
    assert (supposed.sources, supposed.turns) == ((tsa.OCSP,), {(Word.verified, Word.untrusted): 1})


def test_what_names_no_place_to_ask_cannot_be_revoked(place):
    publish()
    place.signed("release")
    place.judge()
    supposed = what_if.revoked(everything(), thumbprint("release"), NOW, NOW)
    assert (supposed.sources, supposed.steps) == ((), ())


def test_on_a_day_when_it_has_expired_anyway_revoking_turns_nothing_more(place, host, send):
    publish()
    place.signed("ocsp")
    host.put(OCSP, ocsp_answer())
    place.judge()
    collect(send)
    place.judge()
    assert what_if.revoked(everything(), thumbprint("ocsp"), NOW, NOW + 301 * DAY).steps == ()
    assert what_if.revoked(everything(), thumbprint("ocsp"), NOW, NOW - DAY).number == 1  # a day that is over: now


def test_nothing_is_written_and_nothing_foreign_counted(place):
    publish()
    other = Place("shop/secret")
    for each in (place, other):
        each.signed("release")
        each.judge()
    before = list(Verdict.objects.values()), list(ArtifactStatus.objects.values()), TrustRevision.objects.count()
    supposed = what_if.removed(everything(name="shop/api"), thumbprint("release", -1), NOW)
    assert (supposed.number, set(supposed.repositories)) == (1, {place.repository.pk})
    assert before == (
        list(Verdict.objects.values()),
        list(ArtifactStatus.objects.values()),
        TrustRevision.objects.count(),
    )
