"""It did not happen, say the facts. What do the records say? Asked before anything is raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from connectors.lifecycle import OutboundState
from connectors.models import OutboundMessage
from exceptions.expected import EXPECTED
from exceptions.models import Expectation
from orders.lifecycle import OrderState
from orders.models import FulfillmentOrder

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

    Two questions for any number of rows.
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
    if row.order is None:
        return Finding(seen="Nothing was heard.")
    if row.order.state == OrderState.CANCELLED:
        return Finding(void="The order was cancelled")
    done = _OF_PARTS.get(row.template.code)
    if done is not None and (finding := _find_part(parts.get(row.business_key), done)):
        return finding
    expected = EXPECTED.get(row.template.code)
    if expected is None or not expected.effect:
        return Finding(seen="Its node has not said so.")
    return _find_effect(row, effects.get((expected.effect, row.business_key)))


def _find_part(part: FulfillmentOrder | None, done: frozenset[str]) -> Finding | None:
    if part is None or not part.is_live:
        return Finding(void="The node will not send it any more")
    if part.progress in done:
        return Finding(met_by=f"The node says {part.progress.lower()}")
    return None


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
