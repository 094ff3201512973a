"""Tags and filters of the pages. Whatever comes from a registry or a certificate is shown wrapped and inert."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from dashboard.words import KINDS, REVOKED, Look, look_of, reason_text
from dashboard.words import best_tag as tag_that_says_most
from registries.oci.digest import Digest
from trust.notary.outcome import Word

register = template.Library()

EMPTY = mark_safe("")  # nothing is in it
FOLDS = re.compile("(?<=[/:])")
ALERTS = {"success": "good", "error": "bad", "warning": "warn", "info": "info", "debug": "info"}


@register.simple_tag
@lru_cache(maxsize=512)  # a page of a list shows hundreds of the same few
def icon(name: str, css: str = "icon") -> SafeString:
    """An icon of the sprite; the word that it stands for stands beside it."""
    kind = format_html(' class="{}"', css) if css else EMPTY
    return format_html('<svg{} aria-hidden="true"><use href="{}#{}"/></svg>', kind, static("icons.svg"), name)


@register.simple_tag
def shape(word: str) -> SafeString:
    """The shape of a verdict."""
    return icon(look_of(word).shape, "shape")


@register.simple_tag
def badge(word: str, href: str = "", reason: str = "") -> SafeString:
    """Shape + word + colour. Where room is for one badge only, `reason` lets revoked speak instead of its word."""
    revoked = reason == "revoked" and not look_is_green(word)
    return _badge(REVOKED if revoked else look_of(word), href)


@register.simple_tag
def alarm(word: str, reason: str) -> SafeString:
    """The plate that stands beside the badge of a revoked signer."""
    return _badge(REVOKED, "") if reason == "revoked" and not look_is_green(word) else EMPTY


def _badge(look: Look, href: str) -> SafeString:
    inside = format_html("{}{}", icon(look.shape, "shape"), look.label)
    if href:
        return format_html('<a class="badge {}" href="{}">{}</a>', look.tone, href, inside)
    return format_html('<span class="badge {}">{}</span>', look.tone, inside)


def look_is_green(word: str) -> bool:
    return word in (Word.verified.value, Word.verified_with_exceptions.value)


@register.simple_tag
def mark(name: str, text: str, kind: str = "") -> SafeString:
    """What stands after a badge and is none: "covered by index", "signature withdrawn" …"""
    return format_html('<span class="mark{}">{}{}</span>', f" {kind}" if kind else "", icon(name), text)


@register.filter
def tone(word: str) -> str:
    """The class that sets the colour of a verdict."""
    return look_of(word).tone


@register.filter
def label(word: str) -> str:
    """A verdict as people read it."""
    return look_of(word).label


@register.filter
def words(code: str) -> str:
    """A stable code in words: "identity_mismatch" reads "identity mismatch"."""
    return str(code).replace("_", " ").replace("-", " ")


@register.filter
def reason(code: str) -> str:
    """A stable reason code in a few words."""
    return reason_text(code)


@register.filter
def best_tag(tags: Any) -> str:
    """Of several tags the one that says most."""
    return tag_that_says_most(tags) if isinstance(tags, list | tuple) else ""


@register.simple_tag
def digest(value: Digest | str, copy: bool = False, algorithm: bool = False, link: str = "") -> SafeString:
    """12 hex digits, the whole digest in the title, and what Copy copies. Another algorithm is always named."""
    whole = str(value)
    name, _, encoded = whole.rpartition(":")
    short = encoded[:12] if name in ("sha256", "") and not algorithm else f"{name or 'sha256'}:{encoded[:12]}"
    code = format_html('<code class="digest" title="{}">{}</code>', whole, short)
    if link:
        code = format_html('<a class="name" href="{}">{}</a>', link, code)
    if not copy:
        return code
    button = '<span class="nowrap">{} <button class="copy" type="button" data-copy="{}" aria-label="Copy digest">{}</button></span>'
    return format_html(button, code, whole, icon("copy"))


@register.simple_tag(takes_context=True)
def age(context: template.Context, when: datetime | None, form: str = "long") -> SafeString:
    """How long ago, or how soon; the absolute time in `title`. `form`: "long" (2 min ago), "short" (2 min)."""
    if when is None:
        return format_html('<span class="muted">{}</span>', "never")
    at = context.get("at") or context.get("now") or timezone.now()
    text = span_text(at - when) if form == "short" else age_text(when, at)
    return _time(when, text)


@register.filter
def moment(when: datetime | None) -> SafeString | str:
    """An absolute time: "18 November 2026, 14:02 UTC"."""
    return "never" if when is None else _moment_text(when)


@register.simple_tag(name="time")
def time_tag(when: datetime | None) -> SafeString:
    """An absolute time as an element."""
    return _time(when, _moment_text(when)) if when else format_html('<span class="muted">{}</span>', "never")


@register.simple_tag
def day(when: datetime) -> SafeString:
    """A date as an element, the time in its title: "17 Sep 2027"."""
    exact = when.astimezone(UTC)
    return _time(when, f"{exact.day} {exact:%b %Y}")


def _time(when: datetime, text: str) -> SafeString:
    exact = when.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return format_html('<time datetime="{}Z" title="{} UTC">{}</time>', exact.isoformat(), exact.isoformat(" "), text)


def _moment_text(when: datetime) -> str:
    exact = when.astimezone(UTC)
    return f"{exact.day} {exact:%B %Y, %H:%M} UTC"


UNITS = ((timedelta(days=365), "y"), (timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def span_text(span: timedelta) -> str:
    """A span in its largest unit: "3 d", "40 min", "now"."""
    size = abs(span)
    for unit, name in UNITS:
        if size >= unit:
            return f"{size // unit} {name}"
    return "now" if size < timedelta(seconds=5) else f"{int(size.total_seconds())} s"


def age_text(when: datetime, at: datetime) -> str:
    """ "3 d ago", "just now", "in 9 d"."""
    text = span_text(at - when)
    if text == "now":
        return "just now"
    return f"in {text}" if when > at else f"{text} ago"


@register.filter
def count(number: int | None) -> str:
    """A figure with separators."""
    return "" if number is None else f"{number:,}"


@register.filter
def entry(mapping: Mapping[str, int], key: str) -> int:
    """What stands under a key, or none."""
    return mapping.get(key, 0)


@register.filter
def size(number: int) -> str:
    """Bytes in kB and MB."""
    if number < 1000:
        return f"{number} bytes"
    return f"{number / 1000:.1f} kB" if number < 1_000_000 else f"{number / 1_000_000:.1f} MB"


@register.filter
def plates(text: Any) -> SafeString:
    """Text that nobody vouches for: isolated from its surroundings, control characters as plates that name them."""
    return format_html("<bdi>{}</bdi>", inert(text))


@register.filter
def inert(value: Any) -> SafeString:
    """Text with its control, format and surrogate characters as plates."""
    text = str(value)
    if not _has_odd(text):
        return format_html("{}", text)
    return format_html_join("", "{}", ((_shown(character),) for character in text))


@register.filter
def folded(text: Any) -> SafeString:
    """Text that nobody vouches for and that may be folded after a slash or a colon, as plates."""
    pieces = FOLDS.split(str(text))
    return format_html(
        "<bdi>{}</bdi>", format_html_join(mark_safe("<wbr>"), "{}", ((inert(piece),) for piece in pieces))
    )


@register.filter
def inert_text(text: Any) -> str:
    """The same without marks, for places that hold text only: `title`, and the text of pictures."""
    shown = str(text)
    return "".join(f"[U+{ord(c):04X}]" if _is_odd(c) else c for c in shown) if _has_odd(shown) else shown


@register.filter
def shape_name(word: str) -> str:
    """The name of a verdict's shape in the sprite."""
    return look_of(word).shape


