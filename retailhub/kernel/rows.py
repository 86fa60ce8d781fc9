"""Many rows at once: in by COPY, changed by one UPDATE. For batches `bulk_create` is too slow for.

`bulk_create` and `bulk_update` spend most of a batch's time on writing SQL text; here PostgreSQL
reads the values as they are. Like those two, neither calls `save()` nor sends signals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import psycopg
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

M = TypeVar("M", bound=models.Model)

Statement = tuple[str, Sequence[Any]]  # what to run, and the values for its %s


def insert_rows(rows: Iterable[M], *, needs_ids: bool = True) -> list[M]:
    """Insert unsaved rows of one model and give them their ids, if somebody `needs_ids` of them.

    What the database fills in is read when it is asked for.
    """
    made = list(rows)
    if not made:
        return made
    model = type(made[0])
    if needs_ids:
        for row, number in zip(made, _new_ids(model, len(made)), strict=True):
            row.pk = number
    left_out = [field for field in _fields(model) if _is_left_to_the_database(field, made)]
    fields = [field for field in _fields(model) if field not in left_out]
    if not needs_ids:
        fields.remove(model._meta.pk)
    _copy_in(model, fields, made)
    for row in made:
        row._state.adding, row._state.db = False, connection.alias
        for field in left_out:
            row.__dict__.pop(field.attname, None)
    return made


def update_rows(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write these fields of saved rows of one model, in one statement."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(*updating(rows, names))


def updating(rows: Sequence[models.Model], names: Sequence[str]) -> Statement:
    """The statement of `update_rows`, for at least one row."""
    meta = type(rows[0])._meta
    fields: list[Any] = [meta.pk, *map(meta.get_field, names)]
    sources: list[str] = []
    values: list[Any] = []
    for field in fields:
        column = [getattr(row, field.attname) for row in rows]
        if isinstance(field, models.JSONField):
            # One document: to quote each value for an array of SQL takes longer than to write it.
            sources.append("jsonb_array_elements(%s::jsonb)")
            values.append(json.dumps(column, cls=field.encoder))
        else:
            sources.append(f"unnest(%s::{field.rel_db_type(connection)}[])")
            values.append(column)
    changes = ", ".join(f"{field.column} = {_value_of(field)}" for field in fields[1:])
    columns = ", ".join(field.column for field in fields)
    return (
        f"UPDATE {meta.db_table} t SET {changes}"  # noqa: S608 - names of our own columns
        f" FROM ROWS FROM ({', '.join(sources)}) AS v({columns}) WHERE t.id = v.id",
        values,
    )


def _value_of(field: Any) -> str:
    # No value at all, as Django writes None, and not JSON's null.
    is_json = isinstance(field, models.JSONField)
    return f"nullif(v.{field.column}, 'null')" if is_json else f"v.{field.column}"


def run_together(*statements: Statement) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement, run one after the other in a single round trip.

    Each sees what those before it waited for, and is planned once per connection. For the few
    places where the way to the database and the planner cost more than the work.
    """
    if not statements:
        return []
    connection.ensure_connection()
    wire: Any = connection.connection
    with connection.wrap_database_errors:
        with wire.pipeline():
            cursors = [psycopg.Cursor(wire).execute(sql, values) for sql, values in statements]
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


def _fields(model: type[models.Model]) -> Sequence[Any]:
    return model._meta.concrete_fields


def _is_left_to_the_database(field: Any, rows: Sequence[models.Model]) -> bool:
    if not field.has_db_default():
        return False
    left = [isinstance(row.__dict__.get(field.attname), DatabaseDefault) for row in rows]
    if any(left) and not all(left):
        raise ValueError(f"{field} is given for some rows and left to the database for others")
    return left[0]


def _new_ids(model: type[models.Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(s.name) FROM generate_series(1, %s),"
            " (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name) s",
            [count, model._meta.db_table],
        )
        return [row[0] for row in cursor.fetchall()]


def _copy_in(model: type[models.Model], fields: Sequence[Any], rows: Sequence[Any]) -> None:
    columns = ", ".join(field.column for field in fields)
    statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN"
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(statement) as copy,
    ):
        for values in map(_reader(fields), rows):
            copy.write_row(values)


def _reader(fields: Sequence[Any]) -> Callable[[models.Model], Sequence[Any]]:
    """What a row's columns hold, in the words of the database's client."""
    read = attrgetter(*(field.attname for field in fields))
    jsons = [n for n, field in enumerate(fields) if isinstance(field, models.JSONField)]
    if not jsons:
        return read

    def read_with_json(row: models.Model) -> Sequence[Any]:
        values = list(read(row))
        for n in jsons:
            if values[n] is not None:
                values[n] = json.dumps(values[n], cls=fields[n].encoder)
        return values

    return read_with_json
