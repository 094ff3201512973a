"""The arrows of the house: dashboard → trust → registries, and strongboxes that know no Django."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "registries": {"registries"},
    "trust": {"trust", "registries"},
    "dashboard": {"dashboard", "trust", "registries"},
}
STRONGBOXES = {
    "registries/oci": {"registries.oci"},
    "trust/notary": {"trust.notary", "registries.oci"},
    "trust/legacy": {"trust.legacy", "trust.notary", "registries.oci"},
}
NEVER_IN_STRONGBOXES = {"django", "celery", "httpx", "rest_framework"}


def modules(folder):
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]


def imports(path):
    """Every module that a file imports, `from a import b` as both a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide the arrows"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_room_has_modules_to_check():
    assert all(len(modules(folder)) >= 5 for folder in [*ROOMS, *STRONGBOXES])


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_in_one_direction(room):
    for path in modules(room):
        for name in imports(path):
            first = name.split(".")[0]
            assert first not in ROOMS or first in ROOMS[room], f"{path.relative_to(ROOT)} imports {name}"
            assert first not in ("demo", "tests", "benchmarks") or path.name == "demo.py", f"{path} imports {name}"


@pytest.mark.parametrize("box", STRONGBOXES)
def test_a_strongbox_knows_no_django_and_no_other_room(box):
    for path in modules(box):
        for name in imports(path):
            first = name.split(".")[0]
            assert first not in NEVER_IN_STRONGBOXES, f"{path.relative_to(ROOT)} imports {name}"
            if first in ROOMS:
                known = any(name == room or name.startswith(room + ".") for room in STRONGBOXES[box])
                assert known or name in ("registries", "trust"), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("box", STRONGBOXES)
def test_a_strongbox_reads_no_clock(box):
    for path in modules(box):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "time"):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert owner not in ("datetime", "time", "date"), (
                    f"{path.relative_to(ROOT)}:{node.lineno} reads a clock"
                )


SOCKETS = {"socket", "ssl", "http.client", "urllib.request", "httpx", "urllib3", "requests"}
DOORS = {  # who may speak with other machines, or needs the words for it
    "registries/addresses.py": {"socket"},
    "registries/pinning.py": {"socket", "ssl"},
    "registries/transport.py": {"ssl"},
    "registries/wire.py": {"ssl"},
    "dashboard/supervisor.py": {"socket"},
}


def test_only_the_transport_speaks_with_other_machines():
    users = {
        str(path.relative_to(ROOT)): found
        for room in ROOMS
        for path in modules(room)
        if (found := SOCKETS & set(imports(path)))
    }
    assert users == DOORS


def test_the_judge_imports_no_cryptography():
    assert not [name for name in imports(ROOT / "trust/notary/judge.py") if name.startswith("cryptography")]


NEVER_IMPORTED = {
    "tarfile": "GHSA-fxhp-mv3v-67qp: layers are never unpacked",
    "zipfile": "GHSA-fxhp-mv3v-67qp: layers are never unpacked",
    "tempfile": "CVE-2024-51491: nothing is cached in a file that could not be moved",
    "pyasn1": "CVE-2026-23490: its reader of object identifiers has no bound",
    "jwt": "CVE-2026-32597: envelopes have our own strict reader",
}
BUT = {
    ("tempfile", "registries/exporting.py"),  # a file without a name, which nobody moves, for one blob at a time
    (
        "tarfile",
        "trust/archives.py",
    ),  # an admin's upload, in memory: nothing is unpacked, links and devices are refused
    ("zipfile", "trust/archives.py"),
}


@pytest.mark.parametrize("module", NEVER_IMPORTED)
def test_what_betrayed_others_is_not_imported(module):
    users = [
        name
        for room in ROOMS
        for path in modules(room)
        if module in {name.split(".")[0] for name in imports(path)}
        and (module, name := str(path.relative_to(ROOT))) not in BUT
    ]
    assert users == [], NEVER_IMPORTED[module]


def test_cve_2025_64459_no_query_is_built_of_what_a_visitor_names():
    """A dictionary from outside as keyword arguments chooses fields and conditions."""
    for room in ROOMS:
        for path in modules(room):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg is None:
                    assert "request" not in ast.unparse(node.value), f"{path.relative_to(ROOT)}:{node.value.lineno}"
