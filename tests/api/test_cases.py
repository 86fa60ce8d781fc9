import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.models import Connection
from exceptions.models import Cause, ExceptionCase
from orders.models import Order
from tests.api.conftest import NOW, Caller, soon


@pytest.fixture
def make_case(shop: Connection) -> Callable[..., ExceptionCase]:
    cause = Cause.objects.create(
        fingerprint=uuid.uuid4().hex, code="x", title="x", first_seen_at=NOW, last_seen_at=NOW
    )

    def make(**columns: Any) -> ExceptionCase:
        facts: dict[str, Any] = {
            "code": "connectors.mapping_missing",
            "title": "SKU is not mapped",
            "severity": 3,
            "connection": shop,
            "state": "NEW",
            "opened_at": NOW,
            "due_at": soon(),
            "cause": cause,
        }
        return ExceptionCase.objects.create(**{**facts, **columns})

    return make


def _ids(answer: Any) -> list[int]:
    return [row["id"] for row in answer.json()["results"]]


def test_tells_open_from_closed(caller: Caller, make_case: Callable[..., ExceptionCase]) -> None:
    new = make_case()
    snoozed = make_case(state="SNOOZED")
    closed = make_case(state="RESOLVED", closed_at=NOW, resolution="by hand")

    assert _ids(caller.get("cases", state="open")) == [snoozed.pk, new.pk]
    assert _ids(caller.get("cases", state="closed")) == [closed.pk]
    assert len(_ids(caller.get("cases"))) == 3


def test_finds_the_cases_of_an_order(
    caller: Caller, make_case: Callable[..., ExceptionCase], make_order: Callable[..., Order]
) -> None:
    order = make_order("A-1", number="#1")
    of_order = make_case(order=order, order_number="#1")
    before_it_was_one = make_case(order_number="#1")
    make_case(order_number="#2")

    assert _ids(caller.get("cases", order="#1")) == [before_it_was_one.pk, of_order.pk]
    assert _ids(caller.get("cases", order=order.reference)) == [of_order.pk]


def test_says_what_to_do(caller: Caller, make_case: Callable[..., ExceptionCase]) -> None:
    case = make_case(value=Decimal("64.70"), currency="EUR")

    shown = caller.get(f"cases/{case.pk}").json()

    assert shown["severity"] == "HIGH"
    assert shown["value"] == {"amount": "64.70", "currency": "EUR"}
    assert shown["due_at"] == "2026-11-20T13:00:00Z"
    assert "Choose what it means" in shown["advice"]
    assert shown["is_open"] is True


@pytest.mark.parametrize("size", [1, 5])
def test_a_page_costs_two_queries_however_long(
    caller: Caller,
    make_case: Callable[..., ExceptionCase],
    make_order: Callable[..., Order],
    size: int,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    for n in range(size):
        make_case(order=make_order(f"A-{n}"), code=f"orders.{n}")
    caller.get("cases")

    with django_assert_num_queries(2):
        caller.get("cases")
