"""Facts -> hints for open pages: rows in the same transaction, frames after the commit."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from connectors.events import ConnectionChanged, EffectsSent
from exceptions.events import CaseChanged, CasesChanged, CausesChanged, ReplayRunChanged
from inventory.events import OffersChanged, StockCounted, StockFreed
from orders.events import OrdersAccepted, OrdersAllocated, OrdersReserved
from retailhub.bell import ring
from retailhub.kernel.events import Event

# In the place of an entity: so many at once that a page had better read its list again.
MANY = "*"
MOST_NAMED = 200

# Written with every step of every order, so without the detour over models.
_INSERT = """
INSERT INTO retailhub_liveevent (topic, entity, version, verb)
SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::text[]) RETURNING id
"""

# With the cases, their causes: one line for each, however many of its cases changed.
_INSERT_CASES = """
INSERT INTO retailhub_liveevent (topic, entity, version, verb)
SELECT %s, * FROM unnest(%s::text[], %s::bigint[], %s::text[])
UNION ALL
SELECT DISTINCT 'queue', 'cases-of-cause-' || coalesce(u.merged_into_id, u.id), 0, 'upd'
FROM exceptions_exceptioncase c JOIN exceptions_cause u ON u.id = c.cause_id WHERE c.id = ANY(%s)
RETURNING id
"""


class _Owed(threading.local):
    """Topics with news in this thread's transaction."""

    def __init__(self) -> None:
        self.topics: dict[str, int] = {}


_owed = _Owed()


def case_changed(event: CaseChanged) -> None:
    """The queue and the case's own page."""
    _hint_cases([(event.case_id, event.version)], event.verb)


def cases_changed(event: CasesChanged) -> None:
    """Many at once, in one statement."""
    _hint_cases(event.cases, event.verb)


def causes_changed(event: CausesChanged) -> None:
    """The causes' own pages, what is grouped by them, and cases that name them."""
    _hint("queue", [(f"cause-{pk}", 0, "upd") for pk in event.cause_ids])


def orders_changed(event: OrdersAccepted | OrdersReserved | OrdersAllocated) -> None:
    """The order list and the orders' own pages."""
    _hint("orders", [(f"order-{pk}", 0, "upd") for pk in event.order_ids])


def order_changed(event: Event) -> None:
    """One order's page."""
    order_id = getattr(event, "order_id", None)
    if order_id is not None:
        _hint("orders", [(f"order-{order_id}", 0, "upd")])


def effects_sent(event: EffectsSent) -> None:
    """An order page shows what other systems have."""
    order_ids = {effect.order_id for effect in event.effects if effect.order_id is not None}
    _hint("orders", [(f"order-{pk}", 0, "upd") for pk in sorted(order_ids)])


def stock_changed(event: StockCounted | StockFreed | OffersChanged) -> None:
    """The item list and the items' own pages."""
    _hint("stock", [(f"item-{pk}", 0, "upd") for pk in sorted(set(event.item_ids))])


def connection_changed(event: ConnectionChanged) -> None:
    """The connections page."""
    _hint("connections", [(f"connection-{event.connection_id}", 0, "upd")])


def run_changed(event: ReplayRunChanged) -> None:
    """The list of replays and the run's own page."""
    _hint("replays", [(f"run-{event.run_id}", 0, "upd")])


def _hint_cases(cases: Sequence[tuple[int, int]], verb: str) -> None:
    items = [(f"case-{pk}", version, verb) for pk, version in cases]
    if len(items) > MOST_NAMED:
        _hint("queue", items)
    else:
        _write(_INSERT_CASES, "queue", items, [pk for pk, _ in cases])


def _hint(topic: str, items: Iterable[tuple[str, int, str]]) -> None:
    changed = list(items)
    _write(_INSERT, topic, [(MANY, 0, "upd")] if len(changed) > MOST_NAMED else changed)


def _write(insert: str, topic: str, changed: list[tuple[str, int, str]], *more: list[int]) -> None:
    if not changed:
        return
    is_first = not any(hook[1] is _ring_all for hook in connection.run_on_commit)
    if is_first:
        _owed.topics.clear()  # of a transaction that was rolled back: there is nothing to look at
    with connection.cursor() as cursor:
        cursor.execute(insert, [topic, *map(list, zip(*changed, strict=True)), *more])
        _owed.topics[topic] = max(row[0] for row in cursor.fetchall())
    if is_first:
        transaction.on_commit(_ring_all, robust=True)


def _ring_all() -> None:
    """One frame per topic and transaction."""
    ring(_owed.topics)
    _owed.topics.clear()
