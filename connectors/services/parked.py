"""Several snapshots of one order wait for the same row: only the newest has anything to say."""

from __future__ import annotations

from datetime import datetime

from connectors.events import MessagesReplaced
from connectors.lifecycle import InboundState
from connectors.models import InboundMessage
from retailhub.kernel.events import publish


def drop_older_snapshots(message: InboundMessage, now: datetime) -> bool:
    """Of the snapshots parked in the lane of `message`, keep the one with the newest version.

    True when `message` itself was not the newest. Without this every shop event of one stuck order
    would be a case of its own.
    """
    waiting = list(
        InboundMessage.objects.select_for_update()
        .filter(lane=message.lane, state=InboundState.PARKED, error_context__has_key="version")
        .only("pk", "error_context", "trace_id")
        .order_by("pk")
    )
    if len(waiting) < 2 or message.pk not in {row.pk for row in waiting}:
        return False
    newest = max(waiting, key=lambda row: (row.error_context["version"], row.pk))
    older = [row.pk for row in waiting if row.pk != newest.pk]
    InboundMessage.objects.filter(pk__in=older).update(
        state=InboundState.SUPERSEDED,
        finished_at=now,
        trace_id=newest.trace_id,  # one journey, whichever of them is applied in the end
        error_detail="A newer snapshot of the same order waits for the same reason.",
    )
    publish(MessagesReplaced(message_ids=tuple(older), by_id=newest.pk))
    return newest.pk != message.pk
