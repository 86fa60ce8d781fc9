"""Money that must come back, and connections that must be resumed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from connectors.models import Connection
from connectors.services.breaker import note_sign_in_needed
from connectors.services.pause import pause_connection, resume_connection
from exceptions.models import ExceptionCase, Expectation
from exceptions.services.overdue import raise_overdue
from orders.canonical import CanonicalRefund
from orders.models import Order
from orders.services.refund import record_refund
from tests.conftest import Accept, canonical, line
from tests.exceptions.watch.steps import DAY, MINUTE, REF, open_ones


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
