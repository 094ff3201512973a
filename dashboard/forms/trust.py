"""Forms of trust: the policy document, certificates for a store, a whole configuration."""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from dashboard.drafting import Base
from dashboard.forms.fields import LARGEST_FILE, CertificateText, KeylessText, SeveralFiles
from dashboard.private_keys import holds_private_key
from trust.archives import LARGEST_ARCHIVE
from trust.notary.trust_store import STORE_TYPES, is_store_name

type Upload = UploadedFile[bytes]

_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_STORE_TYPE_NAMES = {
    "ca": "ca: signs code-signing certificates",
    "signingAuthority": "signingAuthority: signs on behalf of others",
    "tsa": "tsa: signs timestamps",
}
STORE_TYPE_CHOICES = [(name, _STORE_TYPE_NAMES.get(name, name)) for name in STORE_TYPES]
CERTIFICATES_HINT = "PEM or DER: roots, intermediates or self-signed certificates."


class DraftingForm(forms.Form):
    """An edit of a draft; `seen`: which version of what it was filled in for."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def is_of(self, base: Base) -> bool:
        """Whether it was filled in for what is there now; else it says so."""
        if self.cleaned_data["seen"] in ("", base.seen):
            return True
        self.add_error(None, "Somebody changed this meanwhile. Look at what it says now, then repeat the edit.")
        return False


class CertificatesForm(DraftingForm):
    """Certificates for one trust store."""

    store_type = forms.ChoiceField(choices=STORE_TYPE_CHOICES, label="Type of store")
    store_name = forms.CharField(
        max_length=100,
        label="Name of the store",
        help_text="What statements call it after the type: acme in ca:acme.",
        error_messages={"required": "Name the store."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    certificates = SeveralFiles(required=False, label="Certificate files", help_text=CERTIFICATES_HINT)
    pem = CertificateText(required=False, label="Or as text")

    field_order = ("store_type", "store_name", "certificates", "pem", "seen")

    def clean_store_name(self) -> str:
        return _store_name(self.cleaned_data["store_name"])

    def clean_certificates(self) -> dict[str, bytes]:
        return read_files(self.cleaned_data["certificates"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not data["certificates"] and not data["pem"]:
            self.add_error("certificates", "Choose at least one file, or paste the text.")
        return data

    def store_files(self) -> dict[tuple[str, str, str], bytes]:
        """What was given, by store type, store name and file name."""
        data = self.cleaned_data
        files: dict[str, bytes] = dict(data["certificates"])
        if data["pem"]:
            content = data["pem"].replace("\r\n", "\n").strip().encode() + b"\n"
            files[f"{hashlib.sha256(content).hexdigest()[:12]}.pem"] = content
        return {(data["store_type"], data["store_name"], name): content for name, content in files.items()}


class DocumentForm(DraftingForm):
    """A trust policy document, as a file or as text."""

    document = forms.FileField(
        required=False,
        label="trustpolicy.oci.json",
        help_text="notation's own document. It is kept byte for byte.",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    text = forms.CharField(
        required=False,
        max_length=LARGEST_FILE,
        strip=False,
        label="Or as text",
        error_messages={"max_length": "The text is larger than 1 MiB, and no trust policy may be."},
        widget=KeylessText(attrs={"rows": 18, "class": "mono", "spellcheck": "false"}),
    )

    field_order: tuple[str, ...] = ("document", "text", "seen")

    def clean_document(self) -> bytes:
        document: Upload | None = self.cleaned_data["document"]
        if document is None:
            return b""
        if (document.size or 0) > LARGEST_FILE:
            raise forms.ValidationError("The file is larger than 1 MiB, and no trust policy may be.")
        content: bytes = document.read()
        _refuse_private_key(content)
        return content

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        _refuse_private_key(text.encode(errors="replace"))
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if document := data.get("document"):
            # No browser sends a chosen file twice: whoever has to correct something finds it as text.
            shown = {name: self.data[name] for name in self.data}
            self.data = shown | {"text": document.decode(errors="replace")}
        return data

    @property
    def source(self) -> str:
        """The field that the document came from."""
        return "document" if self.cleaned_data["document"] else "text"

    def policy(self, edited: bytes = b"") -> bytes:
        """The document; where nobody changed the text of the `edited` one, that one byte for byte.

        Browsers send the lines of a text field with carriage returns that nobody typed.
        """
        document: bytes = self.cleaned_data["document"]
        text: str = self.cleaned_data["text"]
        content = document or text.replace("\r\n", "\n").encode()
        unchanged = not document and content.strip() == edited.replace(b"\r\n", b"\n").strip()
        return edited if unchanged else content


class MoveForm(DraftingForm):
    """Another store for a file of certificates."""

    store_type = forms.ChoiceField(choices=STORE_TYPE_CHOICES, label="Type of store")
    store_name = forms.CharField(
        max_length=100,
        label="Name of the store",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_store_name(self) -> str:
        return _store_name(self.cleaned_data["store_name"])


class ConfigurationForm(forms.Form):
    """notation's configuration folder: an archive of it, or files out of it."""

    uploads = SeveralFiles(
        label="Files",
        help_text="A tar, tar.gz or zip of the folder, or the files themselves: trustpolicy.oci.json (or trustpolicy.json) "
        "and trustpolicy.blob.json. Certificates are taken from truststore/x509 of an archive.",
        error_messages={"required": "Choose the archive, or the files."},
    )

    def clean_uploads(self) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for upload in self.cleaned_data["uploads"]:
            if (upload.size or 0) > LARGEST_ARCHIVE:
                raise forms.ValidationError(f"{upload.name} is larger than {LARGEST_ARCHIVE >> 20} MiB.")
            if upload.name in files:
                raise forms.ValidationError(f"Two files are called {upload.name}.")
            files[upload.name or "file"] = upload.read()
        return files


