"""What the hub does when orders and mappings change. One service call each."""

from __future__ import annotations

from django.utils import timezone

from connectors.events import EffectSetAside, EffectsSent, EffectsStopped, MappingSaved
from connectors.services import replay
from connectors.services.free_untold import free_untold
from connectors.services.owe import (
    owe_allocation,
    owe_cancellation,
    owe_erp_cancellation,
    owe_shipment,
)
from connectors.services.owe_stock import owe_stock
from connectors.services.stock_answers import note_stock_answers, note_stock_stopped
from connectors.systems.base import IntentKind
from connectors.tasks import drain_critical_outbox, drain_inbox, drain_outbox, run_snapshots
from inventory.events import StockOffered
from orders.events import (
    CancellationRequested,
    OrderCancelled,
    OrdersAllocated,
    ShipmentRecorded,
)
from orders.services.cancel import confirm_node_cancellations, drop_cancelled
from orders.services.release import note_released
from retailhub.kernel.events import Event
from retailhub.kernel.work import after_commit


def post_and_release(event: OrdersAllocated) -> None:
    """The ERP and the nodes hear of placed orders."""
    owe_allocation(event.order_ids, now=timezone.now())


def tell_of_shipment(event: ShipmentRecorded) -> None:
    """The channel and the ERP hear of a parcel."""
    owe_shipment(event.shipment_id, now=timezone.now())


def stop_what_was_asked(event: CancellationRequested) -> None:
    """Nodes are asked to stop, or never hear of it."""
    owe_cancellation(event.order_id, now=timezone.now())


def close_in_erp(event: OrderCancelled) -> None:
    """The ERP hears that nothing will be sent."""
    owe_erp_cancellation(event.order_id, now=timezone.now())


def note_node_answers(event: EffectsSent) -> None:
    """Nodes took orders, or agreed to drop them."""
    for kind, note in _NODE_ANSWERS.items():
        answers = {e.reference: e.external_id for e in event.effects if e.kind == kind}
        if answers:
            note(answers, now=timezone.now())


def owe_offered(event: StockOffered) -> None:
    """Channels are owed the numbers just decided."""
    owe_stock(channel_ids=event.channel_ids, now=timezone.now())


def note_channel_answers(event: EffectsSent) -> None:
    """Channels took numbers, or not."""
    note_stock_answers(event.effects, now=timezone.now())


def note_untold(event: EffectsStopped) -> None:
    """Numbers that could not be told."""
    for message_id in event.message_ids:
        note_stock_stopped(message_id=message_id, now=timezone.now())


def drop_at_node(event: EffectSetAside) -> None:
    """What a node is never told again it will not send: a cancelled order need not wait for it."""
    if event.kind in _NODE_ANSWERS:
        drop_cancelled(reference=event.reference, now=timezone.now())


_NODE_ANSWERS = {
    IntentKind.RELEASE_FULFILLMENT.value: note_released,
    IntentKind.CANCEL_FULFILLMENT.value: confirm_node_cancellations,
}


def free_what_waited(event: MappingSaved) -> None:
    """Messages that waited for this row are taken again."""
    replay.free_parked(
        connection_id=event.connection_id,
        table=event.table,
        external_code=event.external_code,
        canonical_code=event.canonical_code,
        now=timezone.now(),
    )
    free_untold(connection_id=event.connection_id)
    after_commit(drain_inbox)
    after_commit(drain_outbox)


def ring_outbox(_: Event) -> None:
    """Workers look at the outbox now."""
    after_commit(drain_critical_outbox)


def ring_snapshots(_: Event) -> None:
    """Workers look for files of stock now."""
    after_commit(run_snapshots)
