"""What becomes of a message whose worker vanished?"""

from __future__ import annotations

from django.db import transaction

from connectors import policy
from connectors.events import MessagesStopped
from connectors.lifecycle import InboundState
from connectors.models import InboundMessage
from retailhub.kernel.events import publish
from retailhub.kernel.trace import tracing


def sweep_expired_leases() -> int:
    """Give back what a vanished worker held. Three vanished workers make a message dead."""
    with transaction.atomic(durable=True):
        rows = list(
            InboundMessage.objects.raw(
                "SELECT * FROM connectors_inboundmessage WHERE state = 'PROCESSING'"
                " AND lease_until < now() FOR UPDATE SKIP LOCKED LIMIT 500"
            )
        )
        for row in rows:
            _take_back(row)
        return len(rows)


def _take_back(row: InboundMessage) -> None:
    row.crashes += 1
    row.lease_until = None
    row.lease_token += 1
    row.state = InboundState.RECEIVED
    if row.crashes >= policy.MAX_CRASHES:
        row.state = InboundState.DEAD
        row.error_code = "connectors.poison_crash"
        row.error_detail = f"The message ended its worker {row.crashes} times and was set aside."
    row.save(
        update_fields=[
            "crashes",
            "lease_until",
            "lease_token",
            "state",
            "error_code",
            "error_detail",
        ]
    )
    if row.state == InboundState.DEAD:
        with tracing(row.trace_id):
            publish(MessagesStopped(message_ids=(row.pk,)))
