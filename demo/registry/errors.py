"""What the registry refuses, with the error codes of the distribution specification."""

import json
from collections.abc import Iterable


class StoreError(Exception):
    """Content that the store does not take; `code` is one of the specification's error codes."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than success."""

    def __init__(self, status: str, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = list(headers)
        self.body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
