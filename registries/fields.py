"""A model field that holds a Digest."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

from registries.oci.digest import Digest
from registries.oci.errors import DigestError

if TYPE_CHECKING:  # the stubs' field is generic, Django's is not

    class Text[Set, Get](models.CharField[Set, Get]):
        """A text field that takes and gives digests."""

        _pyi_private_set_type: Digest | str  # type: ignore[assignment]
        _pyi_private_get_type: Digest  # type: ignore[assignment]
else:

    class Text[Set, Get](models.CharField):
        """The same where Django runs."""


class DigestField[Set, Get](Text[Set, Get]):
    """A digest: text in the database, a `Digest` in Python."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = 135  # "sha512:" and 128 hex digits
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_length"]
        return name, path, args, kwargs

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Digest | None:
        return None if value is None else Digest.parse(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Digest):
            return value
        try:
            return Digest.parse(value)
        except DigestError as error:
            raise ValidationError(str(error)) from error

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else str(value)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))
