"""Money back: which lines, how much, and what becomes of the goods."""

from typing import Any, Final

from retailhub.sandbox.clock import shop_stamp
from retailhub.sandbox.shop.fulfilment import ShopRefusal
from retailhub.sandbox.shop.money import Till, amount, cents
from retailhub.sandbox.shop.orders import Order

RESTOCK_TYPES: Final = frozenset({"no_restock", "cancel", "return", "legacy_restock"})


def refund_lines(
    order: Order, wanted: dict[int, int], restock_type: str, note: str | None = None
) -> dict[str, Any]:
    """Refund these quantities by line id and book it on the order. Raises ShopRefusal."""
    lines = {line["id"]: line for line in order["line_items"]}
    if restock_type not in RESTOCK_TYPES:
        raise ShopRefusal(f"restock_type must be one of {', '.join(sorted(RESTOCK_TYPES))}")
    for line_id, quantity in wanted.items():
        if line_id not in lines or not 0 < quantity <= lines[line_id]["current_quantity"]:
            raise ShopRefusal(f"cannot refund {quantity} of line {line_id}")
    number = order["number"] * 32 + len(order["refunds"]) + 1
    till = Till(order["presentment_currency"])
    entries = [
        _refund_line(lines[line_id], quantity, restock_type, till, number * 64 + index)
        for index, (line_id, quantity) in enumerate(wanted.items())
    ]
    refund = _refund(order, entries, number, note, till)
    order["refunds"].append(refund)
    _book(order, entries, till)
    return refund


def _refund_line(
    line: dict[str, Any], quantity: int, restock_type: str, till: Till, number: int
) -> dict[str, Any]:
    """A share of what was paid for the line, after discounts."""
    discount = sum(cents(entry["amount"]) for entry in line["discount_allocations"])
    tax = sum(cents(entry["price"]) for entry in line["tax_lines"])
    paid = cents(line["price"]) * line["quantity"] - discount
    subtotal = round(paid * quantity / line["quantity"])
    tax_part = round(tax * quantity / line["quantity"])
    line["current_quantity"] -= quantity
    if restock_type == "cancel":
        line["fulfillable_quantity"] = max(0, line["fulfillable_quantity"] - quantity)
    return {
        "id": 680_000_000_000 + number,
        "quantity": quantity,
        "line_item_id": line["id"],
        "location_id": None,
        "restock_type": restock_type,
        "subtotal": subtotal / 100,
        "total_tax": tax_part / 100,
        "subtotal_set": till.money_set(subtotal),
        "total_tax_set": till.money_set(tax_part),
        "line_item": dict(line),
    }


def _refund(
    order: Order, entries: list[dict[str, Any]], number: int, note: str | None, till: Till
) -> dict[str, Any]:
    refund_id, stamp = 930_000_000_000 + number, shop_stamp()
    refunded = sum(cents(entry["subtotal_set"]["shop_money"]["amount"]) for entry in entries)
    return {
        "id": refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "order_id": order["id"],
        "created_at": stamp,
        "note": note,
        "user_id": None,
        "processed_at": stamp,
        "restock": any(entry["restock_type"] != "no_restock" for entry in entries),
        "duties": [],
        "total_duties_set": till.money_set(0),
        "return": None,
        "refund_shipping_lines": [],
        "order_adjustments": [],
        "refund_line_items": entries,
        "transactions": _transactions(order, refunded, number, stamp),
    }


def _transactions(order: Order, refunded: int, number: int, stamp: str) -> list[dict[str, Any]]:
    """The money that went back; none did when none had come."""
    if order["financial_status"] == "pending":
        return []
    transaction = {
        "id": 7_410_000_000_000 + number,
        "order_id": order["id"],
        "kind": "refund",
        "gateway": order["payment_gateway_names"][0],
        "status": "success",
        "amount": amount(refunded),
        "currency": order["currency"],
        "created_at": stamp,
        "processed_at": stamp,
        "test": order["test"],
        "parent_id": None,
    }
    return [transaction]


def _book(order: Order, entries: list[dict[str, Any]], till: Till) -> None:
    """Lower what the order is worth now; its original totals stay."""
    money = sum(cents(entry["subtotal_set"]["shop_money"]["amount"]) for entry in entries)
    tax = sum(cents(entry["total_tax_set"]["shop_money"]["amount"]) for entry in entries)
    for name, less in (
        ("current_subtotal_price", money),
        ("current_total_price", money),
        ("current_total_tax", tax),
    ):
        order |= till.both(name, max(0, cents(order[name]) - less))
    if order["financial_status"] in ("paid", "partially_refunded"):
        is_all = not any(line["current_quantity"] for line in order["line_items"])
        order["financial_status"] = "refunded" if is_all else "partially_refunded"
