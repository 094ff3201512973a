"""The extensions of an X.509 certificate that its rules ask for, and the form of those that Go's parser checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from registries.oci.values import quickly_made
from trust.notary import der
from trust.notary.der import DerError, Reader
from trust.notary.remembered import remembered
from trust.notary.x509_uris import check_uri, is_domain

DIGITAL_SIGNATURE, CONTENT_COMMITMENT, KEY_ENCIPHERMENT, DATA_ENCIPHERMENT, KEY_AGREEMENT = range(5)
CERT_SIGN, CRL_SIGN, ENCIPHER_ONLY, DECIPHER_ONLY = range(5, 9)
KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.19", "2.5.29.37"
SUBJECT_KEY_IDENTIFIER, ALTERNATIVE_NAMES, AUTHORITY_KEY_IDENTIFIER = "2.5.29.14", "2.5.29.17", "2.5.29.35"
CRL_DISTRIBUTION_POINTS, AUTHORITY_INFO_ACCESS, OCSP = "2.5.29.31", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1"


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension, unread."""

    oid: str
    critical: bool
    value: bytes


@quickly_made
@dataclass(frozen=True, slots=True)
class Extensions:
    """What a certificate's extensions say. Of a code-signing chain notation ignores unknown ones, critical or not."""

    has_basic_constraints: bool = False
    is_ca: bool = False
    path_length: int | None = None
    key_usage: frozenset[int] | None = None
    key_usage_critical: bool = False
    extended_key_usage: tuple[str, ...] = ()
    extended_key_usage_critical: bool = False
    subject_key_identifier: bytes = b""
    authority_key_identifier: bytes = b""
    critical_unknown: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    "The extensions by which an authority bounds what lies below it; nobody here evaluates them."
    ocsp_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()


def read_extensions(content: bytes) -> Extensions:
    """The extensions of a certificate, each at most once."""
    found = _extensions(Reader(content).inside())
    value = {oid: extension.value for oid, extension in found.items()}
    is_ca, path_length = _basic_constraints(value[BASIC_CONSTRAINTS]) if BASIC_CONSTRAINTS in value else (False, None)
    return Extensions(
        has_basic_constraints=BASIC_CONSTRAINTS in value,
        is_ca=is_ca,
        path_length=path_length,
        key_usage=_key_usage(value[KEY_USAGE]) if KEY_USAGE in value else None,
        key_usage_critical=KEY_USAGE in value and found[KEY_USAGE].critical,
        extended_key_usage=_oids(value[EXTENDED_KEY_USAGE]) if EXTENDED_KEY_USAGE in value else (),
        extended_key_usage_critical=EXTENDED_KEY_USAGE in value and found[EXTENDED_KEY_USAGE].critical,
        subject_key_identifier=_subject_key_identifier(value.get(SUBJECT_KEY_IDENTIFIER)),
        authority_key_identifier=_authority_key_identifier(value.get(AUTHORITY_KEY_IDENTIFIER)),
        critical_unknown=tuple(
            oid for oid, extension in found.items() if _is_unknown(extension) and extension.critical
        ),
        constraints=tuple(oid for oid in found if oid in CONSTRAINTS),
        ocsp_urls=_ocsp_urls(value[AUTHORITY_INFO_ACCESS]) if AUTHORITY_INFO_ACCESS in value else (),
        crl_urls=_crl_urls(value[CRL_DISTRIBUTION_POINTS]) if CRL_DISTRIBUTION_POINTS in value else (),
        present=frozenset(found),
    )


def _extensions(extensions: Reader) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    while not extensions.empty:
        extension = _extension(extensions.read(der.SEQUENCE))
        if extension.oid in found:
            raise DerError(f"the extension {extension.oid} appears twice")
        found[extension.oid] = extension
    return found


@remembered  # all that an authority issues has most of them in common
def _extension(content: bytes) -> Extension:
    """One extension whose form is as it must be."""
    reader = Reader(content)
    oid = reader.oid()
    critical = reader.boolean() if reader.peek() == der.BOOLEAN else False
    extension = Extension(oid, critical, reader.read(der.OCTET_STRING))
    if check := FORMS.get(oid):
        check(extension)
    return extension


