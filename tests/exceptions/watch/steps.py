"""The steps of an order, told as workers tell them, and which of them are awaited."""

from __future__ import annotations

from datetime import timedelta

from connectors.events import EffectsSent, SentEffect
from connectors.models import OutboundMessage
from exceptions.models import Expectation
from orders.models import Order
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.events import publish

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
REF = "shopify-de-1001"
PART = f"{REF}-F1"


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


class Stop(NeedsOperator):
    code = "orders.changed_after_release"


def locked(order: Order) -> Order:
    return Order.objects.select_for_update().get(pk=order.pk)
