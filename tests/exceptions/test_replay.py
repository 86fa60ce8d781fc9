"""A case is tried again: from every open state, once, and it shows how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import InboundMessage, OutboundMessage
from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import CaseState
from exceptions.models import CaseEvent, ExceptionCase
from exceptions.services import acts
from exceptions.services.replay import replay_case
from inventory.services.count import record_count
from tests.conftest import PlaceOrder, Stock, advance, line
from tests.exceptions.conftest import OpenCase, Stopped, put_in
from tests.racing import at_once


@pytest.mark.parametrize("state", list(CaseState))
def test_replay_starts_from_every_open_state(
    stopped_message: Stopped, ana: User, now: datetime, state: CaseState
) -> None:
    case = put_in(stopped_message(), state)

    if state in {CaseState.RESOLVED, CaseState.IGNORED}:
        with pytest.raises(VerbNotAllowed):
            replay_case(case_id=case.pk, actor_id=ana.pk, now=now)
        assert InboundMessage.objects.get().state == "DEAD"
        return
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert case.state == "REPLAYING"
    expected = "DEAD" if state == CaseState.REPLAYING else "RECEIVED"
    assert InboundMessage.objects.get().state == expected


def test_replay_says_the_key_that_makes_it_once(
    stopped_effect: Stopped, ana: User, now: datetime
) -> None:
    case = stopped_effect()

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert case.events.latest("pk").text == "Sent again with key order.post:R1"
    assert OutboundMessage.objects.get().state == "READY"


@pytest.mark.django_db(transaction=True)
def test_replay_pressed_many_times_replays_once(
    stopped_effect: Stopped, ana: User, ben: User, now: datetime
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
    stopped_effect: Stopped, ana: User, now: datetime
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
