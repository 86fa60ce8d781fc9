"""What the tabs and the list of causes say about many cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from exceptions import selectors
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.selectors import causes_by_damage, counts, shown
from tests.exceptions.conftest import OpenCase, put_in


@pytest.mark.usefixtures("orders_team")
def test_a_rare_tab_is_exact_however_full_another_is(
    problem: OpenCase,
    ana: User,
    ben: User,
    mia: User,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counting stops by tab: the one case that waits is the newest of all."""
    for number in range(6):
        problem("x.y", subject={"n": number}, context={"n": number})
    lost = problem("expectations.erp_order", connection_id=None)
    newest = problem("x.waits")
    ExceptionCase.objects.update(due_at=now + timedelta(hours=9), owner=None)
    ExceptionCase.objects.filter(pk=lost.pk).update(team=None)
    put_in(newest, CaseState.WAITING, owner=ana, due_at=now)
    monkeypatch.setattr(selectors, "MOST_COUNTED", 3)

    found = counts(user=mia, now=now)

    assert found == {
        "open": 4, "mine": 0, "unassigned": 4, "breaching": 1,
        "silent": 1, "parked": 0, "waiting": 1, "snoozed": 0,
    }  # fmt: skip
    assert counts(user=ana, now=now, views=["mine", "waiting"]) == {"mine": 1, "waiting": 1}
    # Another team sees only what belongs to nobody.
    seen = counts(user=ben, now=now, views=["open", "silent", "waiting"])
    assert seen == {"open": 1, "silent": 1, "waiting": 0}


def test_a_count_says_where_it_stopped() -> None:
    assert [shown(count) for count in (0, 10_000, 10_001)] == [0, 10_000, "10 000+"]


def test_money_of_several_currencies_is_not_added_up_under_one(problem: OpenCase) -> None:
    for number, currency in enumerate(["EUR", "EUR", "USD"]):
        problem("x.y", subject={"n": number}, context={"n": number}, value=Decimal(5),
                currency=currency)  # fmt: skip

    (mixed,) = causes_by_damage(ExceptionCase.objects.all(), most=9)
    (plain,) = causes_by_damage(ExceptionCase.objects.filter(currency="EUR"), most=9)

    assert (mixed.cases, mixed.currency) == (3, "")
    assert (plain.cases, plain.money, plain.currency) == (2, Decimal(10), "EUR")
