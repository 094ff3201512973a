"""Remembering what is read from bytes: they do not change, so neither does what a pure function makes of them."""

from collections.abc import Callable
from functools import lru_cache, wraps

ENTRIES = 2048
FILES = 16
LARGEST = 16 * 1024  # bytes of one key; a real chain has some four thousand, and strangers choose what is read here
_FORGETTING: list[Callable[[], None]] = []


def remembered[Key: bytes | str, Value](function: Callable[[Key], Value]) -> Callable[[Key], Value]:
    """A pure function of bytes or of a text that keeps its latest answers, errors excepted."""
    cached = lru_cache(maxsize=ENTRIES)(function)
    _FORGETTING.append(cached.cache_clear)

    @wraps(function)
    def look_up(key: Key) -> Value:
        return cached(key) if len(key) <= LARGEST else function(key)

    return look_up


def remembered_together[Key: bytes | str, Value](
    function: Callable[[tuple[Key, ...]], Value],
) -> Callable[[tuple[Key, ...]], Value]:
    """The same for a function of several."""
    cached = lru_cache(maxsize=ENTRIES)(function)
    _FORGETTING.append(cached.cache_clear)

    @wraps(function)
    def look_up(keys: tuple[Key, ...]) -> Value:
        return cached(keys) if sum(map(len, keys)) <= LARGEST else function(keys)

    return look_up


def remembered_files[Value](function: Callable[[bytes], Value]) -> Callable[[bytes], Value]:
    """The same for a few files of whatever size: only for those that admins choose."""
    cached = lru_cache(maxsize=FILES)(function)
    _FORGETTING.append(cached.cache_clear)
    return cached


def forget() -> None:
    """Begin anew, as a fresh process does."""
    for clear in _FORGETTING:
        clear()
