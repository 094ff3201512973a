"""The grammar of repository names, tags and digests (distribution specification, "Pulling manifests")."""

import re

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = rf"{_PART}(?:/{_PART})*"
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"


def is_name(text: str) -> bool:
    return len(text) <= 255 and re.fullmatch(NAME, text) is not None


def is_tag(text: str) -> bool:
    return re.fullmatch(TAG, text) is not None


def is_digest(text: str) -> bool:
    return re.fullmatch(DIGEST, text) is not None
