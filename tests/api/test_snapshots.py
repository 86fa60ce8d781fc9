"""A file of stock over the API: on record before it is read, once per key, within its cap."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from connectors.services.api_keys import Scope
from connectors.services.snapshots import run_due_snapshots
from inventory.models import Item, Location, SnapshotPart, SnapshotRun, StockLevel
from tests.api.conftest import Caller, make_key


def zipped(plain: bytes) -> bytes:
    """Without the time: names of tests are the same in every worker."""
    return gzip.compress(plain, mtime=0)


BODY = b"sku,location,quantity\nMUG,BERLIN,12\nCUP,BERLIN,1\n"


@pytest.fixture
def sender(client: Client, shop: Connection) -> Caller:
    return Caller(client, make_key(shop, Scope.STOCK_WRITE).plain)


def send(caller: Caller, body: bytes = BODY, media_type: str = "text/csv", **more: str) -> Any:
    named = {name.replace("_", "-").title(): value for name, value in more.items()}
    return caller.client.post(
        "/api/v1/stock-snapshots",
        body,
        content_type=media_type,
        headers={"Idempotency-Key": "night", **caller.headers, **named},
    )


@pytest.mark.parametrize("body", [BODY, zipped(BODY)])
def test_takes_a_file_and_tells_what_became_of_it(sender: Caller, body: bytes) -> None:
    Item.objects.create(sku="MUG")
    Location.objects.create(code="BERLIN", name="Berlin")

    answer = send(sender, body, counted_at="2026-11-20T09:30:00Z")

    assert answer.status_code == 202
    url = answer.json()["status_url"]
    assert answer["Location"] == url
    assert not StockLevel.objects.exists()
    assert sender.client.get(url, headers=sender.headers).json()["state"] == "READY"

    run_due_snapshots(now=timezone.now())

    told = sender.client.get(url, headers=sender.headers).json()
    assert (told["state"], told["rows"], told["added"], told["unknown"]) == ("APPLIED", 2, 1, 1)
    assert told["samples"] == [{"row": 3, "why": "unknown SKU", "text": "CUP, BERLIN, 1"}]
    level = StockLevel.objects.get()
    assert (level.on_hand, str(level.counted_at)) == (12, "2026-11-20 09:30:00+00:00")


def test_the_same_key_is_one_file(sender: Caller) -> None:
    first = send(sender).json()

    assert send(sender).json() == first
    again = send(sender, BODY + b"LAMP,BERLIN,1\n")

    assert (again.status_code, again.json()["code"]) == (409, "api.idempotency_key_reused")
    assert SnapshotRun.objects.count() == SnapshotPart.objects.count() == 1


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"media_type": "application/json"}, 415, "api.unsupported_media_type"),
        ({"content_encoding": "br"}, 415, "api.unsupported_media_type"),
        ({"idempotency_key": ""}, 400, "api.idempotency_key_missing"),
        ({"counted_at": "yesterday"}, 400, "api.invalid_parameter"),
        ({"counted_at": "2026-13-40T00:00:00Z"}, 400, "api.invalid_parameter"),
    ],
)
def test_refuses_what_it_cant_take(
    sender: Caller, headers: dict[str, str], status: int, code: str
) -> None:
    answer = send(sender, BODY, **headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not SnapshotRun.objects.exists()


def test_refuses_a_file_over_the_cap_and_keeps_nothing(sender: Caller, settings: Any) -> None:
    settings.SNAPSHOT_MAX_BYTES = 20

    answer = send(sender)

    assert (answer.status_code, answer.json()["code"]) == (413, "api.too_large")
    assert not SnapshotRun.objects.exists()


def test_wants_a_key_and_its_scope(client: Client, shop: Connection) -> None:
    others = set(Scope) - {Scope.STOCK_WRITE}

    assert send(Caller(client)).status_code == 401
    assert send(Caller(client, make_key(shop, *others).plain)).status_code == 403
    assert not SnapshotRun.objects.exists()
