"""A custom shop: whatever software can send our own order format, by webhook or to the API.

Webhooks are signed per Standard Webhooks and wrapped: `{"type": "order.placed", "timestamp": …,
"data": {…}}`. The API takes the inner object alone. The body is described in `mapping.py`. A shop
with an address is told stock there, and shows what it believes: see `client.py`.
"""

from connectors.systems.custom.adapter import Custom

__all__ = ["Custom"]
