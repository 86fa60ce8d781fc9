"""How does an order of ours read in NetSuite's words? Pure.

The total that NetSuite adds up is the order's to the cent: line amounts + shippingCost + the tax
amounts of taxDetails. Amounts are net; where the shop's prices hold the tax it is taken out first.
What then is still missing becomes a line of its own.

Tip, duties, difference and lines without a SKU need an item in NetSuite too: they ask the SKU table
for the names in `ExtraItem`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from connectors.systems.base import CodeBook, MappingTable
from retailhub.kernel.money import ZERO

Payload = Mapping[str, Any]
Record = dict[str, Any]


class ExtraItem(StrEnum):
    """Our codes for what an order may charge without a SKU. Map them like SKUs."""

    TIP = "TIP"
    DUTIES = "DUTIES"
    DIFFERENCE = "DIFFERENCE"
    GIFT_CARD = "GIFT-CARD"
    SERVICE = "SERVICE"
    CUSTOM = "CUSTOM"


_ITEM_OF_KIND = {
    "GIFT_CARD": ExtraItem.GIFT_CARD,
    "SERVICE": ExtraItem.SERVICE,
    "CUSTOM": ExtraItem.CUSTOM,
}
_CUSTOM_PRICE = {"id": "-1"}  # NetSuite's price level that leaves rate and amount as given


def write_sales_order(payload: Payload, codes: CodeBook, settings: Mapping[str, Any]) -> Record:
    """The sales order to upsert. `settings["customer_id"]` is who web orders are booked on."""
    lines, taxes = _lines(payload, codes)
    net_shipping, shipping_tax = _shipping(payload)
    if shipping_tax:
        taxes.append({"taxDetailsReference": "shipping", "taxAmount": number(shipping_tax)})
    record: Record = {
        "entity": {"id": str(settings["customer_id"])},
        "otherRefNum": payload["number"],
        "memo": f"{payload['channel']} {payload['number']}",
        "tranDate": payload["placed_at"][:10],
        "shippingCost": number(net_shipping),
        "item": {"items": [*lines, *_extra_lines(payload, codes, len(lines))]},
        "taxDetailsOverride": True,
        "taxDetails": {"items": taxes},
    }
    if currency_id := settings.get("currency_ids", {}).get(payload["currency"]):
        record["currency"] = {"id": str(currency_id)}
    if method := payload.get("shipping_method"):
        record["shipMethod"] = {"id": codes.external(MappingTable.SHIPPING_METHOD, method)}
    customer = payload.get("customer") or {}
    if email := customer.get("email"):
        record["email"] = email
    for name, address in (("shippingAddress", "ship_to"), ("billingAddress", "bill_to")):
        if payload.get(address):
            record[name] = write_address(payload[address])
    return _with_difference(record, payload, codes)


def _lines(payload: Payload, codes: CodeBook) -> tuple[list[Record], list[Record]]:
    lines: list[Record] = []
    taxes: list[Record] = []
    for line in charged_lines(payload):
        place = len(lines) + 1
        amount, tax = _net_amount(line, payload), Decimal(line["tax"])
        written = _line(place, codes.external(MappingTable.SKU, our_code(line)), line, amount)
        if tax:
            detail: Record = {
                "taxDetailsReference": f"line-{place}",
                "taxBasis": number(amount),
                "taxAmount": number(tax),
            }
            if line.get("tax_code"):
                code = codes.external(MappingTable.TAX_CODE, line["tax_code"])
                detail["taxCode"] = {"id": code}
            written["taxDetailsReference"] = detail["taxDetailsReference"]
            taxes.append(detail)
        lines.append(written)
    return lines, taxes


def charged_lines(payload: Payload) -> list[Payload]:
    """The order's lines that NetSuite gets: it takes none without a quantity."""
    return [line for line in payload["lines"] if int(line["quantity"]) > 0]


def our_code(line: Payload) -> str:
    """What the SKU table knows a line by."""
    return str(line["sku"] or _ITEM_OF_KIND.get(line["kind"], ExtraItem.CUSTOM).value)


def _line(place: int, item: str, line: Payload, amount: Decimal) -> Record:
    return {
        "line": place,
        "item": {"externalId": item},
        "quantity": int(line["quantity"]),
        "price": _CUSTOM_PRICE,
        "amount": number(amount),
        "description": describe(line),
    }


def describe(line: Payload) -> str:
    """The title with our reference behind it, by which a shipment finds its line again."""
    return f"{str(line.get('title') or '')[:700]} [{line['reference']}]".strip()


def _net_amount(line: Payload, payload: Payload) -> Decimal:
    total = Decimal(line["total"])
    return total - Decimal(line["tax"]) if payload["taxes_included"] else total


def _shipping(payload: Payload) -> tuple[Decimal, Decimal]:
    """Net shipping and the tax that no line carries."""
    total = Decimal(payload["shipping_total"])
    on_lines = sum((Decimal(line["tax"]) for line in charged_lines(payload)), ZERO)
    tax = Decimal(payload["tax_total"]) - on_lines
    if not payload["taxes_included"]:
        return total, tax
    # More tax than shipping: it is on something else, and the difference line takes it.
    return (total - tax, tax) if total >= tax else (total, ZERO)