@remembered
def _key_usage(value: bytes) -> frozenset[int]:
    bits, _ = Reader(value).bits()
    return frozenset(i for i in range(min(9, 8 * len(bits))) if bits[i // 8] & 0x80 >> i % 8)


@remembered
def _basic_constraints(value: bytes) -> tuple[bool, int | None]:
    reader = Reader(value).inside()
    is_ca = reader.boolean() if reader.peek() == der.BOOLEAN else False
    length = reader.integer() if reader.peek() == der.INTEGER else None
    if length is not None and not 0 <= length < 1 << 63:
        raise DerError("the path length is none that can be")
    return is_ca, length


@remembered
def _oids(value: bytes) -> tuple[str, ...]:
    reader = Reader(value).inside()
    found: list[str] = []
    while not reader.empty:
        found.append(reader.oid())
    return tuple(found)


def _ocsp_urls(value: bytes) -> tuple[str, ...]:
    urls: list[str] = []
    accesses = Reader(value).inside()
    while not accesses.empty:
        access = accesses.inside()
        method = access.oid()
        if access.peek() == der.context(6):
            url = access.read(der.context(6)).decode("latin-1")
            urls += [url] if method == OCSP else []
    return tuple(urls)


def _crl_urls(value: bytes) -> tuple[str, ...]:
    urls: list[str] = []
    points = Reader(value).inside()
    while not points.empty:
        name = points.inside().optional(der.context(0, constructed=True))
        if name is not None:
            names = Reader(name).inside(der.context(0, constructed=True))
            while names.peek() == der.context(6):
                urls.append(names.read(der.context(6)).decode("latin-1"))
    return tuple(urls)


def _subject_key_identifier(value: bytes | None) -> bytes:
    return b"" if value is None else Reader(value).read(der.OCTET_STRING)


def _authority_key_identifier(value: bytes | None) -> bytes:
    return b"" if value is None else Reader(value).inside().optional(der.context(0)) or b""


def _is_unknown(extension: Extension) -> bool:
    """Whether Go's parser leaves the extension to others. Of alternative names it reads only some kinds."""
    if extension.oid == ALTERNATIVE_NAMES:
        return not any(kind in NAMES_READ for kind, _ in _alternative_names(extension))
    return extension.oid not in KNOWN


def _refuse_critical(extension: Extension) -> None:
    if extension.critical:
        raise DerError(f"the extension {extension.oid} must not be critical")


def _alternative_names(extension: Extension) -> Iterator[tuple[int, bytes]]:
    """The kind and content of every alternative name."""
    names = Reader(extension.value).inside()
    while not names.empty:
        tag, value, _ = names.any()
        yield tag ^ 0x80, value


def _check_alternative_names(extension: Extension) -> None:
    for kind, value in _alternative_names(extension):
        if kind in {1, 2, 6} and not value.isascii():
            raise DerError("an alternative name is not in ASCII")
        if kind == 6:
            check_uri(value.decode())
        if kind == 7 and len(value) not in {4, 16}:
            raise DerError("an alternative name is an address of no known length")


def _check_name_constraints(extension: Extension) -> None:
    outer = Reader(extension.value)
    trees = outer.inside()
    found = [trees.optional(der.context(number, constructed=True)) for number in (0, 1)]
    if not outer.empty or not trees.empty or not any(found):
        raise DerError("the name constraints are malformed")
    for content in found:
        subtrees = Reader(content or b"")
        while not subtrees.empty:
            tag, value, _ = subtrees.inside().any()
            _check_constraint(tag ^ 0x80, value)


def _check_constraint(kind: int, value: bytes) -> None:
    if kind == 7:
        half = len(value) // 2
        mask = int.from_bytes(value[half:])
        if len(value) not in {8, 32} or ((mask | (mask - 1)) != (1 << 8 * half) - 1 and mask):
            raise DerError("a name constraint is an address without proper mask")
    elif kind in {1, 2, 6}:
        if not value.isascii():
            raise DerError("a name constraint is not in ASCII")
        text = value.decode()
        mailbox, at, host = text.rpartition("@")
        if (kind == 1 and at and not mailbox) or not is_domain(host if kind == 1 else text, constraint=True):
            raise DerError("a name constraint is no domain")
        if kind == 6 and _is_address(text):
            raise DerError("a name constraint for URIs is an address")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _check_policies(extension: Extension) -> None:
    policies = Reader(extension.value).inside()
    seen: set[bytes] = set()
    while not policies.empty:
        oid = policies.inside().read(der.OID)
        starts = b"\x00" + oid[:-1]  # a part begins where the byte before ends one; 0x80 begins none
        if (
            not oid
            or oid in seen
            or oid[-1:] >= b"\x80"
            or any(b == 0x80 > before for before, b in zip(starts, oid, strict=True))
        ):
            raise DerError("the certificate policies are malformed")
        seen.add(oid)


def _check_policy_constraints(extension: Extension) -> None:
    constraints = Reader(extension.value).inside()
    for number in (0, 1):
        if constraints.peek() == der.context(number):
            _check_int64(constraints.integer(der.context(number)))


def _check_policy_mappings(extension: Extension) -> None:
    mappings = Reader(extension.value).inside()
    while not mappings.empty:
        mapping = mappings.inside()
        mapping.read(der.OID)
        mapping.read(der.OID)


def _check_inhibit_any_policy(extension: Extension) -> None:
    _check_int64(Reader(extension.value).integer())


def _check_int64(number: int) -> None:
    if not -(1 << 63) <= number < 1 << 63:
        raise DerError("a policy extension holds a number that is too large")


FORMS: dict[str, Callable[[Extension], None]] = {
    SUBJECT_KEY_IDENTIFIER: _refuse_critical,
    ALTERNATIVE_NAMES: _check_alternative_names,
    "2.5.29.30": _check_name_constraints,
    "2.5.29.32": _check_policies,
    "2.5.29.33": _check_policy_mappings,
    AUTHORITY_KEY_IDENTIFIER: _refuse_critical,
    "2.5.29.36": _check_policy_constraints,
    "2.5.29.54": _check_inhibit_any_policy,
    AUTHORITY_INFO_ACCESS: _refuse_critical,
}
NAMES_READ = frozenset({1, 2, 6, 7})  # e-mail, host, URI, address
CONSTRAINTS = frozenset({"2.5.29.30", "2.5.29.33", "2.5.29.36", "2.5.29.54"})  # of names and of policies
KNOWN = frozenset({KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, CRL_DISTRIBUTION_POINTS, *FORMS})
