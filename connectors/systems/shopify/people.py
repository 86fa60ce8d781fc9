"""Who bought at Shopify, and where does it go? Pure."""

from __future__ import annotations

from connectors.systems.fields import Fields
from orders.canonical import CanonicalAddress, CanonicalCustomer


def read_customer(order: Fields) -> CanonicalCustomer | None:
    """Who bought; a guest has no customer object but may have left an address to write to."""
    customer = order.inside("customer") or Fields({}, order.subject, "customer")
    found = CanonicalCustomer(
        external_id=customer.identifier("id", ""),
        name=full_name(customer),
        email=order.label("email", limit=320) or customer.label("email", limit=320),
        phone=order.label("phone", limit=80) or customer.label("phone", limit=80),
        # Newer versions of its interface leave them out of an order's message.
        tags=read_tags(customer) if "tags" in customer.raw else None,
    )
    return found if found != CanonicalCustomer() else None


def read_tags(fields: Fields) -> tuple[str, ...]:
    """Tags, written in one text with commas between."""
    return tuple(filter(None, map(str.strip, fields.label("tags", limit=10_000).split(","))))


def full_name(person: Fields) -> str:
    """First and last name in one."""
    return f"{person.label('first_name')} {person.label('last_name')}".strip()[:255]


def read_address(address: Fields | None) -> CanonicalAddress | None:
    """An address; None where the order has none (digital goods, goods sold over the counter)."""
    if address is None or not address.raw:
        return None
    return CanonicalAddress(
        name=address.label("name") or full_name(address),
        company=address.label("company"),
        line1=address.label("address1"),
        line2=address.label("address2"),
        city=address.label("city"),
        region=address.label("province_code") or address.label("province"),
        postal_code=address.label("zip"),
        country_code=address.label("country_code"),
        phone=address.label("phone", limit=80),
    )
