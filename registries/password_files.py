"""Passwords that the operator keeps in files, for those that end after some hours: read anew whenever they are needed.

Off unless SIGNBOARD_PASSWORD_FILES names their directory. A file is named after the address that it is for (`:` as `_`), so
whoever may edit connections can send it nowhere else.
"""

import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from registries.models import Registry
from registries.vendors.product import Product

MAX_SIZE = 16 * 1024
LIVES = {Product.ECR: timedelta(hours=12)}


class PasswordFileError(Exception):
    """The file gives no password; the text says what to do, and nothing of what is in it."""


def name_for(address: str) -> str:
    return address.replace(":", "_")


def available() -> bool:
    return bool(settings.PASSWORD_FILES)


def read(registry: Registry, at: datetime) -> str:
    """The password as it is by now; raises PasswordFileError."""
    if not available():
        raise PasswordFileError("password files are switched off: SIGNBOARD_PASSWORD_FILES is not set")
    name = name_for(registry.address)
    top = Path(settings.PASSWORD_FILES).resolve()
    path = (top / name).resolve()  # links within the directory are how secrets are mounted
    if path == top or not path.is_relative_to(top):
        raise PasswordFileError(f"the password file {name} does not lie in the directory of password files")
    try:
        content, written_at = _content(path, at)
    except OSError as error:
        raise PasswordFileError(f"the password file {name} cannot be read: {error.strerror}") from error
    life = LIVES.get(Product(registry.vendor)) if registry.vendor else None
    if life and at - written_at > life:
        raise PasswordFileError(
            f"the password file {name} was written {(at - written_at) // timedelta(hours=1)} hours ago, and its passwords "
            f"end after {life // timedelta(hours=1)}: have it written anew"
        )
    try:
        password = content.decode().strip()
    except UnicodeDecodeError:
        password = ""
    if not password or not password.isprintable() or len(content) > MAX_SIZE:
        raise PasswordFileError(f"the password file {name} does not hold one line of text")
    return password


def _content(path: Path, at: datetime) -> tuple[bytes, datetime]:
    """The bytes, some more than may be at most, and when they were written; of a plain file alone."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_mode & stat.S_IWOTH:
            raise OSError(0, "it is not a plain file, or everybody may write it")
        return os.read(descriptor, MAX_SIZE + 1), datetime.fromtimestamp(state.st_mtime, at.tzinfo)
    finally:
        os.close(descriptor)
