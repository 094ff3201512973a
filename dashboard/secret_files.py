"""The secrets of the embedded default: made once, kept in files that only their owner reads."""

import base64
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def ensure(folder: Path) -> dict[str, str]:
    """Both secrets exist in `folder`; the answer is the environment that names them, less what the environment gives already."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    wanted: dict[str, Callable[[], str]] = {
        "SIGNBOARD_SECRET_KEY": lambda: secrets.token_urlsafe(48),
        "SIGNBOARD_ENCRYPTION_KEYS": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    environment = {}
    for name, make in wanted.items():
        if name in os.environ or f"{name}_FILE" in os.environ:
            continue
        path = folder / name.removeprefix("SIGNBOARD_").lower()
        _write_once(path, make())
        _refuse_if_readable_by_others(path)
        environment[f"{name}_FILE"] = str(path)
    return environment


def kept_encryption_keys(folder: Path) -> list[str]:
    """What `ensure` made there for the programs of `manage.py up`, for a command that runs beside them; none if it never did."""
    path = folder / "encryption_keys"
    if not path.exists():
        return []
    _refuse_if_readable_by_others(path)
    return [path.read_text(encoding="ascii").strip()]


def _write_once(path: Path, value: str) -> None:
    """A whole file or none: two first starts at once end up with the same secret."""
    if path.exists():
        return
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # the other start was first: its secret is the secret
    finally:
        draft.unlink()


def _refuse_if_readable_by_others(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ImproperlyConfigured(f"{path} can be read by others: chmod 600 {path}")
