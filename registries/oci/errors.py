"""What can go wrong with digests, references, manifests, layouts and registries; every text is fit to show."""


class OciError(Exception):
    """Something of the OCI specifications does not hold; `code` is stable, the text is for people."""

    code = "oci"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        if code:
            self.code = code


def as_sentence(text: str) -> str:
    """The text with a capital and a full stop; a host, path or digest at its beginning stays as it is written."""
    first = text.partition(" ")[0]
    text = text[:1].upper() + text[1:] if first.rstrip(",:").isalpha() else text
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


class DigestError(OciError):
    """A text is not a digest that we can check."""

    code = "digest"


class ReferenceFormatError(OciError):
    """A text is not `registry/repository[:tag][@digest]`."""

    code = "reference"


class ManifestError(OciError):
    """Bytes are not the manifest that they are said to be."""

    code = "manifest"


class LayoutError(OciError):
    """A directory is not an OCI image layout, or a part of it is not what its name says."""

    code = "layout"


class LimitError(OciError):
    """Something is larger than we read; this says nothing about whether it is good."""

    code = "too_large"


class RegistryError(OciError):
    """A registry did not give a usable answer.

    Codes: unreachable, timeout, tls, unauthorized, denied, not_found, rate_limited, server_error, not_a_registry,
    bad_answer, digest_mismatch, size_mismatch, too_large, forbidden_address, redirect.
    """

    code = "bad_answer"

    def __init__(
        self, message: str, *, code: str = "", retry_after: float | None = None, has_words: bool = False
    ) -> None:
        super().__init__(message, code=code)
        self.has_words = has_words
        "It is the registry that says so, in an error document; what a proxy before it answers says nothing of what it has."
        self.retry_after = retry_after
        "Seconds to wait, if the registry said so."
