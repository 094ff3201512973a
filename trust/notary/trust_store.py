"""Trust stores: named sets of certificates that a statement trusts. As in notation, one bad file spoils its store."""

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from trust.notary.certificates import Certificate, read_certificates
from trust.notary.errors import CertificateError, TrustStoreError, quote
from trust.notary.issuance import is_issued

STORE_TYPES = ("ca", "signingAuthority", "tsa")
LARGEST_FILE = 1024 * 1024
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")


def is_store_name(text: str) -> bool:
    """Whether a store may be called that; unlike notation we do not take the names of directories, `.` and `..`."""
    return _NAME.fullmatch(text) is not None and text not in (".", "..")


@dataclass(frozen=True, slots=True)
class TrustStore:
    """The certificates of one store, or the reason why none of them can be used."""

    type: str
    name: str
    certificates: tuple[Certificate, ...] = ()
    fault: str = ""
    _thumbprints: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_thumbprints", frozenset(one.thumbprint for one in self.certificates))

    @classmethod
    def of(cls, store_type: str, name: str, files: Mapping[str, bytes]) -> Self:
        """The store made of these files."""
        try:
            _check_name(store_type, name)
            certificates = [
                certificate
                for file_name, content in sorted(files.items())
                for certificate in _certificates_of(store_type, file_name, content)
            ]
        except TrustStoreError as error:
            return cls(store_type, name, fault=f"The trust store {store_type}:{name} cannot be used: {error}.")
        unique = tuple({certificate.thumbprint: certificate for certificate in certificates}.values())
        return cls(store_type, name, unique, fault="" if unique else f"The trust store {store_type}:{name} is empty.")

    def holds(self, certificate: Certificate) -> bool:
        """Whether the store has this very certificate; another of the same name and key is another certificate."""
        return certificate.thumbprint in self._thumbprints

    def __str__(self) -> str:
        return f"{self.type}:{self.name}"


@dataclass(frozen=True, slots=True)
class TrustStores:
    """All trust stores that a policy may name."""

    of_name: Mapping[tuple[str, str], TrustStore] = field(default_factory=dict)

    @classmethod
    def of(cls, *stores: TrustStore) -> Self:
        return cls(MappingProxyType({(store.type, store.name): store for store in stores}))

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The stores of notation's `truststore` folder, which holds `x509/TYPE/NAME/FILE`."""
        return cls.of(
            *(
                _read_store(store_type, folder)
                for store_type in STORE_TYPES
                for folder in _entries(directory / "x509" / store_type)
            )
        )

    def get(self, store_type: str, name: str) -> TrustStore:
        """The store of that name; one that does not exist has a fault that says so."""
        missing = TrustStore(store_type, name, fault=f"The trust store {store_type}:{name} does not exist.")
        return self.of_name.get((store_type, name), missing)

    def __iter__(self) -> Iterator[TrustStore]:
        return iter(self.of_name.values())


def _read_store(store_type: str, folder: Path) -> TrustStore:
    try:
        if folder.is_symlink() or not folder.is_dir():
            raise TrustStoreError("it is not a directory")
        files = {entry.name: _read_file(entry) for entry in _entries(folder)}
    except (OSError, TrustStoreError) as error:
        fault = f"The trust store {store_type}:{folder.name} cannot be used: {error}."
        return TrustStore(store_type, folder.name, fault=fault)
    return TrustStore.of(store_type, folder.name, files)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _read_file(path: Path) -> bytes:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise TrustStoreError(f"{quote(path.name)} in it is not a regular file")
    if status.st_size > LARGEST_FILE:
        raise TrustStoreError(f"{quote(path.name)} in it is larger than {LARGEST_FILE} bytes")
    return path.read_bytes()


def _check_name(store_type: str, name: str) -> None:
    if store_type not in STORE_TYPES:
        raise TrustStoreError(f"its type is not one of {', '.join(STORE_TYPES)}")
    if not is_store_name(name):
        raise TrustStoreError("its name is not made of letters, digits, dot, underscore and dash")


def _certificates_of(store_type: str, file_name: str, content: bytes) -> tuple[Certificate, ...]:
    try:
        certificates = read_certificates(content)
    except CertificateError as error:
        raise TrustStoreError(f"{quote(file_name)} cannot be read: {error}") from error
    if not certificates:
        raise TrustStoreError(f"{quote(file_name)} holds no certificate")
    for certificate in certificates:
        _check_trustable(store_type, file_name, certificate)
    return certificates


def _check_trustable(store_type: str, file_name: str, certificate: Certificate) -> None:
    who = f"{quote(certificate.subject)} in {quote(file_name)}"
    if not certificate.is_ca and not certificate.self_signed:
        raise TrustStoreError(f"{who} is neither a certificate authority nor self-signed")
    if store_type == "tsa" and not is_issued(certificate, certificate):
        raise TrustStoreError(f"{who} is not a root, and a tsa store holds only roots")
