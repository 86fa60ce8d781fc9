"""An order goes from the shop's webhook to the ERP and the warehouse and back, once each."""

from __future__ import annotations

import pytest

from connectors.models import InboundMessage, OutboundMessage
from exceptions.models import ExceptionCase
from inventory.models import Reservation, StockLevel
from orders.models import Order
from tests.flows.conftest import Estate

pytestmark = pytest.mark.django_db(transaction=True)


def all_delivered(count: int) -> bool:
    sent = not OutboundMessage.objects.exclude(state="SENT").exists()
    return sent and Order.objects.filter(state="DELIVERED").count() == count


def test_an_order_walks_from_the_shop_to_the_customers_door(estate: Estate) -> None:
    placed = estate.place(4)

    estate.work_until(lambda: all_delivered(4))

    references = {f"shopify-de-{order['id']}" for order in placed}
    assert estate.applied("erp", "salesorder.created") == dict.fromkeys(references, 1)
    assert estate.applied("erp", "itemfulfillment.created") == dict.fromkeys(references, 1)
    assert estate.applied("wms", "outbound.created") == {f"{r}-F1": 1 for r in references}
    told = estate.applied("shop", "fulfillment.created")
    assert told == {str(order["id"]): 1 for order in placed}
    assert not ExceptionCase.objects.exists()


def test_every_effect_and_message_carries_the_trace_of_its_order(estate: Estate) -> None:
    estate.place(1)

    estate.work_until(lambda: all_delivered(1))

    order = Order.objects.get()
    trace = str(order.trace_id)
    heard = {line.trace_id for system in ("erp", "wms") for line in estate.ledger(system)
             if line.kind in {"salesorder.created", "outbound.created"}}  # fmt: skip
    assert heard == {trace}
    joined = InboundMessage.objects.filter(trace_id=order.trace_id, topic__startswith="order.")
    assert set(joined.values_list("topic", flat=True)) == {
        "order.received", "order.picked", "order.packed", "order.shipped", "order.delivered",
    }  # fmt: skip


def test_what_left_is_gone_from_stock_and_nothing_stays_promised(estate: Estate) -> None:
    before = {level.pk: level.on_hand for level in StockLevel.objects.all()}
    estate.place(3)

    estate.work_until(lambda: all_delivered(3))

    units = sum(line.quantity for order in Order.objects.all() for line in order.lines.all())
    gone = sum(before[level.pk] - level.on_hand for level in StockLevel.objects.all())
    assert gone == units
    assert set(Reservation.objects.values_list("state", flat=True)) == {"CONSUMED"}
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}


def test_the_journey_of_states_is_told_once_each(estate: Estate) -> None:
    estate.place(1)

    estate.work_until(lambda: all_delivered(1))

    order = Order.objects.get()
    moves = order.events.exclude(to_state="").order_by("pk").values_list("to_state", flat=True)
    assert list(moves) == [
        "ACCEPTED", "RESERVED", "ALLOCATED", "PICKED", "PACKED", "SHIPPED", "DELIVERED",
    ]  # fmt: skip
    assert order.customer_status == "Delivered"
