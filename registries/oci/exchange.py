"""One request and its answer, however it travels. The transport that does it is handed to the client."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


class Headers:
    """Header fields of an answer: names without regard to case, several values a name."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple((name.lower(), value.strip()) for name, value in fields)
        self._first = dict(reversed(self._fields))

    def get(self, name: str, default: str = "") -> str:
        """The first value under the name."""
        return self._first.get(name.lower(), default)

    def get_all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self._fields if key == name.lower())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, a redirect included: nobody follows one unasked."""

    status: int
    headers: Headers
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Content to send, of which a piece is held at a time. It can be had again: what was refused once is sent anew."""

    size: int
    pieces: Callable[[], Iterator[bytes]]

    @classmethod
    def of(cls, content: bytes) -> "Outgoing":
        return cls(len(content), lambda: iter((content,)))

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces()


class Send(Protocol):
    """The door to the network: one request, one answer, at most so many bytes and so many seconds."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        max_bytes: int,
        deadline: float,
    ) -> Answer:
        """Raises RegistryError (unreachable, timeout, tls, too_large, forbidden_address) and nothing else."""
        ...


class Carry(Send, Protocol):
    """The same door for what is too large to be held: content goes out and comes in by pieces."""

    def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | Outgoing | None = None,
        max_bytes: int,
        deadline: float,
        into: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """`into` takes the body of an answer 200, piece by piece; that answer's own is empty then."""
        ...
