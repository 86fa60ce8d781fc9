"""Looking again asks for what is owed, owes what was forgotten, and ends in an answer."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from exceptions.buttons import buttons_of
from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import Outcome
from exceptions.models import ExceptionCase
from exceptions.selectors import visible_cases
from exceptions.services.expectations import Awaited, expect
from exceptions.services.look_again import PATIENCE
from exceptions.services.overdue import raise_overdue
from exceptions.services.plan_replay import plan_replay
from exceptions.services.replay import replay_case
from orders.models import Order
from orders.services.hold import hold_order
from tests.exceptions.watch.steps import DAY, MINUTE, PART, REF, Stop, locked, sent


def raised(order: Order, now: datetime) -> ExceptionCase:
    raise_overdue(now=now + 20 * MINUTE)
    return ExceptionCase.objects.get(order=order, code="expectations.order_in_erp")


def test_looking_again_asks_at_once_for_what_is_owed(
    order: Order, ana: User, now: datetime
) -> None:
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(next_attempt_at=now + DAY)
    case = raised(order, now)

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert (case.state, effects.get().next_attempt_at) == ("REPLAYING", now)
    sent("order.post", REF, order)
    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "replay")


def test_looking_again_owes_what_was_forgotten(order: Order, ana: User, now: datetime) -> None:
    OutboundMessage.objects.filter(kind="order.post").delete()  # nobody ever tried
    case = raised(order, now)
    assert case.detail == "NetSuite was never asked; the order is allocated."

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert OutboundMessage.objects.get(kind="order.post").state == "READY"
    assert OutboundMessage.objects.count() == 2


def test_what_is_in_doubt_keeps_its_time(order: Order, ana: User, now: datetime) -> None:
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(state="SENDING")
    effects.update(state="UNKNOWN", must_look_up=True, next_attempt_at=now + DAY)

    replay_case(case_id=raised(order, now).pk, actor_id=ana.pk, now=now)

    assert effects.get().next_attempt_at == now + DAY


def test_what_is_still_missing_after_a_second_look_failed_again(
    order: Order, ana: User, now: datetime
) -> None:
    case = raised(order, now)
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert raise_overdue(now=now + PATIENCE - MINUTE) == 0
    assert raise_overdue(now=now + PATIENCE) == 1

    case.refresh_from_db()
    assert (case.state, case.failed_again) == ("NEW", 1)


def test_looking_again_finds_what_happened_unheard(order: Order, ana: User, now: datetime) -> None:
    case = raised(order, now)
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(state="SENDING")
    effects.update(state="SENT", external_id="SO-7")

    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "replay")


def test_another_trouble_of_the_order_does_not_take_over_a_case_that_is_looked_at(
    order: Order, ana: User, now: datetime
) -> None:
    case = raised(order, now)
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    hold_order(locked(order), Stop("Stop."), now=now)

    states = dict(ExceptionCase.objects.values_list("code", "state"))
    assert states == {"expectations.order_in_erp": "RESOLVED", Stop.code: "NEW"}


def test_two_silences_of_one_order_are_two_cases(order: Order, ana: User, now: datetime) -> None:
    case = raised(order, now)
    replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert raise_overdue(now=now + DAY) == 2

    codes = ExceptionCase.objects.filter(state="NEW").values_list("code", flat=True)
    assert set(codes) == {"expectations.order_in_erp", "expectations.node_acknowledged"}


def test_nobody_replays_what_only_the_other_side_can_bring(
    wms: Connection, ana: User, now: datetime
) -> None:
    beat = Awaited(key="F1", subject="Order F1", connection_id=wms.pk)
    expect(template="node_ships", awaited=[beat], now=now)
    raise_overdue(now=now + DAY)
    case = ExceptionCase.objects.get()

    with pytest.raises(VerbNotAllowed):
        replay_case(case_id=case.pk, actor_id=ana.pk, now=now)

    assert "replay" not in {button.verb for button in buttons_of(case, user=ana)}


def test_of_many_only_those_are_replayed_whose_effects_we_owe(
    order: Order, mia: User, now: datetime
) -> None:
    raise_overdue(now=now + 20 * MINUTE)
    sent("fulfillment.release", PART, order)
    raise_overdue(now=timezone.now() + DAY)
    cases = dict(ExceptionCase.objects.filter(state="NEW").values_list("code", "pk"))

    plan = plan_replay(list(cases.values()), visible=visible_cases(mia))

    outcomes = {one.case_id: one.outcome for one in plan.cases}
    assert outcomes == {
        cases["expectations.order_in_erp"]: Outcome.READY,
        cases["expectations.node_ships"]: Outcome.NOTHING,
    }
