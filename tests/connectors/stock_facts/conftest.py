"""A store that tells of stock, and a worker that hears it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from tests.conftest import connect

Hear = Callable[..., InboundMessage]


@pytest.fixture
def store(db: None) -> Connection:
    """A system of a store that speaks our own format."""
    return connect("store-berlin", "Store Berlin", "custom", "WAREHOUSE")


@pytest.fixture
def hear(time_passes: Callable[[], None]) -> Hear:
    """Put a message on record and take it to its end."""
    numbers = itertools.count()

    def take(connection: Connection, topic: str, payload: Any) -> InboundMessage:
        key = f"m{next(numbers)}"
        envelope = Envelope(topic=topic, key=key, lane=key)
        body = json.dumps(payload).encode()
        (stored,) = receive_messages(
            [Delivery(connection_id=connection.pk, envelope=envelope, body=body)]
        )
        time_passes()
        process_batch(limit=10, now=timezone.now())
        return InboundMessage.objects.get(pk=stored.message_id)

    return take
