"""Which of Shopify's topics do we read, and why not the others?

Every topic of the 2026-07 enumeration `WebhookSubscriptionTopic` is read or refused by name here;
those of `privacy.py` are a person's.
"""

from __future__ import annotations

# Their body is the whole order.
ORDER_TOPICS = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)
REFUND_TOPIC = "refunds/create"

# Belong to one order, so they stay in its lane.
ORDER_FAMILIES = frozenset(
    {"orders", "refunds", "fulfillments", "order_transactions", "fulfillment_events", "returns"}
)

IGNORED_TOPICS = {
    "orders/delete": "The order was deleted in the shop; the hub keeps its record.",
    "orders/edited": "The edited order itself follows as orders/updated.",
    "orders/link_requested": "A customer asked for a new link to the order; the shop sends it.",
    "orders/risk_assessment_changed": "Risk is judged in the shop, which cancels what it refuses.",
    "orders/shopify_protect_eligibility_changed": "Insurance is between the shop and Shopify.",
    "app/uninstalled": "The app was removed; the next call fails to sign in and says so.",
}

_CATALOGUE = "The catalogue is kept in the shop; the hub reads SKUs from orders."
_PEOPLE = "Customers are read from their orders."
_STOCK = "The shop is told stock by the hub; it is not where stock is counted."
_SETUP = "How the shop is set up does not change an order."
_MONEY = "Payments are read from the order, which follows as orders/updated."
_NODES = "Shipments are told by the node that sends them, not by the shop."
_BEFORE = "Nothing is ordered yet."
_RETURNS = "Returns are told by the node that receives them; money back comes as refunds/create."
_REPEAT = "A subscription concerns us once it makes an order, which comes as orders/create."

# By the part before the slash, for all topics that are not named above.
IGNORED_FAMILIES = {
    "app": _SETUP,
    "app_purchases_one_time": _SETUP,
    "app_subscriptions": _SETUP,
    "audit_events": _SETUP,
    "bulk_operations": "No bulk operation of ours is waiting for this.",
    "carts": _BEFORE,
    "channels": _SETUP,
    "checkouts": _BEFORE,
    "collection_listings": _CATALOGUE,
    "collection_publications": _CATALOGUE,
    "collections": _CATALOGUE,
    "companies": _PEOPLE,
    "company_contact_roles": _PEOPLE,
    "company_contacts": _PEOPLE,
    "company_locations": _PEOPLE,
    "customer": _PEOPLE,
    "customer_account_settings": _SETUP,
    "customer_groups": _PEOPLE,
    "customer_payment_methods": _PEOPLE,
    "customer_tags": _PEOPLE,
    "customers": _PEOPLE,
    "delivery_promise_settings": _SETUP,
    "discounts": _CATALOGUE,
    "disputes": "Chargebacks are handled in the shop; the refund comes as refunds/create.",
    "domains": _SETUP,
    "draft_orders": _BEFORE,
    "finance_app_staff_member": _SETUP,
    "finance_kyc_information": _SETUP,
    "fulfillment_events": _NODES,
    "fulfillment_holds": _NODES,
    "fulfillment_orders": _NODES,
    "fulfillments": _NODES,
    "inventory_items": _CATALOGUE,
    "inventory_levels": _STOCK,
    "inventory_shipments": _STOCK,
    "inventory_transfers": _STOCK,
    "locales": _SETUP,
    "locations": _SETUP,
    "markets": _SETUP,
    "markets_backup_region": _SETUP,
    "metafield_definitions": _SETUP,
    "metaobjects": _SETUP,
    "order_transactions": _MONEY,
    "payment_schedules": _MONEY,
    "payment_terms": _MONEY,
    "product_feeds": _CATALOGUE,
    "product_listings": _CATALOGUE,
    "product_publications": _CATALOGUE,
    "products": _CATALOGUE,
    "profiles": _SETUP,
    "returns": _RETURNS,
    "reverse_deliveries": _RETURNS,
    "reverse_fulfillment_orders": _RETURNS,
    "scheduled_product_listings": _CATALOGUE,
    "segments": _PEOPLE,
    "selling_plan_groups": _CATALOGUE,
    "shipping_addresses": "The new address follows with the order as orders/updated.",
    "shop": _SETUP,
    "subscription_billing_attempts": _REPEAT,
    "subscription_billing_cycle_edits": _REPEAT,
    "subscription_billing_cycles": _REPEAT,
    "subscription_contracts": _REPEAT,
    "tax_services": _SETUP,
    "tender_transactions": _MONEY,
    "themes": _SETUP,
    "variants": _CATALOGUE,
}


def why_ignored(topic: str) -> str:
    """The reason for leaving a topic unread."""
    family = topic.partition("/")[0]
    return (
        IGNORED_TOPICS.get(topic) or IGNORED_FAMILIES.get(family) or f"unknown topic {topic[:80]}"
    )
