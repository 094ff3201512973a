"""Signing in and out, and joining with an invitation."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard import audit, invitations
from dashboard.forms.people import JoinForm, SignInForm

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Login(LoginView):
    """The door; who is in already goes on to where they wanted."""

    template_name = "dashboard/login.html"
    form_class = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            answer = super().form_valid(form)
            audit.record(form.get_user(), "person.signed_in", form.get_user().get_username())
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, nobody_yet=not User.objects.exists())


class Logout(LogoutView):
    """Ends the session (POST only)."""


@login_not_required
@never_cache
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever holds an invitation's link chooses a name and a password, and is in."""
    now = timezone.now()
    try:
        invitation = invitations.find(token, now)
        form = JoinForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            user = invitations.accept(invitation, form.cleaned_data["name"], form.cleaned_data["password"], now)
            login(request, user, backend=BACKEND)
            return redirect("overview")
    except invitations.InvitationError as error:
        return render(request, "dashboard/welcome.html", {"problem": str(error)}, status=410)
    return render(request, "dashboard/welcome.html", {"form": form, "invitation": invitation})
