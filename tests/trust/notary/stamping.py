"""Timestamp authorities with the keys of the vectors, and what the product makes of their tokens."""

from functools import cache

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.simulators.tsa import STAMPED_AT, Tsa
from tests.trust.notary.making import CA_USAGE, key_of, make_certificate, make_chain
from trust.notary.certificates import Certificate
from trust.notary.timestamp import examine_timestamp
from trust.notary.timestamp_chain import find_chain

MESSAGE = b"the value of a signature"
TIME_STAMPING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)


def authority(key="rsa2048", depth=2, **leaf):
    """A sound authority, or one whose signer is odd."""
    leaf = {"purposes": (), "extensions": [TIME_STAMPING]} | leaf
    return Tsa(tuple(make_chain(key_of(key), depth, **leaf)), key_of(key))


@cache
def sound():
    return authority()


def examine(tsa=None, content=MESSAGE, at=STAMPED_AT, **options):
    """The evidence of a token over `content`, examined as one over MESSAGE."""
    return examine_timestamp((tsa or sound()).token(content, at, **options), MESSAGE)


def fault_of(tsa=None, content=MESSAGE, at=STAMPED_AT, **options):
    """The code of what is wrong with such a token; None where nothing is."""
    fault = examine(tsa, content, at, **options).fault
    return fault and fault.code


def chain_of(tsa, *roots, **options):
    """The chain that the judge would find to the roots (the authority's own, if none are given)."""
    trusted = [Certificate.parse(der) for der in (roots or (tsa.root,))]
    evidence = examine(tsa, **options)
    assert evidence.fault is None, evidence.fault
    return tuple(one.der for one in find_chain(evidence.with_roots(trusted), trusted))


def authority_certificate(key, subject, issuer=None, issuer_key=None, **options):
    """A certificate authority's certificate."""
    options = {"ca": True, "usage": CA_USAGE} | options
    return make_certificate(key_of(key), subject, issuer, issuer_key and key_of(issuer_key), **options)


def authority_of(*above, key="rsa2048", issuer="root", issuer_key="root", **leaf):
    """An authority whose signer is issued by the first of the certificates given, the last of which is its root."""
    leaf = {"extensions": [TIME_STAMPING]} | leaf
    signer = make_certificate(key_of(key), "stamper", issuer, key_of(issuer_key), **leaf)
    return Tsa((signer, *above), key_of(key))
