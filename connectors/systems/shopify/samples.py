"""How would these recorded samples have come through our door?

Walks a folder of JSON files in any of the shapes samples are kept in and yields the webhook each
one stands for. Used by conformance tests and by whoever wants to try the mapping on their own data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

# A REST answer wraps its object in this name; the topic is the one that would have brought it.
TOPIC_BY_WRAPPER = {
    "order": "orders/updated",
    "orders": "orders/updated",
    "refund": "refunds/create",
    "refunds": "refunds/create",
    "transaction": "order_transactions/create",
    "transactions": "order_transactions/create",
    "fulfillment": "fulfillments/update",
    "fulfillments": "fulfillments/update",
    "customer": "customers/update",
    "customers": "customers/update",
    "product": "products/update",
    "products": "products/update",
    "draft_order": "draft_orders/update",
    "draft_orders": "draft_orders/update",
    "inventory_level": "inventory_levels/update",
    "inventory_levels": "inventory_levels/update",
    "inventory_item": "inventory_items/update",
    "inventory_items": "inventory_items/update",
    "location": "locations/update",
    "locations": "locations/update",
    "shop": "shop/update",
}
# Without these an object in an answer is only a choice of fields, which no webhook ever sends.
NEEDED = {"orders/updated": {"id", "line_items", "currency"}, "refunds/create": {"id", "order_id"}}


def iter_samples(folder: Path) -> Iterator[tuple[Path, str, bytes]]:
    """(file, topic, body) of every webhook or object in the JSON files under `folder`."""
    for path in sorted(folder.rglob("*.json")):
        try:
            content = json.loads(path.read_bytes(), parse_float=Decimal)
        except ValueError:
            continue
        for topic, body in messages_in(content):
            yield path, topic, json.dumps(body, default=_number).encode()


def messages_in(content: Any) -> Iterator[tuple[str, Any]]:
    """(topic, body) of each message in a capture, an exchange, a wrapped object or a list."""
    if not isinstance(content, dict):
        return
    if isinstance(content.get("headers"), dict) and "body" in content:
        headers = {name.lower(): value for name, value in content["headers"].items()}
        topic = (
            headers.get("x-shopify-topic") or headers.get("shopify-topic") or content.get("topic")
        )
        if topic:
            yield str(topic), content["body"]
        return
    if isinstance(content.get("response"), dict):
        yield from messages_in(content["response"].get("body"))
        return
    for wrapper, topic in TOPIC_BY_WRAPPER.items():
        value = content.get(wrapper)
        for body in value if isinstance(value, list) else [value]:
            if isinstance(body, dict) and body.keys() >= NEEDED.get(topic, set()):
                yield topic, body


def _number(value: Decimal) -> float:
    # Only rates and weights are JSON numbers with a fraction; 17 digits keep them.
    return float(value)
