"""Our records as canonical JSON for an intent: money as decimal strings, times as ISO 8601."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orders.models import FulfillmentOrder, Order, OrderLine, Shipment

# What the payloads of an order and of its parts read, for who loads nothing else.
_TOTALS = (
    *("discount_total", "shipping_total", "tax_total", "tip_total", "duties_total"),
    *("difference", "total"),
)
ORDER_COLUMNS = (
    *("reference", "number", "currency", "placed_at", "taxes_included", "trace_id"),
    *("ship_to", "bill_to", "shipping_method", *_TOTALS, "channel__code"),
    *("customer__external_id", "customer__name", "customer__email", "customer__phone"),
)
LINE_COLUMNS = (
    *("order_id", "external_id", "sku", "title", "kind", "quantity", "item__sku"),
    *("unit_price", "discount", "tax", "total", "taxes"),
)
PART_COLUMNS = ("order_id", "reference", "work_status", "location__code", "location__name")


def order_payload(order: Order, lines: Iterable[OrderLine]) -> dict[str, Any]:
    """What an ERP must know of an order. Its customer and the lines' items must be loaded."""
    buyer = order.customer
    return {
        "reference": order.reference,
        "number": order.number,
        "channel": order.channel.code,
        "currency": order.currency,
        "placed_at": order.placed_at.isoformat(),
        "taxes_included": order.taxes_included,
        "customer": buyer
        and {
            "external_id": buyer.external_id,
            "name": buyer.name,
            "email": buyer.email,
            "phone": buyer.phone,
        },
        "ship_to": order.ship_to,
        "bill_to": order.bill_to,
        "shipping_method": order.shipping_method,
        "lines": [_line_payload(line) for line in lines],
        **{name: str(getattr(order, name)) for name in _TOTALS},
    }


def _line_payload(line: OrderLine) -> dict[str, Any]:
    return {
        "reference": line.reference,
        "external_id": line.external_id,
        "sku": line.item.sku if line.item else line.sku,
        "title": line.title,
        "kind": line.kind,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "discount": str(line.discount),
        "tax": str(line.tax),
        "total": str(line.total),
        "tax_code": line.taxes[0]["title"] if line.taxes else "",
    }


def release_payload(
    order: Order, row: FulfillmentOrder, units: Iterable[tuple[OrderLine, int]]
) -> dict[str, Any]:
    """What a node must know to pick, pack and ship `units` of the order's lines."""
    return {
        "reference": row.reference,
        "order_number": order.number,
        "location": row.location.code,
        "ship_to": order.ship_to,
        "shipping_method": order.shipping_method,
        "lines": [
            {
                "reference": line.reference,
                "sku": line.item.sku if line.item else line.sku,
                "quantity": quantity,
            }
            for line, quantity in units
        ],
    }


def shipment_payload(shipment: Shipment) -> dict[str, Any]:
    """What a channel and an ERP must know of a parcel that left."""
    row = shipment.fulfillment_order
    return {
        "order_reference": row.order.reference,
        "order_external_id": row.order.external_id,
        "reference": shipment.reference,
        "shipped_at": shipment.shipped_at.isoformat(),
        "tracking": {
            "carrier": shipment.carrier,
            "number": shipment.tracking_number,
            "url": shipment.tracking_url,
        },
        "notify_customer": True,
        "lines": [
            {
                "reference": line.order_line.reference,
                "external_id": line.order_line.external_id,
                "sku": line.order_line.item.sku if line.order_line.item else line.order_line.sku,
                "quantity": line.quantity,
            }
            for line in shipment.lines.all()
        ],
    }
