"""Why evidence does not hold, kept as a value: it is found out once and read often."""

from dataclasses import dataclass
from typing import Literal, Self

from trust.notary.errors import CertificateError, LimitError, NotaryError, UnsupportedError


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something does not hold; `unknown` means that we cannot tell. `certificate` is a thumbprint."""

    code: str
    message: str
    kind: Literal["failed", "unknown"]
    certificate: str = ""

    @classmethod
    def of(cls, error: NotaryError) -> Self:
        unknown = isinstance(error, UnsupportedError | LimitError)
        certificate = error.certificate if isinstance(error, CertificateError) else ""
        return cls(error.code, str(error), "unknown" if unknown else "failed", certificate)
