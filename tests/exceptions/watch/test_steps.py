"""Every step of an order opens the next, and what cannot happen is not awaited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors.events import EffectsSent, SentEffect
from connectors.models import Connection
from exceptions import watch
from exceptions.models import Expectation
from orders.models import Order
from tests.conftest import Accept, PlaceOrder, Stock, canonical, line
from tests.exceptions.watch.steps import PART, REF, open_ones, sent
from tests.orders.node import Kind, part_of, tell


def test_every_step_of_an_order_opens_the_next(
    order: Order, erp: Connection, wms: Connection, shop: Connection
) -> None:
    assert open_ones() == {("order_in_erp", REF), ("node_acknowledged", PART)}

    sent("order.post", REF, order)
    assert open_ones() == {("node_acknowledged", PART)}
    sent("fulfillment.release", PART, order)
    assert open_ones() == {("node_ships", PART)}

    tell(order, Kind.SHIPPED)
    parcel = part_of(order).shipments.get().reference
    assert open_ones() == {("tracking_on_channel", parcel)}
    sent("shipment.notify", parcel, order)

    assert open_ones() == set()
    rows = Expectation.objects.values_list("template__code", "connection", "subject", "trace_id")
    told = ("Order #1001", order.trace_id)
    assert set(rows) == {
        ("order_in_erp", erp.pk, *told),
        ("node_acknowledged", wms.pk, *told),
        ("node_ships", wms.pk, *told),
        ("tracking_on_channel", shop.pk, *told),
    }


def test_a_part_of_the_goods_is_not_all_of_them(stock: Stock, place: PlaceOrder) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    sent("fulfillment.release", PART, order)

    tell(order, Kind.SHIPPED, units={"1": 1}, parcel="P1")
    assert ("node_ships", PART) in open_ones()

    tell(order, Kind.SHIPPED, units={"1": 1}, parcel="P2")
    assert ("node_ships", PART) not in open_ones()
    assert Expectation.objects.filter(template__code="tracking_on_channel").count() == 2


def test_where_there_is_no_erp_nobody_waits_for_it(
    accept: Accept, erp: Connection, stock: Stock
) -> None:
    Connection.objects.filter(pk=erp.pk).update(is_active=False)

    accept(canonical("1001"))

    assert not Expectation.objects.exists()


def test_an_order_that_comes_cancelled_is_expected_to_do_nothing(
    accept: Accept, now: datetime
) -> None:
    accept(canonical("1001", cancelled_at=now))

    assert not Expectation.objects.exists()


def test_a_reaction_that_breaks_harms_neither_the_order_nor_the_other_reactions(
    accept: Accept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_the_transaction(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(watch, "expect_all", break_the_transaction)

    order = accept(canonical("1001"))

    assert (order.state, Expectation.objects.count()) == ("ACCEPTED", 0)
    assert [r.getMessage() for r in caplog.records] == ["OrdersAccepted is not watched"]
    caplog.clear()


def test_a_batch_of_sent_effects_costs_as_much_as_one(stock: Stock, place: PlaceOrder) -> None:
    stock("MUG", 50)
    orders = [place(f"{number}") for number in range(1001, 1009)]
    facts = [
        SentEffect(message_id=0, kind=kind, order_id=row.pk, reference=reference, external_id="X")
        for row in orders
        for kind, reference in (
            ("order.post", row.reference),
            ("fulfillment.release", f"{row.reference}-F1"),
        )
    ]

    def asked(effects: list[SentEffect]) -> int:
        with CaptureQueriesContext(connection) as questions:
            watch.follow_effects(EffectsSent(effects=tuple(effects)))
        return len(questions)

    assert asked(facts[:2]) == asked(facts[2:])
    assert {code for code, _ in open_ones()} == {"node_ships"}
