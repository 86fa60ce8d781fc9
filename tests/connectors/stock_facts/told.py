"""Counts and movements in our own format."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone


def counted(sku: str, quantity: Any, **more: Any) -> dict[str, Any]:
    told = {"sku": sku, "location": "BERLIN", "quantity": quantity, "counted_at": stamp(0)}
    return {"id": f"c-{sku}-{quantity}", "counts": [{**told, **more}]}


def moved(kind: str, quantity: Any, minutes: int = 1, **more: Any) -> dict[str, Any]:
    told = {"kind": kind, "sku": "MUG", "location": "BERLIN", "quantity": quantity}
    row = {**told, "happened_at": stamp(minutes), **more}
    return {"id": f"m-{kind}-{quantity}-{minutes}", "movements": [row]}


def stamp(minutes: int) -> str:
    return (timezone.now() - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()
