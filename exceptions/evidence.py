"""It did not happen, say the facts. What do the records say? Asked before anything is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Sum
from django.utils import timezone

from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from exceptions.expected import EXPECTED
from exceptions.models import Expectation
from orders.lifecycle import OrderState
from orders.models import FulfillmentOrder, Order

# The shop says that it keeps nothing of the payment.
_BACK = frozenset({"REFUNDED", "VOIDED"})
_GONE = frozenset({OrderState.SHIPPED.value, OrderState.DELIVERED.value})
_TAKEN = _GONE | {OrderState.PICKED.value, OrderState.PACKED.value}


@dataclass(frozen=True)
class Finding:
    """What was found: it was met, nobody wants it, or what is there instead."""

    met_by: str = ""
    void: str = ""
    seen: str = ""


Effects = dict[tuple[str, str], OutboundMessage]
Parts = dict[str, FulfillmentOrder]


def look_at(rows: Sequence[Expectation]) -> dict[int, Finding]:
    """What the records say about each of `rows`, loaded with template, connection and order.

    Two questions for any number of rows, and one more for each about money.
    """
    effects, parts = _effects(rows), _parts(rows)
    return {row.pk: _find(row, effects, parts) for row in rows}


def _effects(rows: Sequence[Expectation]) -> Effects:
    order_ids = {row.order_id for row in rows if row.order_id is not None}
    kinds = {expected.effect for expected in EXPECTED.values() if expected.effect}
    owed = OutboundMessage.objects.filter(order_id__in=order_ids, kind__in=kinds)
    return {(row.kind, row.reference): row for row in owed.defer("payload")} if order_ids else {}


def _parts(rows: Sequence[Expectation]) -> Parts:
    keys = {row.business_key for row in rows if row.template.code in _OF_PARTS}
    found = FulfillmentOrder.objects.filter(reference__in=keys)
    return {part.reference: part for part in found} if keys else {}


_OF_PARTS = {"node_acknowledged": _TAKEN, "node_ships": _GONE}


def _find(row: Expectation, effects: Effects, parts: Parts) -> Finding:
    code, order = row.template.code, row.order
    if (ask := _ASK.get(code)) is not None:
        return ask(row)
    if order is None:
        return Finding(seen="Nothing was heard.")
    if order.state == OrderState.CANCELLED:
        return Finding(void="The order was cancelled")
    if code in _OF_PARTS:
        finding = _find_part(parts.get(row.business_key), _OF_PARTS[code])
        if finding.met_by or finding.void or code not in _BY_EFFECT:
            return finding
    return _find_effect(row, effects.get((_BY_EFFECT.get(code, ""), row.business_key)))


_BY_EFFECT = {code: row.effect for code, row in EXPECTED.items() if row.effect}


def _find_pause(row: Expectation) -> Finding:
    connection = row.connection
    if connection is None or not connection.is_paused:
        return Finding(met_by="It goes on")
    return Finding(seen=f"Nobody has resumed it. It was paused because: {connection.pause_reason}")


def _find_money(row: Expectation) -> Finding:
    if row.order is None or is_given_back(row.order):
        return Finding(met_by="All of it is given back")
    return Finding(seen=f"The shop says: payment {row.order.financial_status.lower()}.")


_ASK: dict[str, Callable[[Expectation], Finding]] = {
    "connection_resumed": _find_pause,
    "money_given_back": _find_money,
}


def is_given_back(order: Order) -> bool:
    """All that was paid is back, by refunds or by the shop's word."""
    if order.financial_status in _BACK:
        return True
    paid_back = order.refunds.aggregate(sum=Sum("amount"))["sum"] or 0
    return bool(order.total) and paid_back >= order.total


def _find_part(part: FulfillmentOrder | None, done: frozenset[str]) -> Finding:
    if part is None or not part.is_live:
        return Finding(void="The node will not send it any more")
    if part.progress in done:
        return Finding(met_by=f"The node says {part.progress.lower()}")
    return Finding(seen="Its node has not said so.")


def _find_effect(row: Expectation, effect: OutboundMessage | None) -> Finding:
    name = row.connection.name if row.connection else "The system"
    if effect is None:
        state = row.order.state.lower() if row.order else "unknown"
        return Finding(seen=f"{name} was never asked; the order is {state}.")
    if effect.state == OutboundState.SENT:
        return Finding(met_by=f"{name} has {effect.external_id or 'it'}")
    if effect.state in {OutboundState.CANCELLED, OutboundState.SUPERSEDED}:
        return Finding(void="It was set aside")
    since = timezone.localtime(effect.created_at)
    tries = f"{effect.attempts} {'try' if effect.attempts == 1 else 'tries'}"
    last = f" Last answer: {effect.error_detail}" if effect.error_detail else ""
    return Finding(seen=f"It is owed since {since:%H:%M}, {tries} so far.{last}")
