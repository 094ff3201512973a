"""What certificate authorities answered about the certificates of a chain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RevocationAnswers:
    """The answers that a verdict may rest on. None are collected yet: see `judge` for what follows from that."""


NO_ANSWERS = RevocationAnswers()
