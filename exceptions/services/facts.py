"""What may rules ask about a problem? Read once, when it is heard of, and kept on its case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from connectors.models import Connection, OutboundMessage
from exceptions.models import ExceptionCase
from exceptions.routing import Facts
from orders.models import FulfillmentOrder, Order

Kept = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What a problem points at, as far as facts hang on it."""

    connection_id: int | None
    order_id: int | None
    outbound_id: int | None


def read_facts(abouts: Sequence[About]) -> list[Kept]:
    """The facts of each that have no column of their own on a case, as JSON, without empty ones."""
    systems = _systems({about.connection_id for about in abouts if about.connection_id})
    order_ids = {about.order_id for about in abouts if about.order_id}
    orders, nodes = _of_orders(order_ids), _nodes(abouts, order_ids)
    found = []
    for about in abouts:
        kept: Kept = {"system": systems.get(about.connection_id)}
        if about.order_id is not None:
            kept |= orders[about.order_id] | {"node": nodes[about]}
        found.append({name: value for name, value in kept.items() if value})
    return found


def facts_of(case: ExceptionCase) -> Facts:
    """The facts of a case as it stands."""
    kept = case.facts
    return Facts(
        code=case.code,
        connection=case.connection_id,
        system=kept.get("system", ""),
        node=kept.get("node", ""),
        country=kept.get("country", ""),
        region=kept.get("region", ""),
        value=case.value,
        currency=case.currency,
        order_tags=tuple(kept.get("order_tags", ())),
        customer_tags=tuple(kept.get("customer_tags", ())),
    )


def _systems(connection_ids: Set[int]) -> dict[int | None, str]:
    rows = Connection.objects.filter(pk__in=connection_ids)
    return dict(rows.values_list("pk", "system"))


def _of_orders(order_ids: Set[int]) -> dict[int, Kept]:
    asked = ("ship_to", "tags", "customer__tags", "extension", "channel__connection__settings")
    rows = Order.objects.filter(pk__in=order_ids).values_list("pk", *asked)
    return {pk: _of_order(*told) for pk, *told in rows}


def _of_order(ship_to: Any, tags: Any, theirs: Any, extension: Any, settings: Any) -> Kept:
    place = ship_to or {}
    return {
        # What a marketplace promises and charges, where the shop says so.
        "ship_by": (extension or {}).get("ship_by"),
        "late_percent": (settings or {}).get("late_percent"),
        "country": str(place.get("country_code") or "").lower(),
        "region": str(place.get("region") or "").lower(),
        "order_tags": _lower(tags or ()),
        "customer_tags": _lower(theirs or ()),
    }


def _lower(tags: Iterable[str]) -> list[str]:
    return sorted({tag.strip().lower() for tag in tags})


def _nodes(abouts: Sequence[About], order_ids: Set[int]) -> dict[About, str]:
    """The node an effect is about, or the one that was asked last."""
    if not order_ids:
        return {}
    parts: dict[int | None, list[tuple[str, str]]] = defaultdict(list)
    rows = FulfillmentOrder.objects.filter(order__in=order_ids).order_by("-pk")
    for order_id, reference, node in rows.values_list("order_id", "reference", "location__code"):
        parts[order_id].append((reference, node))
    effects = {about.outbound_id for about in abouts if about.outbound_id}
    told = dict(OutboundMessage.objects.filter(pk__in=effects).values_list("pk", "reference"))
    return {one: _node(parts[one.order_id], told.get(one.outbound_id or 0, "")) for one in abouts}


def _node(parts: Sequence[tuple[str, str]], told: str) -> str:
    meant = [code for reference, code in parts if told.startswith(reference)]
    return next(iter(meant or [code for _, code in parts]), "")