def _extra_lines(payload: Payload, codes: CodeBook, taken: int) -> Iterator[Record]:
    for code, field in ((ExtraItem.TIP, "tip_total"), (ExtraItem.DUTIES, "duties_total")):
        if amount := Decimal(payload[field]):
            taken += 1
            yield _extra_line(taken, code, amount, codes)


def _extra_line(place: int, code: ExtraItem, amount: Decimal, codes: CodeBook) -> Record:
    line = {"quantity": 1, "title": code.value.capitalize(), "reference": code.value}
    return _line(place, codes.external(MappingTable.SKU, code.value), line, amount)


def _with_difference(record: Record, payload: Payload, codes: CodeBook) -> Record:
    """One more line for what the parts lack to make the order's total."""
    missing = Decimal(payload["total"]) - total_of(record)
    if missing:
        lines = record["item"]["items"]
        lines.append(_extra_line(len(lines) + 1, ExtraItem.DIFFERENCE, missing, codes))
    return record


def total_of(record: Record) -> Decimal:
    """What NetSuite will say the order costs."""
    amounts = [line["amount"] for line in record["item"]["items"]]
    taxes = [detail["taxAmount"] for detail in record["taxDetails"]["items"]]
    return sum((Decimal(str(part)) for part in (*amounts, *taxes, record["shippingCost"])), ZERO)


def sent_codes(payload: Payload) -> list[str]:
    """Our code of each line in the order they are sent, to name the one that was refused."""
    extra = [
        code.value
        for code, field in ((ExtraItem.TIP, "tip_total"), (ExtraItem.DUTIES, "duties_total"))
        if Decimal(payload[field])
    ]
    return [*map(our_code, charged_lines(payload)), *extra, ExtraItem.DIFFERENCE.value]


def write_address(address: Payload) -> Record:
    """An address as NetSuite's subrecord has it."""
    fields = {
        "addressee": address.get("name") or address.get("company"),
        "attention": address.get("company") if address.get("name") else None,
        "addr1": address.get("line1"),
        "addr2": address.get("line2"),
        "city": address.get("city"),
        "state": address.get("region"),
        "zip": address.get("postal_code"),
        "addrPhone": address.get("phone"),
    }
    record: Record = {name: value for name, value in fields.items() if value}
    if country := address.get("country_code"):
        record["country"] = {"id": country}
    return record


def write_item_fulfillment(payload: Payload, sales_order: Payload) -> Record:
    """What to ship of a sales order: our lines with their quantity, all others left alone.

    Raises `LookupError` with our reference when the sales order has no such line.
    """
    wanted = {line["reference"]: int(line["quantity"]) for line in payload["lines"]}
    lines = []
    for line in order_lines(sales_order):
        reference = str(line.get("description") or "").rpartition("[")[2].removesuffix("]")
        quantity = wanted.pop(reference, 0)
        if quantity:
            lines.append({"orderLine": line["line"], "itemReceive": True, "quantity": quantity})
        else:
            lines.append({"orderLine": line["line"], "itemReceive": False})
    if wanted:
        raise LookupError(next(iter(wanted)))
    tracking = payload.get("tracking") or {}
    record: Record = {
        "externalId": payload["reference"],
        "tranDate": str(payload["shipped_at"])[:10],
        "shipStatus": {"id": "C"},
        "item": {"items": lines},
    }
    if tracking.get("number"):
        package = {
            "packageTrackingNumber": tracking["number"],
            "packageDescr": tracking.get("carrier") or "",
        }
        record["package"] = {"items": [package]}
    return record


def write_closing(payload: Payload, sales_order: Payload) -> Record:
    """The sales order with every line closed: what has shipped stays, nothing more will."""
    kept = ("line", "item", "description")
    lines = [
        {
            **{name: line[name] for name in kept if name in line},
            "quantity": number(Decimal(str(line["quantity"]))),
            "amount": number(Decimal(str(line.get("amount") or 0))),
            "isClosed": True,
        }
        for line in order_lines(sales_order)
    ]
    reason = str(payload.get("reason") or "cancelled in the shop")
    return {"memo": f"Cancelled: {reason}"[:900], "item": {"items": lines}}


def is_closed(sales_order: Payload) -> bool:
    """True once nothing more will ship: status C (cancelled) or H (closed), or all lines closed."""
    status = sales_order.get("orderStatus") or sales_order.get("status") or {}
    lines = order_lines(sales_order)
    return status.get("id") in {"C", "H"} or (
        bool(lines) and all(line.get("isClosed") for line in lines)
    )


def order_lines(record: Payload) -> list[Record]:
    """The lines of an expanded record."""
    return list((record.get("item") or {}).get("items") or [])


def number(amount: Decimal) -> int | float:
    """A JSON number that prints as exactly this amount: 15 digits survive a float unchanged."""
    if amount == amount.to_integral_value():
        return int(amount)
    return float(amount)
