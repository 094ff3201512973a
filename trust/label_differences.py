"""What is different in what Signboard keeps beside a policy, in words; no verdict changes by it."""

from collections.abc import Iterator, Mapping

from trust.additions import Additions
from trust.differences import Difference, Kind, Mark, named


def label_differences(before: Additions, after: Additions) -> list[Difference]:
    """Patterns and roles that are new, gone or other ones."""
    return [
        *_patterns(before.patterns, after.patterns),
        *_roles("The role of statement ", before.roles, after.roles),
        *_roles("The role of ", before.signers, after.signers),
    ]


def _patterns(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, ()), after.get(name, ())
        if added := [pattern for pattern in now if pattern not in was]:
            words = (
                (f"Statement {name} grows with the pattern ", Mark.PLAIN),
                (named(added), Mark.ADDED),
                (".", Mark.PLAIN),
            )
            yield Difference(Kind.ADDED, words)
        if removed := [pattern for pattern in was if pattern not in now]:
            words = (
                (f"Statement {name} no longer grows with the pattern ", Mark.PLAIN),
                (named(removed), Mark.REMOVED),
                (".", Mark.PLAIN),
            )
            yield Difference(Kind.REMOVED, words)


def _roles(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, "none"), after.get(name, "none")
        if was != now:
            said = name.removeprefix("x509.subject:").strip()
            words = (
                (f"{what}{said} is now ", Mark.PLAIN),
                (now, Mark.ADDED),
                (", it was ", Mark.PLAIN),
                (was, Mark.REMOVED),
            )
            yield Difference(Kind.CHANGED, (*words, (".", Mark.PLAIN)))
