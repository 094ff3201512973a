"""docs/advisories.md names tests that exist, and every test that carries an advisory's name is named there."""

import ast
import re

import pytest

from tests.test_house import ROOT

PAGE = (ROOT / "docs/advisories.md").read_text()
FILES = dict(re.findall(r"\b([A-Z]) = `([^`]+)`", PAGE))
NAMED = re.findall(r"(?:\b([A-Z])|`(tests/[^`]+\.py)`) `(test_\w+)`", PAGE)


def names_in(file):
    return {node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("letter", "file", "name"), NAMED)
def test_a_test_that_the_page_names_exists(letter, file, name):
    assert name in names_in(file or FILES[letter])


def test_every_test_with_an_advisorys_name_is_on_the_page():
    named = {name for _, _, name in NAMED}
    advisory = re.compile(
        r"test_(?:cve|ghsa|tob|quarkslab|notation_core_go|timestamp_authority_pr|sigstore_python|ada_logics)_"
    )
    found = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in names_in(path.relative_to(ROOT))
        if advisory.match(name)
    }
    assert len(found) > 40
    assert found - named == {
        "test_cve_2026_24122_every_signing_certificate_was_valid_at_the_time_not_the_leaf_alone",  # beside its twin
    }


def test_a_row_has_a_test_or_says_why_not():
    rows = [row for row in PAGE.splitlines() if row.startswith("| ") and not row.startswith("| advisory")]
    assert len(rows) > 45
    for row in rows:
        assert "`test_" in row or "not applicable: " in row, row
