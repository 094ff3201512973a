"""Forms of people: signing in, and joining by an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone

from dashboard import sign_in


class SignInForm(AuthenticationForm):
    """Name and password; which of the two is wrong is not told."""

    error_messages = {
        "invalid_login": "That name and password do not match.",
        "inactive": "That name and password do not match.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Name"

    def clean(self) -> dict[str, Any]:
        name, now = self.cleaned_data.get("username", ""), timezone.now()
        if until := sign_in.paused_until(name, now):
            raise forms.ValidationError(f"Too many tries with this name. It can sign in again at {until:%H:%M:%S} UTC.")
        try:
            data = super().clean()
        except forms.ValidationError as error:
            left = sign_in.failed(name, now)
            tries = f"{left} tries are left" if left > 1 else "One try is left" if left else "No try is left"
            minutes = int(sign_in.PAUSE.total_seconds() // 60)
            text = f"{error.messages[0]} {tries} before a pause of {minutes} minutes."
            raise forms.ValidationError(text, code=error.code) from error
        sign_in.succeeded(name)
        return data


class JoinForm(forms.Form):
    """The name and password of a person who was invited."""

    name = forms.CharField(
        max_length=150,
        label="Name",
        help_text="Letters, digits and @ . + - _ only. It is what others see beside your acts.",
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"}),
        error_messages={"required": "Choose a name."},
    )
    password = forms.CharField(
        max_length=4096,
        strip=False,
        label="Password",
        help_text="At least 12 characters; no common password, and not much like the name.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password."},
    )
    repeated = forms.CharField(
        max_length=4096,
        strip=False,
        label="Password again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Write the password a second time."},
    )

    def clean_name(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["name"])
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("Somebody has this name already. Choose another.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        password = data.get("password")
        if not password:
            return data
        try:
            validate_password(password, User(username=data.get("name", "")))
        except forms.ValidationError as error:
            self.add_error("password", error)
        if data.get("repeated") and data["repeated"] != password:
            self.add_error("repeated", "The two passwords are not the same.")
        return data
