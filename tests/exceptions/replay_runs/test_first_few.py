"""A run tries a few first, and stops itself while the cause is not fixed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from exceptions.models import ExceptionCase
from exceptions.services.steer_run import dismiss_run, steer_run
from tests.exceptions.conftest import Stopped
from tests.exceptions.runs import Clock, Erp, ends, numbers


def test_stops_itself_in_the_first_few_while_the_cause_is_not_fixed(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock
) -> None:
    stuck(30)
    run = start()

    clock.until(lambda: ends(run))

    assert run.state == "STOPPED"
    assert run.stop_reason.startswith("Stopped after 5 equal failures: ")
    assert run.stop_reason.endswith("25 not sent.")
    assert numbers(run) == {"FAILED": 5, "PENDING": 25}
    assert len(netsuite.asked) == 5
    assert ExceptionCase.objects.filter(failed_again=1, state="NEW").count() == 5


def test_finishes_with_the_cause_fixed_in_growing_steps(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    stuck(60)
    run = start()

    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 60})
    widened = run.events.filter(verb="widen").order_by("pk").values_list("text", flat=True)
    assert list(widened) == ["The next 10", "The next 20", "All 25 that are left"]
    assert run.finished_at is not None
    assert run.dismissed_at is not None, "nothing failed, so nobody must close it"
    assert sorted(netsuite.sent) == sorted(set(netsuite.sent))
    assert ExceptionCase.objects.filter(state="RESOLVED", resolution="replay").count() == 60


def test_resumed_after_a_stop_it_tries_the_first_few_again(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, mia: User
) -> None:
    stuck(12)
    run = start()
    clock.until(lambda: ends(run))
    netsuite.refusal = ""

    steer_run(run_id=run.pk, verb="resume", actor_id=mia.pk, now=clock.now)
    run.refresh_from_db()
    assert (run.allowed, run.stage) == (10, "CANARY")
    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 7, "FAILED": 5})
    assert run.dismissed_at is None, "five failed, so a person must see it"
    dismiss_run(run_id=run.pk, actor_id=mia.pk, now=clock.now)
    run.refresh_from_db()
    assert run.dismissed_at is not None


def test_stops_when_too_many_fail_for_different_reasons(
    netsuite: Erp, stuck: Any, start: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = iter(["alpha", "beta", "gamma", "delta", "epsilon"] * 9)
    stuck(30)
    run = start()

    def look() -> bool:
        netsuite.refusal = f"Refused: {next(words)}" if netsuite.refusal else ""
        return ends(run)

    monkeypatch.setattr("exceptions.services.drive_run.math.floor", lambda _: 1)
    clock.until(look)

    assert run.state == "STOPPED"
    assert run.stop_reason == "Stopped because 5 of the last 5 failed again. 25 not sent."


def test_one_bad_apple_does_not_stop_the_rest(
    netsuite: Erp, stuck: Any, stopped_effect: Stopped, start: Any, clock: Clock
) -> None:
    netsuite.refusal = ""
    cases = stuck(20)
    bad = cases[3].outbound
    assert bad is not None
    netsuite.refuses.add(bad.effect_key)
    run = start()

    clock.until(lambda: ends(run))

    assert (run.state, numbers(run)) == ("DONE", {"DONE": 19, "FAILED": 1})


def test_the_first_few_try_every_cause(
    netsuite: Erp, stopped_effect: Stopped, stopped_message: Stopped, start: Any
) -> None:
    for n in range(6):
        stopped_message(f"k{n}")
    stopped_effect("R1")
    stopped_effect("R2")

    run = start()

    first = run.items.filter(number__lte=4).values_list("case__code", flat=True)
    assert sorted(first) == ["connectors.invalid_body"] * 2 + ["connectors.rejected"] * 2
