"""What this room refuses; every message is fit to show a user."""

LONGEST_QUOTE = 200


class NotaryError(Exception):
    """A refusal, with a stable code that others filter by."""

    code = "refused"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code or self.code


class EnvelopeError(NotaryError):
    """The bytes of a signature envelope do not hold."""

    code = "envelope_unreadable"


class CertificateError(NotaryError):
    """A certificate cannot be read, or breaks a rule; `certificate` is the thumbprint, empty if it cannot be told."""

    code = "certificate_unreadable"

    def __init__(self, message: str, *, code: str = "", certificate: str = "") -> None:
        super().__init__(message, code=code)
        self.certificate = certificate


class TimestampError(NotaryError):
    """A timestamp token does not hold, or vouches for something else."""

    code = "timestamp_unreadable"


class DistinguishedNameError(NotaryError):
    """A distinguished name that the `x509.subject` rules do not take."""

    code = "distinguished_name"


class TrustPolicyError(NotaryError):
    """A trust policy document breaks a rule of the specification; `rule` is its number here."""

    code = "trust_policy"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message, code=rule)
        self.rule = rule


class TrustStoreError(NotaryError):
    """A trust store cannot be read, or holds what none may hold."""

    code = "trust_store"


class RevocationError(NotaryError):
    """An answer about revocation was not to be had, or does not hold: what it was asked for stays unknown."""

    code = "answer_unreadable"


class UnsupportedError(NotaryError):
    """Something we do not know: the answer is unknown, not failed."""

    code = "unsupported"


class LimitError(NotaryError):
    """Something larger than we take: the answer is unknown, not failed."""

    code = "limit"


def quote(text: str) -> str:
    """`text` in quotation marks for a message: cut, and without characters that could rearrange the line."""
    cut = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    return f'"{"".join(shown)}"'
