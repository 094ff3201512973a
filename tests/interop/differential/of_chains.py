"""Operators on certificates: their order, their fields, and the stores that trust them."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID as Purposes

from tests.interop.differential.draft import in_pem, subject
from tests.interop.differential.operators import operator
from tests.trust.notary.making import USAGES, key_of, make_certificate, make_chain, sound_chain

STRANGE = x509.ObjectIdentifier("1.3.6.1.4.1.99999.7")


@operator()
def reorder_the_chain(r, d):
    d.arrange.append(r.choice((lambda c: c[::-1], lambda c: c[1:] + c[:1], lambda c: r.sample(c, len(c)))))


@operator()
def drop_a_certificate(r, d):
    index = r.randrange(len(d.certificates))
    d.arrange.append(lambda chain: chain[:index] + chain[index + 1 :])


@operator()
def repeat_a_certificate(r, d):
    index = r.randrange(len(d.certificates))
    d.arrange.append(lambda chain: chain[: index + 1] + chain[index:])


@operator()
def add_a_foreign_certificate(r, d):
    foreign = list(sound_chain())
    d.arrange.append(r.choice((lambda chain: chain + foreign[-1:], lambda chain: foreign[:1] + chain)))


@operator()
def replace_a_certificate(r, d):
    foreign, index = list(sound_chain()), r.randrange(len(d.certificates))
    d.arrange.append(lambda chain: chain[:index] + foreign[-1:] + chain[index + 1 :])


@operator("chain length")
def lengthen_the_chain(r, d):
    count = r.choice((3, 7, 8, 9, 10, 11))
    root = {"key": key_of("root"), "subject": "Long root", "ca": True, "usage": ("key_cert_sign",)}
    d.certificates[1:] = [
        root | {"key": key_of("p384"), "subject": f"Long {number}"} for number in range(count - 1)
    ] + [root]
    for store, files in d.stores.items():
        d.stores[store] = {name: content if isinstance(content, bytes) else [count] for name, content in files.items()}


@operator()
def flip_a_bit_of_a_certificate(r, d):
    index = r.randrange(len(d.certificates))

    def flipped(chain):
        der = bytearray(chain[index])
        der[r.randrange(len(der))] ^= 1 << r.randrange(8)
        return [*chain[:index], bytes(der), *chain[index + 1 :]]

    d.arrange.append(flipped)


@operator()
def change_the_leafs_key_usage(r, d):
    usage = r.choice((r.sample(USAGES[:7], 2), ("digital_signature", "content_commitment"), None, ("crl_sign",)))
    if usage is not None and "key_agreement" not in usage:
        usage = [name for name in usage if name not in ("encipher_only", "decipher_only")]
    d.leaf["usage"] = usage
    d.leaf["usage_critical"] = r.random() < 0.7


@operator()
def change_the_leafs_purposes(r, d):
    kinds = [Purposes.CODE_SIGNING, Purposes.ANY_EXTENDED_KEY_USAGE, Purposes.SERVER_AUTH, Purposes.CLIENT_AUTH]
    kinds += [Purposes.EMAIL_PROTECTION, Purposes.TIME_STAMPING, Purposes.OCSP_SIGNING, STRANGE]
    d.leaf["purposes"] = r.sample(kinds, r.randint(0, 3))


@operator()
def change_the_leafs_basic_constraints(r, d):
    d.leaf.update(r.choice(({"ca": False, "path_length": None}, {"ca": True}, {"ca": True, "path_length": 0})))


@operator()
def change_an_authority(r, d):
    authority = d.certificates[r.randrange(1, len(d.certificates))] if len(d.certificates) > 1 else d.leaf
    authority |= r.choice(
        (
            {"ca": None, "path_length": None},
            {"ca": False, "path_length": None},
            {"ca": True, "path_length": 0},
            {"ca": True, "path_length": 5},
            {"usage": ("crl_sign",)},
            {"usage": ("key_cert_sign", "digital_signature")},
            {"usage": None},
            {"usage_critical": False},
            {"purposes": [Purposes.SERVER_AUTH]},
        )
    )


@operator()
def change_a_validity(r, d):
    certificate = r.choice(d.certificates)
    now = d.leaf["since"] + timedelta(days=400)
    hour = timedelta(hours=1)
    since, until = r.choice(
        ((now - hour, now + hour), (now + hour, now + 2 * hour), (now - 2 * hour, now - hour), (now + hour, now + hour))
    )
    certificate |= {"since": since, "until": until}


@operator("self-signed")
def change_an_issuer(r, d):
    certificate = r.choice(d.certificates)
    certificate["issuer"] = r.choice(("Somebody else", "Acme Authority 1 ", "acme authority 1"))


@operator()
def sign_a_certificate_with_another_key(r, d):
    r.choice(d.certificates)["issuer_key"] = key_of(r.choice(("p256", "rsa2048")))


@operator()
def sign_a_certificate_with_another_hash(r, d):
    r.choice(d.certificates)["algorithm"] = r.choice((hashes.SHA384, hashes.SHA512))


@operator()
def add_an_extension(r, d):
    certificate = r.choice(d.certificates)
    kinds = (
        x509.UnrecognizedExtension(STRANGE, b"\x05\x00"),
        x509.SubjectAlternativeName([x509.DNSName("a.example")]),
        x509.SubjectKeyIdentifier(b"12345678901234567890"),
        x509.CertificatePolicies([x509.PolicyInformation(STRANGE, None)]),
        x509.NameConstraints([x509.DNSName("a.example")], None),
        x509.InhibitAnyPolicy(0),
    )
    certificate["extensions"] = [(r.choice(kinds), r.random() < 0.4)]


@operator()
def change_the_signers_name(r, d):
    base = {"C": "DE", "ST": "BE", "O": "Acme GmbH", "OU": "Release", "CN": "x"}
    changes = (
        {},
        {"CN": "Acme GmbH\\, other"},
        {"CN": "#41"},
        {"CN": ' x"<>;=+ '},
        {"2.5.4.5": "1234"},
        {"1.2.840.113549.1.9.1": "a@example.com"},
        {"L": "Zürich"},
        {"2.5.4.9": "Street 1"},
        {"0.9.2342.19200300.100.1.25": "example"},
        {"O": "acme gmbh"},
        {"O": "Acme GmbH "},
        {"CN": "\u202eevil"},
    )
    names = base | r.choice(changes)
    if r.random() < 0.3:
        names.pop(r.choice(("C", "ST", "O", "CN")))
    if r.random() < 0.15:
        twice = x509.Name(list(subject(**names)) + list(subject(OU="Build")))
        d.leaf["subject"] = twice
        return
    d.leaf["subject"] = subject(**names)


@operator("self-signed")
def change_what_a_store_holds(r, d):
    store = r.choice([key for key in d.stores if key[0] != "tsa"])
    foreign = list(sound_chain())
    other = make_certificate(key_of("p256"), "Acme Authority 1", ca=True, usage=("key_cert_sign",))
    d.stores[store] = r.choice(
        (
            {},
            {"a.crt": b""},
            {"a.crt": b"no certificate"},
            {"a.crt": in_pem(foreign[-1:])},
            {"a.crt": in_pem([other])},
            {"leaf.crt": [0]},
            {"root.crt": [-1], "foreign.crt": in_pem(foreign[:1])},
            {"root.crt": [-1], "foreign.pem": in_pem(foreign[-1:])},
            {"root.crt": [-1], "note.txt": b"a note"},
            {"two.crt": [-1, -1]},
            {"chain.crt": in_pem(make_chain(key_of("p256"))[-1:]) + b"\n# a comment\n"},
        )
    )


@operator()
def drop_a_store(r, d):
    del d.stores[r.choice(list(d.stores))]


@operator()
def write_a_store_otherwise(r, d):
    forms = (
        lambda ders: b"".join(ders),
        lambda ders: b"text before\n" + in_pem(ders) + b"and after",
        lambda ders: in_pem(ders).replace(b"\n", b"\r\n"),
        lambda ders: in_pem(ders).replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        lambda ders: in_pem(ders).replace(b"CERTIFICATE", b"X509 CRL"),
        lambda ders: in_pem(ders)[:-10],
        lambda ders: b"".join(ders) + b"\0",
        lambda ders: in_pem(ders).replace(b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE-----\nA: b\n\n"),
        lambda ders: b" " + in_pem(ders),
    )
    d.store_form = r.choice(forms)
