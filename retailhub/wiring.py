"""Who reacts to what? The only place where apps react to each other.

Read from top to bottom, it is the path of an order. `manage.py wiring` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping

import connectors.subscribers as hub
import exceptions.subscribers as desk
import orders.subscribers as flow
from connectors import events as connectors
from exceptions import events as exceptions
from exceptions import offers, watch
from inventory import events as inventory
from orders import events as orders
from retailhub import hints
from retailhub.kernel.events import Event, Subscriber, wire
from retailhub.mail import alert

WIRING: Mapping[type[Event], tuple[Subscriber, ...]] = {
    # A message came to its end, or stopped.
    connectors.MessageFinished: (desk.close_cases_of_messages,),
    connectors.MessagesStopped: (desk.open_cases_for_messages,),
    connectors.MessagesReplaced: (desk.follow_newer_message,),
    connectors.OrdersMissed: (watch.open_cases_of_missed,),
    # The order's own steps.
    orders.OrdersAccepted: (watch.expect_in_erp, flow.ring_steps, hints.orders_changed),
    orders.OrdersReserved: (desk.close_cases_of_steps, flow.ring_steps, hints.orders_changed),
    orders.OrdersAllocated: (
        hub.post_and_release,
        watch.expect_acknowledgement,
        desk.close_cases_of_steps,
        hints.orders_changed,
    ),
    orders.OrderHeld: (desk.open_case_for_order, watch.stop_clocks, hints.order_changed),
    orders.OrderResumed: (
        desk.close_cases_of_order,
        watch.start_clocks,
        flow.ring_steps,
        hints.order_changed,
    ),
    orders.OrderChanged: (hints.order_changed,),
    # What other systems are owed, and what they answered.
    connectors.EffectsOwed: (hub.ring_outbox,),
    connectors.EffectsSent: (
        hub.note_node_answers,
        hub.note_channel_answers,
        desk.close_cases_of_effects,
        watch.follow_effects,
        hints.effects_sent,
    ),
    connectors.EffectsStopped: (
        hub.note_untold,
        desk.open_cases_for_effects,
        watch.leave_it_to_its_case,
    ),
    connectors.EffectDoubted: (desk.open_case_for_doubt,),
    connectors.EffectSetAside: (
        hub.drop_at_node,
        desk.close_cases_of_set_aside,
        watch.want_no_more,
    ),
    # Goods leave and arrive.
    orders.ShipmentRecorded: (hub.tell_of_shipment, watch.follow_shipment, hints.order_changed),
    orders.OrderDelivered: (hints.order_changed,),
    orders.RefundRecorded: (watch.follow_money, hints.order_changed),
    # The channel changed its mind.
    orders.CancellationRequested: (hub.stop_what_was_asked,),
    orders.OrderCancelled: (
        hub.close_in_erp,
        watch.expect_nothing_more,
        watch.expect_money_back,
        desk.close_cases_of_order,
        hints.order_changed,
    ),
    # Stock.
    inventory.StockCounted: (
        flow.wake_waiting_orders,
        desk.close_overdrafts,
        desk.close_recounts,
        hints.stock_changed,
    ),
    inventory.StockFreed: (
        flow.wake_waiting_orders,
        desk.close_overdrafts,
        hints.stock_changed,
    ),
    inventory.StockOverdrawn: (desk.open_case_for_overdraft,),
    inventory.StockProved: (desk.follow_stock_proof,),
    # What channels are told of it.
    inventory.OffersChanged: (hints.stock_changed,),
    inventory.StockOffered: (hub.owe_offered,),
    inventory.StockRefused: (offers.open_case_for_refusal,),
    inventory.StockDrifted: (offers.open_case_for_drift,),
    inventory.OffersCured: (offers.close_cured,),
    inventory.SnapshotStored: (hub.ring_snapshots,),
    inventory.SnapshotEnded: (desk.follow_snapshot,),
    inventory.ChannelsLate: (offers.open_cases_for_late_channels,),
    inventory.ChannelsInTime: (offers.close_cases_of_channels_in_time,),
    # People and machinery.
    connectors.MappingSaved: (hub.free_what_waited,),
    connectors.ConnectionChanged: (
        desk.follow_connection,
        watch.follow_pause,
        hints.connection_changed,
    ),
    exceptions.CaseChanged: (desk.tell_of_case, hints.case_changed),
    exceptions.CasesBreached: (desk.tell_of_breach,),
    exceptions.CasesChanged: (desk.tell_of_cases, alert.mail_of_incidents, hints.cases_changed),
    exceptions.CausesChanged: (hints.causes_changed,),
    exceptions.ReplayRunChanged: (hints.run_changed,),
}


def install() -> None:
    """Join the table to the bus. Called once, when Django is ready."""
    wire(WIRING)
