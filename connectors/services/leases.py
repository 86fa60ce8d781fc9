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
    """Give back what a vanished worker held, and set aside what ended one again and again.

    The first time its whole batch is suspected, so that counts for nothing. From then on a message
    is taken alone; when that ended `MAX_CRASHES` workers, it is dead.
    """
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
    alone = row.crashes - 1
    if alone >= policy.MAX_CRASHES:
        row.state = InboundState.DEAD
        row.error_code = "connectors.poison_crash"
        row.error_detail = f"Taken alone, the message ended its worker {alone} times: set aside."
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
