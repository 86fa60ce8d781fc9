"""Opened once, met in any order, raised once, closed by itself: silence is an error."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from connectors.models import Connection
from exceptions.expected import EXPECTED
from exceptions.models import ExceptionCase, Expectation, ExpectationTemplate, Team
from exceptions.play import Play
from exceptions.playbook import PLAYBOOK
from exceptions.services import expectations, forget, overdue
from exceptions.services.cases import open_case
from exceptions.services.expectations import Awaited, expect, meet, void
from exceptions.services.forget import KEEP, forget_expectations
from exceptions.services.overdue import raise_overdue
from tests.racing import at_once

SHIPS = "node_ships"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def awaited(key: str = "F1", **more: Any) -> Awaited:
    return Awaited(key=key, subject=f"Order {key}", **more)


@pytest.fixture
def beat(db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A heartbeat: a node that must report."""
    row = EXPECTED[SHIPS]
    recurring = type(row)(
        title="Nothing heard from {subject} for {span}",
        label="{subject} reports",
        opened_by="A node is switched on",
        met_by="The node reports",
        minutes=30,
        is_recurring=True,
    )
    monkeypatch.setitem(EXPECTED, "robot_reports", recurring)
    monkeypatch.setitem(PLAYBOOK, "expectations.robot_reports", Play("{sentence}", "?", "Call."))
    expectations.seed_templates()
    return "robot_reports"


# --- Opened ------------------------------------------------------------------------------------


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


# --- Met ---------------------------------------------------------------------------------------


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


# --- Raised ------------------------------------------------------------------------------------


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


# --- What has an alarm of its own --------------------------------------------------------------


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


# --- Heartbeats --------------------------------------------------------------------------------


def test_a_heartbeat_is_due_again_after_every_beat(beat: str, now: datetime) -> None:
    expect(template=beat, awaited=[awaited("node:BERLIN")], now=now)

    meet(template=beat, keys={"node:BERLIN": "a count"}, now=now + 20 * MINUTE)

    row = Expectation.objects.get()
    assert (row.opened_at, row.due_at, row.met_at) == (now + 20 * MINUTE, now + 50 * MINUTE, None)
    assert raise_overdue(now=now + 49 * MINUTE) == 0
    assert raise_overdue(now=now + 50 * MINUTE) == 1
    assert ExceptionCase.objects.get().title == "Nothing heard from Order node:BERLIN for 30 min"


def test_a_heartbeat_that_is_back_closes_its_case_and_may_stop_again(
    beat: str, now: datetime
) -> None:
    expect(template=beat, awaited=[awaited("node:BERLIN")], now=now)
    raise_overdue(now=now + 30 * MINUTE)

    assert meet(template=beat, keys={"node:BERLIN": "a count"}, now=now + 40 * MINUTE) == 1
    assert raise_overdue(now=now + 69 * MINUTE) == 0
    assert raise_overdue(now=now + 70 * MINUTE) == 1

    assert list(ExceptionCase.objects.order_by("pk").values_list("state", flat=True)) == [
        "RESOLVED",
        "NEW",
    ]


def test_a_late_beat_does_not_turn_the_clock_back(beat: str, now: datetime) -> None:
    expect(template=beat, awaited=[awaited("node:BERLIN")], now=now)

    meet(template=beat, keys={"node:BERLIN": "an old count"}, now=now - DAY)

    assert Expectation.objects.get().due_at == now + 30 * MINUTE


def test_a_beat_nobody_asked_for_expects_nothing(beat: str, now: datetime) -> None:
    meet(template=beat, keys={"node:BERLIN": "a count"}, now=now)

    assert not Expectation.objects.exists()


def test_asked_again_a_heartbeat_takes_the_new_pace_and_wakes_from_the_void(
    beat: str, now: datetime
) -> None:
    expect(template=beat, awaited=[awaited("node:BERLIN")], now=now)
    expect(template=beat, awaited=[awaited("node:BERLIN", minutes=5)], now=now + MINUTE)
    assert Expectation.objects.get().due_at == now + 5 * MINUTE

    void(template=beat, keys=["node:BERLIN"], why="Closed", now=now + 2 * MINUTE)
    assert raise_overdue(now=now + DAY) == 0
    expect(template=beat, awaited=[awaited("node:BERLIN", minutes=5)], now=now + DAY)

    row = Expectation.objects.get()
    assert (row.opened_at, row.due_at, row.voided_at) == (now + DAY, now + DAY + 5 * MINUTE, None)


# --- Races and rules of the table --------------------------------------------------------------


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
