"""A till of Square: its signature, its counts, and what it tells that is no count."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.models import CodeMapping
from connectors.registry import SOURCES
from connectors.systems.base import SignatureInvalid
from tests.conftest import Stock, connect
from tests.connectors.stock_facts.conftest import Hear
from tests.connectors.stock_facts.told import stamp
from tests.inventory.levels import on_hand

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "signature-key"
ADDRESS = "https://hub.example.com/hooks/store-till/"


def till_event(quantity: str, state: str = "IN_STOCK", event_id: str = "e1") -> dict[str, Any]:
    count = {
        "calculated_at": stamp(1),
        "catalog_object_id": "VARIATION1",
        "catalog_object_type": "ITEM_VARIATION",
        "location_id": "PLACE1",
        "quantity": quantity,
        "state": state,
    }
    data = {"type": "inventory_counts", "id": "x", "object": {"inventory_counts": [count]}}
    return {
        "merchant_id": "M1",
        "type": "inventory.count.updated",
        "event_id": event_id,
        "created_at": stamp(1),
        "data": data,
    }


def signed(body: bytes, address: str = ADDRESS) -> dict[str, str]:
    digest = hmac.new(KEY.encode(), address.encode() + body, hashlib.sha256).digest()
    return {"x-square-hmacsha256-signature": base64.b64encode(digest).decode()}


def test_square_signs_its_address_and_the_body() -> None:
    square, body = SOURCES["square"], b'{"event_id": "e1"}'
    secrets = ["an-older-key https://hub.example.com/old/", f"{KEY} {ADDRESS}"]

    square.verify(signed(body), body, secrets, NOON)

    for headers, text in (
        (signed(body), b'{"event_id": "e2"}'),
        (signed(body, "https://elsewhere.example.com/"), body),
        ({}, body),
    ):
        with pytest.raises(SignatureInvalid):
            square.verify(headers, text, secrets, NOON)


def test_a_count_of_a_till_reaches_the_level_by_its_mapping(hear: Hear, stock: Stock) -> None:
    mugs = stock("MUG", 5)
    till = connect("store-till", "Till Berlin", "square", "WAREHOUSE")
    for table, theirs, ours in (("SKU", "VARIATION1", "MUG"), ("LOCATION", "PLACE1", "BERLIN")):
        CodeMapping.objects.create(
            connection=till, table=table, external_code=theirs, canonical_code=ours
        )

    hear(till, "inventory.count.updated", till_event("12"))
    waste = hear(till, "inventory.count.updated", till_event("3", "WASTE", "e2"))
    other = hear(till, "payment.updated", {"event_id": "e3"})

    assert on_hand(mugs) == 12
    assert (waste.state, waste.error_detail) == ("IGNORED", "No count of what is in stock.")
    assert (other.state, other.error_detail) == (
        "IGNORED",
        "Square's topic payment.updated is not read.",
    )


def test_a_till_that_is_not_mapped_is_a_case(hear: Hear, stock: Stock) -> None:
    stock("MUG", 5)
    till = connect("store-till", "Till Berlin", "square", "WAREHOUSE")

    row = hear(till, "inventory.count.updated", till_event("12"))

    assert (row.state, row.error_context["external_code"]) == ("PARKED", "VARIATION1")
