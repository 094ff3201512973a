"""CSV of a list, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class RowsCsv(BaseRenderer):
    """The rows of a list, a line each; a fault is a line too."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        rows: Sequence[Mapping[str, Any]] = data.get("results", [data])
        text = io.StringIO()
        writer = csv.writer(text)
        if rows:
            writer.writerow(rows[0].keys())
        for row in rows:
            writer.writerow([_cell(value) for value in row.values()])
        return text.getvalue().encode()


def _cell(value: Any) -> str:
    """One cell; what a spreadsheet would take for a formula is text."""
    if isinstance(value, Mapping):
        value = " ".join(f"{name}:{number}" for name, number in value.items())
    elif isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
