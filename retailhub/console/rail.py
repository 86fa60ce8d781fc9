"""Which stations has an order passed, and where does it stand still?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from orders.models import Order, OrderEvent


def stages_of(order: Order) -> list[dict[str, Any]]:
    """The rail: each station with its state, time and the other system's id."""
    events = {event.kind: event for event in order.events.order_by("-pk")}
    owed = list(OutboundMessage.objects.filter(order_id=order.pk).order_by("pk"))
    stages = [
        _passed("Received", events.get("accepted"), order.external_id),
        _passed("Promised", events.get("reserved")),
        _passed("Placed", events.get("allocated")),
        _owed("ERP order", owed, "order.post"),
        _owed("At warehouse", owed, "fulfillment.release"),
        _passed("Shipped", events.get("shipped")),
        _owed("Shop told", owed, "shipment.notify"),
        _passed("Delivered", events.get("delivered")),
    ]
    return _with_cases(order, stages)


def _with_cases(order: Order, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark where it stands still: failed where a case is open, not needed after a cancellation."""
    cases = ExceptionCase.objects.filter(order=order, state__in=OPEN_STATES).order_by("pk")
    by_effect = {case.outbound_id: case for case in cases if case.outbound_id}
    held = next((case for case in cases if not case.outbound_id), None)
    for stage in stages:
        case = by_effect.get(stage.pop("effect", None))
        if case is not None:
            stage |= {"status": "failed", "href": reverse("case", args=[case.pk])}
    first_waiting = next((s for s in stages if s["status"] == "waiting"), None)
    if first_waiting is not None and order.state in {"CANCELLED", "DELIVERED", "RECONCILED"}:
        for stage in stages:
            stage["status"] = "none" if stage["status"] == "waiting" else stage["status"]
    elif first_waiting is not None and held is not None:
        first_waiting |= {"status": "failed", "href": reverse("case", args=[held.pk])}
    elif first_waiting is not None and not order.held_for:
        first_waiting["status"] = "running"
    return stages


def _passed(label: str, event: OrderEvent | None, external_id: str = "") -> dict[str, Any]:
    return {
        "label": label,
        "status": "done" if event else "waiting",
        "at": event.happened_at if event else None,
        "external_id": external_id if event else "",
        "href": "",
    }


def _owed(label: str, owed: Sequence[OutboundMessage], kind: str) -> dict[str, Any]:
    rows = [row for row in owed if row.kind == kind]
    sent = [row for row in rows if row.state == "SENT"]
    stopped = next((row for row in rows if row.state in {"DEAD", "MANUAL"}), None)
    is_done = bool(rows) and all(row.state in {"SENT", "CANCELLED", "SUPERSEDED"} for row in rows)
    running = rows and not is_done and stopped is None
    return {
        "label": label,
        "status": "done" if is_done else "running" if running else "waiting",
        "at": sent[-1].finished_at if sent else None,
        "external_id": ", ".join(_short(row.external_id) for row in sent),
        "href": "",
        "effect": stopped.pk if stopped else None,
    }


def _short(external_id: str) -> str:
    """`gid://shopify/Fulfillment/56` says no more than `56`; the documents tab has the whole."""
    return external_id.rsplit("/", 1)[-1]
