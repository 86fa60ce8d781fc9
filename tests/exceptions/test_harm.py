"""The order of the queue: what it costs to wait, not how many they are or how old."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from exceptions.harm import FLOOR, Stake, harm_of
from exceptions.models import ExceptionCase
from exceptions.selectors import causes_by_damage, cursor_of, most_urgent
from exceptions.services import acts
from exceptions.services.weigh import weigh_what_changed
from orders.models import Order
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import OpenCase

H, M = timedelta(hours=1), timedelta(minutes=1)


def stake(now: datetime, left: timedelta = 2 * 24 * H, **facts: Any) -> Stake:
    fields = {"severity": 1, "value": Decimal(100), "currency": "EUR", "due_at": now + left}
    return Stake(**{**fields, **facts})


@pytest.mark.parametrize(
    ("left", "urgency"),
    [(25 * H, 1), (24 * H, 2), (8 * H, 4), (2 * H, 8), (31 * M, 8), (30 * M, 16), (M, 16)],
)
def test_it_costs_more_as_the_deadline_comes_near(
    now: datetime, left: timedelta, urgency: int
) -> None:
    found = harm_of(stake(now, left), now)

    assert (found.amount, found.is_late) == (100.0 * urgency, False)


def test_past_the_deadline_it_is_late(now: datetime) -> None:
    found = harm_of(stake(now, 0 * H), now)

    assert (found.amount, found.is_late, found.until) == (3200.0, True, None)


def test_a_promise_that_ends_before_the_deadline_counts_but_is_no_breach(now: datetime) -> None:
    found = harm_of(stake(now, promised_at=now - M), now)

    assert (found.amount, found.is_late) == (3200.0, False)


def test_a_marketplace_s_charge_is_part_of_what_it_is_worth(now: datetime) -> None:
    assert harm_of(stake(now, late_percent=Decimal(15)), now).amount == 115.0


def test_other_money_is_weighed_roughly_and_no_case_is_worth_nothing(now: datetime) -> None:
    yen = harm_of(stake(now, value=Decimal(10_000), currency="JPY"), now).amount

    assert yen == 60.0
    assert harm_of(stake(now, value=None, severity=4), now).amount == FLOOR[4]


moments = st.timedeltas(timedelta(days=-3), timedelta(days=3))


@given(moments, moments, st.decimals(0, 10_000, places=2), st.none() | moments)
def test_nothing_changes_before_it_says_so_and_waiting_never_gets_cheaper(
    due_in: timedelta, later: timedelta, value: Decimal, promise_in: timedelta | None
) -> None:
    now = datetime.fromisoformat("2026-11-25T12:00:00+00:00")
    promised_at = None if promise_in is None else now + promise_in
    given_ = stake(now, due_in, value=value, promised_at=promised_at)
    first = harm_of(given_, now)
    then = harm_of(given_, now + abs(later))

    assert (then.is_late, then.amount) >= (first.is_late, first.amount)
    if first.until is None or now + abs(later) < first.until:
        assert (then.is_late, then.amount) == (first.is_late, first.amount)


# --- The queue ---------------------------------------------------------------------------------


def codes(cases: Any) -> list[str]:
    return [case.code for case in cases]


def test_the_biggest_count_is_not_the_most_harmful(problem: OpenCase, now: datetime) -> None:
    for number in range(20):
        problem("inventory.cheap", subject={"n": number}, context={"n": number},
                value=Decimal(12), currency="EUR")  # fmt: skip
    problem("orders.dear", value=Decimal(9_000), currency="EUR")

    dear, cheap = causes_by_damage(ExceptionCase.objects.all(), most=9)

    assert (dear.cause.code, dear.cases, dear.money, dear.currency) == (
        "orders.dear", 1, Decimal(9_000), "EUR"
    )  # fmt: skip
    assert (cheap.cause.code, cheap.cases, cheap.money) == ("inventory.cheap", 20, Decimal(240))
    assert codes(most_urgent(ExceptionCase.objects.all()))[0] == "orders.dear"


def test_what_is_late_comes_first_and_the_clock_sees_to_it(
    problem: OpenCase, now: datetime
) -> None:
    problem("orders.dear", value=Decimal(9_000), currency="EUR")
    cheap = problem("connectors.mapping_missing", value=Decimal(5), currency="EUR")
    assert codes(most_urgent(ExceptionCase.objects.all()))[0] == "orders.dear"

    assert weigh_what_changed(now=now + 29 * M) == 0
    assert weigh_what_changed(now=now + 60 * M) == 1

    assert codes(most_urgent(ExceptionCase.objects.all()))[0] == "connectors.mapping_missing"
    assert ExceptionCase.objects.get(pk=cheap.pk).version == cheap.version


def test_while_a_clock_stands_nothing_gets_dearer(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem("connectors.mapping_missing", value=Decimal(100), currency="EUR")
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    acts.wait_case(case_id=case.pk, actor_id=ana.pk, on_whom="Ada", now=now)
    assert weigh_what_changed(now=now + 24 * H) == 0

    acts.wake_case(case_id=case.pk, actor_id=ana.pk, now=now + 24 * H)

    case.refresh_from_db()
    assert (case.harm, case.is_late) == (800.0, False)
    assert case.harm_until == now + 24 * H + 30 * M


def test_pages_go_on_where_the_last_one_ended(problem: OpenCase) -> None:
    for number, value in enumerate([50, 70, 70, 900, 60]):
        problem(f"orders.x{number}", value=Decimal(value), currency="EUR")
    everything = ExceptionCase.objects.all()

    whole, paged, cursor = codes(most_urgent(everything)), [], ""
    for _ in range(3):
        page = list(most_urgent(everything, after=cursor)[:2])
        paged += codes(page)
        cursor = cursor_of(page[-1])

    assert paged == whole == ["orders.x3", "orders.x1", "orders.x2", "orders.x4", "orders.x0"]
    assert codes(most_urgent(everything, after="1_nan_1")) == whole


def test_a_shop_says_when_it_promised_and_what_being_late_costs(
    place: PlaceOrder, stock: Stock, problem: OpenCase, now: datetime
) -> None:
    stock("MUG", 5)
    order: Order = place("1001")
    order.extension = {"ship_by": (now + H).isoformat()}
    order.save()
    shop = order.channel.connection
    shop.settings = {"late_percent": "10"}
    shop.save()

    facts = {"order_id": order.pk, "value": Decimal(100), "currency": "EUR"}
    assert problem("orders.unknown", **facts).harm == 880.0
    order.extension = {"ship_by": "soon"}
    order.save()
    assert problem("orders.other", **facts).harm == 880.0  # two hours by the playbook


def test_weighing_many_takes_as_many_statements_as_weighing_few(
    problem: OpenCase, now: datetime
) -> None:
    def count(cases: int) -> int:
        for number in range(cases):
            problem(f"orders.y{cases}x{number}")
        with CaptureQueriesContext(connection) as queries:
            weigh_what_changed(now=now + 24 * H)
        return len(queries)

    assert count(2) == count(30)
