"""Stop a connection without losing anything, and let it go on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from connectors.events import ConnectionChanged
from connectors.models import Connection
from retailhub.kernel.events import publish


@transaction.atomic
def pause_connection(
    *, connection_id: int, reason: str, now: datetime, inbound: bool = True, outbound: bool = True
) -> None:
    """Keep taking messages in, but apply and send nothing until resumed."""
    row = Connection.objects.select_for_update().get(pk=connection_id)
    row.inbound_paused_at = now if inbound else row.inbound_paused_at
    row.outbound_paused_at = now if outbound else row.outbound_paused_at
    row.pause_reason = reason[:300]
    row.save()
    publish(ConnectionChanged(connection_id=row.pk))


@transaction.atomic
def resume_connection(*, connection_id: int, now: datetime) -> None:
    """Go on where it stopped: oldest first, at the connection's rate. Also closes the breaker."""
    row = Connection.objects.select_for_update().get(pk=connection_id)
    row.inbound_paused_at = row.outbound_paused_at = row.closed_until = None
    row.pause_reason = row.health_detail = ""
    row.breaker_trips = 0
    row.health, row.health_since = Connection.Health.HEALTHY, now
    row.save()
    publish(ConnectionChanged(connection_id=row.pk))