@register.filter
def is_green(word: str) -> bool:
    return look_is_green(word)


def _shown(character: str) -> SafeString | str:
    return format_html('<span class="odd">U+{}</span>', f"{ord(character):04X}") if _is_odd(character) else character


def _has_odd(text: str) -> bool:
    """Whether any character of the text is odd; what Python calls printable holds but one that is."""
    return "\u2800" in text or (not text.isprintable() and any(map(_is_odd, text)))


def _is_odd(character: str) -> bool:
    """Whatever is not drawn, or draws something else than itself."""
    if character in " \n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or character == "\u2800"


@register.simple_tag
def kinds(counts: Any) -> SafeString:
    """Figures of referrers by kind, each with its icon; "none" for none."""
    known = counts if isinstance(counts, dict) else {}
    numbers = ((kind, known.get(kind)) for kind in KINDS)
    return _kinds(tuple((kind, number) for kind, number in numbers if isinstance(number, int) and number > 0))


@lru_cache(maxsize=512)
def _kinds(numbers: tuple[tuple[str, int], ...]) -> SafeString:
    looks = ((KINDS[kind], number) for kind, number in numbers)
    shown = [(look.of(number), icon(look.icon), look.one, f"{number:,}") for look, number in looks]
    if not shown:
        return format_html('<span class="muted">{}</span>', "none")
    each = '<span title="{}">{}<span class="unseen">{} </span>{}</span>'
    return format_html('<span class="kinds">{}</span>', format_html_join("", each, shown))


@register.filter
def alert_kind(level: str) -> str:
    """The class of an alert for a level of Django's messages."""
    return ALERTS.get(level, "info")


@register.simple_tag(takes_context=True)
def here(context: template.Context, section: str) -> SafeString:
    """Marks the entry of the side to which the page belongs."""
    return mark_safe(' aria-current="page"') if context["chrome"].section == section else EMPTY


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The query of this page with some values changed ("" takes one away): state lives in the URL."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        if value in ("", None):
            values.pop(name, None)
        else:
            values[name] = str(value)
    encoded = values.urlencode()
    return f"?{encoded}" if encoded else "."
