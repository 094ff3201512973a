"""CRLs from files: whose they are, what they stand for, and that they count as any other answer."""

from io import StringIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.core.management import CommandError, call_command
from django.utils import timezone

from registries.leases import take
from registries.oci.errors import RegistryError
from tests.simulators.revocation import make_crl
from tests.trust.notary.making import key_of
from tests.trust.revoking import CRL, collect, crl_answer, signer_with, standing
from tests.trust.seeding import DAY, HOUR, NOW, Place, publish, statement, store_files
from trust import revocation
from trust.crl_import import import_crl
from trust.models import Chain, RevocationAnswer, RevocationSource
from trust.notary.errors import RevocationError

pytestmark = pytest.mark.django_db

OTHER = "http://crl.acme.example/other.crl"


def away(*arguments, **options):
    raise RegistryError("it cannot be reached", code="unreachable")


@pytest.fixture
def place():
    publish()
    place = Place()
    place.signed("crl")
    place.judge()
    collect(away)
    assert standing("crl") == ("unknown", None)
    return place


def refused(code, content, **options):
    with pytest.raises(RevocationError) as caught:
        import_crl(content, at=options.pop("at", NOW), **options)
    assert caught.value.code == code
    return str(caught.value)


def test_an_imported_crl_makes_chains_stand_and_their_artifacts_be_judged(place):
    (found,) = import_crl(crl_answer(), at=NOW)
    assert (found.url, found.certificates, found.until) == (CRL, 1, NOW + DAY)
    assert standing("crl") == ("good", NOW + DAY)
    assert RevocationAnswer.objects.get().imported
    assert place.judge()


def test_an_imported_crl_revokes(place):
    import_crl(crl_answer("crl"), at=NOW)
    assert standing("crl") == ("revoked", None)


def test_it_may_be_pem(place):
    pem = x509.load_der_x509_crl(crl_answer()).public_bytes(Encoding.PEM)
    assert import_crl(b"\n" + pem, at=NOW)


def test_it_counts_until_its_next_update_though_the_place_stays_out_of_reach(place):
    import_crl(crl_answer(), at=NOW)
    RevocationSource.objects.update(due_at=NOW)
    collect(away, NOW + HOUR)
    assert standing("crl") == ("good", NOW + DAY)
    RevocationSource.objects.update(due_at=NOW)
    collect(away, NOW + 2 * DAY)
    assert standing("crl") == ("unknown", None)


def test_a_certificate_that_comes_later_is_looked_up_in_it(place):
    later = signer_with("release-signer later", crl=CRL)
    import_crl(crl_answer(later), at=NOW)
    place.signed(later)
    place.judge()
    collect(away, NOW + HOUR)
    assert standing(later) == ("revoked", None)


def test_a_delta_comes_with_it(place):
    delta = crl_answer("crl", number=2, base=1)
    import_crl(crl_answer(), at=NOW, delta=delta)
    assert standing("crl") == ("revoked", None)


def test_a_crl_that_nobody_here_needs_is_refused(place):
    text = refused("crl_issuer", make_crl(key=key_of("p521")))
    assert "none of the authorities signed this CRL" in text


def test_a_crl_is_refused_while_its_chains_lead_to_no_configured_root():
    publish(statement(stores=["ca:partner"]), files=store_files("ca:partner"))
    place = Place()
    place.signed("crl")
    place.judge()
    refused("crl_issuer", crl_answer())


def test_an_expired_crl_is_refused(place):
    refused("crl_expired", crl_answer(at=NOW - 2 * DAY))


def test_an_older_crl_than_the_one_at_hand_is_refused(place):
    import_crl(crl_answer("crl", number=2), at=NOW)
    refused("answer_older", crl_answer(at=NOW - HOUR, number=1))
    assert standing("crl") == ("revoked", None)


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN X509 CRL-----\njunk", b"\x30\x00"])
def test_what_is_no_crl_is_refused(place, content):
    refused("answer_unreadable", content)


def test_of_several_places_one_must_be_named(place):
    place.signed(signer_with("release-signer other", crl=OTHER))
    place.judge()
    text = refused("crl_place", crl_answer())
    assert OTHER in text
    assert CRL in text
    (found,) = import_crl(crl_answer(), at=NOW, url=OTHER)
    assert found.url == OTHER
    assert standing("crl") == ("unknown", None)
    refused("crl_place", crl_answer(), url="http://elsewhere.example/")


def test_a_crl_that_names_its_place_stands_for_that(place):
    place.signed(signer_with("release-signer other", crl=OTHER))
    place.judge()
    scope = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier(OTHER)], None, False, False, None, False, False
    )
    (found,) = import_crl(crl_answer(extensions=[(scope, True)]), at=NOW)
    assert found.url == OTHER


def test_while_the_place_is_being_asked_the_import_waits_for_another_time(place):
    RevocationSource.objects.update(due_at=NOW)
    assert take(revocation.due_sources(NOW), RevocationSource.objects.get().pk)
    refused("busy", crl_answer())


def test_the_command_says_what_the_file_counts_for(place, tmp_path, settings):
    (tmp_path / "acme.crl").write_bytes(crl_answer(at=timezone.now().replace(microsecond=0)))
    out = StringIO()
    call_command("import_crl", str(tmp_path / "acme.crl"), stdout=out)
    assert out.getvalue().startswith(f"{CRL}: 1 certificates of CN=Acme Release CA 2,")
    assert Chain.objects.get().standing == "good"


@pytest.mark.parametrize("content", [None, b"junk"])
def test_the_command_says_why_it_cannot(place, tmp_path, content):
    if content:
        (tmp_path / "acme.crl").write_bytes(content)
    with pytest.raises(CommandError, match="can(not)? be read"):
        call_command("import_crl", str(tmp_path / "acme.crl"))