class BlobPolicyForm(DocumentForm):
    """A trust policy document for blobs; none at all, to have none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["document"].label = "trustpolicy.blob.json"
        self.fields["text"].help_text = "Leave both empty to have no blob trust policy."


class PolicyForm(DocumentForm):
    """A trust policy document, and perhaps the certificates that it needs, in one revision."""

    store = forms.CharField(
        required=False,
        max_length=120,
        label="Trust store",
        help_text="As statements name it, such as ca:acme.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "ca:acme"}),
    )
    certificates = SeveralFiles(required=False, label="Certificate files", help_text=CERTIFICATES_HINT)

    field_order = ("document", "text", "store", "certificates", "seen")

    def clean_store(self) -> tuple[str, str] | None:
        text: str = self.cleaned_data["store"]
        if not text:
            return None
        store_type, colon, name = text.partition(":")
        if not colon or store_type not in STORE_TYPES:
            raise forms.ValidationError(f"Write type:name, with the type one of {', '.join(STORE_TYPES)}.")
        return store_type, _store_name(name)

    def clean_certificates(self) -> dict[str, bytes]:
        return read_files(self.cleaned_data["certificates"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        if not data["document"] and not data["text"].strip():
            self.add_error("document", "Choose the file, or paste the text.")
        store, certificates = data["store"], data["certificates"]  # add_error takes a field's value away
        if certificates and not store:
            self.add_error("store", "Say which store the certificates go to.")
        elif store and not certificates:
            self.add_error("certificates", "Choose the certificates that go to this store.")
        return data

    def store_files(self) -> dict[tuple[str, str, str], bytes]:
        store: tuple[str, str] | None = self.cleaned_data["store"]
        return {(*store, name): content for name, content in self.cleaned_data["certificates"].items()} if store else {}


def _refuse_private_key(content: bytes) -> None:
    if holds_private_key(content):
        raise forms.ValidationError("This holds a private key. Nothing was kept.")


def read_files(uploads: Iterable[Upload]) -> dict[str, bytes]:
    """The contents of uploaded certificate files by a file name that notation's directory can have."""
    files: dict[str, bytes] = {}
    for upload in uploads:
        name = _UNFIT.sub("-", upload.name or "").strip("-.")[-100:] or "certificates.pem"
        if (upload.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(
                f"{name} is larger than 1 MiB, which is the most for one file. Split it: a store takes several."
            )
        content: bytes = upload.read()
        if holds_private_key(content):
            raise forms.ValidationError(f"{name} holds a private key. Nothing was kept; choose the certificate only.")
        if name in files:
            raise forms.ValidationError(f"Two files are called {name}. Rename one.")
        files[name] = content
    return files


def _store_name(name: str) -> str:
    if not is_store_name(name):
        raise forms.ValidationError("A store's name is made of letters, digits, dot, underscore and dash.")
    return name
