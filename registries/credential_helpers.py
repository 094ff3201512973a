"""Credential helpers of Docker (`docker-credential-NAME get`), run from one directory that the operator filled.

Off unless SIGNBOARD_CREDENTIAL_HELPERS names that directory. A helper gets the registry's host on its standard input and
nothing else: no shell, no argument of ours, an empty environment, a few seconds, a few kilobytes.
"""

import contextlib
import os
import re
import select
import signal
import stat
import subprocess
import time
from pathlib import Path

from django.conf import settings

from registries.docker_config import Login
from registries.oci import strict_json

PREFIX = "docker-credential-"
SECONDS = 10.0
MAX_OUTPUT = 64 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}", re.ASCII)
DOCKER_HUB_KEY = "https://index.docker.io/v1/"


class HelperError(Exception):
    """A helper gave no credential; the text names what to look at, and nothing that the helper wrote."""


def available() -> list[str]:
    """The names of the helpers that connections may use."""
    if not settings.CREDENTIAL_HELPERS:
        return []
    try:
        files = sorted(path.name for path in Path(settings.CREDENTIAL_HELPERS).iterdir())
    except OSError:
        return []
    names = [name.removeprefix(PREFIX) for name in files if name.startswith(PREFIX)]
    return [name for name in names if not _refusal(name)]


def get(name: str, host: str, *, seconds: float = SECONDS) -> Login:
    """The credential that the helper has for a host; raises HelperError."""
    if refusal := _refusal(name):
        raise HelperError(refusal)
    content = _run(_path(name), DOCKER_HUB_KEY if host == "docker.io" else host, name, seconds)
    try:
        answer = strict_json.loads(content)
    except strict_json.StrictJsonError as error:
        raise HelperError(f"the credential helper {name} answered with something else than JSON") from error
    fields = answer if isinstance(answer, dict) else {}
    username, secret = fields.get("Username"), fields.get("Secret")
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        raise HelperError(f"the credential helper {name} answered without a user name and secret")
    return Login(username, secret)


def _path(name: str) -> Path:
    return Path(settings.CREDENTIAL_HELPERS).resolve() / f"{PREFIX}{name}"


def _refusal(name: str) -> str:
    """Why a helper is not run; empty if it may be."""
    if not settings.CREDENTIAL_HELPERS:
        return "credential helpers are switched off: SIGNBOARD_CREDENTIAL_HELPERS is not set"
    if not _NAME.fullmatch(name):
        return "this is not the name of a credential helper"
    path = _path(name)
    try:
        if path.is_symlink() or not stat.S_ISREG(path.stat().st_mode):
            return f"the credential helper {name} is not a plain file in the directory of helpers"
        writable = stat.S_IWGRP | stat.S_IWOTH
        if path.stat().st_mode & writable or path.parent.stat().st_mode & writable:
            return f"the credential helper {name}, or its directory, can be written by others"
    except OSError:
        return f"there is no credential helper {name}"
    return "" if os.access(path, os.X_OK) else f"the credential helper {name} is not executable"


def _run(path: Path, host: str, name: str, seconds: float) -> bytes:
    """What the helper wrote on its standard output; whatever it did, it has ended afterwards."""
    try:
        process = subprocess.Popen(  # noqa: S603  # a file of the operator's own directory, checked above; no shell
            [str(path), "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": str(path.parent), "LANG": "C.UTF-8"},
            cwd=path.parent,
            start_new_session=True,
        )
    except OSError as error:
        raise HelperError(f"the credential helper {name} cannot be run: {error.strerror}") from error
    until = time.monotonic() + seconds
    try:
        _tell(process, host)
        content = _heard(process, until)
        code = process.wait(max(until - time.monotonic(), 0)) if content is not None else None
    except subprocess.TimeoutExpired:
        code = content = None
    finally:
        _end(process)
    if content is None:
        raise HelperError(f"the credential helper {name} did not answer within {seconds:g} seconds")
    if len(content) > MAX_OUTPUT:
        raise HelperError(f"the credential helper {name} answered more than {MAX_OUTPUT // 1024} KiB")
    if code:
        raise HelperError(f"the credential helper {name} has no credential for {host} (it ended with status {code})")
    return content


def _tell(process: subprocess.Popen[bytes], host: str) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as stdin:
            stdin.write(host.encode())
    except BrokenPipeError:
        pass  # it answers without asking for whom


def _heard(process: subprocess.Popen[bytes], until: float) -> bytes | None:
    """All that it writes, or a little more than may be; None if that takes too long."""
    assert process.stdout is not None
    content = b""
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    while len(content) <= MAX_OUTPUT:
        if not waiting.poll(max(until - time.monotonic(), 0) * 1000):
            return None
        chunk = os.read(process.stdout.fileno(), MAX_OUTPUT)
        if not chunk:
            return content
        content += chunk
    _end(process)
    return content


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the helper and whatever it started: its process group is its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()
    process.wait()
