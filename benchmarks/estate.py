"""An empty database with the demo's connections, items and stock, and orders to fill it with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

# So that no round runs out of anything.
MANY_SHELVES = 1_000


def prepare() -> None:
    """Tables and demo rows in the database of the environment, which must be a throw-away one."""
    from retailhub.demo import seed_demo

    call_command("migrate", verbosity=0)
    seed_demo(now=timezone.now(), with_people=False, shelves=MANY_SHELVES)


def empty(*tables: str) -> None:
    """Forget these rows and whatever points at them; the next round starts as the first did."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Some of them only grow, by a guard that a throw-away database does without.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


def order_bodies(count: int, *, first: int = 1, lines: int | None = None) -> Iterator[bytes]:
    """Distinct orders as the demo shop's webhooks carry them, all of which can be allocated."""
    from retailhub.sandbox.shop.basket import PLAIN_MIX
    from retailhub.sandbox.shop.orders import Asked, build_order

    mix = replace(PLAIN_MIX, discount=0.15, presentment_usd=0.05, huge_id=0.05)
    number = first
    while count:
        order = build_order(Asked(number, f"order {number}", mix))
        number += 1
        if lines is None or len(order["line_items"]) == lines:
            count -= 1
            yield compact(order)


def compact(order: dict[str, Any]) -> bytes:
    """The bytes a shop would send."""
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
