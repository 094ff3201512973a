"""Path converters of the pages."""


class ThumbprintConverter:
    """The SHA-256 thumbprint of a certificate."""

    regex = "[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
