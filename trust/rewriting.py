"""Rows written by sets: all rows of one question get the same answer in one statement, and only rows that differ are written.

The answers go to the database as one JSON parameter. What differs between PostgreSQL and SQLite is here and nowhere else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

type Answers = Sequence[str]
"One a question (`as_answer`)."


class Rewriting:
    """Gives the rows of a table the answers to their questions; `old` and `new` are what SQL expressions may name."""

    def __init__(
        self, model: type[models.Model], columns: Sequence[str], numbers: Sequence[str] = (), **computed: str
    ) -> None:
        """`columns`: what an answer gives beside its question; they are taken as they are, but for those `computed`.

        `numbers`: what it gives besides, for computing.
        """
        self.table = _quoted(model._meta.db_table)
        types = {field.attname: field.db_type(connection) for field in model._meta.concrete_fields}
        self._source = _source(
            {name: types[name] for name in ("question", *columns)} | dict.fromkeys(numbers, "bigint")
        )
        self._values = {name: f"new.{_quoted(name)}" for name in columns} | computed

    def rewrite(self, answers: Answers, where: str, parameters: Sequence[Any], **always: str) -> None:
        """Write the rows that differ from their answer; `always`: what else is written with them."""
        sets = ", ".join(f"{_quoted(name)} = {value}" for name, value in (self._values | always).items())
        same = " AND ".join(f"old.{_quoted(name)} IS NOT DISTINCT FROM {value}" for name, value in self._values.items())
        self._execute(
            f"UPDATE {self.table} AS old SET {sets} FROM new "  # noqa: S608 - names of columns
            f"WHERE old.question = new.question AND {where} AND NOT ({same})",
            answers,
            parameters,
        )

    def insert(
        self,
        into: type[models.Model],
        values: Mapping[str, str],
        answers: Answers,
        where: str,
        parameters: Sequence[Any],
    ) -> None:
        """Add a row to another table for each row here that matches."""
        self._execute(
            f"INSERT INTO {_quoted(into._meta.db_table)} ({', '.join(map(_quoted, values))}) "  # noqa: S608 - likewise
            f"SELECT {', '.join(values.values())} FROM new, {self.table} AS old "
            f"WHERE old.question = new.question AND {where}",
            answers,
            parameters,
        )

    def _execute(self, sql: str, answers: Answers, parameters: Sequence[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH new AS MATERIALIZED ({self._source}) {sql}", [f"[{','.join(answers)}]", *parameters])


def add_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add many rows, of which each is its columns as the database spells them."""
    table, names = _quoted(model._meta.db_table), ", ".join(map(_quoted, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))  # noqa: S608 - names


def among(column: str, keys: Sequence[int]) -> tuple[str, Any]:
    """The condition that a key is one of many, and its one parameter."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", list(keys)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(keys)  # noqa: S608 - the name of a column


def later(column: str, microseconds: str) -> str:
    """The expression for so much later than a moment."""
    if connection.vendor == "postgresql":
        return f"({column} + {microseconds} * interval '1 microsecond')"
    return f"django_format_dtdelta('+', {column}, {microseconds})"


def moment(value: datetime) -> str:
    """A moment as the database spells it."""
    return str(connection.ops.adapt_datetimefield_value(value))


def as_answer(columns: Mapping[str, Any]) -> str:
    """The answer to one question: the new values of columns, and `question` itself."""
    return json.dumps(columns, default=moment)


def _source(columns: Mapping[str, str | None]) -> str:
    """The query that gives the answers as rows."""
    if connection.vendor == "postgresql":
        fields = ", ".join(f"{_quoted(name)} {kind}" for name, kind in columns.items())
        return f"SELECT * FROM json_to_recordset(%s::json) AS answer({fields})"  # noqa: S608 - names of columns
    fields = ", ".join(f"json_extract(value, '$.{name}') AS {_quoted(name)}" for name in columns)
    return f"SELECT {fields} FROM json_each(%s)"  # noqa: S608 - likewise


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
