"""Our own format is read strictly: what is misspelt or doesn't add up is said, not guessed."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.systems.base import MappingFailed
from connectors.systems.custom import Custom
from orders.canonical import CanonicalAddress, CanonicalCustomer, CanonicalOrder, CanonicalRefund
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

D = Decimal
LINE: dict[str, Any] = {
    "id": "1",
    "sku": "MUG-BLUE",
    "title": "Mug",
    "quantity": 2,
    "unit_price": "29.90",
    "discount": "5.00",
    "taxes": [{"title": "DE 19 %", "rate": "0.19", "amount": "8.75"}],
}
ORDER: dict[str, Any] = {
    "id": "A-1001",
    "placed_at": "2026-11-20T09:30:00+01:00",
    "currency": "EUR",
    "total": "59.70",
    "taxes_included": True,
    "lines": [LINE],
    "shipping_total": "4.90",
    "customer": {"id": 77, "name": "Ada Vogel", "email": "ada@example.com"},
    "ship_to": {"name": "Ada Vogel", "line1": "Am Markt 1", "city": "Berlin"},
    "financial_status": "PAID",
    "tags": ["gift"],
    "extension": {"register": "3"},
}
REFUND: dict[str, Any] = {
    "id": "R-1",
    "order_id": "A-1001",
    "amount": "29.90",
    "currency": "EUR",
    "refunded_at": "2026-11-21T09:00:00+01:00",
    "lines": [{"id": "1", "quantity": 1}],
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def read(payload: Any, topic: str = "order.placed") -> CanonicalOrder:
    (fact,) = Custom().read(topic, payload).facts
    assert isinstance(fact, CanonicalOrder)
    return fact


def test_reads_an_order() -> None:
    found = read(ORDER)

    assert (found.external_id, found.number) == ("A-1001", "A-1001")
    assert found.version == found.placed_at == datetime.fromisoformat("2026-11-20T09:30:00+01:00")
    assert (found.total, found.tax_total, found.discount_total) == (
        D("59.70"),
        D("8.75"),
        D("5.00"),
    )
    assert found.customer == CanonicalCustomer(
        external_id="77", name="Ada Vogel", email="ada@example.com"
    )
    assert found.ship_to == CanonicalAddress(name="Ada Vogel", line1="Am Markt 1", city="Berlin")
    assert (found.tags, found.extension) == (("gift",), {"register": "3"})
    assert found.lines[0].total == D("54.80")


def test_reads_the_same_with_its_wrapping() -> None:
    wrapped = {"type": "order.placed", "timestamp": "2026-11-20T08:30:00Z", "data": ORDER}

    assert read(wrapped) == read(ORDER)


def test_reads_a_change_and_a_cancellation() -> None:
    later = "2026-11-20T10:00:00+01:00"

    changed = read(order(updated_at=later), "order.changed")
    cancelled = read(order(cancelled_at=later, cancel_reason="customer"), "order.cancelled")

    assert changed.version == cancelled.cancelled_at == datetime.fromisoformat(later)


def test_reads_a_refund() -> None:
    (refund,) = Custom().read("refund.created", {"type": "refund.created", "data": REFUND}).facts

    assert isinstance(refund, CanonicalRefund)
    assert (refund.order_external_id, refund.amount, refund.line_quantities) == (
        "A-1001",
        D("29.90"),
        {"1": 1},
    )


def test_takes_a_difference_that_has_a_reason() -> None:
    found = read(order(total="59.68", difference="-0.02", difference_reason="Cash rounding"))

    assert (found.difference, found.difference_reason) == (D("-0.02"), "Cash rounding")


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (order(lines=None), "The order lacks lines."),
        (order(lines=[{**LINE, "sku": None}]), "The order lacks lines[0].sku."),
        (
            order(lines=[{**LINE, "qty": 2}]),
            "The order can't be read: lines[0].qty is not a field we know.",
        ),
        (order(totl="1"), "The order can't be read: totl is not a field we know."),
        (
            order(lines=[{**LINE, "quantity": 0}]),
            "The order can't be read: lines[0].quantity is zero.",
        ),
        (
            order(lines=[LINE, LINE]),
            "The order can't be read: lines name the line 1 more than once.",
        ),
        (
            order(lines=[{**LINE, "discount": "60"}]),
            "The order can't be read: lines[0].discount is more than the line's price.",
        ),
        (
            order(total="60.00"),
            "The order can't be read: total says 60.00 EUR, the parts add up to 59.70 EUR.",
        ),
        (
            order(total="59.68", difference="-0.02"),
            "The order can't be read: "
            "difference_reason is missing: say why the parts don't make the total.",
        ),
        (
            order(ship_to={"street": "x"}),
            "The order can't be read: ship_to.street is not a field we know.",
        ),
        (
            order(financial_status="paid"),
            "The order can't be read: financial_status is 'paid', which we don't know.",
        ),
        (order(tags="gift"), "The order can't be read: tags is not a list of texts."),
        ([], "The order is not an object but a list."),
    ],
)
def test_refuses_by_the_name_of_the_field(payload: Any, sentence: str) -> None:
    with pytest.raises(MappingFailed) as caught:
        read(payload)

    assert str(caught.value) == sentence


def test_a_cancellation_says_when() -> None:
    with pytest.raises(MappingFailed, match="cancelled_at is missing"):
        read(ORDER, "order.cancelled")


def test_leaves_an_unknown_topic_unread_by_name() -> None:
    assert Custom().read("order.eaten", ORDER).ignored == "unknown topic order.eaten"


@pytest.mark.parametrize(
    ("body", "topic", "lane"),
    [
        ({"type": "order.changed", "data": ORDER}, "order.changed", "order:A-1001"),
        ({"type": "refund.created", "data": REFUND}, "refund.created", "order:A-1001"),
        (ORDER, "order.placed", "order:A-1001"),
        ([], "order.placed", "event:msg_1"),
        ({"type": "x", "data": [1]}, "x", "event:msg_1"),
    ],
)
def test_opens_webhooks_and_api_bodies_alike(body: Any, topic: str, lane: str) -> None:
    envelope = Custom().open({"webhook-id": "msg_1"}, json.dumps(body).encode())

    assert (envelope.topic, envelope.lane, envelope.key) == (topic, lane, "msg_1")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.sampled_from(sorted(ORDER)), anything)
def test_a_changed_order_is_read_exactly_or_refused(field: str, value: Any) -> None:
    body = json.dumps(order(**{field: value})).encode()

    try:
        found = read(read_json(body))
    except NeedsOperator as error:
        said = str(error)
    else:
        parts = sum((line.total for line in found.lines), D(0)) + found.shipping_total
        parts += D(0) if found.taxes_included else found.tax_total
        said = "" if parts == found.total else "does not add up"

    assert said == "" or said.startswith(("The order", "The body", "The number", "The text"))
