"""To which journey does a message belong? To that of the order it speaks of, whoever sent it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection as database

_OF_ORDERS = """
UPDATE connectors_inboundmessage m SET trace_id = o.trace_id
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v(id, channel_id, external_id)
JOIN orders_order o ON o.channel_id = v.channel_id AND o.external_id = v.external_id
WHERE m.id = v.id AND m.trace_id <> o.trace_id
"""

_OF_FULFILLMENT_ORDERS = """
UPDATE connectors_inboundmessage m SET trace_id = o.trace_id
FROM unnest(%s::bigint[], %s::text[]) AS v(id, reference)
JOIN orders_fulfillmentorder f ON f.reference = v.reference
JOIN orders_order o ON o.id = f.order_id
WHERE m.id = v.id AND m.trace_id <> o.trace_id
"""


def join_orders(told: Sequence[tuple[int, int, str]]) -> None:
    """Give messages (id, channel id, the channel's order id) the trace of their order."""
    _run(_OF_ORDERS, told)


def join_fulfillment_orders(told: Sequence[tuple[int, str]]) -> None:
    """Give messages (id, our fulfilment reference) the trace of the order behind it."""
    _run(_OF_FULFILLMENT_ORDERS, told)


def _run(statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        return
    with database.cursor() as cursor:
        cursor.execute(statement, [list(column) for column in zip(*rows, strict=True)])
