"""Rows written by sets: all rows of one question get the same answer in one statement, and only rows that differ are written.

The answers go to the database as one JSON parameter. What differs between PostgreSQL and SQLite is here and nowhere else.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models

MICROSECOND = timedelta(microseconds=1)

type Answers = Sequence[Mapping[str, Any]]
"By question: the new values of the columns, and that of `question` itself."


class Rewriting:
    """Gives the rows of a table the answers to their questions; `old` and `new` are what SQL expressions may name."""

    def __init__(self, model: type[models.Model], columns: Sequence[str], **computed: str) -> None:
        """`columns` are taken from the answers as they are, `computed` ones from an expression."""
        self.table = _quoted(model._meta.db_table)
        self._types = {field.attname: field.db_type(connection) for field in model._meta.concrete_fields}
        self._values = {name: f"new.{_quoted(name)}" for name in columns} | computed

    def rewrite(self, answers: Answers, where: str, parameters: Sequence[Any], **always: str) -> None:
        """Write the rows that differ from their answer; `always`: what else is written with them."""
        sets = ", ".join(f"{_quoted(name)} = {value}" for name, value in (self._values | always).items())
        same = " AND ".join(f"old.{_quoted(name)} IS NOT DISTINCT FROM {value}" for name, value in self._values.items())
        self._execute(
            f"UPDATE {self.table} AS old SET {sets} FROM {self._source(answers)} "  # noqa: S608 - names of columns
            f"WHERE old.question = new.question AND {where} AND NOT ({same})",
            [_json(answers), *parameters],
        )

    def insert(
        self, into: type[models.Model], values: Mapping[str, str], answers: Answers, where: str, parameters: Sequence[Any]
    ) -> None:
        """Add a row to another table for each row here that matches."""
        self._execute(
            f"INSERT INTO {_quoted(into._meta.db_table)} ({', '.join(map(_quoted, values))}) "  # noqa: S608 - likewise
            f"SELECT {', '.join(values.values())} FROM {self._source(answers)}, {self.table} AS old "
            f"WHERE old.question = new.question AND {where}",
            [_json(answers), *parameters],
        )

    def _source(self, answers: Answers) -> str:
        """The answers as rows named `new`."""
        names = [name for answer in answers[:1] for name in answer]
        if connection.vendor == "postgresql":
            fields = ", ".join(f"{_quoted(name)} {self._types[name]}" for name in names)
            return f"json_to_recordset(%s::json) AS new({fields})"
        fields = ", ".join(f"json_extract(value, '$.{name}') AS {_quoted(name)}" for name in names)
        return f"(SELECT {fields} FROM json_each(%s)) AS new"

    @staticmethod
    def _execute(sql: str, parameters: Sequence[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)


def later(column: str, by: timedelta) -> str:
    """The expression for so much later than a moment."""
    if connection.vendor == "postgresql":
        return f"({column} + interval '{by // MICROSECOND} microseconds')"
    return f"django_format_dtdelta('+', {column}, {by // MICROSECOND})"


def moment(value: datetime) -> str:
    """A moment as the database spells it."""
    return str(connection.ops.adapt_datetimefield_value(value))


def _json(answers: Answers) -> str:
    return json.dumps(answers, default=lambda value: moment(value))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
