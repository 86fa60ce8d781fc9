"""An act is taken back once, newest first, and only while nothing followed from it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from django.contrib.auth.models import User

from exceptions.errors import NothingToUndo, VerbNotAllowed
from exceptions.models import ExceptionCase
from exceptions.services import acts
from tests.exceptions.conftest import OpenCase, Stopped
from tests.exceptions.verbs import ACTS
from tests.racing import at_once


@pytest.mark.parametrize("verb", ["claim", "snooze", "resolve", "ignore"])
def test_an_act_can_be_taken_back(problem: OpenCase, ana: User, now: datetime, verb: str) -> None:
    case = problem()
    before = ExceptionCase.objects.filter(pk=case.pk).values(
        "state", "owner", "wake_at", "closed_at", "resolution"
    )
    was = before.get()
    ACTS[verb](case_id=case.pk, actor_id=ana.pk, now=now)
    event = case.events.get(verb=verb)

    acts.undo_act(event_id=event.pk, actor_id=ana.pk, now=now)

    assert before.get() == was
    undo = case.events.latest("pk")
    assert (undo.takes_back, undo.text, undo.at) == (event, f"Took back: {verb}", now)


def test_acts_are_taken_back_one_after_the_other(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    for verb in ("claim", "wait", "wake"):
        ACTS[verb](case_id=case.pk, actor_id=ana.pk, now=now)

    for verb, state in (("wake", "WAITING"), ("wait", "CLAIMED"), ("claim", "NEW")):
        event = case.events.get(verb=verb)
        acts.undo_act(event_id=event.pk, actor_id=ana.pk, now=now)
        case.refresh_from_db()
        assert case.state == state


def test_an_older_act_is_not_taken_back(problem: OpenCase, ana: User, now: datetime) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="done", now=now)

    with pytest.raises(NothingToUndo):
        acts.undo_act(event_id=case.events.get(verb="claim").pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert case.state == "RESOLVED"


@pytest.mark.django_db(transaction=True)
def test_pressing_undo_many_times_takes_back_once(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="done", now=now)
    event = case.events.get(verb="resolve")

    ends = at_once([partial(acts.undo_act, event_id=event.pk, actor_id=ana.pk, now=now)] * 4)

    assert sum(isinstance(end, NothingToUndo) for end in ends) == 3
    case.refresh_from_db()
    assert case.state == "NEW"


def test_a_case_whose_trouble_has_a_newer_case_stays_closed(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="done", now=now)
    event = case.events.get(verb="resolve")
    newer = ExceptionCase.objects.get(pk=case.pk)
    newer.pk, newer.state, newer.closed_at = None, "NEW", None
    newer.proof, newer.proof_due_at = "", None
    newer.save()

    with pytest.raises(VerbNotAllowed, match="A newer case about the same thing is open"):
        acts.undo_act(event_id=event.pk, actor_id=ana.pk, now=now)
    with pytest.raises(VerbNotAllowed, match="A newer case about the same thing is open"):
        acts.reopen_case(case_id=case.pk, actor_id=ana.pk, reason="", now=now)
