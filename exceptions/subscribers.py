"""What the desk does when something stops, goes on or is done. One service call each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F
from django.utils import timezone

from connectors.events import (
    ConnectionChanged,
    EffectDoubted,
    EffectSetAside,
    EffectsSent,
    EffectsStopped,
    MessageFinished,
    MessagesReplaced,
    MessagesStopped,
)
from connectors.models import Connection, InboundMessage, OutboundMessage
from exceptions.events import CaseChanged, CasesBreached, CasesChanged
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.models.hooks import Kind
from exceptions.services import hooks, incidents, move_cases, snapshots
from exceptions.services.cases import Problem, close_cured, open_case, open_cases
from exceptions.services.recount import close_counted
from inventory.events import SnapshotEnded, StockCounted, StockFreed, StockOverdrawn, StockProved
from inventory.ledger import overdraft_evidence
from inventory.models import StockLevel
from inventory.overdraft import Evidence, cause_of, in_words
from orders.events import (
    OrderCancelled,
    OrderHeld,
    OrderResumed,
    OrdersAllocated,
    OrdersReserved,
)
from orders.models import Order
from orders.services.lines import QUIET_HOLDS


def open_cases_for_messages(event: MessagesStopped) -> None:
    """Inbound messages stopped."""
    rows = InboundMessage.objects.filter(pk__in=event.message_ids).select_related("connection")
    asked = rows.defer("body", "edited_body").order_by("pk")
    open_cases([_problem_of_message(row) for row in asked], now=timezone.now())


def _problem_of_message(row: InboundMessage) -> Problem:
    context = dict(row.error_context)
    return Problem(
        code=row.error_code,
        detail=row.error_detail,
        context=context,
        connection_id=row.connection_id,
        connection_name=row.connection.name,
        inbound_id=row.pk,
        order_number=str(context.get("order_number", "")),
        value=_decimal(context.get("value")),
        currency=str(context.get("currency", "")),
        trace_id=row.trace_id,
    )


def open_cases_for_effects(event: EffectsStopped) -> None:
    """Effects on other systems stopped."""
    rows = _effects(event.message_ids)
    orders = Order.objects.in_bulk([row.order_id for row in rows if row.order_id is not None])
    open_cases(
        [
            _problem_of_effect(row, orders, row.error_code, row.error_detail, row.error_context)
            for row in rows
        ],
        now=timezone.now(),
    )


def open_case_for_doubt(event: EffectDoubted) -> None:
    """An effect is there in another way than it ended here."""
    (row,) = _effects([event.message_id])
    orders = Order.objects.in_bulk([row.order_id] if row.order_id is not None else [])
    open_case(_problem_of_effect(row, orders, event.code, event.detail, {}), now=timezone.now())


def _effects(ids: Sequence[int]) -> list[OutboundMessage]:
    rows = OutboundMessage.objects.filter(pk__in=ids).defer("payload")
    return list(rows.select_related("connection").order_by("pk"))


def _problem_of_effect(
    row: OutboundMessage,
    orders: Mapping[int, Order],
    code: str,
    detail: str,
    context: dict[str, Any],
) -> Problem:
    return Problem(
        code=code,
        detail=detail,
        context=dict(context),
        connection_id=row.connection_id,
        connection_name=row.connection.name,
        outbound_id=row.pk,
        trace_id=row.trace_id,
        **_order_facts(orders.get(row.order_id or 0)),
    )


def open_case_for_order(event: OrderHeld) -> None:
    """An order is held for a reason that needs a person."""
    if event.code in QUIET_HOLDS:
        return
    order = Order.objects.select_related("channel__connection").get(pk=event.order_id)
    shop: Connection | None = getattr(order.channel, "connection", None)
    open_case(
        Problem(
            code=event.code,
            detail=event.detail,
            context=dict(event.context),
            connection_id=shop.pk if shop else None,
            connection_name=shop.name if shop else order.channel.name,
            trace_id=order.trace_id,
            **_order_facts(order),
        ),
        now=timezone.now(),
    )


def open_case_for_overdraft(event: StockOverdrawn) -> None:
    """Less is there than was promised: the case says why, from the ledger around that moment."""
    level = StockLevel.objects.select_related("item", "location").get(pk=event.level_id)
    evidence = overdraft_evidence(level_id=level.pk, effect_key=event.effect_key, short=event.short)
    what = f"{event.short} × {level.item.sku} at {level.location.name}"
    open_case(
        Problem(
            code="inventory.overdrawn",
            detail=f"{what}. {in_words(evidence)}",
            context={
                "level_id": level.pk,
                "what": what,
                "cause": cause_of(evidence).value,
                "evidence": _plain(evidence),
            },
            subject={"level_id": level.pk},
        ),
        now=timezone.now(),
    )


def _plain(evidence: Evidence) -> dict[str, Any]:
    moments = {
        "happened_at": evidence.happened_at.isoformat(),
        "heard_at": evidence.heard_at.isoformat(),
    }
    return {**asdict(evidence), **moments}


def follow_stock_proof(event: StockProved) -> None:
    """One case while any level differs from its ledger."""
    if not event.differing:
        cases = ExceptionCase.objects.filter(code=LEDGER_DIFFERS)
        close_cured(cases, how="by itself", now=timezone.now())
        return
    names = "\n".join(event.named)
    open_case(
        Problem(
            code=LEDGER_DIFFERS,
            detail=f"{event.differing} of {event.levels} levels differ.\n{names}",
            context={"differing": event.differing},
        ),
        now=timezone.now(),
    )


LEDGER_DIFFERS = "inventory.ledger_differs"


def follow_snapshot(event: SnapshotEnded) -> None:
    """A file of stock was applied, held or failed."""
    snapshots.follow_snapshot(run_id=event.run_id, now=timezone.now())


def close_cases_of_messages(event: MessageFinished) -> None:
    """What stood in a message's way is gone."""
    cases = ExceptionCase.objects.filter(inbound_id__in=event.message_ids)
    close_cured(cases, how="by itself", now=timezone.now())


