"""Passwords of connections, encrypted at rest: AES-256-GCM, bound to the very row and column they belong to.

A sealed password that is copied into another row does not open there. The newest key seals; every listed key opens.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from registries.models import Endpoint, Registry

VERSION = b"\x01"
KEY_ID = 8
NONCE = 12


class CredentialsError(Exception):
    """A password cannot be kept or read; the text says what to do."""


def seal(registry: Registry, password: str) -> bytes:
    """The password as it may be stored in `registry`, which must have an id; empty stays empty."""
    if not password:
        return b""
    key = _keys()[0]
    nonce = os.urandom(NONCE)
    return VERSION + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, password.encode(), _place(registry))


def open_(registry: Registry) -> str:
    """The password of a connection; empty if it has none."""
    sealed = bytes(registry.sealed_password)
    if not sealed:
        return ""
    key, nonce, ciphertext = _parts(sealed, registry)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _place(registry)).decode()
    except (InvalidTag, ValueError) as error:
        raise CredentialsError(
            f"the stored password of {registry} does not open: it was altered, or belongs to another connection. "
            "Enter it again."
        ) from error


def is_current(registry: Registry) -> bool:
    """Whether the password, if there is one, is sealed with the newest key."""
    sealed = bytes(registry.sealed_password)
    return not sealed or sealed[1 : 1 + KEY_ID] == _key_id(_keys()[0])


@dataclass(frozen=True, slots=True)
class Rotation:
    """What sealing anew came to."""

    renewed: int = 0
    failures: tuple[str, ...] = ()
    "Why some passwords are still sealed with an older key, or do not open at all."


def rotate() -> Rotation:
    """Seal every password with the newest key. Older keys may be removed where nothing failed."""
    renewed, failures = 0, []
    for registry in Registry.objects.exclude(sealed_password=b"").order_by("pk"):
        try:
            password = open_(registry)
            if is_current(registry):
                continue
            sealed = seal(registry, password)
        except CredentialsError as error:
            failures.append(str(error))
            continue
        # One that was changed meanwhile was sealed with the newest key by whoever changed it.
        unchanged = Registry.objects.filter(pk=registry.pk, sealed_password=registry.sealed_password)
        renewed += unchanged.update(sealed_password=sealed)
    for endpoint in Endpoint.objects.exclude(sealed_secret=b"").order_by("pk"):
        before = bytes(endpoint.sealed_secret)
        try:
            secret = open_for(endpoint.place, before)
        except CredentialsError as error:
            failures.append(f"an endpoint of {endpoint.registry}: {error}")
            continue
        if before[1 : 1 + KEY_ID] != _key_id(_keys()[0]):
            sealed = seal_for(endpoint.place, secret)
            renewed += Endpoint.objects.filter(pk=endpoint.pk, sealed_secret=before).update(sealed_secret=sealed)
    return Rotation(renewed, tuple(failures))


def seal_for(place: str, secret: str) -> bytes:
    """A secret as it may be stored at a place (`table|row|column`) and nowhere else."""
    key, nonce = _keys()[0], os.urandom(NONCE)
    return VERSION + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, secret.encode(), place.encode())


def open_for(place: str, sealed: bytes) -> str:
    """The secret that was sealed for that place."""
    key_id, nonce, ciphertext = sealed[1 : 1 + KEY_ID], sealed[1 + KEY_ID :][:NONCE], sealed[1 + KEY_ID + NONCE :]
    key = next((key for key in _keys() if _key_id(key) == key_id), None)
    if sealed[:1] != VERSION or key is None:
        raise CredentialsError("this secret was encrypted with a key that is not among SIGNBOARD_ENCRYPTION_KEYS")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, place.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise CredentialsError("this secret does not open: it was altered, or belongs to another row") from error


def _parts(sealed: bytes, registry: Registry) -> tuple[bytes, bytes, bytes]:
    """Key, nonce and ciphertext."""
    key_id, rest = sealed[1 : 1 + KEY_ID], sealed[1 + KEY_ID :]
    key = next((key for key in _keys() if _key_id(key) == key_id), None)
    if sealed[:1] != VERSION or key is None:
        raise CredentialsError(
            f"the password of {registry} was encrypted with a key that is not among SIGNBOARD_ENCRYPTION_KEYS. "
            "Add that key at the end of the list, or enter the password again."
        )
    return key, rest[:NONCE], rest[NONCE:]


def _keys() -> list[bytes]:
    """The configured keys, newest first."""
    if not settings.ENCRYPTION_KEYS:
        raise CredentialsError("passwords cannot be stored or read: SIGNBOARD_ENCRYPTION_KEYS is not set")
    try:
        keys = [base64.b64decode(text, validate=True) for text in settings.ENCRYPTION_KEYS]
    except (binascii.Error, ValueError) as error:
        raise CredentialsError("SIGNBOARD_ENCRYPTION_KEYS is not a list of keys in base64") from error
    if any(len(key) != 32 for key in keys):
        raise CredentialsError("each of SIGNBOARD_ENCRYPTION_KEYS must be 32 bytes in base64")
    return keys


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"signboard key id" + key).digest()[:KEY_ID]


def _place(registry: Registry) -> bytes:
    """Table, row and column: what a sealed password is bound to."""
    if registry.pk is None:
        raise CredentialsError("a password can be stored only for a saved connection")
    return f"{Registry._meta.db_table}|{registry.pk}|sealed_password".encode()
