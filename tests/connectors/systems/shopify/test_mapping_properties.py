"""Whatever is done to a good order, it adds up or is refused; nothing else ever happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.systems.base import MappingFailed
from connectors.systems.shopify import Shopify
from connectors.systems.shopify.difference import sum_of_parts
from connectors.systems.shopify.mapping import read_order
from orders.canonical import CanonicalOrder, CanonicalRefund
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json
from tests.connectors.systems.shopify.orders import REFUND, order, shop_money

Path = tuple[str | int, ...]


def paths_in(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a JSON value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths_in(item, (*path, key))


def with_change(value: Any, path: Path, change: Any, *, removes: bool = False) -> Any:
    target = value
    for step in path[:-1]:
        target = target[step]
    if removes:
        del target[path[-1]]
    else:
        target[path[-1]] = change
    return value


FULL = {
    **order(),
    "refunds": [REFUND],
    "original_total_duties_set": shop_money("0.00"),
    "total_cash_rounding_payment_adjustment_set": shop_money("0.00"),
}
PLACES = list(paths_in(FULL))
ODDITIES = (
    "NaN",
    "-0.00",
    "1e9",
    "9" * 30,
    "0.00001",
    "2026-13-01",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+14:00",
    "eur",
    "\ud7ff",
    "١٢",
    "success",
    "refund",
    "paid",
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
    | st.sampled_from(ODDITIES)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=600)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(PLACES), values, st.booleans()), min_size=1, max_size=3
    )
)
@example(changes=[(("line_items", 0, "price"), "-14.90", False)])
@example(changes=[(("line_items", 0, "quantity"), 10**30, False)])
@example(changes=[(("total_price",), 1e300, False)])
@example(changes=[(("refunds", 0, "transactions", 0, "amount"), "-1", False)])
def test_a_changed_order_adds_up_or_is_refused(changes: list[tuple[Path, Any, bool]]) -> None:
    payload = json.loads(json.dumps(FULL))
    for path, change, removes in changes:
        try:
            with_change(payload, path, change, removes=removes)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away

    try:
        found = read_order(read_json(json.dumps(payload).encode()))
    except MappingFailed as error:
        said = str(error)
    except NeedsOperator:
        said = ""  # not JSON that the door lets in
    else:
        said = check(found)

    assert said == "" or said.startswith("Shopify's order")


def check(found: CanonicalOrder) -> str:
    """Nothing to say about an order that adds up and that a row can hold."""
    assert sum_of_parts(found) + found.difference == found.total
    assert bool(found.difference) == bool(found.difference_reason)
    assert len(found.difference_reason) <= 200
    amounts = [found.total, found.difference, *(line.total for line in found.lines)]
    assert all(abs(amount) < Decimal(10) ** 15 for amount in amounts)
    assert all(-int(amount.as_tuple().exponent) <= 4 for amount in amounts)
    json.dumps(found.extension)
    return ""


@settings(max_examples=200)
@given(path=st.sampled_from(list(paths_in(REFUND))), change=values)
def test_a_changed_refund_is_read_or_refused(path: Path, change: Any) -> None:
    payload = with_change(json.loads(json.dumps(REFUND)), path, change)

    try:
        (fact,) = Shopify().read("refunds/create", read_json(json.dumps(payload).encode())).facts
    except NeedsOperator:
        return

    assert isinstance(fact, CanonicalRefund)
    assert fact.amount >= 0


@settings(max_examples=300)
@given(
    topic=st.sampled_from(["orders/create", "refunds/create", "products/update", "x"]),
    body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()),
    event_id=st.text(max_size=300),
)
def test_opening_never_fails(topic: str, body: bytes, event_id: str) -> None:
    headers = {"x-shopify-topic": topic, "x-shopify-event-id": event_id}

    envelope = Shopify().open(headers, body)

    assert envelope.topic == topic
    assert 0 < len(envelope.key) <= 200
    assert 0 < len(envelope.lane) <= 160
