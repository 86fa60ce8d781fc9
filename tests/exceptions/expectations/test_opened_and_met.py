"""Opened once, met in any order, forgotten in time, and costing one question."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from exceptions.expected import EXPECTED
from exceptions.models import ExceptionCase, Expectation, ExpectationTemplate
from exceptions.services import expectations, forget
from exceptions.services.expectations import expect, meet, void
from exceptions.services.forget import KEEP, forget_expectations
from exceptions.services.overdue import raise_overdue
from tests.exceptions.expectations.awaited import DAY, MINUTE, SHIPS, awaited


def test_the_same_fact_opens_it_once(db: None, now: datetime) -> None:
    assert expect(template=SHIPS, awaited=[awaited(), awaited()], now=now) == 1
    assert expect(template=SHIPS, awaited=[awaited()], now=now + DAY) == 0

    row = Expectation.objects.get()
    assert (row.opened_at, row.due_at, row.minutes) == (now, now + DAY, 1440)


def test_takes_the_time_people_allow_and_expects_nothing_of_what_is_off(
    db: None, now: datetime
) -> None:
    ExpectationTemplate.objects.filter(code=SHIPS).update(minutes=60)
    expect(template=SHIPS, awaited=[awaited("F1"), awaited("F2", minutes=5)], now=now)
    ExpectationTemplate.objects.filter(code=SHIPS).update(is_active=False)

    assert expect(template=SHIPS, awaited=[awaited("F3")], now=now) == 0

    due = dict(Expectation.objects.values_list("business_key", "due_at"))
    assert due == {"F1": now + 60 * MINUTE, "F2": now + 5 * MINUTE}
    assert raise_overdue(now=now + DAY) == 0  # off is off, for what was open before as well


def test_what_people_changed_outlives_the_next_start(db: None) -> None:
    ExpectationTemplate.objects.filter(code=SHIPS).update(minutes=60)

    expectations.seed_templates()

    assert ExpectationTemplate.objects.get(code=SHIPS).minutes == 60
    assert set(ExpectationTemplate.objects.values_list("code", flat=True)) == set(EXPECTED)


def test_nobody_expects_what_no_table_knows(db: None, now: datetime) -> None:
    with pytest.raises(KeyError):
        expect(template="order_is_blue", awaited=[awaited()], now=now)


@pytest.mark.parametrize("step", ["expect", "meet", "beat"])
def test_a_thousand_cost_a_single_question(step: str, db: None, now: datetime, beat: str) -> None:
    def ask(keys: list[str]) -> int:
        template = beat if step == "beat" else SHIPS
        if step != "expect":
            expect(template=template, awaited=[awaited(key) for key in keys], now=now)
        with CaptureQueriesContext(connection) as asked:
            if step == "expect":
                expect(template=SHIPS, awaited=[awaited(key) for key in keys], now=now)
            else:
                meet(template=template, keys=dict.fromkeys(keys, "x"), now=now)
        return len(asked)

    assert ask(["one"]) == ask([f"key {n}" for n in range(1000)]) == 1


def test_what_was_met_is_never_raised(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)

    meet(template=SHIPS, keys={"F1": "Parcel 1"}, now=now + MINUTE)
    meet(template=SHIPS, keys={"F1": "Parcel 2"}, now=now + DAY)

    row = Expectation.objects.get()
    assert (row.met_at, row.met_by) == (now + MINUTE, "Parcel 1")
    assert raise_overdue(now=now + 2 * DAY) == 0
    assert not ExceptionCase.objects.exists()


def test_met_before_it_was_expected_counts_as_met(db: None, now: datetime) -> None:
    meet(template=SHIPS, keys={"F1": "Parcel 1"}, now=now)

    assert expect(template=SHIPS, awaited=[awaited()], now=now + MINUTE) == 0

    assert raise_overdue(now=now + 2 * DAY) == 0
    assert Expectation.objects.get().met_by == "Parcel 1"


def test_what_is_void_is_neither_raised_nor_met(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited("F1"), awaited("F2")], now=now)

    assert void(template=SHIPS, keys=["F1"], why="Cancelled", now=now) == 1
    meet(template=SHIPS, keys={"F1": "late"}, now=now)

    row = Expectation.objects.get(business_key="F1")
    assert (row.voided_at, row.void_reason, row.met_at) == (now, "Cancelled", None)
    assert raise_overdue(now=now + DAY) == 1
    assert Expectation.objects.get(business_key="F2").raised_at == now + DAY


def test_what_ended_long_ago_is_forgotten_and_nothing_else(
    beat: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "AT_ONCE", 2)
    rows = [awaited(key) for key in ("met", "void", "open", "raised")]
    expect(template=SHIPS, awaited=rows, now=now)
    expect(template=beat, awaited=[awaited("node")], now=now)
    meet(template=SHIPS, keys={"met": "x"}, now=now)
    meet(template=beat, keys={"node": "x"}, now=now)
    void(template=SHIPS, keys=["void"], why="x", now=now)
    raise_overdue(now=now + DAY)

    assert forget_expectations(now=now + KEEP) == 0
    assert forget_expectations(now=now + KEEP + MINUTE) == 2

    left = set(Expectation.objects.values_list("business_key", flat=True))
    assert left == {"open", "raised", "node"}


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"met_at": "now", "voided_at": "now"}, "is_met_or_void_not_both"),
        ({"raised_at": "now"}, "raised_means_a_case"),
        ({"due_at": "before"}, "due_after_it_is_opened"),
    ],
)
def test_the_table_keeps_its_rules(
    db: None, now: datetime, columns: dict[str, str], name: str
) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)
    times = {"now": now, "before": now - DAY}

    with pytest.raises(IntegrityError, match=f"exceptions_expectation_{name}"):
        Expectation.objects.update(**{key: times[value] for key, value in columns.items()})


def test_a_template_allows_some_time(db: None) -> None:
    with pytest.raises(IntegrityError, match="exceptions_template_allows_some_time"):
        ExpectationTemplate.objects.filter(code=SHIPS).update(minutes=0)
