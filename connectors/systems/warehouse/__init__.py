"""A warehouse with a plain REST interface: takes outbound orders, tells what became of them.

Its wire, in short: `POST /v1/outbound-orders` (not idempotent), `GET ...?reference=`, `POST
.../{id}/cancel`, and events signed per Standard Webhooks. Errors read `{"error": {code, message,
field}}`.
"""

from connectors.systems.warehouse.adapter import Warehouse

__all__ = ["Warehouse"]
