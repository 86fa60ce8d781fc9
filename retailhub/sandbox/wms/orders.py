"""What an outbound order must look like, and what a warehouse keeps of it."""

from dataclasses import dataclass
from typing import Any, Final

from retailhub.sandbox.catalogue import ITEM_BY_CODE, PLACE
from retailhub.sandbox.clock import wire_stamp
from retailhub.sandbox.journal import Record

SERVICES: Final = frozenset({"STANDARD", "EXPRESS"})
REQUIRED_ADDRESS: Final = ("name", "line1", "city", "country_code")
ADDRESS_FIELDS: Final = (*REQUIRED_ADDRESS, "line2", "postal_code", "region", "phone", "email")


@dataclass
class Refused(Exception):
    """The warehouse will not do this, and says which field is to blame."""

    status: int
    code: str
    message: str
    field: str | None = None


def read_order(body: Any) -> Record:
    """The order a client asked for, checked. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, "invalid", "the body must be a JSON object")
    reference = _text(body, "reference")
    warehouse = body.get("warehouse", "BERLIN")
    if warehouse not in PLACE:
        raise Refused(422, "unknown_warehouse", f"no warehouse {warehouse!r}", "warehouse")
    service = body.get("service", "STANDARD")
    if service not in SERVICES:
        raise Refused(422, "invalid", f"no service {service!r}", "service")
    return {
        "reference": reference,
        "warehouse": warehouse,
        "service": service,
        "ship_to": _address(body.get("ship_to")),
        "lines": _lines(body.get("lines")),
    }


def new_order(number: int, asked: Record) -> Record:
    """A fresh outbound order, not yet worked on."""
    stamp = wire_stamp()
    return {
        "id": f"ob_{number:06d}",
        "status": "received",
        **asked,
        "shipments": [],
        "sequence": 0,
        "created_at": stamp,
        "updated_at": stamp,
    }


def _text(body: Record, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused(422, "invalid", f"{name} is required", name)
    return value


def _address(value: Any) -> Record:
    if not isinstance(value, dict):
        raise Refused(422, "invalid", "ship_to is required", "ship_to")
    for name in REQUIRED_ADDRESS:
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise Refused(422, "invalid", f"ship_to.{name} is required", f"ship_to.{name}")
    return {name: value.get(name) for name in ADDRESS_FIELDS}


def _lines(value: Any) -> list[Record]:
    if not isinstance(value, list) or not value:
        raise Refused(422, "invalid", "at least one line is required", "lines")
    lines = [_line(line, f"lines[{index}]") for index, line in enumerate(value)]
    if len({line["line"] for line in lines}) < len(lines):
        raise Refused(422, "invalid", "a line number is used twice", "lines")
    return lines


def _line(value: Any, path: str) -> Record:
    if not isinstance(value, dict) or value.get("line") in (None, ""):
        raise Refused(422, "invalid", "line is required", f"{path}.line")
    sku, quantity = value.get("sku"), value.get("quantity")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        raise Refused(422, "invalid", "quantity must be 1 or more", f"{path}.quantity")
    if not isinstance(sku, str) or sku not in ITEM_BY_CODE:
        raise Refused(422, "unknown_sku", f"no item {sku!r} in this warehouse", f"{path}.sku")
    return {
        "line": str(value["line"]),
        "sku": sku,
        "quantity": quantity,
        "picked_quantity": 0,
        "shipped_quantity": 0,
        "short_quantity": 0,
    }
