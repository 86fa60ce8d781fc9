"""A mapping row as an admin wrote it, with its direction -> kept, and what waited goes on."""

from __future__ import annotations

from django.db import transaction

from connectors.events import MappingSaved
from connectors.models import CodeMapping
from retailhub.kernel.events import publish


@transaction.atomic
def keep_mapping(row: CodeMapping) -> None:
    """Add or correct `row`. What waited for either of its codes goes on."""
    row.save()
    publish(
        MappingSaved(
            connection_id=row.connection_id,
            table=row.table,
            external_code=row.external_code,
            canonical_code=row.canonical_code,
        )
    )
