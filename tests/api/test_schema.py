import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS

from connectors.systems.custom.mapping import LINE_FIELDS, ORDER_FIELDS, read_order
from retailhub.api.placed_order import EXAMPLE, PlacedOrder

OPERATIONS = {
    ("get", "/api/v1/orders"),
    ("post", "/api/v1/orders"),
    ("get", "/api/v1/orders/{reference}"),
    ("get", "/api/v1/orders/{reference}/timeline"),
    ("get", "/api/v1/messages/{message_id}"),
    ("post", "/api/v1/reservations"),
    ("get", "/api/v1/reservations/{reference}"),
    ("post", "/api/v1/reservations/{reference}/commit"),
    ("post", "/api/v1/reservations/{reference}/release"),
    ("post", "/api/v1/reservations/{reference}/transfer"),
    ("get", "/api/v1/cases"),
    ("get", "/api/v1/cases/{case_id}"),
    ("post", "/api/v1/cases/{case_id}/{verb}"),
    ("get", "/api/v1/causes"),
    ("get", "/api/v1/availability"),
    ("get", "/api/v1/availability/told"),
    ("get", "/api/v1/items/{sku}/movements"),
    ("post", "/api/v1/stock-snapshots"),
    ("get", "/api/v1/stock-snapshots/{snapshot_id}"),
    ("get", "/api/v1/messages/{message_id}/try"),
    ("post", "/api/v1/messages/{message_id}/try"),
    ("get", "/api/v1/replays"),
    ("post", "/api/v1/replays"),
    ("get", "/api/v1/replays/{run_id}"),
    ("post", "/api/v1/replays/{run_id}/{verb}"),
}


@pytest.fixture
def document() -> Any:
    output = StringIO()
    GENERATOR_STATS.reset()
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=output
    )
    return json.loads(output.getvalue())


def test_describes_every_operation_and_nothing_else(document: Any) -> None:
    described = {
        (method, path) for path, methods in document["paths"].items() for method in methods
    }

    assert described == OPERATIONS


def test_names_the_key_and_the_errors_of_every_operation(document: Any) -> None:
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    for method, path in OPERATIONS:
        operation = document["paths"][path][method]
        assert operation["security"] == [{"apiKey": []}]
        for status in ("401", "403", "429", "503"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
        assert "RateLimit-Remaining" in operation["responses"]["429"]["headers"]
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_asks_for_the_idempotency_key_and_shows_an_order(document: Any) -> None:
    operation = document["paths"]["/api/v1/orders"]["post"]
    header = next(p for p in operation["parameters"] if p["name"] == "Idempotency-Key")
    body = operation["requestBody"]["content"]["application/json"]

    assert (header["in"], header["required"]) == ("header", True)
    assert "examples" in body
    assert {"400", "409", "413", "415", "422"} <= operation["responses"].keys()


def test_the_example_is_an_order_we_take(document: Any) -> None:
    order = read_order(EXAMPLE.value)

    assert str(order.total) == "64.70"
    # What is described is what is read; `is_fulfilled` is nobody's to send.
    assert set(PlacedOrder().fields) == ORDER_FIELDS - {"is_fulfilled"}
    assert set(PlacedOrder.Line().fields) == LINE_FIELDS


def test_anybody_may_read_the_document(client: Client, db: None) -> None:
    answer = client.get("/api/v1/schema/")

    assert answer.status_code == 200
    assert b"openapi: 3" in answer.content
