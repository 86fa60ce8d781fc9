"""Turns a sales order into an item fulfilment, as often as it is asked to."""

from typing import Any, Final

from retailhub.sandbox.erp.problems import ErpProblem, user_error
from retailhub.sandbox.erp.records import ORDER_STATUS, Records, fulfilment_status, lines_of
from retailhub.sandbox.journal import Record

SHIP_STATUS: Final = {"A": "Picked", "B": "Packed", "C": "Shipped"}


def transform_order(records: Records, order: Record, body: Record) -> Record:
    """A new item fulfilment for what the body names, or for all that is left. Raises ErpProblem."""
    external_id = str(body.get("externalId") or "")
    if external_id and records.find_external("itemFulfillment", external_id):
        raise user_error("This record already exists.")
    if order["orderStatus"]["id"] not in ("B", "D"):
        detail = f"You can not initialize itemfulfillment: invalid reference {order['id']}."
        raise ErpProblem(400, "INVALID_INITIALIZE_REF", detail)
    shipped = _wanted(order, body)
    status = (body.get("shipStatus") or {}).get("id", "C")
    if status not in SHIP_STATUS:
        raise user_error(f"Invalid shipStatus reference key {status}.", "shipStatus")
    fields = {name: value for name, value in body.items() if name != "item"}
    fields |= {
        "createdFrom": {"id": order["id"], "refName": f"Sales Order #{order['tranId']}"},
        "entity": order["entity"],
        "shipStatus": {"id": status, "refName": SHIP_STATUS[status]},
        "item": {"items": [_shipped_line(line, quantity) for line, quantity in shipped]},
    }
    for line, quantity in shipped:
        line["quantityFulfilled"] += quantity
    about = str(order.get("externalId") or order["id"])
    fulfilment = records.create("itemFulfillment", fields, about=about)
    state = fulfilment_status(order)
    order["orderStatus"] = {"id": state, "refName": ORDER_STATUS[state]}
    records.touch(order)
    return fulfilment


def _wanted(order: Record, body: Record) -> list[tuple[Record, float]]:
    """Each order line with the quantity to ship. Nothing named means everything left."""
    by_number = {line["line"]: line for line in lines_of(order)}
    named = [line for line in lines_of(body) if _is_received(line)]
    if not lines_of(body):
        return [(line, _left(line)) for line in by_number.values() if _left(line) > 0]
    wanted = [_named_line(by_number, line, index) for index, line in enumerate(named)]
    if not wanted:
        raise user_error("You must have at least one line item for this transaction.", "item")
    return wanted


def _is_received(line: Any) -> bool:
    return isinstance(line, dict) and bool(line.get("itemReceive", True))


def _named_line(lines: dict[Any, Record], named: Record, index: int) -> tuple[Record, float]:
    path = f"item.items[{index}]"
    line = lines.get(named.get("orderLine"))
    if line is None:
        detail = f"Invalid orderLine reference key {named.get('orderLine')}."
        raise user_error(detail, f"{path}.orderLine")
    quantity = named.get("quantity", _left(line))
    if not isinstance(quantity, int | float) or isinstance(quantity, bool) or quantity <= 0:
        raise user_error("Please enter value(s) for: Quantity", f"{path}.quantity")
    if quantity > _left(line):
        raise user_error("Item fulfillment quantity exceeds the quantity remaining.", path)
    return line, quantity


def _left(line: Record) -> float:
    return 0 if line.get("isClosed") else float(line["quantity"] - line["quantityFulfilled"])


def _shipped_line(line: Record, quantity: float) -> Record:
    return {
        "orderLine": line["line"],
        "item": line["item"],
        "quantity": quantity,
        "itemReceive": True,
    }
