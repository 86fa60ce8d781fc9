"""What Business Central shows in its own documentation reaches our levels by a poll."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection, InboundMessage
from connectors.services import limiter
from connectors.services.clients import close_all
from connectors.services.credentials import store_credential
from connectors.services.poll import poll_due_connections
from connectors.services.process import process_batch
from inventory.models import Item
from tests.conftest import Stock, connect
from tests.connectors.outbox import Act
from tests.connectors.systems.dynamics.central import SECRET, Central, item, serving
from tests.contracts.samples import contracts_folder, needs_contracts
from tests.inventory.levels import on_hand


@pytest.fixture
def central() -> Iterator[Central]:
    with serving(Central()) as running:
        yield running
        close_all()


@pytest.fixture
def asked(central: Central, db: None, settings: Any) -> Connection:
    settings.PRIVATE_HOSTS_ALLOWED = [central.origin.removeprefix("http://")]
    told = {
        "company_id": "c-1",
        "location": "BERLIN",
        "token_url": f"{central.origin}/t-1/oauth2/v2.0/token",
    }
    row = connect(
        "bc",
        "Central",
        "dynamics",
        "ERP",
        poll_seconds=60,
        base_url=central.base_url,
        settings=told,
    )
    for name, secret in (("client_id", "app-1"), ("client_secret", SECRET)):
        store_credential(connection_id=row.pk, name=name, secret=secret, now=timezone.now())
    limiter._redis().delete(f"retailhub:rate:{row.pk}")
    return row


def sold(central: Central, number: str) -> None:
    moment = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    central.entries.append({"itemNumber": number, "lastModifiedDateTime": moment})


def poll_and_process(time_passes: Act, minutes: int) -> None:
    poll_due_connections(now=timezone.now() + timedelta(minutes=minutes))
    time_passes()
    while process_batch(limit=50, now=timezone.now()):
        pass


def test_a_poll_moves_the_level_and_the_next_one_moves_it_on(
    central: Central, asked: Connection, stock: Stock, time_passes: Act
) -> None:
    mugs = stock("MUG", 1)
    Item.objects.filter(sku="MUG").update(unit="PCS")
    central.items = [item("MUG", 7), item("CUP", 3, blocked=True)]
    sold(central, "MUG")
    sold(central, "CUP")

    poll_and_process(time_passes, 0)
    assert on_hand(mugs) == 7

    time.sleep(1.1)  # their clock tells whole seconds
    central.items[0]["inventory"] = 6
    poll_and_process(time_passes, 2)
    assert on_hand(mugs) == 6

    states = InboundMessage.objects.order_by("state").values_list("state", "error_detail")
    assert set(states) == {("PROCESSED", ""), ("IGNORED", "Item CUP is blocked.")}


@needs_contracts
def test_the_documented_item_becomes_a_level(
    central: Central, asked: Connection, stock: Stock, time_passes: Act
) -> None:
    folder = contracts_folder()
    assert folder is not None
    sample = folder / "dynamics_bc" / "docs_examples" / "dynamics_item_get_api_1.json"
    desk = stock("1896-S", 1)
    Item.objects.filter(sku="1896-S").update(unit="PCS")
    central.items = [json.loads(sample.read_text())]
    sold(central, "1896-S")

    poll_and_process(time_passes, 0)

    assert on_hand(desk) == 4
