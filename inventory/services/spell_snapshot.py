"""What the sender of a file calls our things, as SQL understands it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Words:
    """The sender's codes in ours, by table; `strict` tables know no others than theirs.

    Rows at `refused_ids` are not the sender's to tell.
    """

    inward: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    strict: frozenset[str] = frozenset()
    refused_ids: Sequence[int] = ()


def keep_words(cursor: Any, name: str, words: Words) -> None:
    """Put the words beside the rows staged under `name`."""
    cursor.execute(f"CREATE UNLOGGED TABLE {name}_word (kind text, theirs text, ours text)")
    rows = [
        (table, theirs, ours)
        for table in words.inward
        for theirs, ours in words.inward[table].items()
    ]
    if rows:
        cursor.execute(
            f"INSERT INTO {name}_word SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])",
            [list(column) for column in zip(*rows, strict=True)],
        )
    cursor.execute(f"ANALYZE {name}_word")
    cursor.execute(f"ANALYZE {name} (sku, location)")  # what it is joined by


def spelled(table: str, column: str, words: Words) -> tuple[str, str]:
    """Our word for the sender's in `column`, and the join it needs, if any."""
    if not words.inward.get(table) and table not in words.strict:
        return f"r.{column}", ""
    alias = f"w_{column}"
    on = f"{alias}.kind = '{table}' AND {alias}.theirs = r.{column}"
    ours = f"{alias}.ours" if table in words.strict else f"coalesce({alias}.ours, r.{column})"
    return ours, f"LEFT JOIN {{name}}_word {alias} ON {on}"
