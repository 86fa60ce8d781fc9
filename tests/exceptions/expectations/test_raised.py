"""Silence is an error: raised once at its minute, and closed by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.models import Connection
from exceptions.models import ExceptionCase, Expectation, ExpectationTemplate, Team
from exceptions.services import overdue
from exceptions.services.cases import open_case
from exceptions.services.expectations import expect, meet, void
from exceptions.services.overdue import raise_overdue
from tests.exceptions.expectations.awaited import DAY, MINUTE, SHIPS, awaited
from tests.racing import at_once


def test_is_raised_at_its_minute_and_not_before(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)

    assert raise_overdue(now=now + DAY - timedelta(microseconds=1)) == 0
    assert raise_overdue(now=now + DAY) == 1


def test_says_what_did_not_happen_to_whom_for_how_long(
    wms: Connection, now: datetime, finance_team: Team
) -> None:
    ExpectationTemplate.objects.filter(code=SHIPS).update(severity=4, team=finance_team)
    expect(template=SHIPS, awaited=[awaited(connection_id=wms.pk)], now=now)

    raise_overdue(now=now + DAY)

    case = ExceptionCase.objects.get()
    assert case.title == "Order F1 has not left WMS Berlin after 24 h"
    assert (case.code, case.severity, case.connection) == ("expectations.node_ships", 4, wms)
    assert (case.team, case.cause.title) == (
        finance_team,
        "Orders do not leave WMS Berlin in time",
    )
    assert Expectation.objects.get().case == case


def test_is_raised_once_however_often_one_looks(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)

    assert [raise_overdue(now=now + DAY * n) for n in (1, 2, 3)] == [1, 0, 0]

    assert ExceptionCase.objects.get().events.count() == 1


def test_the_same_silence_of_two_things_is_two_cases_of_one_cause(
    wms: Connection, now: datetime
) -> None:
    rows = [awaited(key, connection_id=wms.pk) for key in ("F1", "F2")]
    expect(template=SHIPS, awaited=rows, now=now)

    assert raise_overdue(now=now + DAY) == 2

    assert ExceptionCase.objects.values("cause").distinct().count() == 1


def test_the_case_closes_when_it_happens_after_all(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited("F1"), awaited("F2")], now=now)
    raise_overdue(now=now + DAY)

    assert meet(template=SHIPS, keys={"F1": "Parcel 1"}, now=now + 2 * DAY) == 1

    states = dict(ExceptionCase.objects.values_list("expectations__business_key", "state"))
    assert states == {"F1": "RESOLVED", "F2": "NEW"}


def test_a_case_that_is_not_wanted_any_more_closes(db: None, now: datetime) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)
    raise_overdue(now=now + DAY)

    void(template=SHIPS, keys=["F1"], why="Cancelled", now=now + DAY)

    assert ExceptionCase.objects.get().resolution == "not wanted"


def test_thousands_due_at_once_are_raised_in_bounded_steps(
    db: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "BATCH", 10)
    expect(template=SHIPS, awaited=[awaited(f"F{n}") for n in range(45)], now=now)

    monkeypatch.setattr(overdue, "TURN_SECONDS", 0)
    assert raise_overdue(now=now + DAY) == 10
    monkeypatch.undo()
    assert [raise_overdue(now=now + DAY) for _ in range(2)] == [35, 0]


def test_one_that_cannot_be_raised_stands_back_for_the_others(
    db: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = open_case

    def break_for_f1(problem: Any, *, now: datetime) -> ExceptionCase:
        if problem.context["key"] == "F1":
            raise ValueError("our bug")
        return opens(problem, now=now)

    monkeypatch.setattr(overdue, "open_case", break_for_f1)
    expect(template=SHIPS, awaited=[awaited("F1"), awaited("F2")], now=now)

    assert raise_overdue(now=now + DAY) == 1

    monkeypatch.undo()
    assert raise_overdue(now=now + DAY) == 0
    assert raise_overdue(now=now + DAY + overdue.STAND_BACK) == 1


def test_a_worker_that_dies_leaves_it_for_the_next(
    db: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect(template=SHIPS, awaited=[awaited()], now=now)

    def die(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(overdue, "update_rows", die)
    with pytest.raises(SystemExit):
        raise_overdue(now=now + DAY)
    monkeypatch.undo()

    assert not ExceptionCase.objects.exists()
    assert raise_overdue(now=now + DAY) == 1


@pytest.mark.parametrize(
    "trouble", [{"health": "DOWN"}, {"health": "SIGN_IN"}, {"outbound_paused_at": "now"}]
)
def test_a_connection_in_trouble_is_one_alarm_and_then_has_time_to_catch_up(
    wms: Connection, now: datetime, trouble: dict[str, Any]
) -> None:
    columns = {name: now if value == "now" else value for name, value in trouble.items()}
    Connection.objects.filter(pk=wms.pk).update(health_since=now, **columns)
    expect(template=SHIPS, awaited=[awaited(connection_id=wms.pk)], now=now)
    assert raise_overdue(now=now + 2 * DAY) == 0

    back = now + 2 * DAY
    Connection.objects.filter(pk=wms.pk).update(
        health="HEALTHY", outbound_paused_at=None, health_since=back
    )

    assert raise_overdue(now=back + overdue.RECOVERY - MINUTE) == 0
    assert raise_overdue(now=back + overdue.RECOVERY) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("work", ["raise", "raise and meet"])
def test_many_at_once_raise_each_thing_once(work: str, now: datetime) -> None:
    keys = [f"F{n}" for n in range(30)]
    expect(template=SHIPS, awaited=[awaited(key) for key in keys], now=now)

    def raise_all() -> None:
        while raise_overdue(now=now + DAY):
            pass

    def meet_all() -> None:
        for key in keys:
            meet(template=SHIPS, keys={key: "x"}, now=now + DAY)

    acts = [raise_all] * 3 + [raise_all if work == "raise" else meet_all]
    assert at_once(acts) == []

    raise_overdue(now=now + DAY)
    open_cases = ExceptionCase.objects.filter(state="NEW").count()
    assert open_cases == (30 if work == "raise" else 0)
    assert ExceptionCase.objects.count() == Expectation.objects.exclude(case=None).count()
