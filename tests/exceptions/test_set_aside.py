"""What a decision on a case does to its message, a minute later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User

from connectors.events import EffectsStopped
from connectors.models import InboundMessage, OutboundMessage
from exceptions.errors import NothingToUndo
from exceptions.models import ExceptionCase
from exceptions.services import acts
from exceptions.services.sweep import set_aside_what_was_decided
from orders.models import Order
from retailhub.kernel.events import publish
from tests.conftest import PlaceOrder, Stock, line
from tests.exceptions.conftest import Stopped
from tests.exceptions.verbs import ACTS


def test_an_ignored_message_is_set_aside_after_a_minute(
    stopped_message: Stopped, ana: User, now: datetime
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
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.ignore_case(case_id=case.pk, actor_id=ana.pk, reason="oops", now=now)
    acts.undo_act(event_id=case.events.get(verb="ignore").pk, actor_id=ana.pk, now=now)

    assert set_aside_what_was_decided(now=now + timedelta(hours=1)) == 0
    assert InboundMessage.objects.get().state == "DEAD"


def test_a_message_whose_case_was_resolved_by_hand_stays_as_it_is(
    stopped_message: Stopped, ana: User, now: datetime
) -> None:
    case = stopped_message()
    acts.resolve_case(case_id=case.pk, actor_id=ana.pk, reason="by hand", now=now)

    assert set_aside_what_was_decided(now=now + timedelta(hours=1)) == 0
    assert InboundMessage.objects.get().state == "DEAD"


@pytest.mark.parametrize("verb", ["resolve", "ignore"])
@pytest.mark.parametrize("state", ["DEAD", "MANUAL"])
def test_an_effect_that_was_decided_on_blocks_its_lane_no_more(
    stopped_effect: Stopped, ana: User, now: datetime, verb: str, state: str
) -> None:
    case = stopped_effect(state=state)
    closes = partial(acts.resolve_case, reason="by phone", how="other way")
    by_verb: dict[str, Callable[..., ExceptionCase]] = {**ACTS, "resolve": closes}
    by_verb[verb](case_id=case.pk, actor_id=ana.pk, now=now)

    assert set_aside_what_was_decided(now=now + timedelta(minutes=2)) == 1

    assert OutboundMessage.objects.get().state == "CANCELLED"


def test_a_node_that_will_never_be_told_holds_up_no_cancellation(
    stopped_effect: Stopped, place: PlaceOrder, stock: Stock, ana: User, now: datetime
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
