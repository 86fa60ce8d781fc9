"""Things that are stuck, and the cases about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import pytest
from django.utils import timezone

from connectors.events import EffectsStopped, MessagesStopped
from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope, IntentKind
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase
from exceptions.services.cases import Problem, open_case
from retailhub.kernel.events import publish
from retailhub.kernel.trace import new_trace_id

Stopped = Callable[..., ExceptionCase]


class OpenCase(Protocol):
    def __call__(self, code: str = ..., **more: Any) -> ExceptionCase: ...


@pytest.fixture
def problem(shop: Connection, now: datetime) -> OpenCase:
    """A case about a connection, pointing at nothing else."""

    def make(code: str = "connectors.connection_down", **more: Any) -> ExceptionCase:
        facts = {"detail": "It does not answer.", "connection_id": shop.pk, **more}
        facts.setdefault("connection_name", "Shopify DE")
        return open_case(Problem(code=code, **facts), now=now)

    return make


def put_in(case: ExceptionCase, state: CaseState, **more: Any) -> ExceptionCase:
    """The case as it would be in `state`."""
    closed = state in {CaseState.RESOLVED, CaseState.IGNORED}
    more.setdefault("closed_at", timezone.now() if closed else None)
    ExceptionCase.objects.filter(pk=case.pk).update(state=state, **more)
    case.refresh_from_db()
    return case


@pytest.fixture
def stopped_message(shop: Connection) -> Stopped:
    """An inbound message that is dead, and its case."""

    def make(key: str = "k1", **more: Any) -> ExceptionCase:
        envelope = Envelope(topic="orders/create", key=key, lane=f"order:{key}")
        delivery = Delivery(connection_id=shop.pk, envelope=envelope, body=b"{}")
        (stored,) = receive_messages([delivery])
        rows = InboundMessage.objects.filter(pk=stored.message_id)
        rows.update(state="PROCESSING")
        facts = {
            "error_code": "connectors.invalid_body",
            "error_detail": "The order lacks id.",
            "state": "DEAD",
            **more,
        }
        rows.update(**facts)
        publish(MessagesStopped(message_ids=(stored.message_id,)))
        return ExceptionCase.objects.get(inbound_id=stored.message_id)

    return make


@pytest.fixture
def stopped_effect(erp: Connection) -> Stopped:
    """An effect that was refused, and its case."""

    def make(reference: str = "R1", state: str = "DEAD", **more: Any) -> ExceptionCase:
        enqueue_effects(
            [
                Effect(
                    connection_id=erp.pk,
                    kind=more.pop("kind", IntentKind.POST_ORDER),
                    reference=reference,
                    lane=more.pop("lane", f"lane:{reference}"),
                    payload={},
                    trace_id=new_trace_id(),
                    order_id=more.pop("order_id", None),
                )
            ],
            now=timezone.now(),
        )
        row = OutboundMessage.objects.latest("pk")
        rows = OutboundMessage.objects.filter(pk=row.pk)
        rows.update(state="SENDING")
        rows.update(
            state=state,
            attempts=1,
            error_code="connectors.rejected",
            error_detail="NetSuite refused with 400.",
        )
        publish(EffectsStopped(message_ids=(row.pk,)))
        return ExceptionCase.objects.get(outbound=row)

    return make
