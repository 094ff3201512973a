"""The calendar file: escaped and folded as RFC 5545 has it, and read back by a reader that unfolds first."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dashboard.icalendar import Event, calendar, escaped, folded

AT = datetime(2026, 11, 30, 12, 0, 5, tzinfo=UTC)


def event(**changes):
    fields = {
        "uid": "certificate-ab@signboard",
        "at": AT,
        "summary": "x",
        "description": "",
        "url": "http://s/",
        "category": "Leaf",
    }
    return Event(**fields | changes)


def read(content):
    """Name and value of every line, unfolded and unescaped."""
    lines = content.decode().replace("\r\n ", "").split("\r\n")
    assert lines.pop() == ""
    pairs = [line.split(":", 1) for line in lines]
    escapes = {"\\\\": "\\", "\\n": "\n", "\\;": ";", "\\,": ","}
    found = []
    for name, value in pairs:
        text, index = "", 0
        while index < len(value):
            pair = value[index : index + 2]
            text += escapes.get(pair, value[index])
            index += 2 if pair in escapes else 1
        found.append((name, text))
    return found


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_name_breaks_out_of_its_line(name):
    content = calendar("Signboard", [event(summary=name, description=name)], AT)
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is divided
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    names = [key for key, _ in read(content)]
    assert names.count("BEGIN") == names.count("END") == 2
    assert len(names) == 16


def test_what_is_readable_comes_back_as_it_was():
    text = 'CN=Acme\\, Inc; "Release", O=Å' + "é" * 90 + "\nsecond line"
    pairs = dict(read(calendar("Signboard", [event(summary=text)], AT)))
    assert pairs["SUMMARY"] == text
    assert (pairs["DTSTART"], pairs["DTSTAMP"], pairs["VERSION"]) == ("20261130T120005Z", "20261130T120005Z", "2.0")


def test_control_characters_and_lone_surrogates_are_harmless():
    assert escaped("a\x00b\x1b\u2028c\u202e") == "a\ufffdb\ufffd\ufffdc\ufffd"
    assert escaped("a\r\nb\rc\nd;e,f\\") == "a\\nb\\nc\\nd\\;e\\,f\\\\"
    assert folded("SUMMARY:\ud800").endswith(b"?\r\n")


def test_a_line_is_folded_before_its_76th_octet():
    assert folded("x" * 75) == b"x" * 75 + b"\r\n"
    assert folded("x" * 76) == b"x" * 75 + b"\r\n x\r\n"
    assert folded("x" * 74 + "é") == b"x" * 74 + b"\r\n " + "é".encode() + b"\r\n"
