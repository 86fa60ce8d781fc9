"""Something that is awaited of a node."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exceptions.services.expectations import Awaited

SHIPS = "node_ships"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def awaited(key: str = "F1", **more: Any) -> Awaited:
    return Awaited(key=key, subject=f"Order {key}", **more)
