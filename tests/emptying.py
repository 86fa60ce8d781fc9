"""How tables are emptied after a test that committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db.backends.postgresql.operations import DatabaseOperations

from exceptions.services.expectations import seed_templates

# What `migrate` puts on record from the code alone, which no test changes.
_OF_THE_CODE = {"django_content_type", "auth_permission"}


@contextmanager
def emptying_row_by_row() -> Iterator[None]:
    """Meanwhile no table is truncated, which would make new files for each and for each index: most
    hold no row.

    And as rows of the code stay, only what people may change of them is made anew: `migrate` would
    look at each permission of each model, which takes longer than most of these tests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", _delete)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: seed_templates())
        yield


def _delete(_: DatabaseOperations, __: object, tables: Sequence[str], **___: Any) -> list[str]:
    emptied = [table for table in tables if table.strip('"') not in _OF_THE_CODE]
    # Guards are triggers. Whoever still writes is waited for, as TRUNCATE does.
    statements = [
        "SET LOCAL session_replication_role = replica",
        f"LOCK TABLE {', '.join(emptied)} IN ACCESS EXCLUSIVE MODE",
        *(f"DELETE FROM {table}" for table in emptied),
    ]
    return ["; ".join(statements)] if emptied else []
