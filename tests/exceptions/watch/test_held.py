"""An order that is held, stopped or cancelled is late for nothing."""

from __future__ import annotations

from datetime import datetime

import time_machine

from connectors.events import EffectSetAside, EffectsStopped
from connectors.models import OutboundMessage
from exceptions.models import ExceptionCase, Expectation
from exceptions.services.overdue import raise_overdue
from orders.models import Order
from orders.services.cancel import request_cancellation
from orders.services.hold import hold_order, resume_order
from retailhub.kernel.events import publish
from tests.conftest import Accept, canonical
from tests.exceptions.watch.steps import DAY, MINUTE, PART, Stop, locked, open_ones


def test_a_held_order_is_not_late_and_its_clock_goes_on_with_it(
    accept: Accept, now: datetime
) -> None:
    order = accept(canonical("1001"))
    opened = Expectation.objects.get().opened_at
    with time_machine.travel(now + 5 * MINUTE, tick=False):
        hold_order(locked(order), Stop("Stop."), now=now)
    assert raise_overdue(now=now + DAY) == 0

    with time_machine.travel(now + DAY, tick=False):
        resume_order(locked(order), now=now)

    row = Expectation.objects.get()
    assert row.paused_at is None
    assert row.due_at == opened + 10 * MINUTE + DAY
    assert raise_overdue(now=row.due_at) == 1


def test_what_waits_for_its_payment_from_the_start_is_not_late(
    accept: Accept, now: datetime
) -> None:
    accept(canonical("1001", financial_status="PENDING"))

    assert raise_overdue(now=now + DAY) == 0
    paid = canonical("1001", financial_status="PAID", version=now)
    with time_machine.travel(now + DAY, tick=False):
        order = accept(paid)

    assert (order.held_for, order.expectations.get().due_at) == ("", now + DAY + 15 * MINUTE)


def test_a_hold_takes_the_place_of_what_was_raised_before_it(accept: Accept, now: datetime) -> None:
    order = accept(canonical("1001"))
    raise_overdue(now=now + 20 * MINUTE)

    hold_order(locked(order), Stop("Stop."), now=now)

    states = dict(ExceptionCase.objects.values_list("code", "state"))
    assert states == {
        "expectations.order_in_erp": "RESOLVED",
        "orders.changed_after_release": "NEW",
    }
    row = Expectation.objects.get()
    assert (row.raised_at, row.case, row.met_at) == (None, None, None)


def test_an_effect_that_stopped_is_one_case_not_two(order: Order, now: datetime) -> None:
    raise_overdue(now=now + 20 * MINUTE)
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(state="SENDING")
    effects.update(state="DEAD", error_code="connectors.rejected", error_detail="No.")

    publish(EffectsStopped(message_ids=(effects.get().pk,)))

    open_codes = ExceptionCase.objects.filter(state="NEW").values_list("code", flat=True)
    assert list(open_codes) == ["connectors.rejected"]
    assert raise_overdue(now=now + DAY) == 0  # one order, one alarm
    ExceptionCase.objects.update(state="RESOLVED", closed_at=now)
    assert raise_overdue(now=now + DAY) == 2  # closed, and still nothing is there


def test_what_a_person_set_aside_is_expected_no_more(order: Order) -> None:
    effect = OutboundMessage.objects.get(kind="order.post")
    publish(
        EffectSetAside(
            message_id=effect.pk, kind=effect.kind, order_id=order.pk, reference=effect.reference
        )
    )

    assert open_ones() == {("node_acknowledged", PART)}


def test_a_cancelled_order_is_late_for_nothing(accept: Accept, now: datetime) -> None:
    order = accept(canonical("1001", financial_status="AUTHORIZED"))
    raise_overdue(now=now + 20 * MINUTE)

    order = locked(order)
    order.cancelled_at = now
    request_cancellation(order, reason="customer", now=now)

    assert open_ones() == set()
    assert ExceptionCase.objects.get().state == "RESOLVED"
    assert raise_overdue(now=now + DAY) == 0
