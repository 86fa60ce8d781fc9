"""Ten thousand failures in a minute: opened together, and each as if it had come alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from connectors.events import EffectsStopped, MessagesStopped
from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope, IntentKind
from exceptions.lifecycle import CaseState
from exceptions.models import Assignment, CaseEvent, Cause, ExceptionCase, SlaPolicy
from exceptions.subscribers import open_cases_for_effects, open_cases_for_messages
from orders.models import Order
from retailhub.kernel.trace import new_trace_id
from tests.conftest import PlaceOrder, Stock
from tests.exceptions.conftest import put_in

pytestmark = pytest.mark.usefixtures("orders_team")
_OWN = {"id", "created_at", "updated_at", "opened_at", "due_at", "respond_due_at", "ladder_at",
        "harm_until", "paused_at"}  # fmt: skip


@pytest.fixture
def dead(shop: Connection) -> Callable[..., list[int]]:
    """Inbound messages that are dead for `reason`."""

    def make(count: int, prefix: str = "k", reason: str = "The order lacks id.") -> list[int]:
        envelopes = [
            Envelope(topic="orders/create", key=f"{prefix}{n}", lane=f"order:{prefix}{n}")
            for n in range(count)
        ]
        receive_messages(
            [Delivery(connection_id=shop.pk, envelope=one, body=b"{}") for one in envelopes]
        )
        rows = InboundMessage.objects.filter(key__in=[one.key for one in envelopes])
        rows.update(state="PROCESSING")
        rows.update(
            state="DEAD", error_code="connectors.invalid_body", error_detail=reason,
            error_context={"order_number": "#77", "value": "12.50", "currency": "EUR"},
        )  # fmt: skip
        return list(rows.order_by("pk").values_list("pk", flat=True))

    return make


def refused(erp: Connection, orders: Sequence[Order | None], now: datetime) -> list[int]:
    """An effect per order that the ERP refused."""
    enqueue_effects(
        [
            Effect(
                connection_id=erp.pk, kind=IntentKind.POST_ORDER, reference=f"R-{n}", lane=f"r:{n}",
                payload={}, trace_id=new_trace_id(), order_id=order.pk if order else None,
            )
            for n, order in enumerate(orders)
        ],
        now=now,
    )  # fmt: skip
    rows = OutboundMessage.objects.filter(reference__startswith="R-")
    rows.update(state="SENDING")
    rows.update(state="DEAD", error_code="connectors.rejected", error_detail="No such tax code.")
    return list(rows.order_by("pk").values_list("pk", flat=True))


def told() -> list[Any]:
    """What the desk knows of the open cases, but its own numbers and the moment."""
    found = []
    for case in ExceptionCase.objects.order_by("inbound", "outbound"):
        columns = {
            name: value for name, value in vars(case).items() if name not in _OWN | {"_state"}
        }
        lasts = {
            name: getattr(case, name) - case.opened_at if getattr(case, name) else None
            for name in ("due_at", "respond_due_at", "ladder_at", "harm_until", "paused_at")
        }
        events = list(CaseEvent.objects.filter(case=case).values("verb", "text", "before", "after"))
        given = Assignment.objects.filter(case=case)
        found.append((columns, lasts, events, list(given.values("team", "how", "explanation"))))
    return found


def test_many_at_once_are_opened_as_each_would_be_alone(
    dead: Callable[..., list[int]], erp: Connection, place: PlaceOrder, stock: Stock, now: datetime
) -> None:
    stock("MUG", 5)
    SlaPolicy.objects.create(code_prefix="connectors.rej", resolve_minutes=9, respond_minutes=3)
    messages = [*dead(3), *dead(2, "x", "Its tax is unknown.")]
    effects = refused(erp, [place("1001"), None], now)
    for message_id in messages[:1]:  # it had been there once before
        open_cases_for_messages(MessagesStopped(message_ids=(message_id,)))
        put_in(ExceptionCase.objects.get(), CaseState.RESOLVED)
    Connection.objects.filter(pk=erp.pk).update(health="DOWN")

    with transaction.atomic():
        for pk in messages:
            open_cases_for_messages(MessagesStopped(message_ids=(pk,)))
        for pk in effects:
            open_cases_for_effects(EffectsStopped(message_ids=(pk,)))
        alone = told()
        causes = list(Cause.objects.order_by("fingerprint").values("fingerprint", "title", "code"))
        transaction.set_rollback(True)
    open_cases_for_messages(MessagesStopped(message_ids=tuple(messages)))
    open_cases_for_effects(EffectsStopped(message_ids=tuple(effects)))

    assert len(alone) == 8
    assert [_without_ids(one) for one in told()] == [_without_ids(one) for one in alone]
    found = Cause.objects.order_by("fingerprint").values("fingerprint", "title", "code")
    assert list(found) == causes
    assert ExceptionCase.objects.filter(recurs__isnull=False).count() == 3  # same cause and order


def _without_ids(one: Any) -> Any:
    columns, *rest = one
    names = {"cause_id", "recurs_id"}
    return [{name: value for name, value in columns.items() if name not in names}, *rest]


def test_five_hundred_take_as_many_statements_as_five_and_a_moment(
    dead: Callable[..., list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    open_cases_for_messages(MessagesStopped(message_ids=tuple(dead(5, "a"))))
    with CaptureQueriesContext(database) as few:
        open_cases_for_messages(MessagesStopped(message_ids=tuple(dead(5, "b"))))
    many_dead = tuple(dead(500, "c"))
    with CaptureQueriesContext(database) as many:
        began = time.process_time()
        open_cases_for_messages(MessagesStopped(message_ids=many_dead))
        took = time.process_time() - began
    with capsys.disabled():
        print(f"\n{len(many)} statements, {took / 500 * 1000:.2f} ms of ours per case")  # noqa: T201

    assert len(many) <= len(few)
    assert ExceptionCase.objects.count() == 510
    assert Cause.objects.count() == 1


def test_what_is_open_already_is_told_that_it_failed_again_beside_what_is_new(
    dead: Callable[..., list[int]], ana: User, now: datetime
) -> None:
    first, second = dead(2)
    open_cases_for_messages(MessagesStopped(message_ids=(first,)))
    case = put_in(ExceptionCase.objects.get(), CaseState.REPLAYING)

    open_cases_for_messages(MessagesStopped(message_ids=(first, second)))

    case.refresh_from_db()
    assert (case.state, case.failed_again) == ("NEW", 1)
    assert ExceptionCase.objects.get(inbound=second).failed_again == 0
    assert ExceptionCase.objects.count() == 2
