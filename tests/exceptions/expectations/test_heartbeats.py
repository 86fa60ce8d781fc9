"""A heartbeat is due again after every beat."""

from __future__ import annotations

from datetime import datetime

from exceptions.models import ExceptionCase, Expectation
from exceptions.services.expectations import expect, meet, void
from exceptions.services.overdue import raise_overdue
from tests.exceptions.expectations.awaited import DAY, MINUTE, awaited


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
