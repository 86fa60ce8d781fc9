"""What people do to a case: every verb in every state, races, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.events import EffectsStopped
from connectors.models import Connection, InboundMessage, OutboundMessage
from exceptions.errors import NothingToUndo, VerbNotAllowed, VersionStale
from exceptions.lifecycle import VERBS, CaseState
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services import acts
from exceptions.services.replay import replay_case
from exceptions.services.sweep import set_aside_what_was_decided, wake_due_cases
from inventory.services.count import record_count
from orders.models import Order
from retailhub.kernel.events import publish
from tests.conftest import PlaceOrder, Stock, advance, line
from tests.exceptions.conftest import OpenCase, put_in
from tests.racing import at_once

S = CaseState
Make = Callable[..., ExceptionCase]

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
ACTS: dict[str, Callable[..., ExceptionCase]] = {
    "claim": acts.claim_case,
    "take_over": partial(acts.take_over_case, reason="on holiday"),
    "release": acts.release_case,
    "wait": partial(acts.wait_case, on_whom="the customer"),
    "snooze": partial(acts.snooze_case, minutes=30),
    "wake": acts.wake_case,
    "resolve": partial(acts.resolve_case, reason="done"),
    "ignore": partial(acts.ignore_case, reason="never mind"),
    "reopen": partial(acts.reopen_case, reason="not done"),
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


# --- What somebody else has ---------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["claim", "take_over", "snooze", "resolve", "ignore", "replay"])
def test_what_somebody_else_took_meanwhile_is_left_alone(
    stopped_message: Make, ana: User, ben: User, now: datetime, verb: str
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


# --- Snooze ------------------------------------------------------------------------------------


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


# --- Taking it back ----------------------------------------------------------------------------


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
    stopped_message: Make, ana: User, now: datetime
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


# --- What a decision does to the message -------------------------------------------------------


def test_an_ignored_message_is_set_aside_after_a_minute(
    stopped_message: Make, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.ignore_case(case_id=case.pk, actor_id=ana.pk, reason="a test of theirs", now=now)

    assert set_aside_what_was_decided(now=now + timedelta(seconds=59)) == 0
    assert set_aside_what_was_decided(now=now + timedelta(seconds=60)) == 1
    assert set_aside_what_was_decided(now=now + timedelta(seconds=99)) == 0

    assert InboundMessage.objects.get().state == "IGNORED"
    with pytest.raises(NothingToUndo, match="was set aside for good"):
        acts.undo_act(event_id=case.events.get(verb="ignore").pk, actor_id=ana.pk, now=now)


def test_what_was_taken_back_in_time_is_not_set_aside(
    stopped_message: Make, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.ignore_case(case_id=case.pk, actor_id=ana.pk, reason="oops", now=now)
    acts.undo_act(event_id=case.events.get(verb="ignore").pk, actor_id=ana.pk, now=now)

    assert set_aside_what_was_decided(now=now + timedelta(hours=1)) == 0
    assert InboundMessage.objects.get().state == "DEAD"


def test_a_message_whose_case_was_resolved_by_hand_stays_as_it_is(
    stopped_message: Make, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="by hand", now=now)

    assert set_aside_what_was_decided(now=now + timedelta(hours=1)) == 0
    assert InboundMessage.objects.get().state == "DEAD"


@pytest.mark.parametrize("verb", ["resolve", "ignore"])
@pytest.mark.parametrize("state", ["DEAD", "MANUAL"])
def test_an_effect_that_was_decided_on_blocks_its_lane_no_more(
    stopped_effect: Make, ana: User, now: datetime, verb: str, state: str
) -> None:
    case = stopped_effect(state=state)
    closes = partial(acts.resolve_case, reason="by phone", how="other way")
    by_verb: dict[str, Callable[..., ExceptionCase]] = {**ACTS, "resolve": closes}
    by_verb[verb](case_id=case.pk, actor_id=ana.pk, now=now)

    assert set_aside_what_was_decided(now=now + timedelta(minutes=2)) == 1

    assert OutboundMessage.objects.get().state == "CANCELLED"


def test_a_node_that_will_never_be_told_holds_up_no_cancellation(
    stopped_effect: Make, place: PlaceOrder, stock: Stock, ana: User, now: datetime
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    release = OutboundMessage.objects.filter(kind="fulfillment.release")
    release.update(state="SENDING", attempts=1)
    release.update(state="MANUAL", error_code="connectors.outcome_unknown")
    Order.objects.filter(pk=order.pk).update(cancelled_at=now)
    publish(EffectsStopped(message_ids=(release.get().pk,)))
    case = ExceptionCase.objects.get(outbound=release.get())
    acts.ignore_case(case_id=case.pk, actor_id=ana.pk, reason="they have nothing", now=now)

    set_aside_what_was_decided(now=now + timedelta(minutes=2))

    order.refresh_from_db()
    assert order.state == "CANCELLED"


# --- Replay ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(S))
def test_replay_starts_from_every_open_state(
    stopped_message: Make, ana: User, now: datetime, state: CaseState
) -> None:
    case = put_in(stopped_message(), state)

    if state in {S.RESOLVED, S.IGNORED}:
        with pytest.raises(VerbNotAllowed):
            replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
        assert InboundMessage.objects.get().state == "DEAD"
        return
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert case.state == "REPLAYING"
    expected = "DEAD" if state == S.REPLAYING else "RECEIVED"
    assert InboundMessage.objects.get().state == expected


def test_replay_says_the_key_that_makes_it_once(
    stopped_effect: Make, ana: User, now: datetime
) -> None:
    case = stopped_effect()

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert case.events.latest("pk").text == "Sent again with key order.post:R1"
    assert OutboundMessage.objects.get().state == "READY"


@pytest.mark.django_db(transaction=True)
def test_replay_pressed_many_times_replays_once(
    stopped_effect: Make, ana: User, ben: User, now: datetime
) -> None:
    case = stopped_effect()

    ends = at_once(
        [
            partial(replay_case, case_id=case.pk, actor_id=who.pk, now=now)
            for who in (ana, ben, ana, ben)
        ]
    )

    assert [end for end in ends if isinstance(end, Exception)] == []
    row = OutboundMessage.objects.get()
    assert (row.state, row.generation) == ("READY", 1)
    assert CaseEvent.objects.filter(case=case, verb="replay").count() == 1


def test_what_is_under_way_is_not_replayed_and_the_case_stays(
    stopped_effect: Make, ana: User, now: datetime
) -> None:
    case = stopped_effect()
    OutboundMessage.objects.update(state="READY")  # somebody saved its mapping

    with pytest.raises(VerbNotAllowed, match="under way or done already"):
        replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert case.state == "NEW"


def test_a_case_about_a_connection_has_nothing_to_replay(
    problem: OpenCase, ana: User, now: datetime
) -> None:
    case = problem()

    with pytest.raises(VerbNotAllowed):
        replay_case(case_id=case.pk, actor_id=ana.pk, now=now)


def test_trying_an_order_again_shows_how_it_ended(
    place: PlaceOrder, stock: Stock, ana: User, now: datetime
) -> None:
    stock("MUG", 0)
    order = place("1001")
    case = ExceptionCase.objects.get()
    acts.claim_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert replay_case(case_id=case.pk, actor_id=ana.pk, now=now).state == "REPLAYING"
    advance()

    case.refresh_from_db()
    order.refresh_from_db()
    assert order.held_for == "inventory.insufficient_stock"
    assert (case.state, case.owner, case.failed_again) == ("CLAIMED", ana, 1)
    assert ExceptionCase.objects.count() == 1

    stock("MUG", 0)
    mugs = stock("MUG", 0)
    type(mugs).objects.filter(pk=mugs.pk).update(on_hand=5)
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
    advance()

    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "replay")


@pytest.mark.django_db(transaction=True)
def test_a_person_and_a_count_that_free_the_same_order_never_wait_in_a_circle(
    place: PlaceOrder, stock: Stock, ana: User, now: datetime
) -> None:
    for turn in range(4):
        mugs = stock(f"MUG{turn}", 0)
        place(f"{turn}", line(f"MUG{turn}"))
        case = ExceptionCase.objects.latest("pk")
        press: Callable[[], object] = partial(
            replay_case, case_id=case.pk, actor_id=ana.pk, now=now
        )
        count: Callable[[], object] = partial(
            record_count,
            item_id=mugs.item_id,
            location_id=mugs.location_id,
            quantity=3,
            counted_at=timezone.now(),
            effect_key=f"c{turn}",
        )

        ends = at_once([press, count])

        broken = [e for e in ends if isinstance(e, Exception) and not isinstance(e, VerbNotAllowed)]
        assert broken == []


def test_connections_know_their_cases(problem: OpenCase, shop: Connection) -> None:
    assert problem().connection == shop
