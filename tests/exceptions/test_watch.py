"""What an order must do next is known from its facts, and raised only when it really is missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors.events import EffectSetAside, EffectsSent, EffectsStopped, SentEffect
from connectors.models import Connection, OutboundMessage
from connectors.services.breaker import note_sign_in_needed
from connectors.services.pause import pause_connection, resume_connection
from exceptions import watch
from exceptions.buttons import buttons_of
from exceptions.errors import VerbNotAllowed
from exceptions.lifecycle import Outcome
from exceptions.models import ExceptionCase, Expectation
from exceptions.selectors import visible_cases
from exceptions.services.expectations import Awaited, expect
from exceptions.services.look_again import PATIENCE
from exceptions.services.overdue import raise_overdue
from exceptions.services.plan_replay import plan_replay
from exceptions.services.replay import replay_case
from orders.canonical import CanonicalRefund
from orders.models import Order
from orders.services.cancel import request_cancellation
from orders.services.hold import hold_order, resume_order
from orders.services.refund import record_refund
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish
from tests.conftest import Accept, PlaceOrder, Stock, canonical, line
from tests.orders.node import Kind, part_of, tell

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_goes_unwatched(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    failed = [record for record in caplog.records if record.name == watch.__name__]
    assert [record.getMessage() for record in failed] == []


@pytest.fixture(autouse=True)
def _systems(shop: Connection, erp: Connection, wms: Connection) -> None:
    """All well for a long time."""
    Connection.objects.update(health_since=timezone.now() - DAY)


def open_ones() -> set[tuple[str, str]]:
    rows = Expectation.objects.filter(met_at=None, voided_at=None)
    return set(rows.values_list("template__code", "business_key"))


def sent(kind: str, reference: str, order: Order) -> None:
    """The effect is there: the row and the fact, as a worker writes them."""
    owed = OutboundMessage.objects.get(kind=kind, reference=reference)
    OutboundMessage.objects.filter(pk=owed.pk).update(state="SENDING")
    OutboundMessage.objects.filter(pk=owed.pk).update(state="SENT", external_id="X1")
    fact = SentEffect(
        message_id=owed.pk, kind=kind, order_id=order.pk, reference=reference, external_id="X1"
    )
    publish(EffectsSent(effects=(fact,)))


REF = "shopify-de-1001"
PART = f"{REF}-F1"


@pytest.fixture
def order(stock: Stock, place: PlaceOrder) -> Order:
    """Placed at a node; nobody outside has answered."""
    stock("MUG", 50)
    return place("1001")


# --- What opens and meets ----------------------------------------------------------------------


def test_every_step_of_an_order_opens_the_next(
    order: Order, erp: Connection, wms: Connection, shop: Connection
) -> None:
    assert open_ones() == {("order_in_erp", REF), ("node_acknowledged", PART)}

    sent("order.post", REF, order)
    assert open_ones() == {("node_acknowledged", PART)}
    sent("fulfillment.release", PART, order)
    assert open_ones() == {("node_ships", PART)}

    tell(order, Kind.SHIPPED)
    parcel = part_of(order).shipments.get().reference
    assert open_ones() == {("tracking_on_channel", parcel)}
    sent("shipment.notify", parcel, order)

    assert open_ones() == set()
    rows = Expectation.objects.values_list("template__code", "connection", "subject", "trace_id")
    told = ("Order #1001", order.trace_id)
    assert set(rows) == {
        ("order_in_erp", erp.pk, *told),
        ("node_acknowledged", wms.pk, *told),
        ("node_ships", wms.pk, *told),
        ("tracking_on_channel", shop.pk, *told),
    }


def test_a_part_of_the_goods_is_not_all_of_them(stock: Stock, place: PlaceOrder) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    sent("fulfillment.release", PART, order)

    tell(order, Kind.SHIPPED, units={"1": 1}, parcel="P1")
    assert ("node_ships", PART) in open_ones()

    tell(order, Kind.SHIPPED, units={"1": 1}, parcel="P2")
    assert ("node_ships", PART) not in open_ones()
    assert Expectation.objects.filter(template__code="tracking_on_channel").count() == 2


def test_where_there_is_no_erp_nobody_waits_for_it(
    accept: Accept, erp: Connection, stock: Stock
) -> None:
    Connection.objects.filter(pk=erp.pk).update(is_active=False)

    accept(canonical("1001"))

    assert not Expectation.objects.exists()


def test_an_order_that_comes_cancelled_is_expected_to_do_nothing(
    accept: Accept, now: datetime
) -> None:
    accept(canonical("1001", cancelled_at=now))

    assert not Expectation.objects.exists()


def test_a_reaction_that_breaks_harms_neither_the_order_nor_the_other_reactions(
    accept: Accept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_the_transaction(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(watch, "expect_all", break_the_transaction)

    order = accept(canonical("1001"))

    assert (order.state, Expectation.objects.count()) == ("ACCEPTED", 0)
    assert [r.getMessage() for r in caplog.records] == ["OrdersAccepted is not watched"]
    caplog.clear()


def test_a_batch_of_sent_effects_costs_as_much_as_one(stock: Stock, place: PlaceOrder) -> None:
    stock("MUG", 50)
    orders = [place(f"{number}") for number in range(1001, 1009)]
    facts = [
        SentEffect(message_id=0, kind=kind, order_id=row.pk, reference=reference, external_id="X")
        for row in orders
        for kind, reference in (
            ("order.post", row.reference),
            ("fulfillment.release", f"{row.reference}-F1"),
        )
    ]

    def asked(effects: list[SentEffect]) -> int:
        with CaptureQueriesContext(connection) as questions:
            watch.follow_effects(EffectsSent(effects=tuple(effects)))
        return len(questions)

    assert asked(facts[:2]) == asked(facts[2:])
    assert {code for code, _ in open_ones()} == {"node_ships"}


# --- What is raised ----------------------------------------------------------------------------


def test_the_order_that_was_never_tried_is_found(accept: Accept, erp: Connection) -> None:
    order = accept(canonical("1001", line(unit_price=Decimal("89.00"))))

    assert raise_overdue(now=timezone.now() + 15 * MINUTE) == 1

    case = ExceptionCase.objects.get()
    assert case.title == "Order #1001 is not in NetSuite after 15 min · 89.00 EUR"
    assert case.detail == "NetSuite was never asked; the order is accepted."
    assert case.cause.title == "Orders are not in NetSuite in time"
    assert (case.code, case.order, case.connection, case.order_number) == (
        "expectations.order_in_erp", order, erp, "#1001",
    )  # fmt: skip
    assert (case.value, case.currency, case.severity, case.trace_id) == (
        Decimal("89.00"), "EUR", 3, order.trace_id,
    )  # fmt: skip


def test_what_is_owed_but_stuck_says_so(order: Order) -> None:
    OutboundMessage.objects.filter(kind="order.post").update(
        attempts=2, error_detail="NetSuite answers 503."
    )

    raise_overdue(now=timezone.now() + 15 * MINUTE)

    detail = ExceptionCase.objects.get().detail
    assert detail.startswith("It is owed since ")
    assert detail.endswith(", 2 tries so far. Last answer: NetSuite answers 503.")


def test_the_case_closes_as_soon_as_the_order_is_there(order: Order) -> None:
    raise_overdue(now=timezone.now() + DAY)
    assert ExceptionCase.objects.filter(state="NEW").count() == 2

    sent("order.post", REF, order)

    states = dict(ExceptionCase.objects.values_list("code", "state"))
    assert states == {
        "expectations.order_in_erp": "RESOLVED",
        "expectations.node_acknowledged": "NEW",
    }


@pytest.mark.parametrize(
    ("columns", "end"),
    [({"state": "SENT", "external_id": "SO-7"}, "NetSuite has SO-7"), ({"state": "CANCELLED"}, "")],
)
def test_the_records_are_asked_before_anybody_is_alarmed(
    order: Order, columns: dict[str, str], end: str
) -> None:
    effects = OutboundMessage.objects.filter(kind="order.post")
    effects.update(state="SENDING" if end else "READY")
    effects.update(**columns)  # and the fact about it was lost

    raise_overdue(now=timezone.now() + 15 * MINUTE)

    row = Expectation.objects.get(template__code="order_in_erp")
    assert (row.met_by, row.void_reason) == (end, "" if end else "It was set aside")
    assert not ExceptionCase.objects.exists()


def test_a_node_that_already_picks_has_acknowledged(order: Order) -> None:
    tell(order, Kind.PICKED)
    sent("order.post", REF, order)

    assert raise_overdue(now=timezone.now() + DAY) == 0

    row = Expectation.objects.get(template__code="node_acknowledged")
    assert row.met_by == "The node says picked"


def test_two_parcels_without_tracking_are_one_case_until_both_are_known(
    stock: Stock, place: PlaceOrder
) -> None:
    stock("MUG", 5)
    order = place("1001", line(quantity=2))
    sent("order.post", REF, order)
    sent("fulfillment.release", PART, order)
    for parcel in ("P1", "P2"):
        tell(order, Kind.SHIPPED, units={"1": 1}, parcel=parcel)
    raise_overdue(now=timezone.now() + 30 * MINUTE)
    first, second = (row.reference for row in part_of(order).shipments.order_by("pk"))

    sent("shipment.notify", first, order)
    assert ExceptionCase.objects.get().state == "NEW"
    sent("shipment.notify", second, order)
    assert ExceptionCase.objects.get().state == "RESOLVED"


# --- Held, stopped, cancelled ------------------------------------------------------------------


class Stop(NeedsOperator):
    code = "orders.changed_after_release"


def locked(order: Order) -> Order:
    return Order.objects.select_for_update().get(pk=order.pk)


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


# --- Looking again -----------------------------------------------------------------------------


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


# --- Money and pauses --------------------------------------------------------------------------


@pytest.fixture
def cancelled(accept: Accept, now: datetime) -> Order:
    """Paid, and cancelled before anything was sent. The shop has said nothing of the money."""
    accept(canonical("1001", line(unit_price=Decimal("20.00"))))
    said = canonical("1001", line(unit_price=Decimal("20.00")), cancelled_at=now, version=now)
    return accept(said)


def refund(order: Order, number: str, amount: str, now: datetime) -> None:
    said = CanonicalRefund(
        external_id=number,
        order_external_id=order.external_id,
        amount=Decimal(amount),
        currency="EUR",
        refunded_at=now,
    )
    record_refund(said, channel_id=order.channel_id, now=now)


def test_the_money_of_a_cancelled_order_must_come_back_whole(
    cancelled: Order, now: datetime
) -> None:
    assert open_ones() == {("money_given_back", REF)}

    refund(cancelled, "R1", "5.00", now)
    assert open_ones() == {("money_given_back", REF)}
    assert raise_overdue(now=timezone.now() + DAY) == 1
    case = ExceptionCase.objects.get()
    assert case.title == (
        "Order #1001 was cancelled, and its money is not given back after 24 h · 20.00 EUR"
    )

    refund(cancelled, "R2", "15.00", now)
    case.refresh_from_db()
    assert (case.state, open_ones()) == ("RESOLVED", set())


def test_a_payment_that_was_voided_is_money_given_back(cancelled: Order) -> None:
    Order.objects.filter(pk=cancelled.pk).update(financial_status="VOIDED")

    assert raise_overdue(now=timezone.now() + DAY) == 0

    row = Expectation.objects.get(template__code="money_given_back")
    assert row.met_by == "All of it is given back"


@pytest.mark.parametrize("status", ["AUTHORIZED", "REFUNDED", "VOIDED"])
def test_where_no_money_is_kept_none_must_come_back(
    accept: Accept, now: datetime, status: str
) -> None:
    accept(canonical("1001"))
    accept(canonical("1001", cancelled_at=now, version=now, financial_status=status))

    assert open_ones() == set()


def test_a_pause_that_is_forgotten_is_found(wms: Connection, now: datetime) -> None:
    pause_connection(connection_id=wms.pk, reason="Night", now=now)
    later = timezone.now() + 4 * 60 * MINUTE
    assert raise_overdue(now=later - MINUTE) == 0

    assert raise_overdue(now=later) == 1

    case = ExceptionCase.objects.get()
    assert case.title == "WMS Berlin is still paused after 4 h"
    resume_connection(connection_id=wms.pk, now=now)
    case.refresh_from_db()
    assert case.state == "RESOLVED"
    pause_connection(connection_id=wms.pk, reason="Night", now=now + DAY)
    assert {code for code, _ in open_ones()} == {"connection_resumed"}


def test_a_sign_in_that_is_needed_is_no_pause(wms: Connection, now: datetime) -> None:
    note_sign_in_needed(wms, "No.", now=now)

    assert open_ones() == set()


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
