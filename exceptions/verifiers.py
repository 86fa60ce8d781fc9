"""Somebody says that it is cured. What do the records say? One row per kind of case.

Every verifier looks at any number of cases with as many questions as at one, and changes nothing.
"""

from __future__ import annotations

from connectors.lifecycle import InboundState, OutboundState
from connectors.models import CodeMapping, Connection, OutboundMessage
from connectors.services.prove import STOPPED
from connectors.systems.base import IntentKind
from exceptions.evidence import look_at
from exceptions.expected import is_expectation
from exceptions.models import ExceptionCase, Expectation
from exceptions.stock_verifiers import STOCK, of_offers
from exceptions.verdict import (
    Cases,
    Finding,
    Verdict,
    Verifier,
    cured,
    later,
    name_of,
    not_cured,
    on_their_word,
    only_a_person_knows,
)
from orders.lifecycle import OrderState
from orders.models import Order


def verify(cases: Cases) -> dict[int, Finding]:
    """What is known of each case, loaded with connection, inbound, outbound and order."""
    kinds: dict[Verifier, list[ExceptionCase]] = {}
    for case in cases:
        kinds.setdefault(verifier_of(case), []).append(case)
    return {pk: found for look, group in kinds.items() for pk, found in look(group).items()}


def of_effects(cases: Cases) -> dict[int, Finding]:
    """Does the other system have it?"""
    return {case.pk: _of_effect(case, case.outbound) for case in cases if case.outbound}


def _of_effect(case: ExceptionCase, effect: OutboundMessage) -> Finding:
    name, order = name_of(case), case.order
    if effect.state == OutboundState.SENT:
        return cured(f"{name} has {effect.external_id or 'it'}")
    if effect.state == OutboundState.SUPERSEDED:
        return cured("A newer one stands for it")
    if order is not None and order.state == OrderState.CANCELLED and effect.kind not in _UNDOING:
        return cured(f"Order {order.number} is cancelled")
    if effect.state == OutboundState.CANCELLED:
        return on_their_word("It was set aside here and is not sent any more")
    if effect.state in STOPPED:
        return Finding(Verdict.ASK, f"{name} still has no {_called(effect, case)}")
    return later(f"It is on its way to {name}")


_UNDOING = frozenset({IntentKind.CANCEL_ORDER, IntentKind.CANCEL_FULFILLMENT})
_WHAT = {
    IntentKind.POST_ORDER: "order",
    IntentKind.CANCEL_ORDER: "closing of order",
    IntentKind.POST_FULFILLMENT: "fulfilment of order",
    IntentKind.RELEASE_FULFILLMENT: "release of order",
    IntentKind.CANCEL_FULFILLMENT: "cancellation of order",
    IntentKind.NOTIFY_SHIPMENT: "shipment of order",
}


def _called(effect: OutboundMessage, case: ExceptionCase) -> str:
    what = _WHAT.get(IntentKind(effect.kind), "")
    return f"{what} {case.order_number}" if what and case.order_number else effect.effect_key


def of_messages(cases: Cases) -> dict[int, Finding]:
    """Was it applied, or did the same order come in by another message?"""
    orders = _orders_since(cases)
    found = {}
    for case in cases:
        if (message := case.inbound) is None:
            continue
        newer = orders.get((case.connection_id or 0, case.order_number))
        if message.state in {InboundState.PROCESSED, InboundState.SUPERSEDED}:
            found[case.pk] = cured("Its message went through")
        elif message.state == InboundState.IGNORED:
            found[case.pk] = on_their_word("Its message was set aside")
        elif message.state not in {InboundState.DEAD, InboundState.PARKED}:
            found[case.pk] = later("Its message is on its way")
        elif newer is not None and newer.version_at > (message.event_at or message.received_at):
            found[case.pk] = cured(f"Order {newer.number} came in by a newer message")
        else:
            found[case.pk] = not_cured(f"Its message still waits: {message.error_detail}")
    return found


