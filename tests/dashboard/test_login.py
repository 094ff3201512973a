"""Signing in and out, and joining with an invitation."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from dashboard import access, invitations, sign_in
from dashboard.models import AuditEntry, Invitation, Membership, Role, Team
from tests.dashboard.rows import make_person

pytestmark = pytest.mark.django_db
PASSWORD = "a lamp and nine otters"
NOW = timezone.now()


@pytest.fixture
def team():
    return Team.objects.create(name="Everyone", sees_everything=True)


def joining(name="mara", password=PASSWORD, repeated=None):
    return {"name": name, "password": password, "repeated": password if repeated is None else repeated}


def link_of(team, role=Role.REVIEWER, at=None):
    return reverse("welcome", args=[invitations.invite(team, role, at or timezone.now())[1]])


class TestInvitation:
    def test_of_the_token_only_its_hash_is_kept(self, team):
        invitation, token = invitations.invite(team, Role.ADMIN, NOW)
        kept = Invitation.objects.filter(pk=invitation.pk).values().get()
        assert token not in str(kept)
        assert invitations.find(token, NOW) == invitation

    def test_it_works_until_it_expires(self, team):
        _, token = invitations.invite(team, Role.ADMIN, NOW)
        almost = NOW + invitations.LIFETIME - timedelta(seconds=1)
        assert invitations.find(token, almost)
        with pytest.raises(invitations.InvitationError, match="expired"):
            invitations.find(token, NOW + invitations.LIFETIME)

    def test_it_works_once_however_many_try(self, team):
        invitation, token = invitations.invite(team, Role.ADMIN, NOW)
        second_look = invitations.find(token, NOW)
        invitations.accept(invitation, "mara", PASSWORD, NOW)
        with pytest.raises(invitations.InvitationError, match="meanwhile"):
            invitations.accept(second_look, "eve", PASSWORD, NOW)
        assert not User.objects.filter(username="eve").exists()
        with pytest.raises(invitations.InvitationError, match="already used"):
            invitations.find(token, NOW)


class TestWelcome:
    def test_it_makes_a_member_who_is_signed_in(self, client, team):
        answer = client.post(link_of(team, Role.ADMIN), joining())
        assert answer.status_code == 302
        user = User.objects.get(username="mara")
        assert client.session["_auth_user_id"] == str(user.pk)
        assert access.is_admin(user)
        assert AuditEntry.objects.get().action == "person.joined"

    def test_the_link_of_a_reviewer_makes_no_admin(self, client, team):
        client.post(link_of(team), joining() | {"role": "admin", "team": "1"})
        assert Membership.objects.get().role == Role.REVIEWER

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (joining(repeated="another lamp"), "not the same"),
            (joining(password="otter"), "too short"),
            (joining(password="password1234"), "too common"),
            (joining(name="mara lindqvist", password="mara lindqvist"), "valid username"),
            (joining(name=""), "Choose a name"),
            (joining(name="SAM"), "Somebody has this name"),
            (joining(name="ma\u202era"), "valid username"),
        ],
    )
    def test_what_will_not_do_is_said_and_nobody_is_made(self, client, team, data, says):
        User.objects.create_user("sam")
        answer = client.post(link_of(team), data)
        assert answer.status_code == 200
        assert says in answer.content.decode()
        assert User.objects.count() == 1
        assert Invitation.objects.filter(used_at=None).exists()

    def test_a_used_expired_or_unknown_link_says_so(self, client, team):
        expired = link_of(team, at=timezone.now() - invitations.LIFETIME)
        used = link_of(team)
        client.post(used, joining())
        for link, says in (
            (expired, "has expired"),
            (used, "already used"),
            ("/welcome/x/", "No invitation has this link"),
        ):
            answer = client.get(link)
            assert answer.status_code == 410
            assert says in answer.content.decode()

    def test_the_page_is_kept_by_no_cache(self, client, team):
        assert "no-store" in client.get(link_of(team))["Cache-Control"]


class TestSignIn:
    @pytest.fixture
    def mara(self):
        user = make_person("mara")
        user.set_password(PASSWORD)
        user.save()
        return user

    def attempt(self, client, name="mara", password="wrong"):
        return client.post(reverse("login"), {"username": name, "password": password}).content.decode()

    def test_the_right_password_opens_what_was_asked_for(self, client, mara):
        wanted = reverse("registries")
        answer = client.get(wanted)
        assert answer["Location"] == f"{reverse('login')}?next={wanted}"
        data = {"username": "mara", "password": PASSWORD, "next": wanted}
        assert client.post(reverse("login"), data)["Location"] == wanted
        assert AuditEntry.objects.get().action == "person.signed_in"

    def test_it_sends_nobody_to_another_site(self, client, mara):
        data = {"username": "mara", "password": PASSWORD, "next": "https://evil.example/"}
        assert client.post(reverse("login"), data)["Location"] == reverse("overview")

    def test_a_wrong_password_and_an_unknown_name_read_the_same(self, client, mara):
        assert "That name and password do not match. 4 tries are left" in self.attempt(client)
        assert "That name and password do not match. 4 tries are left" in self.attempt(client, "nobody")

    def test_after_five_failures_even_the_right_password_waits(self, client, mara):
        for _ in range(sign_in.TRIES):
            page = self.attempt(client)
        assert "No try is left" in page
        assert "Too many tries" in self.attempt(client, password=PASSWORD)
        assert "_auth_user_id" not in client.session

    def test_after_the_pause_the_tries_are_back(self, mara):
        for _ in range(sign_in.TRIES):
            sign_in.failed("mara", NOW)
        assert sign_in.paused_until("Mara", NOW) == NOW + sign_in.PAUSE
        later = NOW + sign_in.PAUSE
        assert sign_in.paused_until("mara", later) is None
        assert sign_in.failed("mara", later) == sign_in.TRIES - 1

    def test_signing_in_forgets_the_failures(self, client, mara):
        self.attempt(client)
        client.post(reverse("login"), {"username": "mara", "password": PASSWORD})
        assert sign_in.failed("mara", timezone.now()) == sign_in.TRIES - 1

    def test_signing_out_needs_a_post(self, client, mara):
        client.force_login(mara)
        assert client.get(reverse("logout")).status_code == 405
        assert client.post(reverse("logout")).status_code == 302
        assert "_auth_user_id" not in client.session

    def test_before_anybody_exists_it_points_to_the_first_link(self, client, db):
        assert "The link that was printed" in client.get(reverse("login")).content.decode()
