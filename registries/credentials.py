"""Secrets at rest: AES-256-GCM, bound to the very row and column they belong to.

A sealed secret that is copied into another row or column does not open there. The newest key seals; every listed key opens.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

from registries.models import Endpoint, Registry

VERSION = b"\x01"
KEY_ID = 8
NONCE = 12


class CredentialsError(Exception):
    """A secret cannot be kept or read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """A column that holds sealed secrets, and what one of them is in words."""

    model: type[models.Model]
    column: str
    words: str
    remedy: str = "enter it again"

    def sealed(self, row: models.Model) -> bytes:
        """What the row holds; empty if it holds none."""
        return bytes(getattr(row, self.column))

    def place(self, row: models.Model) -> bytes:
        """Table, row and column: what a sealed secret is bound to."""
        if row.pk is None:
            raise CredentialsError("a password can be stored only for a saved connection")
        return f"{self.model._meta.db_table}|{row.pk}|{self.column}".encode()


READING = Purpose(Registry, "sealed_password", "the password of {row}")
PUSHING = Purpose(Registry, "sealed_push_password", "the password of {row} for pushing")
NOTIFYING = Purpose(Endpoint, "sealed_secret", "the secret of an endpoint of {row.registry}", "make another endpoint")
PURPOSES = (READING, PUSHING, NOTIFYING)


def seal(purpose: Purpose, row: models.Model, secret: str) -> bytes:
    """The secret as it may be stored in that row, which must have an id; empty stays empty."""
    if not secret:
        return b""
    key, nonce = _keys()[0], os.urandom(NONCE)
    return VERSION + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, secret.encode(), purpose.place(row))


def open_(purpose: Purpose, row: models.Model) -> str:
    """The secret of that row; empty if it has none."""
    sealed = purpose.sealed(row)
    if not sealed:
        return ""
    what = purpose.words.format(row=row)
    key_id, nonce, ciphertext = sealed[1 : 1 + KEY_ID], sealed[1 + KEY_ID :][:NONCE], sealed[1 + KEY_ID + NONCE :]
    key = next((key for key in _keys() if _key_id(key) == key_id), None)
    if sealed[:1] != VERSION or key is None:
        raise CredentialsError(
            f"{what} was encrypted with a key that is not among SIGNBOARD_ENCRYPTION_KEYS. "
            f"Add that key at the end of the list, or {purpose.remedy}."
        )
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, purpose.place(row)).decode()
    except (InvalidTag, ValueError) as error:
        remedy = purpose.remedy[0].upper() + purpose.remedy[1:]
        raise CredentialsError(f"{what} does not open: it was altered, or belongs to another row. {remedy}.") from error


@dataclass(frozen=True, slots=True)
class Rotation:
    """What sealing anew came to."""

    renewed: int = 0
    failures: tuple[str, ...] = ()
    "Why some secrets are still sealed with an older key, or do not open at all."


def rotate() -> Rotation:
    """Seal every secret with the newest key. Older keys may be removed where nothing failed."""
    renewed, failures = 0, []
    for purpose in PURPOSES:
        rows = purpose.model._default_manager
        for row in rows.exclude(**{purpose.column: b""}).order_by("pk"):
            before = purpose.sealed(row)
            try:
                secret = open_(purpose, row)
                if before[1 : 1 + KEY_ID] == _key_id(_keys()[0]):
                    continue
                sealed = seal(purpose, row, secret)
            except CredentialsError as error:
                failures.append(str(error))
                continue
            # One that was changed meanwhile was sealed with the newest key by whoever changed it.
            unchanged = rows.filter(**{"pk": row.pk, purpose.column: before})
            renewed += unchanged.update(**{purpose.column: sealed})
    return Rotation(renewed, tuple(failures))


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
