"""What we did not write ourselves in static/ is exactly what static/VENDORED.md says."""

import hashlib
import re
from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \|.*\| `(?P<sha256>[0-9a-f]{64})` \|$", re.MULTILINE)


def test_vendored_files_have_the_hash_that_is_written_down():
    rows = ROW.findall((STATIC / "VENDORED.md").read_text())
    assert rows, "static/VENDORED.md names no file"
    for file, sha256 in rows:
        assert hashlib.sha256((STATIC / file).read_bytes()).hexdigest() == sha256, file


def test_every_minified_file_is_named():
    named = {file for file, _ in ROW.findall((STATIC / "VENDORED.md").read_text())}
    found = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*.min.*")}
    assert found <= named
