"""A web shop that is heard."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from connectors.models import Connection, InboundMessage
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from tests.connectors.outbox import Act
from tests.connectors.process.inbox import Hear


@pytest.fixture
def hear(webshop: Connection, time_passes: Act) -> Hear:
    """Put a message of the web shop on record."""
    numbers = itertools.count()

    def take(payload: Any, topic: str = "order.placed", **more: Any) -> InboundMessage:
        key = more.get("key", f"message {next(numbers)}")
        connection = more.get("connection", webshop)
        lane = more.get("lane", f"order:{payload.get('id')}")
        envelope = Envelope(topic=topic, key=key, lane=lane)
        body = json.dumps(payload).encode()
        (stored,) = receive_messages(
            [Delivery(connection_id=connection.pk, envelope=envelope, body=body)]
        )
        time_passes()
        return InboundMessage.objects.get(pk=stored.message_id)

    return take
