"""A node has the fulfilment order on its books."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders.events import OrderChanged
from orders.lifecycle import RequestStatus
from orders.selectors import lock_fulfillment_order
from orders.services.timeline import event
from retailhub.kernel.events import publish


@transaction.atomic
def note_released(*, reference: str, external_id: str, now: datetime) -> None:
    """Remember what the node calls it. News that is older than the node's own changes nothing."""
    row = lock_fulfillment_order(reference)
    row.external_id = external_id or row.external_id
    if row.request_status == RequestStatus.UNSUBMITTED:
        row.request_status = RequestStatus.SUBMITTED
    row.save(update_fields=["external_id", "request_status", "updated_at"])
    event(row.order, "released", f"Released to {row.location.name}", at=now).save()
    publish(OrderChanged(order_id=row.order_id))
