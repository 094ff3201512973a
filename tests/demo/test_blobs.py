"""The files of the sample world, as whoever starts the demo finds them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from dashboard.management.commands.demo import connect
from demo.world import World
from tests.demo.conftest import NOW


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "code", "word", "reason"),
    [
        ("acme-cli-1.4.0.txt", 0, "verified", "verified"),
        ("altered-acme-cli-1.4.0.txt", 1, "failed", "blob_mismatch"),
    ],
)
def test_a_sample_file_is_judged_by_the_sample_blob_policy(sample, tmp_path, name, code, word, reason):
    sample[0].write(tmp_path / "files")
    connect(tmp_path, "127.0.0.1:9")
    file, output = tmp_path / "files" / "blobs" / name, StringIO()
    asked = [file, "--signature", f"{file}.jws.sig", "--at", NOW.isoformat(), "--json"]
    try:
        call_command("verify_blob", *map(str, asked), stdout=output)
        exit_code = 0
    except SystemExit as error:
        exit_code = error.code
    answer = json.loads(output.getvalue())
    assert (exit_code, answer["status"], answer["reason"]) == (code, word, reason)
    assert answer["statement"] == "downloads"


def test_worlds_made_at_one_instant_hold_the_same_files(sample, tmp_path):
    assert dict(World.build(tmp_path, NOW).blobs) == dict(sample[0].blobs)
