"""Which parts of a system's messages may people correct in a form, and which are money?

Paths are dotted, as `MappingFailed` says them. What is not in a form is corrected as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retailhub.kernel.changes import Change, Path, parsed


@dataclass(frozen=True)
class EditableField:
    """One field of a form: where it stands, what it is called, and beside which others."""

    path: str
    label: str
    group: str


_SHOPIFY_ADDRESS = (
    ("name", "Name"),
    ("company", "Company"),
    ("address1", "Street and number"),
    ("address2", "Second line"),
    ("zip", "Postcode"),
    ("city", "City"),
    ("province_code", "Region"),
    ("country_code", "Country code"),
    ("phone", "Phone"),
)
_OWN_ADDRESS = (
    ("name", "Name"),
    ("company", "Company"),
    ("line1", "Street and number"),
    ("line2", "Second line"),
    ("postal_code", "Postcode"),
    ("city", "City"),
    ("region", "Region"),
    ("country_code", "Country code"),
    ("phone", "Phone"),
)


def _address(at: str, group: str, names: Sequence[tuple[str, str]]) -> list[EditableField]:
    return [EditableField(f"{at}.{name}", label, group) for name, label in names]


_BY_SYSTEM: Mapping[str, Sequence[EditableField]] = {
    "shopify": (
        *_address("shipping_address", "Ship to", _SHOPIFY_ADDRESS),
        EditableField("email", "Email", "Contact"),
        EditableField("phone", "Phone", "Contact"),
        *_address("billing_address", "Bill to", _SHOPIFY_ADDRESS),
    ),
    "custom": (
        *_address("ship_to", "Ship to", _OWN_ADDRESS),
        EditableField("customer.name", "Name", "Contact"),
        EditableField("customer.email", "Email", "Contact"),
        EditableField("customer.phone", "Phone", "Contact"),
        *_address("bill_to", "Bill to", _OWN_ADDRESS),
    ),
}
# The rest of an address or a person belongs to it too, although no form shows it.
_OF_PEOPLE = frozenset(
    {"shipping_address", "billing_address", "ship_to", "bill_to", "customer", "email", "phone"}
)
# A key that holds one of these is money, or decides how much of it: what is ordered.
_OF_MONEY = (
    "price", "total", "amount", "discount", "tax", "tip", "dut", "currency", "quantity", "refund",
    "difference", "money", "financial", "rate", "transaction", "payment", "credit", "balance",
)  # fmt: skip


def editable_fields(system: str) -> Sequence[EditableField]:
    """The form of a system's messages; empty where only JSON is offered."""
    return _BY_SYSTEM.get(system, ())


def root_of(payload: Any) -> Path:
    """Where the record begins: some senders wrap it."""
    if isinstance(payload, dict) and "type" in payload and isinstance(payload.get("data"), dict):
        return ("data",)
    return ()


def is_of_people(change: Change, root: Path) -> bool:
    """True for an address or a way to reach somebody."""
    inner = change.path[len(root) :]
    return bool(inner) and inner[0] in _OF_PEOPLE and not is_money(change)


def is_money(change: Change) -> bool:
    """True when money, or what it is paid for, changes: at that place or anywhere inside of it."""
    keys = {str(step).lower() for step in change.path}
    keys |= {key.lower() for key in (*_keys(change.before), *_keys(change.after))}
    return any(word in key for key in keys for word in _OF_MONEY)


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in _keys(item))]
    if isinstance(value, list):
        return [key for item in value for key in _keys(item)]
    return []


def field_path(field: EditableField, root: Path) -> Path:
    """Where the field stands in a body that may be wrapped."""
    return (*root, *parsed(field.path))