def _orders_since(cases: Cases) -> dict[tuple[int, str], Order]:
    shops = [case.connection for case in cases if case.connection]
    channels = {shop.channel_id: shop.pk for shop in shops if shop.channel_id is not None}
    numbers = {case.order_number for case in cases if case.order_number}
    if not numbers:
        return {}
    known = Order.objects.filter(number__in=numbers, channel_id__in=channels)
    return {(channels[order.channel_id], order.number): order for order in known.order_by("pk")}


def of_mappings(cases: Cases) -> dict[int, Finding]:
    """Is the row there, and did what waited for it go through?"""
    rows = CodeMapping.objects.filter(connection_id__in={case.connection_id for case in cases})
    codes = {case.context.get("external_code", "") for case in cases}
    named = rows.filter(external_code__in=codes) | rows.filter(canonical_code__in=codes)
    known = {
        (row.connection_id, row.table, code)
        for row in named
        for code in (row.external_code, row.canonical_code)
    }
    found = of_effects(cases) | of_messages(cases)
    for case in cases:
        table, code = case.context.get("table", ""), case.context.get("external_code", "")
        is_there = (case.connection_id, table, code) in known
        done = found.get(case.pk)
        if done is None and is_there:
            found[case.pk] = cured(f"“{code}” is mapped for {name_of(case)}")
        elif not is_there and (done is None or done.verdict in _STILL):
            found[case.pk] = not_cured(f"“{code}” is still not mapped for {name_of(case)}")
    return found


_STILL = frozenset({Verdict.NOT_CURED, Verdict.ASK})


def of_orders(cases: Cases) -> dict[int, Finding]:
    """Is the order past what held it?"""
    return {case.pk: _of_order(case.code, case.order) for case in cases if case.order}


def _of_order(code: str, order: Order) -> Finding:
    if order.state == OrderState.CANCELLED:
        return cured(f"Order {order.number} is cancelled")
    if order.held_for == code:
        return not_cured(f"Order {order.number} is still held: {order.hold_detail}")
    if order.state == OrderState.ACCEPTED and not order.held_for:
        return later(f"Order {order.number} goes on")
    return cured(f"Order {order.number} is {order.state.lower()}")


def of_expectations(cases: Cases) -> dict[int, Finding]:
    """Has happened what was missing?"""
    rows = Expectation.objects.filter(case__in=[case.pk for case in cases])
    missing = list(
        rows.filter(met_at=None, voided_at=None)
        .select_related("template", "connection", "order")
        .order_by("pk")
    )
    seen = look_at(missing)
    found = {case.pk: cured("Nothing that was missing is missed any more") for case in cases}
    for row in missing:
        one = seen[row.pk]
        if row.case_id is not None and not (one.met_by or one.void):
            found[row.case_id] = not_cured(f"It still has not happened. {one.seen}")
    return found


def of_connections(cases: Cases) -> dict[int, Finding]:
    """Does it answer?"""
    return {
        case.pk: not_cured(f"{case.connection.name} is still down: {case.connection.health_detail}")
        if case.connection.health in {Connection.Health.DOWN, Connection.Health.SIGN_IN}
        else cured(f"{case.connection.name} answers")
        for case in cases
        if case.connection
    }


VERIFIERS: dict[str, Verifier] = {
    **STOCK,
    "connectors.mapping_missing": of_mappings,
    "connectors.connection_down": of_connections,
    "connectors.credentials_rejected": of_connections,
    # Settled between people: the record that troubled us stays as it is.
    "connectors.receipts_disagree": only_a_person_knows,
    "connectors.key_conflict": only_a_person_knows,
    "privacy.requested": only_a_person_knows,
    "orders.too_late_to_cancel": only_a_person_knows,
    "orders.changed_after_release": only_a_person_knows,
    "orders.partly_under_way": only_a_person_knows,
    "orders.payment_lost": only_a_person_knows,
}


def verifier_of(case: ExceptionCase) -> Verifier:
    """By its code, else by what it points at."""
    if (by_code := VERIFIERS.get(case.code)) is not None:
        return by_code
    if is_expectation(case.code):
        return of_expectations
    if case.outbound is not None:
        return of_effects
    if case.inbound is not None:
        return of_messages
    if case.order is not None:
        return of_orders
    return of_offers if case.context.get("offer_id") else only_a_person_knows
