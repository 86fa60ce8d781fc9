"""A refund is read by its money, wherever Shopify tells of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.fields import Fields
from connectors.systems.shopify import Shopify
from connectors.systems.shopify.mapping import read_refund
from orders.canonical import (
    CanonicalRefund,
)
from tests.connectors.systems.shopify.orders import REFUND, parsed, read, shop_money

D = Decimal


ZERO = D(0)


def test_reads_the_refunds_inside() -> None:
    inside = {name: value for name, value in REFUND.items() if name != "order_id"}

    (refund,) = read(refunds=[inside]).refunds

    assert (refund.order_external_id, refund.external_id) == ("9120000000000017", "880000000000001")
    assert (refund.amount, refund.currency) == (D("14.41"), "EUR")


def test_reads_a_refund_by_its_money() -> None:
    reading = Shopify().read("refunds/create", parsed(REFUND))

    (refund,) = reading.facts
    assert isinstance(refund, CanonicalRefund)
    assert (refund.amount, refund.note) == (D("14.41"), "One arrived broken")
    assert refund.line_quantities == {"9310000000000064": 2}
    assert refund.refunded_at == datetime.fromisoformat("2026-11-21T09:00:00+01:00")


def test_a_refund_without_transactions_is_a_restock() -> None:
    restock = REFUND | {"transactions": [], "total_duties_set": shop_money("0.00", "CHF")}

    refund = read_refund(Fields(restock, "Shopify's refund"))

    assert (refund.amount, refund.currency) == (ZERO, "CHF")


def test_refuses_a_refund_in_two_currencies() -> None:
    mixed = [dict(part) for part in REFUND["transactions"]]
    mixed[1]["currency"] = "USD"

    with pytest.raises(MappingFailed, match="transactions mix currencies"):
        read_refund(Fields(REFUND | {"transactions": mixed}, "Shopify's refund"))
