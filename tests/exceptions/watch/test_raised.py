"""What an order must do next is raised only when it really is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from exceptions.models import ExceptionCase, Expectation
from exceptions.services.overdue import raise_overdue
from orders.models import Order
from tests.conftest import Accept, PlaceOrder, Stock, canonical, line
from tests.exceptions.watch.steps import DAY, MINUTE, PART, REF, sent
from tests.orders.node import Kind, part_of, tell


def test_the_order_that_was_never_tried_is_found(accept: Accept, erp: Connection) -> None:
    order = accept(canonical("1001", line(unit_price=Decimal("89.00"))))

    assert raise_overdue(now=timezone.now() + 15 * MINUTE) == 1

    case = ExceptionCase.objects.get()
    assert case.title == "Order #1001 is not in NetSuite after 15 min · 89.00 EUR"
    assert case.detail == "NetSuite was never asked; the order is accepted."
    assert case.cause.title == "Orders are not in NetSuite in time"
    assert (case.code, case.order, case.connection, case.order_number) == (
        "expectations.order_in_erp", order, erp, "#1001",
    )  # fmt: skip
    assert (case.value, case.currency, case.severity, case.trace_id) == (
        Decimal("89.00"), "EUR", 3, order.trace_id,
    )  # fmt: skip


def test_what_is_owed_but_stuck_says_so(order: Order) -> None:
    OutboundMessage.objects.filter(kind="order.post").update(
        attempts=2, error_detail="NetSuite answers 503."
    )

    raise_overdue(now=timezone.now() + 15 * MINUTE)

    detail = ExceptionCase.objects.get().detail
    assert detail.startswith("It is owed since ")
    assert detail.endswith(", 2 tries so far. Last answer: NetSuite answers 503.")


def test_the_case_closes_as_soon_as_the_order_is_there(order: Order) -> None:
    raise_overdue(now=timezone.now() + DAY)
    assert ExceptionCase.objects.filter(state="NEW").count() == 2

    sent("order.post", REF, order)

    states = dict(ExceptionCase.objects.values_list("code", "state"))
    assert states == {
        "expectations.order_in_erp": "RESOLVED",
        "expectations.node_acknowledged": "NEW",
    }


@pytest.mark.parametrize(
    ("columns", "end"),
    [({"state": "SENT", "external_id": "SO-7"}, "NetSuite has SO-7"), ({"state": "CANCELLED"}, "")],
)
def test_the_records_are_asked_before_anybody_is_alarmed(
    order: Order, columns: dict[str, str], end: str
) -> None:
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(state="SENDING" if end else "READY")
    effects.update(**columns)  # and the fact about it was lost

    raise_overdue(now=timezone.now() + 15 * MINUTE)

    row = Expectation.objects.get(template__code="order_in_erp")
    assert (row.met_by, row.void_reason) == (end, "" if end else "It was set aside")
    assert not ExceptionCase.objects.exists()


def test_a_node_that_already_picks_has_acknowledged(order: Order) -> None:
    tell(order, Kind.PICKED)
    sent("order.post", REF, order)

    assert raise_overdue(now=timezone.now() + DAY) == 0

    row = Expectation.objects.get(template__code="node_acknowledged")
    assert row.met_by == "The node says picked"


def test_two_parcels_without_tracking_are_one_case_until_both_are_known(
    stock: Stock, place: PlaceOrder
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    sent("order.post", REF, order)
    sent("fulfillment.release", PART, order)
    for parcel in ("P1", "P2"):
        tell(order, Kind.SHIPPED, units={"1": 1}, parcel=parcel)
    raise_overdue(now=timezone.now() + 30 * MINUTE)
    first, second = (row.reference for row in part_of(order).shipments.order_by("pk"))

    sent("shipment.notify", first, order)
    assert ExceptionCase.objects.get().state == "NEW"
    sent("shipment.notify", second, order)
    assert ExceptionCase.objects.get().state == "RESOLVED"
