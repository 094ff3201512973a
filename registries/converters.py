"""A digest in a URL."""

from registries.oci.digest import Digest
from registries.oci.errors import DigestError


class DigestConverter:
    """`<digest:digest>`: the view is handed a Digest; any other text is no page at all."""

    regex = r"sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})"

    def to_python(self, value: str) -> Digest:
        try:
            return Digest.parse(value)
        except DigestError as error:
            raise ValueError(str(error)) from error

    def to_url(self, value: Digest | str) -> str:
        return str(value)
