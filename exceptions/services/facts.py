"""What may rules ask about a problem? Read once, when it is heard of, and kept on its case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.models import Connection, OutboundMessage
from exceptions.models import ExceptionCase
from exceptions.routing import Facts
from orders.models import FulfillmentOrder, Order

Kept = dict[str, Any]


def read_facts(*, connection_id: int | None, order_id: int | None, outbound_id: int | None) -> Kept:
    """The facts that have no column of their own on a case, as JSON; empty ones are left out."""
    kept: Kept = {"system": _system(connection_id)}
    if order_id is not None:
        kept |= _of_order(order_id) | {"node": _node(order_id, outbound_id)}
    return {name: value for name, value in kept.items() if value}


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


def _system(connection_id: int | None) -> str:
    if connection_id is None:
        return ""
    return Connection.objects.values_list("system", flat=True).get(pk=connection_id)


def _of_order(order_id: int) -> Kept:
    asked = ("ship_to", "tags", "customer__tags", "extension", "channel__connection__settings")
    ship_to, tags, theirs, extension, settings = Order.objects.values_list(*asked).get(pk=order_id)
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


def _node(order_id: int, outbound_id: int | None) -> str:
    """The node an effect is about, or the one that was asked last."""
    asked = FulfillmentOrder.objects.filter(order_id=order_id).order_by("-pk")
    parts = list(asked.values_list("reference", "location__code")[:20])
    effect = OutboundMessage.objects.filter(pk=outbound_id or 0)
    told = effect.values_list("reference", flat=True).first() or ""
    meant = [code for reference, code in parts if told.startswith(reference)]
    return next(iter(meant or [code for _, code in parts]), "")
