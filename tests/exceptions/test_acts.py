"""What people do to a case: every verb in every state, snoozes and races."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import product

import pytest
from django.contrib.auth.models import User

from connectors.models import Connection, InboundMessage
from exceptions.errors import VerbNotAllowed, VersionStale
from exceptions.lifecycle import VERBS, CaseState
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services import acts
from exceptions.services.replay import replay_case
from exceptions.services.sweep import wake_due_cases
from tests.exceptions.conftest import OpenCase, Stopped, put_in
from tests.exceptions.verbs import ACTS
from tests.racing import at_once

S = CaseState

# The whole table again, written by hand: a change has to be made twice, on purpose.
LEADS_TO = {
    "claim": {S.NEW: S.CLAIMED, S.CLAIMED: S.CLAIMED, S.WAITING: S.CLAIMED, S.SNOOZED: S.CLAIMED},
    "take_over": {
        S.NEW: S.CLAIMED,
        S.CLAIMED: S.CLAIMED,
        S.WAITING: S.CLAIMED,
        S.SNOOZED: S.CLAIMED,
    },
    "release": {S.NEW: S.NEW, S.CLAIMED: S.NEW},
    "wait": {S.CLAIMED: S.WAITING},
    "snooze": {S.NEW: S.SNOOZED, S.CLAIMED: S.SNOOZED},
    "wake": {S.SNOOZED: S.NEW, S.WAITING: S.NEW},
    "resolve": dict.fromkeys([S.NEW, S.CLAIMED, S.REPLAYING, S.WAITING, S.SNOOZED], S.RESOLVED),
    "ignore": dict.fromkeys([S.NEW, S.CLAIMED, S.WAITING, S.SNOOZED], S.IGNORED),
    "reopen": {S.RESOLVED: S.NEW, S.IGNORED: S.NEW},
}


@pytest.mark.parametrize(("verb", "state"), list(product(LEADS_TO, S)))
def test_every_verb_in_every_state(
    problem: OpenCase, ana: User, now: datetime, verb: str, state: CaseState
) -> None:
    case = put_in(problem(), state)
    version, events = case.version, CaseEvent.objects.filter(case=case).count()
    follows = LEADS_TO[verb].get(state)

    if follows is None:
        with pytest.raises(VerbNotAllowed, match=f"^This case is {state.lower()} now"):
            ACTS[verb](case_id=case.pk, actor_id=ana.pk, now=now)
    else:
        ACTS[verb](case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    told = CaseEvent.objects.filter(case=case).order_by("pk")
    if follows is None:
        assert (case.state, case.version, told.count()) == (state, version, events)
        return
    assert (case.state, case.version, told.count()) == (follows, version + 1, events + 1)
    newest = told.latest("pk")
    assert (newest.verb, newest.actor) == (verb, ana)
    assert (newest.before["state"], newest.after["state"]) == (state, follows)
    assert (case.closed_at is not None) == (follows in {S.RESOLVED, S.IGNORED})


def test_the_table_of_verbs_says_the_same() -> None:
    for verb, moves in LEADS_TO.items():
        assert VERBS[verb][0] == set(moves)


@pytest.mark.parametrize("state", list(S))
def test_a_note_can_be_left_in_every_state(
    problem: OpenCase, ana: User, now: datetime, state: CaseState
) -> None:
    case = put_in(problem(), state)

    acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Called them.", now=now)

    case.refresh_from_db()
    assert case.state == state
    assert case.events.latest("pk").text == "Called them."


def test_claiming_what_is_ones_own_changes_nothing(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    case.refresh_from_db()

    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert ExceptionCase.objects.get(pk=case.pk).version == case.version


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_claim_at_once_one_has_it_and_the_other_is_told_who(
    problem: OpenCase, ana: User, ben: User, now: datetime
) -> None:
    case = problem()

    ends = at_once(
        [
            partial(acts.claim_case, case_id=case.pk, actor_id=who.pk, now=now, version=1)
            for who in (ana, ben)
        ]
    )

    case.refresh_from_db()
    owner = ana if case.owner_id == ana.pk else ben
    (refused,) = [end for end in ends if isinstance(end, Exception)]
    assert isinstance(refused, VersionStale)
    assert str(refused).startswith(f"{owner.first_name} has this case now, so nothing was changed.")
    assert [line.actor for line in case.events.filter(verb="claim")] == [owner]
    assert case.version == 2


@pytest.mark.parametrize("verb", ["claim", "take_over", "snooze", "resolve", "ignore", "replay"])
def test_what_somebody_else_took_meanwhile_is_left_alone(
    stopped_message: Stopped, ana: User, ben: User, now: datetime, verb: str
) -> None:
    case = stopped_message()
    seen = case.version
    acts.claim_case(case_id=case.pk, actor_id=ben.pk, now=now, version=seen)
    act = {**ACTS, "replay": replay_case}[verb]

    with pytest.raises(VersionStale, match=r"^Ben has this case now, so nothing was changed\."):
        act(case_id=case.pk, actor_id=ana.pk, now=now, version=seen)

    case.refresh_from_db()
    assert (case.state, case.owner, case.version) == ("CLAIMED", ben, seen + 1)
    assert [line.verb for line in case.events.order_by("pk")] == ["opened", "claim"]
    assert InboundMessage.objects.get().state == "DEAD"


def test_it_can_be_taken_over_by_whoever_saw_whose_it_is(
    problem: OpenCase, ana: User, ben: User, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ben.pk, now=now)
    case.refresh_from_db()
    with pytest.raises(VersionStale):
        acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now, version=case.version)

    acts.take_over_case(
        case_id=case.pk, actor_id=ana.pk, reason="He is ill", now=now, version=case.version
    )

    case.refresh_from_db()
    line = case.events.latest("pk")
    assert (case.state, case.owner, case.version) == ("CLAIMED", ana, 3)
    assert (line.verb, line.actor, line.text) == ("take_over", ana, "From Ben: He is ill")
    acts.undo_act(event_id=line.pk, actor_id=ana.pk, now=now)
    case.refresh_from_db()
    assert case.owner == ben


def test_one_s_own_case_may_have_changed_meanwhile(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now, version=1)
    acts.add_note(case_id=case.pk, actor_id=ana.pk, text="Called them.", now=now)

    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="done", now=now, version=1)

    case.refresh_from_db()
    assert case.state == "RESOLVED"


def test_a_snooze_never_hides_a_breach(problem: OpenCase, ana: User, now: datetime) -> None:
    case = problem()
    assert case.due_at == now + timedelta(minutes=30)

    acts.snooze_case(case_id=case.pk, actor_id=ana.pk, minutes=24 * 60, now=now)

    case.refresh_from_db()
    assert case.wake_at == case.due_at


def test_a_snoozed_case_comes_back_by_itself_to_whoever_had_it(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)
    acts.snooze_case(case_id=case.pk, actor_id=ana.pk, minutes=5, now=now)

    assert wake_due_cases(now=now + timedelta(minutes=4)) == 0
    assert wake_due_cases(now=now + timedelta(minutes=5)) == 1

    case.refresh_from_db()
    assert (case.state, case.owner, case.wake_at) == ("CLAIMED", ana, None)


def test_connections_know_their_cases(problem: OpenCase, shop: Connection) -> None:
    assert problem().connection == shop
