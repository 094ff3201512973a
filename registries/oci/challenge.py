"""`WWW-Authenticate` challenges (RFC 9110, 11.6.1), as registries really send them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BARE = _TOKEN | frozenset(":/?=@[]")  # zot writes its realm without quotes
_MAX_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate that a server offers; scheme and parameter names are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(hash=False)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge of every header line; what cannot be understood is left out, since it cannot be answered."""
    return tuple(challenge for value in values for challenge in _Line(value[:_MAX_LENGTH]).challenges())


class _Line:
    """A position in one header line; each step moves on, so reading is linear."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def challenges(self) -> list[Challenge]:
        found: list[tuple[str, dict[str, str]]] = []
        while self._skip(" \t,"):
            word = self._take(_TOKEN)
            if not word:
                break
            if self._skip_equals():
                value = self._value()
                if not found or value is None:
                    break
                found[-1][1].setdefault(word.lower(), value)
            else:
                found.append((word.lower(), {}))
        return [Challenge(scheme, MappingProxyType(parameters)) for scheme, parameters in found]

    def _skip(self, characters: str) -> bool:
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1
        return self.at < len(self.text)

    def _take(self, allowed: frozenset[str]) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in allowed:
            self.at += 1
        return self.text[start : self.at]

    def _skip_equals(self) -> bool:
        before = self.at
        if self._skip(" \t") and self.text[self.at] == "=":
            self.at += 1
            self._skip(" \t")
            return True
        self.at = before
        return False

    def _value(self) -> str | None:
        if self.at >= len(self.text) or self.text[self.at] != '"':
            return self._take(_BARE)
        characters: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == '"':
                return "".join(characters)
            if character == "\\" and self.at < len(self.text):
                character = self.text[self.at]
                self.at += 1
            characters.append(character)
        return None  # the quote never ends
