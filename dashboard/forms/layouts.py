"""The connection form of an OCI image layout: a folder, and the repository that it stands for."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings

from dashboard.forms.fields import EXACT
from dashboard.forms.registries import ConnectionForm
from registries.models import Registry
from registries.oci.archive import is_tar
from registries.oci.errors import ReferenceFormatError
from registries.oci.reference import Reference


class LayoutForm(ConnectionForm):
    """A connection to an OCI image layout directory below the folder of layouts."""

    source = Registry.Source.LAYOUT
    address_field = "folder"
    reference_field = "stands_for"

    folder = forms.CharField(
        max_length=255,
        label="Folder",
        widget=forms.TextInput(attrs=EXACT),
    )
    stands_for = forms.CharField(
        max_length=511,
        required=False,
        label="Stands for",
        help_text="The repository that it is a copy of, as registry/repository. Left empty, no statement applies to it "
        "and its artifacts read not checked.",
        widget=forms.TextInput(attrs={**EXACT, "placeholder": "registry.example.com/web/shop"}),
    )

    def __init__(self, *args: Any, instance: Registry | None = None, **kwargs: Any) -> None:
        super().__init__(*args, instance=instance, **kwargs)
        self.fields[
            "folder"
        ].help_text = f"Below {settings.LAYOUT_ROOT}: the folder that has the file oci-layout, or a .tar of it."

    def initial_of(self, registry: Registry) -> dict[str, Any]:
        repository = registry.repository_patterns[0] if registry.repository_patterns else ""
        named = registry.reference_name and repository
        return {"folder": registry.address, "stands_for": f"{registry.reference_name}/{repository}" if named else ""}

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"].strip("/")
        root = Path(settings.LAYOUT_ROOT).resolve()
        try:
            path = (root / folder).resolve()
            found = path.is_relative_to(root) and path != root and ((path / "oci-layout").is_file() or is_tar(path))
        except (OSError, ValueError):  # a name that no file can have
            found = False
        if not found:
            raise forms.ValidationError(
                "No OCI image layout is there: no such folder has a file oci-layout, and it is no .tar."
            )
        return path.relative_to(root).as_posix()

    def clean_stands_for(self) -> str:
        text: str = self.cleaned_data["stands_for"]
        if not text:
            return ""
        try:
            reference = Reference.parse(text)
        except ReferenceFormatError as error:
            raise forms.ValidationError(f"{error}.") from error
        if reference.tag or reference.digest:
            raise forms.ValidationError("Give the repository only, without tag and digest.")
        return reference.name

    def fill(self, registry: Registry) -> None:
        registry.source = self.source
        registry.address = self.cleaned_data["folder"]
        name, _, repository = self.cleaned_data["stands_for"].partition("/")
        registry.reference_name = name
        registry.repository_patterns = [repository] if repository else []
