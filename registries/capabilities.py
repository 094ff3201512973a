"""What a registry was seen to have, and when: probed by using it, never told from its host name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from registries.models import Registry

SEEN_AGAIN_AFTER = timedelta(days=1)  # a trait that did not change costs one write a day
WORDS = {
    "auth": "Authentication",
    "catalog": "Catalog",
    "page_size": "Longest page of a list",
    "paging": "Pages by",
    "conditional": "Says what did not change",
    "digest_header": "Names digests",
    "referrers": "Referrers API",
    "referrers_oras": "ORAS referrers API",
    "rate_limit": "Requests left",
    "warning": "Warns",
    "vendor": "Product, as chosen",
}


@dataclass(frozen=True, slots=True)
class Capability:
    """A trait in words, and when it was last seen."""

    label: str
    value: str
    seen_at: datetime


def record(registry: Registry, observed: Mapping[str, str], at: datetime) -> None:
    """Remember what was just seen; an unchanged trait is written again only after a day."""
    known = registry.capabilities
    news = {
        name: {"value": observed[name], "seen_at": at.isoformat()}
        for name in WORDS
        if name in observed and _is_news(known, name, observed[name], at)
    }
    if news and registry.pk:
        registry.capabilities = known | news
        Registry.objects.filter(pk=registry.pk).update(capabilities=registry.capabilities)


def seen(registry: Registry, name: str, within: timedelta, at: datetime) -> str:
    """The value of a trait that was seen not longer ago; empty if it was not."""
    value, when = _entry(registry.capabilities, name)
    return value if when and at - when < within else ""


def known(registry: Registry) -> list[Capability]:
    """All that is known, in a fixed order."""
    entries = [(label, *_entry(registry.capabilities, name)) for name, label in WORDS.items()]
    return [Capability(label, _said(label, value), when) for label, value, when in entries if when]


def _said(label: str, value: str) -> str:
    if label == WORDS["page_size"] and value.isascii() and value.isdigit():
        return f"{int(value):,} names"
    return value.replace("_", " ")


def _is_news(known: Mapping[str, object], name: str, value: str, at: datetime) -> bool:
    before, when = _entry(known, name)
    return value != before or when is None or at - when >= SEEN_AGAIN_AFTER


def _entry(known: Mapping[str, object], name: str) -> tuple[str, datetime | None]:
    entry = known.get(name)
    if not isinstance(entry, dict):
        return "", None
    return str(entry["value"]), datetime.fromisoformat(str(entry["seen_at"]))
