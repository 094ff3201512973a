"""Form fields that several forms share: lines of text, several files, PEM."""

from collections.abc import Sequence
from typing import Any

from cryptography import x509
from django import forms
from django.core.files.uploadedfile import UploadedFile

from dashboard.private_keys import holds_private_key

type Upload = UploadedFile[bytes]

LARGEST_FILE = 1024 * 1024  # of certificates, or a policy
EXACT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class Keyless(forms.Widget):
    """Shows again what was entered, unless a private key is in it."""

    def get_context(self, name: str, value: Any, attrs: Any) -> Any:
        is_secret = isinstance(value, str) and holds_private_key(value.encode(errors="replace"))
        return super().get_context(name, None if is_secret else value, attrs)


class KeylessText(Keyless, forms.Textarea):
    """A text area without private keys."""


class KeylessInput(Keyless, forms.TextInput):
    """A line of text without private keys."""


class Lines(forms.CharField):
    """A text of one value a line; empty lines and repeated values are dropped."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        kwargs.setdefault("widget", KeylessText(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}))
        super().__init__(**kwargs)
        self.most = most

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        if len(lines) > self.most:
            raise forms.ValidationError(f"At most {self.most} lines are read, these are {len(lines)}.")
        return lines


class SeveralFilesInput(forms.ClearableFileInput):
    """A file input that takes several."""

    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class SeveralFiles(forms.FileField):
    """Several uploaded files; clean() gives a list."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", SeveralFilesInput())
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        files: Sequence[Upload] = data if isinstance(data, list) else [data] if data else []
        if not files and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return [super(SeveralFiles, self).clean(file, initial) for file in files]


class SecretText(forms.Textarea):
    """A text area that never shows again what was entered."""

    def get_context(self, name: str, value: Any, attrs: Any) -> Any:
        return super().get_context(name, None, attrs)


class CertificateText(forms.CharField):
    """Certificates as PEM; clean() gives the text, or "" for none."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 5, "class": "mono", "spellcheck": "false", "placeholder": "-----BEGIN CERTIFICATE-----"}
        kwargs.setdefault("widget", KeylessText(attrs=attrs))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if holds_private_key(text.encode(errors="replace")):
            raise forms.ValidationError("This holds a private key. Nothing was kept; paste the certificates only.")
        if len(text) > LARGEST_FILE:
            raise forms.ValidationError(
                "The text is larger than 1 MiB, which is the most for one file. Paste it in parts: a store takes several."
            )
        try:
            if text:
                x509.load_pem_x509_certificates(text.encode())
        except ValueError as error:
            raise forms.ValidationError(
                "This cannot be read as PEM. Each certificate begins with -----BEGIN CERTIFICATE----- on its own line."
            ) from error
        return text