def follow_newer_message(event: MessagesReplaced) -> None:
    """The case of an older snapshot is now about the newer one."""
    move_cases.move_cases(message_ids=event.message_ids, to_id=event.by_id, now=timezone.now())


def close_cases_of_effects(event: EffectsSent) -> None:
    """The effects are there after all."""
    cases = ExceptionCase.objects.filter(outbound_id__in=[e.message_id for e in event.effects])
    close_cured(cases, how="by itself", now=timezone.now())


def close_cases_of_order(event: OrderResumed | OrderCancelled) -> None:
    """The order is no longer held. Cases of its messages stay: they are not cured by this."""
    cases = ExceptionCase.objects.filter(order_id=event.order_id, inbound=None, outbound=None)
    if isinstance(event, OrderResumed):
        if event.code in _PROVED_BY_ALLOCATION:
            return  # it goes on, but whether it comes through only its next steps can tell
        cases = cases.filter(code=event.code)
    close_cured(cases, how="by itself", now=timezone.now())


def close_cases_of_steps(event: OrdersReserved | OrdersAllocated) -> None:
    """Orders came through the step that had stopped them."""
    is_placed = isinstance(event, OrdersAllocated)
    cases = ExceptionCase.objects.filter(
        order_id__in=event.order_ids,
        inbound=None,
        outbound=None,
        code__in=_PROVED_BY_ALLOCATION if is_placed else _PROVED_BY_PROMISE,
    )
    close_cured(cases, how="by itself", now=timezone.now())


_PROVED_BY_PROMISE = frozenset({"inventory.insufficient_stock"})
_PROVED_BY_ALLOCATION = _PROVED_BY_PROMISE | {
    "orders.no_node_connection",
    "orders.unexpected",
    "orders.node_short",
    "orders.cancelled_at_node",
}


def close_overdrafts(event: StockCounted | StockFreed) -> None:
    """There is as much as was promised again."""
    cases = ExceptionCase.objects.filter(code="inventory.overdrawn", state__in=OPEN_STATES)
    # From the few cases to their levels: a file of stock may count thousands of items at once.
    short = list(cases.values_list("context__level_id", flat=True))
    if not short:
        return
    levels = StockLevel.objects.filter(
        pk__in=short, item_id__in=event.item_ids, on_hand__gte=F("reserved") + F("allocated")
    )
    cured = cases.filter(context__level_id__in=list(levels.values_list("pk", flat=True)))
    close_cured(cured, how="by itself", now=timezone.now())


def close_recounts(event: StockCounted) -> None:
    """What somebody asked to be counted has been."""
    close_counted(item_ids=event.item_ids, now=timezone.now())


def close_cases_of_set_aside(event: EffectSetAside) -> None:
    """The effect is wanted no more, so nothing stands in its way."""
    cases = ExceptionCase.objects.filter(outbound_id=event.message_id)
    close_cured(cases, how="not wanted", now=timezone.now())


def follow_connection(event: ConnectionChanged) -> None:
    """One incident while a connection is down or wants a sign-in."""
    incidents.follow_connection(connection_id=event.connection_id, now=timezone.now())


def tell_of_case(event: CaseChanged) -> None:
    """Those who asked by webhook to be told."""
    if (kind := _TOLD.get(event.verb)) is not None:
        hooks.owe_notices(case_ids=[event.case_id], kind=kind, now=timezone.now())


def tell_of_cases(event: CasesChanged) -> None:
    """The same of many."""
    if (kind := _TOLD.get(event.verb)) is not None:
        hooks.owe_notices(case_ids=[pk for pk, _ in event.cases], kind=kind, now=timezone.now())


_TOLD = {"new": Kind.OPENED, "gone": Kind.RESOLVED}


def tell_of_breach(event: CasesBreached) -> None:
    """The same for deadlines."""
    hooks.owe_notices(case_ids=event.case_ids, kind=Kind.BREACHED, now=timezone.now())


def _order_facts(order: Order | None) -> dict[str, Any]:
    if order is None:
        return {}
    return {
        "order_id": order.pk,
        "order_number": order.number,
        "value": order.total,
        "currency": order.currency,
    }


def _decimal(value: object) -> Decimal | None:
    try:
        return Decimal(str(value)) if value else None
    except InvalidOperation:
        return None
