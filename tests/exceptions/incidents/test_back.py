"""An incident drains by itself, and closes with numbers that add up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.drains import drain_outbox
from connectors.models import Connection, OutboundMessage
from connectors.registry import SINKS
from exceptions.held import tally_of
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, ExceptionCase, ReplayRun
from exceptions.services.incidents import STEADY, settle_incidents
from tests.exceptions.conftest import Stopped
from tests.exceptions.incidents.conftest import Make
from tests.exceptions.incidents.outages import answers, exhausted, falls, incident_of, owe
from tests.exceptions.runs import Clock, Erp, ends, numbers

SECOND = timedelta(seconds=1)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Erp:
    sink = Erp()
    monkeypatch.setitem(SINKS, "netsuite", sink)
    monkeypatch.setattr("exceptions.services.drive_run.SLICE_SECONDS", 600.0)
    monkeypatch.setattr("exceptions.services.drive_run.REST", 0.0)
    return sink


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Of replay runs; connections fall and come back by it too."""
    made = Clock()
    monkeypatch.setattr("exceptions.subscribers.timezone.now", lambda: made.now)
    return made


def test_drains_by_itself_and_closes_with_numbers_that_add_up(
    netsuite: Erp,
    erp: Connection,
    order: Make,
    stopped_effect: Stopped,
    clock: Clock,
    time_passes: Callable[[], None],
) -> None:
    given_up = exhausted(stopped_effect, "A", "B", "C")
    falls(erp)
    owed = owe(erp, [order(str(n)) for n in range(5)])[3:]
    OutboundMessage.objects.filter(pk=owed[-1].pk).update(state="CANCELLED")
    no_more = [given_up[2].outbound, owed[3]]
    netsuite.refuses = {row.effect_key for row in no_more if row}

    incident = answers(erp)
    assert incident.state == CaseState.NEW
    assert incident.events.latest("pk").text == (
        "4 effects that waited go out by themselves, in order."
    )
    clock.now += STEADY - SECOND
    settle_incidents(now=clock.now)
    assert not ReplayRun.objects.exists()  # it may be down again in a moment
    clock.now += SECOND
    settle_incidents(now=clock.now)
    settle_incidents(now=clock.now)

    run = ReplayRun.objects.get()
    assert (run.incident, run.started_by) == (incident, None)
    time_passes()
    while drain_outbox():
        pass
    clock.until(lambda: ends(run))
    assert numbers(run) == {"DONE": 2, "FAILED": 1}
    settle_incidents(now=clock.now)

    incident.refresh_from_db()
    assert (incident.state, incident.resolution) == ("RESOLVED", "by itself")
    assert incident.events.latest("pk").text == (
        "4 effects waited: 3 sent, 1 stopped."
        " 3 exceptions hung on it: 2 solved, 1 stopped for another reason."
    )
    still = ExceptionCase.objects.filter(state="NEW")
    assert set(still.values_list("code", flat=True)) == {"connectors.rejected"}
    assert not CaseEvent.objects.filter(case=incident, actor__isnull=False).exists()


def test_each_child_is_taken_again_once_for_each_time_the_system_is_back(
    netsuite: Erp, erp: Connection, stopped_effect: Stopped, clock: Clock
) -> None:
    exhausted(stopped_effect, "A")
    falls(erp)
    answers(erp)
    clock.now += STEADY
    settle_incidents(now=clock.now)
    run = ReplayRun.objects.get()
    falls(erp)
    incident = answers(erp)
    clock.now += STEADY
    settle_incidents(now=clock.now)

    assert list(incident.runs.all()) == [run]  # it still has the case in hand
    assert incident.state == CaseState.NEW
    assert tally_of(incident).children_waiting == 1


def test_waits_no_longer_for_effects_that_have_reasons_of_their_own(
    erp: Connection, order: Make
) -> None:
    owe(erp, [order("1")])
    falls(erp)
    answers(erp)
    assert settle_incidents(now=timezone.now() + timedelta(minutes=29)) == 0

    assert settle_incidents(now=timezone.now() + timedelta(minutes=31)) == 1

    assert incident_of(erp).events.latest("pk").text == "1 effect waited: 1 still to go out."
