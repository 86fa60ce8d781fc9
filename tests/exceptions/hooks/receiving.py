"""Somebody's server that is told by webhook."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.systems.signatures import verify_standard_webhook
from exceptions.models import Subscription
from exceptions.services.send_notices import send_due_notices

SECRET = "whsec_" + base64.b64encode(b"a secret that both sides sign with").decode()
Subscribe = Callable[..., Subscription]


@dataclass
class Receiver:
    """Somebody's server. It answers with `status`, after `seconds`."""

    url: str = ""
    status: int = 204
    seconds: float = 0.0
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.heard]

    def told(self, number: int = -1) -> dict[str, Any]:
        """The payload, once its signature was checked."""
        headers, body = self.heard[number]
        verify_standard_webhook(headers, body, [SECRET], datetime.now(UTC))
        payload: dict[str, Any] = json.loads(body)
        return payload


def send(now: datetime) -> int:
    """Workers look until nothing is due."""
    total = 0
    while count := send_due_notices(now=now):
        total += count
    return total
