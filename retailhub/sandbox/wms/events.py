"""What the warehouse tells its client, and how it words it."""

import json
import time
from typing import Any

from retailhub.sandbox.clock import ledger_stamp
from retailhub.sandbox.courier import Courier, Delivery
from retailhub.sandbox.journal import Journal, Record
from retailhub.sandbox.signing import RotatingSecret, standard_signature


def plain_lines(lines: list[Record], quantity_field: str = "quantity") -> list[Record]:
    """The lines with a quantity above zero, as events name them."""
    return [
        {"line": line["line"], "sku": line["sku"], "quantity": line[quantity_field]}
        for line in lines
        if line[quantity_field]
    ]


class Teller:
    """Numbers each event within its outbound order and hands it to the courier."""

    def __init__(self, journal: Journal, courier: Courier) -> None:
        self._journal, self._courier = journal, courier

    def tell(self, kind: str, order: Record, **more: Any) -> None:
        order["sequence"] += 1
        data = {
            "outbound_order_id": order["id"],
            "reference": order["reference"],
            "warehouse": order["warehouse"],
            "status": order["status"],
            **more,
        }
        self._send(kind, order["sequence"], order["reference"], data)

    def tell_stock(self, kind: str, data: Record) -> None:
        warehouse = data["warehouse"]
        number = self._journal.count_up(warehouse)
        self._send(kind, number, f"{warehouse}/{data['sku']}", data)

    def _send(self, kind: str, sequence: int, reference: str, data: Record) -> None:
        event_id = f"evt_{self._journal.count_up('event'):08d}"
        body = {
            "id": event_id,
            "type": kind,
            "occurred_at": ledger_stamp(),
            "sequence": sequence,
            "data": data,
        }
        delivery = Delivery(
            id=event_id,
            url=self._courier.settings.url,
            topic=kind,
            reference=reference,
            body=json.dumps(body),
            headers={"content-type": "application/json", "user-agent": "sandbox-wms/1.0"},
        )
        self._courier.send(delivery)


def standard_headers(secret: RotatingSecret, delivery: Delivery, body: bytes) -> dict[str, str]:
    """Signed anew on every attempt; while a rotation lasts, with both secrets."""
    timestamp = str(int(time.time()))
    keys = [secret.current, *filter(None, [secret.still_former()])]
    signatures = [standard_signature(key, delivery.id, timestamp, body) for key in keys]
    return {
        **delivery.headers,
        "webhook-id": delivery.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
