"""Money given back is on record once, however often and through whatever we hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from inventory.models import Channel
from orders.canonical import CanonicalRefund
from orders.errors import OrderUnknown
from orders.models import Order, Refund
from orders.services.refund import record_refund
from tests.conftest import Accept, Stock, canonical


@pytest.fixture
def refund(now: datetime) -> CanonicalRefund:
    return CanonicalRefund(
        order_external_id="1001",
        external_id="r1",
        amount=Decimal("4.50"),
        currency="EUR",
        refunded_at=now,
        note="Chipped",
    )


@pytest.fixture
def order(accept: Accept, stock: Stock) -> Order:
    stock("MUG", 5)
    return accept(canonical("1001"))


def test_records_a_refund_once(
    order: Order, channel: Channel, refund: CanonicalRefund, now: datetime
) -> None:
    record_refund(refund, channel_id=channel.pk, now=now)
    record_refund(refund, channel_id=channel.pk, now=now)

    row = Refund.objects.get()
    assert (row.order, row.amount, row.currency, row.note) == (
        order,
        Decimal("4.50"),
        "EUR",
        "Chipped",
    )
    texts = order.events.filter(kind="refunded").values_list("text", flat=True)
    assert list(texts) == ["Refunded 4.50 EUR"]


def test_a_refund_inside_a_snapshot_and_by_itself_is_one(
    order: Order, accept: Accept, channel: Channel, refund: CanonicalRefund, now: datetime
) -> None:
    accept(replace(canonical("1001"), version=now, refunds=(refund,)))
    record_refund(refund, channel_id=channel.pk, now=now)

    assert Refund.objects.count() == 1


def test_waits_for_an_order_nobody_has_heard_of(
    channel: Channel, refund: CanonicalRefund, now: datetime
) -> None:
    with pytest.raises(OrderUnknown, match=r"^No order 1001 has been heard of yet\.$"):
        record_refund(refund, channel_id=channel.pk, now=now)


def test_two_refunds_of_one_order_are_two(
    order: Order, channel: Channel, refund: CanonicalRefund, now: datetime
) -> None:
    record_refund(refund, channel_id=channel.pk, now=now)
    record_refund(replace(refund, external_id="r2"), channel_id=channel.pk, now=now)

    assert Refund.objects.count() == 2
