"""The part of a connection's form that allows writing: credentials of their own, which reading never uses."""

from typing import Any

from django import forms

from dashboard.forms.fields import EXACT


class PushingFields(forms.Form):
    """User name and password for pushing. Left empty, nothing is written to a registry that asks for them."""

    push_username = forms.CharField(
        max_length=255,
        required=False,
        label="User name for pushing",
        help_text="Only for manage.py push, and for putting back what others dropped. Left empty, what is pushed is pushed "
        "without credentials.",
        widget=forms.TextInput(attrs=EXACT),
    )
    push_password = forms.CharField(
        max_length=8192,
        required=False,
        strip=False,
        label="Password or token for pushing",
        help_text="Stored encrypted, never shown again, and never used for reading. It needs the rights to pull and to push, "
        "for the repositories that are written to and no others.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def check_pushing(self, data: dict[str, Any], *, is_stored: bool) -> None:
        """A user name and a password, or neither."""
        if data.get("push_password") and not data.get("push_username"):
            self.add_error(
                "push_username", "A password needs a user name. Many registries take any name beside a token."
            )
        refused = self.errors.keys() & {"push_username", "push_password"}
        if data.get("push_username") and not (data.get("push_password") or is_stored) and not refused:
            self.add_error("push_password", "A user name needs its password or token.")
