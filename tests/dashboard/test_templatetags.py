from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from dashboard.templatetags.signboard import age_text, inert, inert_text, plates, span_text
from dashboard.words import LOOKS, best_tag, look_of, reason_text
from registries.oci.digest import Digest
from trust.notary.outcome import Word

AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)


def draw(text, **context):
    return Template("{% load signboard %}" + text).render(Context({"at": AT, **context}))


def test_a_badge_has_shape_word_and_colour():
    assert draw("{% badge 'verified' %}") == (
        '<span class="badge is-verified"><svg class="shape" aria-hidden="true">'
        '<use href="/static/icons.svg#verified"/></svg>Verified</span>'
    )
    assert draw("{% badge 'not_checked' '/there/' %}").startswith('<a class="badge is-not-checked" href="/there/">')


@pytest.mark.parametrize("word", Word)
def test_every_word_has_a_shape_of_its_own(word):
    assert word in LOOKS
    assert len({look.shape for look in LOOKS.values()}) == len(Word)


@pytest.mark.parametrize("word", ["", "unheard of", "VERIFIED", "<b>"])
def test_a_word_that_nobody_knows_is_never_green(word):
    assert look_of(word).label == "Unknown"
    assert "is-verified" not in draw("{% badge word %}", word=word)


def test_revoked_is_an_alarm_beside_any_word_that_is_not_green():
    assert "is-revoked" in draw("{% badge 'untrusted' '' 'revoked' %}")
    assert "is-revoked" in draw("{% alarm 'untrusted' 'revoked' %}")
    assert draw("{% alarm 'verified' 'revoked' %}") == ""
    assert draw("{% alarm 'untrusted' 'expired' %}") == ""


def test_a_digest_is_short_to_the_eye_and_whole_in_title_and_copy():
    digest = Digest.of(b"bytes")
    drawn = draw("{% digest d copy=True algorithm=True %}", d=digest)
    assert f">sha256:{digest.short}<" in drawn
    assert f'title="{digest}"' in drawn
    assert f'data-copy="{digest}"' in drawn
    assert draw("{% digest d %}", d=digest).endswith(f">{digest.short}</code>")
    assert "sha512:" in draw("{% digest d %}", d=Digest.of(b"bytes", "sha512"))


@pytest.mark.parametrize(
    ("ago", "long", "short"),
    [
        (timedelta(0), "just now", "now"),
        (timedelta(seconds=20), "20 s ago", "20 s"),
        (timedelta(minutes=4, seconds=59), "4 min ago", "4 min"),
        (timedelta(hours=23, minutes=59), "23 h ago", "23 h"),
        (timedelta(days=9), "9 d ago", "9 d"),
        (timedelta(days=800), "2 y ago", "2 y"),
        (-timedelta(days=9), "in 9 d", "9 d"),
    ],
)
def test_ages_are_told_in_their_largest_unit(ago, long, short):
    assert age_text(AT - ago, AT) == long
    assert span_text(ago) == short


def test_an_age_has_the_absolute_time_in_its_title():
    drawn = draw("{% age when %}", when=AT - timedelta(hours=2))
    assert drawn == '<time datetime="2026-11-21T07:12:00Z" title="2026-11-21 07:12:00 UTC">2 h ago</time>'
    assert "never" in draw("{% age when %}", when=None)


@given(st.text())
def test_hostile_text_never_makes_markup_nor_draws_something_else_than_itself(text):
    shown = plates(text)
    inside = (
        shown.removeprefix("<bdi>").removesuffix("</bdi>").replace('<span class="odd">U+', "").replace("</span>", "")
    )
    assert "<" not in inside
    for odd in "\x00\x07\u202e\u2066\u200b\ufeff":
        assert odd not in shown
        assert odd not in inert_text(text)


def test_control_characters_become_plates_that_name_them():
    assert inert("a\u202eb") == 'a<span class="odd">U+202E</span>b'
    assert inert("two words\n<b>") == "two words\n&lt;b&gt;"
    assert inert_text("a\u202eb") == "a[U+202E]b"


def test_kinds_are_counted_with_their_names_and_nonsense_is_none():
    drawn = draw("{% kinds counts %}", counts={"signature": 2, "scan": 24, "unheard": 3, "sbom": "x"})
    assert 'title="2 signatures"' in drawn
    assert 'title="24 scan results"' in drawn
    assert "unheard" not in drawn
    for nonsense in ({}, None, [], "text"):
        assert "none" in draw("{% kinds counts %}", counts=nonsense)


def test_the_tag_that_says_most_names_an_artifact():
    assert best_tag(["2", "2.14", "2.14.2", "latest"]) == "2.14.2"
    assert best_tag(["latest", "1"]) == "1"
    assert best_tag([]) == ""


def test_a_reason_without_words_of_its_own_is_read_as_it_is_written():
    assert reason_text("some_new_code") == "Some new code"
    assert reason_text("identity_mismatch") == "Other identity"
