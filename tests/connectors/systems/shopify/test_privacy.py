"""A request that the law protects becomes somebody's case with a deadline, and is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase

PERSON = {"id": 191167, "email": "kim@example.com", "phone": "555-625-1199"}


@pytest.mark.parametrize(
    ("topic", "body", "title"),
    [
        (
            "customers/redact",
            {"customer": PERSON, "orders_to_redact": [299938, 280263]},
            "Privacy request: Erase a customer. Customer 191167. Orders 299938, 280263",
        ),
        (
            "customers/data_request",
            {"customer": PERSON, "orders_requested": [299938]},
            "Privacy request: Tell a customer what is kept about them. Customer 191167."
            " Orders 299938",
        ),
        (
            "shop/redact",
            {"shop_id": 954889, "shop_domain": "x.example"},
            "Privacy request: Erase all that is kept of the shop, which removed the app",
        ),
        ("customers/redact", ["odd"], "Privacy request: Erase a customer"),
        ("customers/redact", {"customer": 7, "orders_to_redact": "x"}, "Privacy request: Erase"),
    ],
)
def test_a_request_waits_for_an_admin_until_it_is_answered(
    shop: Connection,
    time_passes: Callable[[], None],
    now: datetime,
    topic: str,
    body: Any,
    title: str,
) -> None:
    envelope = Envelope(topic=topic, key="k1", lane="k1")
    receive_messages(
        [Delivery(connection_id=shop.pk, envelope=envelope, body=json.dumps(body).encode())]
    )
    time_passes()

    process_batch(limit=9, now=timezone.now())

    message, case = InboundMessage.objects.get(), ExceptionCase.objects.get()
    assert (message.state, case.inbound, case.code) == ("DEAD", message, "privacy.requested")
    assert case.title.startswith(title)
    assert timedelta(hours=23) < case.due_at - now <= timedelta(hours=24, minutes=1)
    assert "kim" not in f"{case.title} {case.detail} {case.context}"
