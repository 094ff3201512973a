"""The authority of the sample signers as a revoking one, and a worker that collects whatever is due."""

from datetime import timedelta

from cryptography.x509 import ReasonFlags

from demo.pki import RELEASE, Identity, key_of, make_signer
from registries.leases import take
from registries.oci.errors import RegistryError
from tests.simulators.revocation import entry as revoked_entry
from tests.simulators.revocation import make_crl, make_ocsp
from tests.trust.seeding import DAY, NOW, pki
from trust import revocation
from trust.models import Chain, RevocationSource
from trust.notary.certificates import Certificate

OCSP, CRL = "http://ocsp.acme.example/r2", "http://crl.acme.example/r2.crl"
KEY = key_of("Acme Release CA 2")


def signer_with(name, **sources):
    """One more signer of that authority, whose certificate names these sources."""
    issuer = Identity("Acme Release CA 2", KEY, pki()["ocsp"].chain[1:])
    return make_signer({**RELEASE, "CN": name}, NOW - 65 * DAY, NOW + 300 * DAY, issuer=issuer, **sources)


def identity(signer):
    return pki()[signer] if isinstance(signer, str) else signer


def chain_of(signer):
    return tuple(map(Certificate.parse, identity(signer).ders))


def ocsp_answer(status="good", *, at=NOW, signer="ocsp", lasts=timedelta(days=1), **options):
    """What the responder says of that signer, from now on."""
    return make_ocsp(
        chain_of(signer),
        status,
        this_update=at,
        next_update=at + lasts,
        revoked_at=at,
        reason=ReasonFlags.key_compromise,
        issuer_key=KEY,
        **options,
    )


def crl_answer(*signers, at=NOW, lasts=timedelta(days=1), number=1, **options):
    """A CRL that lists these signers."""
    entries = [revoked_entry(identity(signer).certificate.serial_number, "keyCompromise", at=at) for signer in signers]
    issuer = pki()["crl"].chain[1].subject
    return make_crl(*entries, issuer=issuer, key=KEY, this_update=at, next_update=at + lasts, number=number, **options)


def collect(send, at=NOW):
    """What the workers do until nothing is due: how many sources were worked on."""
    revocation.follow_chains(at)
    worked = 0
    while pk := revocation.due_sources(at).values_list("pk", flat=True).first():
        lease = take(revocation.due_sources(at), pk, at)
        revocation.collect(lease, send, at)
        worked += 1
        RevocationSource.objects.filter(pk=pk, due_at__lte=at).update(due_at=None)  # a clock that stands still
    return worked


def away(method, url, **options):
    """The door to a network on which nobody answers."""
    raise RegistryError("it cannot be reached", code="unreachable")


def standing(signer):
    """How the chain of that signer stands: its word, and until when."""
    return Chain.objects.values_list("standing", "standing_until").get(leaf=identity(signer).thumbprints[0])
