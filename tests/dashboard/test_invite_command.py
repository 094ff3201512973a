"""`manage.py invite`: whom its link lets in, and what it refuses."""

import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dashboard.management.commands.up import first_admin_link
from dashboard.models import Invitation, Team
from tests.dashboard.rows import make_repository

PROJECT = Path(__file__).resolve().parents[2]


def invite(*options):
    output = StringIO()
    call_command("invite", *options, stdout=output)
    return output.getvalue().strip()


@pytest.mark.django_db
class TestInviting:
    def test_the_link_is_of_the_origin_given_and_the_team_sees_the_repository(self):
        repository = make_repository("web/cart")
        link = invite("shop", "--repository", "registry.acme.example/web/cart", "--origin", "https://sign.example/")
        assert link.startswith("https://sign.example/welcome/")
        assert list(Team.objects.get(name="shop").repositories.all()) == [repository]

    def test_a_team_that_would_see_nothing_is_refused(self):
        with pytest.raises(CommandError, match="would see nothing"):
            invite("shop")
        assert not Team.objects.exists()
        assert not Invitation.objects.exists()

    def test_a_repository_that_is_not_known_leaves_nothing_behind(self):
        with pytest.raises(CommandError, match="is known here"):
            invite("shop", "--repository", "registry.acme.example/web/nope")
        assert not Team.objects.exists()

    def test_nobody_becomes_an_admin_of_a_team_that_sees_a_part(self):
        make_repository("web/cart")
        with pytest.raises(CommandError, match='invite one into "Everyone"'):
            invite("shop", "--repository", "registry.acme.example/web/cart", "--role", "admin")
        assert not Team.objects.exists()

    def test_the_link_of_the_first_admin_holds_for_a_day(self):
        assert first_admin_link("http://127.0.0.1:8000").startswith("http://127.0.0.1:8000/welcome/")
        left = Invitation.objects.get().expires_at - timezone.now()
        assert timedelta(hours=23) < left <= timedelta(hours=24)


def test_without_a_database_it_says_how_to_name_one(tmp_path):
    answer = subprocess.run(
        [sys.executable, "manage.py", "invite", "shop"],
        cwd=PROJECT, env={"PATH": os.defpath, "SIGNBOARD_DATA": str(tmp_path / "none"), "SIGNBOARD_SECRET_KEY": "test"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 1
    assert "SIGNBOARD_DATA" in answer.stderr
    assert "Traceback" not in answer.stderr
