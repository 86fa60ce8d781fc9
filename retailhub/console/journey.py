"""The journey of one order: what each system has of it, and what happened when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from connectors.models import Attempt, ExternalReference, InboundMessage, OutboundMessage
from orders.models import FulfillmentOrder, Order, OrderEvent
from retailhub.console.inventory.addresses import item_href
from retailhub.console.words import node_state_word
from retailhub.kernel.money import to_cents

TABS = {
    "timeline": "Timeline",
    "items": "Items",
    "documents": "Documents",
    "messages": "Messages",
    "money": "Money",
}
MOST_LINES = 300

_KIND_WORDS = {
    "order.post": "Sales order",
    "order.cancel": "Cancellation",
    "fulfillment.post": "Item fulfilment",
    "fulfillment.release": "Outbound order",
    "fulfillment.cancel": "Cancellation",
    "shipment.notify": "Fulfilment with tracking",
    "stock.publish": "Stock",
}

_LOOKS = {
    "accepted": ("in", "green"),
    "reserved": ("check", "green"),
    "allocated": ("check", "green"),
    "released": ("check", "green"),
    "held": ("pause", "orange"),
    "resumed": ("open", "blue"),
    "cancellation": ("x", "amber"),
    "cancelled": ("minus", "gray"),
    "node_cancelled": ("minus", "gray"),
    "refunded": ("undo", "amber"),
    "picked": ("check", "teal"),
    "packed": ("check", "teal"),
    "shipped": ("check", "green"),
    "partly_shipped": ("check", "teal"),
    "delivered": ("check", "green"),
}


def tab_context(order: Order, tab: str) -> dict[str, Any]:
    """What the open tab shows; the others cost nothing."""
    return _TABS[tab](order)


def _timeline(order: Order) -> dict[str, Any]:
    lines = [_event_line(event) for event in order.events.order_by("-pk")[:MOST_LINES]]
    owed = OutboundMessage.objects.filter(order_id=order.pk).select_related("connection")
    journal = Prefetch("journal", Attempt.objects.order_by("number"))
    lines += [_effect_line(row) for row in owed.prefetch_related(journal).order_by("-pk")[:100]]
    lines.sort(key=lambda line: line["at"], reverse=True)
    return {"timeline": lines}


def _event_line(event: OrderEvent) -> dict[str, Any]:
    icon, color = _LOOKS.get(event.kind, ("open", "gray"))
    reasons = event.data.get("reasons", [])
    return {
        "at": event.happened_at,
        "day": timezone.localtime(event.happened_at).date(),
        "icon": icon,
        "color": color,
        "system": event.system,
        "text": event.text,
        "detail": " ".join(reasons) if isinstance(reasons, list) else "",
        "attempts": [],
        "anchor": f"ev-{event.pk}",
    }


def _effect_line(row: OutboundMessage) -> dict[str, Any]:
    word = _KIND_WORDS.get(row.kind, row.kind)
    texts = {
        "SENT": (f"{word} is there: {row.external_id}", "check", "green"),
        "DEAD": (f"{word} was refused", "x", "red"),
        "MANUAL": (f"{word}: nobody knows whether it is there", "alert", "amber"),
        "UNKNOWN": (f"{word}: the answer was lost, looking", "alert", "amber"),
        "CANCELLED": (f"{word} is no longer needed", "minus", "gray"),
    }
    text, icon, color = texts.get(row.state, (f"{word} is owed", "clock", "blue"))
    at = row.finished_at or row.created_at
    return {
        "at": at,
        "day": timezone.localtime(at).date(),
        "icon": icon,
        "color": color,
        "system": row.connection.name,
        "text": text,
        "detail": row.error_detail,
        "attempts": [_attempt_line(attempt) for attempt in row.journal.all()],
        "anchor": f"effect-{row.pk}",
    }


def _attempt_line(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": attempt.started_at,
        "text": "Look-up" if attempt.is_look_up else f"Attempt {attempt.number}",
        "result": _RESULTS.get(attempt.outcome, "running"),
        "status": attempt.status,
        "ms": attempt.milliseconds,
    }


_RESULTS = {
    "SENT": "sent",
    "FOUND": "sent",
    "ABSENT": "skipped",
    "LATER": "failed",
    "THROTTLED": "waiting",
    "UNKNOWN": "unknown",
    "REJECTED": "rejected",
    "CRASHED": "unknown",
    "LATE": "skipped",
}


def _items(order: Order) -> dict[str, Any]:
    lines = order.lines.select_related("item").prefetch_related("placements").order_by("pk")
    rows = []
    for line in lines:
        placements = list(line.placements.all())
        rows.append(
            {
                "sku": line.item.sku if line.item else line.sku,
                "href": item_href(line.item.sku, line.item.pk) if line.item else "",
                "name": line.title,
                "ordered": line.quantity,
                "allocated": sum(p.quantity for p in placements),
                "shipped": sum(p.shipped_quantity for p in placements),
                "returned": 0,
                "price": f"{to_cents(line.total, order.currency)} {order.currency}",
                "flag": line.kind != "GOODS",
            }
        )
    return {"items": rows, "fulfilment_orders": _fulfillment_orders(order)}


def _fulfillment_orders(order: Order) -> list[dict[str, Any]]:
    rows = (
        FulfillmentOrder.objects.filter(order=order)
        .select_related("location")
        .prefetch_related("lines__order_line", "shipments")
        .order_by("pk")
    )
    found = []
    for row in rows:
        shipment = next(iter(row.shipments.all()), None)
        found.append(
            {
                "number": row.reference,
                "node": row.location.name,
                "state": node_state_word(row),
                "lines_text": ", ".join(
                    f"{p.quantity} × {p.order_line.sku}" for p in row.lines.all()
                ),
                "shipment": shipment.carrier if shipment else "",
                "tracking": shipment.tracking_number if shipment else "",
                "tracking_href": shipment.tracking_url if shipment else "",
                "explanation": row.explanation,
            }
        )
    return found


def _documents(order: Order) -> dict[str, Any]:
    owed = OutboundMessage.objects.filter(order_id=order.pk).values_list("reference", flat=True)
    rows = ExternalReference.objects.filter(reference__in=set(owed)).select_related("connection")
    documents: list[dict[str, Any]] = [
        {
            "system": order.channel.name,
            "kind": "Order",
            "external_id": order.external_id,
            "href": "",
            "at": order.placed_at,
        }
    ]
    documents += [
        {
            "system": row.connection.name,
            "kind": _KIND_WORDS.get(row.kind, row.kind),
            "external_id": row.external_id,
            "href": "",
            "at": row.created_at,
        }
        for row in rows.order_by("pk")
    ]
    return {"documents": documents}


def _topic(row: InboundMessage) -> str:
    """The topic, and whether a rule corrected the message before it was read."""
    rules = ", ".join(f"rule {hit.rule_id}" for hit in row.corrections.all())
    return f"{row.topic} · corrected by {rules}" if rules else row.topic


def _messages(order: Order) -> dict[str, Any]:
    told = InboundMessage.objects.filter(trace_id=order.trace_id)
    inbound = told.select_related("connection").defer("body", "edited_body")
    inbound = inbound.prefetch_related("corrections")
    owed = OutboundMessage.objects.filter(order_id=order.pk).select_related("connection")
    rows: list[dict[str, Any]] = [
        {
            "direction": "in",
            "system": row.connection.name,
            "topic": _topic(row),
            "result": row.state.lower(),
            "status": "",
            "ms": None,
            "size": None,
            "at": row.received_at,
            "href": "",
            "effect_key": "",
        }
        for row in inbound.order_by("-pk")[:100]
    ]
    rows += [
        {
            "direction": "out",
            "system": row.connection.name,
            "topic": _KIND_WORDS.get(row.kind, row.kind),
            "result": row.state.lower(),
            "status": "",
            "ms": None,
            "size": None,
            "at": row.finished_at or row.created_at,
            "href": "",
            "effect_key": row.effect_key,
        }
        for row in owed.order_by("-pk")[:100]
    ]
    rows.sort(key=lambda row: row["at"], reverse=True)
    return {"order_messages": rows}


def _money(order: Order) -> dict[str, Any]:
    def text(amount: Any) -> str:
        return f"{to_cents(amount, order.currency)} {order.currency}"

    tax = "Tax (included)" if order.taxes_included else "Tax"
    rows: list[dict[str, Any]] = [
        {"label": label, "amount": text(amount), "reference": "", "at": None, "state": None}
        for label, amount in (
            ("Goods and services", sum(line.total for line in order.lines.all())),
            ("Shipping", order.shipping_total),
            (tax, order.tax_total),
            ("Tip", order.tip_total),
            ("Duties", order.duties_total),
            ("Total", order.total),
        )
        if amount or label in {"Goods and services", "Total"}
    ]
    rows += [
        {
            "label": "Refund",
            "amount": f"−{text(refund.amount)}",
            "reference": refund.external_id,
            "at": refund.refunded_at,
            "state": None,
        }
        for refund in order.refunds.order_by("pk")
    ]
    variance = text(order.difference) if order.difference else ""
    return {
        "money": {"rows": rows, "variance": variance, "variance_reason": order.difference_reason}
    }


_TABS: dict[str, Callable[[Order], dict[str, Any]]] = {
    "timeline": _timeline,
    "items": _items,
    "documents": _documents,
    "messages": _messages,
    "money": _money,
}
