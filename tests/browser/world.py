"""The outside world of the browser tests: customers who order, and systems that obey or refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from connectors.models import Connection
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Account, Envelope, Intent, IntentKind, Receipt
from connectors.systems.http import HttpClient, RemoteRejected

# What must never be readable on a page that shows a message.
CUSTOMER = {"id": "77", "name": "Käthe Vogel", "email": "kaethe@mail.example", "phone": "+49301234"}
STREET = "Kastanienallee 7"


@dataclass
class FakeSink:
    """Takes every effect at once, or says no with `refusal`."""

    refusal: str = ""
    sent: list[str] = field(default_factory=list)
    kinds: frozenset[IntentKind] = frozenset(IntentKind)
    repeatable: frozenset[IntentKind] = frozenset({IntentKind.POST_ORDER})

    def send(self, http: HttpClient, account: Account, intent: Intent) -> Receipt:
        """Apply it, or refuse."""
        if self.refusal:
            raise RemoteRejected(self.refusal, status=400, answer=self.refusal)
        self.sent.append(intent.effect_key)
        return Receipt(external_id=f"{account.slug}-{len(self.sent)}", response={"ok": True})

    def look_up(self, http: HttpClient, account: Account, intent: Intent) -> Receipt | None:
        """What is there."""
        if intent.effect_key not in self.sent:
            return None
        return Receipt(external_id=f"{account.slug}-{self.sent.index(intent.effect_key) + 1}")

    def probe(self, http: HttpClient, account: Account) -> Sequence[tuple[str, str]]:
        """Two checks."""
        return [("Sign-in", "token for one hour"), ("Read", "1 order read")]


def order_body(number: str, sku: str, placed_at: datetime) -> dict[str, Any]:
    """An order of one mug, as a custom shop tells it."""
    line = {"id": "1", "sku": sku, "title": "Mug", "quantity": 1, "unit_price": "14.90"}
    address = {
        "name": CUSTOMER["name"],
        "line1": STREET,
        "city": "Berlin",
        "postal_code": "10115",
        "country_code": "DE",
    }
    return {
        "id": number,
        "number": number,
        "placed_at": placed_at.isoformat(),
        "currency": "EUR",
        "total": "14.90",
        "lines": [line],
        "financial_status": "PAID",
        "customer": CUSTOMER,
        "ship_to": address,
    }


def order_arrives(shop: Connection, number: str, sku: str = "MUG") -> None:
    """An order as the door puts it on record."""
    body = json.dumps(order_body(number, sku, timezone.now())).encode()
    envelope = Envelope(topic="order.placed", key=f"evt-{number}", lane=f"order:{number}")
    receive_messages([Delivery(connection_id=shop.pk, envelope=envelope, body=body)])


def orders_arrive(shop: Connection, numbers: Sequence[str], sku: str) -> None:
    """Several of them."""
    for number in numbers:
        order_arrives(shop, number, sku)
