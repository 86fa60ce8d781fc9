"""What does the law ask of us through Shopify? Read leniently: an odd body is no reason to fail.

https://shopify.dev/docs/apps/build/privacy-law-compliance
"""

from __future__ import annotations

from typing import Any

from connectors.systems.base import PrivacyRequest

# Topic -> what is asked, and where its body names the orders.
PRIVACY_TOPICS = {
    "customers/data_request": ("tell a customer what is kept about them", "orders_requested"),
    "customers/redact": ("erase a customer", "orders_to_redact"),
    "shop/redact": ("erase all that is kept of the shop, which removed the app", ""),
}


def privacy_request(topic: str, payload: Any) -> PrivacyRequest:
    """The request in words for an admin. Ids only: its case must not keep what is to be erased."""
    asked, orders_field = PRIVACY_TOPICS[topic]
    body = payload if isinstance(payload, dict) else {}
    customer = body.get("customer")
    customer_id = customer.get("id") if isinstance(customer, dict) else None
    orders = body.get(orders_field)
    named = [str(order)[:30] for order in orders[:50]] if isinstance(orders, list) else []
    who = f" Customer {str(customer_id)[:30]}." if customer_id else ""
    which = f" Orders {', '.join(named)}." if named else ""
    return PrivacyRequest(f"{asked.capitalize()}.{who}{which}", topic=topic)
