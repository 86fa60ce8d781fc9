"""Nodes have fulfilment orders on their books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from orders.lifecycle import RequestStatus
from orders.selectors import lock_parts_of_locked_orders
from orders.services.timeline import event
from retailhub.kernel.rows import insert_rows, update_rows


@transaction.atomic(savepoint=False)
def note_released(external_ids: Mapping[str, str], *, now: datetime) -> None:
    """Remember what nodes call these references. News older than the node's own changes nothing.

    The caller holds the locks of their orders.
    """
    rows = list(lock_parts_of_locked_orders(external_ids))
    for row in rows:
        row.external_id = external_ids[row.reference] or row.external_id
        if row.request_status == RequestStatus.UNSUBMITTED:
            row.request_status = RequestStatus.SUBMITTED
    update_rows(rows, ["external_id", "request_status"])
    insert_rows(
        (event(row.order, "released", f"Released to {row.location.name}", at=now) for row in rows),
        needs_ids=False,
    )
