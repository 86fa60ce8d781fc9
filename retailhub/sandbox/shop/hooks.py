"""How the shop tells the hub what happened: one event, one delivery per topic."""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from retailhub.sandbox import credentials
from retailhub.sandbox.clock import now
from retailhub.sandbox.courier import Courier, Delivery, new_delivery_id
from retailhub.sandbox.signing import RotatingSecret, shopify_signature

News = tuple[str, dict[str, Any]]  # topic, body


class Announcer:
    """Turns news into deliveries."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier

    def announce(
        self, reference: str, news: Iterable[News], *, is_test: bool = False
    ) -> dict[str, str]:
        """Send what one event has to say, and tell which webhook id each topic went under."""
        event_id, triggered = str(uuid.uuid4()), now()
        sent: dict[str, str] = {}
        for topic, body in news:
            delivery = self._delivery(topic, body, reference)
            delivery.headers |= _event_headers(event_id, triggered)
            if is_test:
                delivery.headers["test"] = "true"
            self._courier.send(delivery)
            sent[topic] = delivery.id
        return sent

    def _delivery(self, topic: str, body: dict[str, Any], reference: str) -> Delivery:
        return Delivery(
            id=new_delivery_id(),
            url=self._courier.settings.url,
            topic=topic,
            reference=reference,
            body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            headers={
                "topic": topic,
                "shop-domain": credentials.SHOP_DOMAIN,
                "api-version": credentials.SHOP_API_VERSION,
            },
        )


def shop_headers(
    secret: RotatingSecret, prefix: str, delivery: Delivery, body: bytes
) -> dict[str, str]:
    """All headers of one attempt. For a while after a rotation the old secret goes on signing."""
    signature = shopify_signature(secret.still_former() or secret.current, body)
    named = {
        **delivery.headers,
        "webhook-id": delivery.id,
        "hmac-sha256": signature,
    }
    return {
        "content-type": "application/json",
        "user-agent": "Shopify-Captain-Hook",
        **{f"{prefix}-{name}": value for name, value in named.items()},
    }


def _event_headers(event_id: str, triggered: datetime) -> dict[str, str]:
    # Nine digits after the second, as the real header has.
    stamp = triggered.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    return {"event-id": event_id, "triggered-at": stamp}
