"""Orders whose city is a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from connectors.drains import drain_inbox
from connectors.models import Connection
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase, Team
from tests.browser.world import order_body
from tests.conftest import Stock


@pytest.fixture
def broken(
    team: Team, webshop: Connection, stock: Stock, time_passes: Callable[[], None]
) -> Callable[..., list[ExceptionCase]]:
    """Orders whose city is a number: each is dead, with a case."""
    stock("MUG", 50)

    def bring(*numbers: str, **more: Any) -> list[ExceptionCase]:
        for number in numbers or ("B-1",):
            body = order_body(number, "MUG", timezone.now()) | more
            body["ship_to"]["city"] = 10115
            envelope = Envelope(topic="order.placed", key=f"evt-{number}", lane=f"order:{number}")
            text = json.dumps(body).encode()
            receive_messages([Delivery(connection_id=webshop.pk, envelope=envelope, body=text)])
        time_passes()
        drain_inbox()
        return list(ExceptionCase.objects.order_by("pk"))

    return bring
