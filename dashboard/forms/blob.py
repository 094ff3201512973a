"""The form of "Verify a blob": a signature, and either the blob or what somebody says of it."""

from collections.abc import Mapping
from typing import Any

from django import forms

from dashboard.blob_upload import LARGEST_BLOB, HashedFile
from dashboard.forms.fields import Lines
from registries.oci.digest import Digest
from registries.oci.errors import DigestError, as_sentence
from registries.oci.strict_json import LARGEST_INTEGER
from trust.notary.blob import FORMATS, Blob, envelope_type, is_media_type
from trust.notary.blob_policy import BlobTrustPolicy
from trust.notary.errors import UnsupportedError
from trust.notary.evidence import MAX_ENVELOPE

MOST_METADATA = 20
PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class BlobForm(forms.Form):
    """What to verify, and by which statement."""

    signature = forms.FileField(
        label="Signature",
        allow_empty_file=True,  # an empty envelope is a verdict, not a slip
        help_text="A file such as app.tar.jws.sig or app.tar.cose.sig.",
        error_messages={"required": "Choose the signature."},
    )
    envelope = forms.ChoiceField(
        required=False,
        label="Format of the signature",
        choices=[("", "As the file's name says"), *((name, name.upper()) for name in FORMATS)],
    )
    blob = forms.FileField(
        required=False,
        allow_empty_file=True,
        label="Blob",
        help_text=f"At most {LARGEST_BLOB >> 20} MiB. It is hashed as it arrives, and not kept.",
    )
    digest = forms.CharField(
        required=False,
        max_length=200,
        label="Or its digest",
        help_text="By the hash of the signature: SHA-256 for RSA 2048 and P-256, SHA-384 for RSA 3072 and P-384, else SHA-512.",
        widget=forms.TextInput(attrs={**PLAIN, "class": "mono", "placeholder": "sha256:…"}),
    )
    size = forms.IntegerField(
        required=False, min_value=0, max_value=LARGEST_INTEGER, label="and its size in bytes"
    )  # fmt: skip
    media_type = forms.CharField(
        required=False,
        max_length=255,
        label="Media type",
        help_text="What must have been signed. Any, if empty.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    statement = forms.ChoiceField(
        label="Statement",
        help_text="Of the active blob trust policy.",
        error_messages={"required": "Choose a statement: none is global."},
    )
    user_metadata = Lines(
        most=MOST_METADATA,
        required=False,
        max_length=20_000,
        label="User metadata",
        help_text="What the signature must hold: KEY=VALUE, one a line.",
    )

    def __init__(self, policy: BlobTrustPolicy, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = policy.global_statement
        unnamed = f"None named: {found.name}, which is global" if found else "Choose one: none is global"
        choices = [("", unnamed), *((statement.name, statement.name) for statement in policy.statements)]
        statement = self.fields["statement"]
        assert isinstance(statement, forms.ChoiceField)
        statement.choices, statement.required = choices, found is None

    def clean_digest(self) -> Digest | None:
        text: str = self.cleaned_data["digest"]
        try:
            return Digest.parse(text) if text else None
        except DigestError as error:
            raise forms.ValidationError(as_sentence(str(error))) from error

    def clean_media_type(self) -> str:
        text: str = self.cleaned_data["media_type"]
        if text and not is_media_type(text):
            raise forms.ValidationError("Write a media type such as text/plain.")
        return text

    def clean_user_metadata(self) -> Mapping[str, str]:
        pairs = [line.partition("=") for line in self.cleaned_data["user_metadata"]]
        if any(not key or not value for key, _, value in pairs):
            raise forms.ValidationError("Write KEY=VALUE, neither of them empty.")
        if len({key for key, _, _ in pairs}) < len(pairs):
            raise forms.ValidationError("A key stands here twice.")
        return {key: value for key, _, value in pairs}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        if data["signature"].size > MAX_ENVELOPE:
            self.add_error("signature", "The file is larger than 1 MiB: it is no signature.")
        elif not data["envelope"]:
            self._check_name(data["signature"].name or "")
        said = data["digest"] is not None, data["size"] is not None
        if data["blob"] and any(said):
            self.add_error("digest", "Give either the blob or its digest and size.")
        elif not data["blob"] and not all(said):
            self.add_error("blob", "Choose the blob, or give both its digest and its size.")
        return data

    def _check_name(self, name: str) -> None:
        try:
            envelope_type(name)
        except UnsupportedError:
            self.add_error("envelope", "The file's name does not tell: it ends in neither .jws.sig nor .cose.sig.")

    def envelope_type(self) -> str:
        """The media type of the signature, as somebody says or as its name does."""
        data = self.cleaned_data
        return FORMATS[data["envelope"]] if data["envelope"] else envelope_type(data["signature"].name)

    def target(self) -> Blob:
        """The blob, as far as it was given."""
        data = self.cleaned_data
        file: HashedFile | None = data["blob"]
        if file:
            return Blob(file.digests, file.size or 0, data["media_type"])
        return Blob((data["digest"],), data["size"], data["media_type"])
