"""What do channels really show? A few items at a time, those not looked at for longest first.

Reads give way to everything else: they take only what live calls leave of the rate.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings

from connectors.models import Connection
from connectors.services import limiter
from connectors.services.clients import client_for
from connectors.services.codes import Codes
from connectors.services.credentials import account_of
from connectors.services.owe_stock import stock_sink
from connectors.systems.stock import Look, StockSink
from inventory.offers import Unseen, unseen_offers
from inventory.services.observe import Seen, record_observations
from inventory.telling import Mode
from retailhub.kernel.errors import HubError
from retailhub.kernel.trace import new_trace_id

log = logging.getLogger(__name__)

# What showed another number is looked at again after this long: a sale that we have not heard of
# yet explains it, and then a newer number is told meanwhile.
SECOND_LOOK = timedelta(minutes=1) * settings.POLICY_TIME_SCALE
# No offer is read more often than this.
REST = timedelta(minutes=2) * settings.POLICY_TIME_SCALE


def read_back(*, now: datetime) -> int:
    """Look at a sample of each channel that is told stock. Returns how many offers were seen."""
    channels = Connection.objects.filter(
        channel__isnull=False, is_active=True, outbound_paused_at=None, closed_until=None
    ).exclude(channel__publish_mode=Mode.OFF)
    return sum(_look(connection, now) for connection in channels.order_by("pk"))


def _look(connection: Connection, now: datetime) -> int:
    sink = stock_sink(connection)
    if sink is None or connection.channel_id is None:
        return 0
    settled = timedelta(seconds=connection.settle_seconds)
    offers = unseen_offers(
        channel_id=connection.channel_id,
        told_before=now - settled,
        seen_before=now - max(REST, settled),
        doubted_before=now - SECOND_LOOK,
        limit=sink.observed_at_once,
    )
    if not offers:
        return 0
    try:
        with limiter.spare_slot(connection):
            seen = _ask(connection, sink, offers, now)
    except HubError as error:
        log.info("not read back from %s now: %s", connection.slug, error)
        return 0
    record_observations(seen=seen, settled_before=now - settled, grace=SECOND_LOOK, now=now)
    return len(seen)


def _ask(
    connection: Connection, sink: StockSink, offers: list[Unseen], now: datetime
) -> list[Seen]:
    asked = Look(
        skus=[offer.sku for offer in offers],
        places=sorted({place for offer in offers for place in offer.places}),
        codes=Codes(connection),
        trace_id=str(new_trace_id()),
    )
    shown = sink.observe(client_for(connection), account_of(connection, now=now), asked)
    return [Seen(offer_id=offer.offer_id, nodes=shown.get(offer.sku)) for offer in offers]
