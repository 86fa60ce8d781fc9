"""Workers that touch the same orders at the same moment never wait for each other in a circle."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from connectors.lifecycle import InboundState
from connectors.models import Connection, InboundMessage
from connectors.services import process
from connectors.services.apply import FactRunner
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope, Fact
from inventory.models import Location
from orders.models import FulfillmentOrder
from orders.selectors import lock_fulfillment_order
from tests.conftest import PlaceOrder, Stock, line
from tests.racing import at_once

ORDERS = 12


def tell(wms: Connection, kind: str, references: list[str], now: datetime) -> None:
    """Events of a warehouse, each in a lane of its own: nothing but locks keeps them apart."""
    deliveries = []
    for reference in references:
        data: dict[str, Any] = {"outbound_order_id": "ob_1", "reference": reference}
        if kind == "order.shipped":
            data |= {"shipment_id": f"sh_{reference}", "lines": []}
        body: dict[str, Any] = {"id": f"evt:{kind}:{reference}", "type": kind, "data": data}
        body |= {"occurred_at": now.isoformat(), "sequence": 1}
        envelope = Envelope(topic=kind, key=f"{kind}:{reference}", lane=f"{kind}:{reference}")
        raw = json.dumps(body).encode()
        deliveries.append(Delivery(connection_id=wms.pk, envelope=envelope, body=raw))
    receive_messages(deliveries)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts are applied one after the other, slowly enough for two batches to meet midway."""
    honest = FactRunner._apply

    def apply(self: FactRunner, message: InboundMessage, fact: Fact) -> None:
        time.sleep(0.01)
        honest(self, message, fact)

    monkeypatch.setattr(FactRunner, "_apply", apply)


@pytest.mark.django_db(transaction=True)
def test_two_batches_that_meet_the_orders_in_opposite_order_both_go_through(
    place: PlaceOrder,
    stock: Stock,
    wms: Connection,
    now: datetime,
    slowly: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken: list[int] = []
    monkeypatch.setattr(process, "_run_alone", lambda message, now: broken.append(message.pk))
    for sku in ("MUG", "PLATE"):
        stock(sku, 100)
    for number in range(ORDERS):
        skus = ("MUG", "PLATE") if number % 2 else ("PLATE", "MUG")
        lines = [line(sku, number=str(at)) for at, sku in enumerate(skus)]
        place(f"{number}", *lines)
    references = list(FulfillmentOrder.objects.order_by("pk").values_list("reference", flat=True))
    tell(wms, "order.shipped", references, now)
    tell(wms, "order.packed", references[::-1], now)

    shipped, packed = (process._claim(ORDERS, crashed=False) for _ in range(2))

    at_once([lambda: process._run(shipped, now), lambda: process._run(packed, now)])

    assert broken == []
    assert set(InboundMessage.objects.values_list("state", flat=True)) == {"PROCESSED"}


@pytest.mark.django_db(transaction=True)
def test_a_locked_fulfilment_order_leaves_its_node_to_others(
    place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 5)
    place()
    reference = FulfillmentOrder.objects.get().reference

    def lock_the_node() -> int:
        with transaction.atomic():
            return len(Location.objects.select_for_update(nowait=True))

    with transaction.atomic():
        lock_fulfillment_order(reference)
        assert at_once([lock_the_node]) == [1]


@pytest.fixture
def message(webshop: Connection, now: datetime) -> InboundMessage:
    envelope = Envelope(topic="order.created", key="1", lane="1")
    delivery = Delivery(connection_id=webshop.pk, envelope=envelope, body=b'{"id": "1"}')
    (stored,) = receive_messages([delivery])
    return InboundMessage.objects.get(pk=stored.message_id)


@pytest.mark.django_db(transaction=True)
def test_messages_that_come_together_keep_the_order_in_which_they_came(wms: Connection) -> None:
    envelopes = [
        Envelope(topic="order.shipped", key="evt_9", lane="order:1"),
        Envelope(topic="order.delivered", key="evt_10", lane="order:1"),
        Envelope(topic="order.delivered", key="evt_11", lane="order:1"),
    ]
    deliveries = [Delivery(connection_id=wms.pk, envelope=e, body=b"{}") for e in envelopes]

    receive_messages([*deliveries[:1], *deliveries])

    keys = InboundMessage.objects.order_by("pk").values_list("key", flat=True)
    assert list(keys) == ["evt_9", "evt_10", "evt_11"]


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: FactRunner) -> None:
        raise error

    monkeypatch.setattr(FactRunner, "run", fail)


@pytest.mark.django_db(transaction=True)
def test_somebody_elses_lock_never_makes_a_message_dead(
    message: InboundMessage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(OperationalError("deadlock detected"), monkeypatch)
    InboundMessage.objects.update(attempts=50)

    process.process_batch(limit=10, now=now)

    message.refresh_from_db()
    assert (message.state, message.crashes) == (InboundState.WAITING, 0)


@pytest.mark.django_db(transaction=True)
def test_a_bug_met_by_a_lone_message_is_settled_at_once(
    message: InboundMessage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(ValueError("ours"), monkeypatch)

    process.process_batch(limit=10, now=now)

    message.refresh_from_db()
    assert (message.state, message.error_code) == (InboundState.WAITING, "connectors.unexpected")
    assert message.lease_until is None


@pytest.mark.django_db(transaction=True)
def test_a_flood_does_not_starve_a_message_that_saw_its_worker_vanish(
    wms: Connection, message: InboundMessage, now: datetime
) -> None:
    InboundMessage.objects.filter(pk=message.pk).update(crashes=1)
    tell(wms, "order.unheard", [str(number) for number in range(40)], now)

    for _ in range(2):
        process.process_batch(limit=1, now=now)

    message.refresh_from_db()
    assert message.attempts == 1


def test_a_lease_names_the_process_that_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: 4711)  # as after a fork

    assert process.worker_name().endswith(":4711")
    connection.close()
