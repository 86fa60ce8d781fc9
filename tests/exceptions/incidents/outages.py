"""A connection falls and answers again, and what waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from connectors.models import Connection, OutboundMessage
from connectors.services import breaker
from connectors.services.enqueue import Effect, enqueue_effects
from connectors.systems.base import IntentKind
from exceptions.models import ExceptionCase
from orders.models import Order
from retailhub.kernel.trace import new_trace_id
from tests.exceptions.conftest import Stopped


def falls(connection: Connection) -> ExceptionCase:
    """The breaker opens."""
    breaker.extend(Connection.objects.get(pk=connection.pk), "No answer.", now=timezone.now())
    return incident_of(connection)


def answers(connection: Connection) -> ExceptionCase:
    """A look at it works."""
    breaker.note_success(Connection.objects.get(pk=connection.pk), now=timezone.now())
    return incident_of(connection)


def incident_of(connection: Connection) -> ExceptionCase:
    return ExceptionCase.objects.get(connection=connection, code="connectors.connection_down")


def owe(connection: Connection, orders: Sequence[Order]) -> list[OutboundMessage]:
    effects = [
        Effect(
            connection_id=connection.pk,
            kind=IntentKind.POST_ORDER,
            reference=order.reference,
            lane=f"order:{order.reference}",
            payload={},
            trace_id=new_trace_id(),
            order_id=order.pk,
        )
        for order in orders
    ]
    enqueue_effects(effects, now=timezone.now())
    return list(OutboundMessage.objects.filter(connection=connection).order_by("pk"))


def exhausted(stopped_effect: Stopped, *references: str) -> list[ExceptionCase]:
    """Effects that were given up because the system did not answer."""
    cases = [stopped_effect(reference) for reference in references]
    ids = [case.pk for case in cases]
    ExceptionCase.objects.filter(pk__in=ids).update(code="connectors.exhausted")
    return cases
