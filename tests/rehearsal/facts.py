"""A tiny rehearsal in which nothing went wrong, to be spoilt in one place at a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from retailhub.rehearsal.evidence import (
    Acked,
    Attempt,
    CaseStep,
    ErpOrder,
    Evidence,
    Inbound,
    Level,
    Movement,
    Order,
    Outbound,
    Refund,
    Step,
)
from retailhub.sandbox.ledger import LedgerLine

TRACE = "trace-1"
REFERENCE = "shopify-de-77"
PARCEL = "00340123"


def line(system: str, kind: str, number: int, **more: Any) -> LedgerLine:
    fields: dict[str, Any] = {
        "reference": "", "external_id": "", "key": "", "digest": "", "trace_id": TRACE,
        "at": "", "detail": {},
    }  # fmt: skip
    return LedgerLine(number=number, system=system, kind=kind, **{**fields, **more})


def effect(number: int, system: str, kind: str, key: str, **more: Any) -> Outbound:
    fields: dict[str, Any] = {"lane": "order:1", "order_id": 1, "state": "SENT", "trace_id": TRACE}
    return Outbound(id=number, system=system, kind=kind, key=key, **{**fields, **more})


def steps(*states: str) -> list[Step]:
    return [
        Step(order_id=1, before=before, after=after)
        for before, after in zip(("", *states), states, strict=False)
    ]


def movement(kind: str, change: tuple[int, int], after: tuple[int, int]) -> Movement:
    return Movement(
        level_id=1,
        kind=kind,
        on_hand_change=change[0],
        reserved_change=change[1],
        on_hand_after=after[0],
        reserved_after=after[1],
    )


# One order of two mugs: placed, released, posted, shipped, told, and one mug paid back.
CLEAN = Evidence(
    acked=[
        Acked(webhook_id="w1", topic="orders/create", order_id="77"),
        Acked(webhook_id="evt_1", topic="order.shipped", order_id=f"{REFERENCE}-F1"),
    ],
    placed={"77": Decimal("29.80")},
    inbound=[
        Inbound(id=1, webhook_id="w1", topic="orders/create", state="PROCESSED", trace_id=TRACE),
        Inbound(id=2, webhook_id="evt_1", topic="order.shipped", state="PROCESSED"),
    ],
    outbound=[
        effect(1, "netsuite", "order.post", REFERENCE),
        effect(2, "wms-berlin", "fulfillment.release", f"{REFERENCE}-F1"),
        effect(3, "netsuite", "fulfillment.post", f"{REFERENCE}-F1-S1"),
        effect(4, "shopify-de", "shipment.notify", PARCEL),
    ],
    attempts=[Attempt(message_id=number, outcome="SENT") for number in (1, 2, 3, 4)],
    orders=[
        Order(id=1, external_id="77", reference=REFERENCE, state="DELIVERED", total=Decimal("29.8"))
    ],
    steps=steps("ACCEPTED", "RESERVED", "ALLOCATED", "PICKED", "SHIPPED", "DELIVERED"),
    refunds=[Refund(external_id="930", amount=Decimal("14.90"), order_id=1)],
    levels=[Level(id=1, place="BERLIN/MUG", on_hand=8, reserved=0, held=0)],
    movements=[
        movement("COUNTED", (10, 0), (10, 0)),
        movement("RESERVED", (0, 2), (10, 2)),
        movement("CONSUMED", (-2, -2), (8, 0)),
    ],
    case_states={5: "RESOLVED"},
    case_steps=[
        CaseStep(case_id=5, before="", after="NEW"),
        CaseStep(case_id=5, before="NEW", after="RESOLVED"),
    ],
    shop=[
        line("shop", "refund.created", 1, external_id="930", trace_id="",
             detail={"amounts": ["14.90"]}),
        line("shop", "fulfillment.created", 2, reference="77", key=PARCEL),
    ],
    erp=[
        line("erp", "salesorder.created", 1, reference=REFERENCE, key=REFERENCE),
        line("erp", "itemfulfillment.created", 2, reference=REFERENCE, key=f"{REFERENCE}-F1-S1"),
    ],
    wms=[line("wms", "outbound.created", 1, reference=f"{REFERENCE}-F1")],
    erp_orders=[ErpOrder(reference=REFERENCE, total=Decimal("29.80"), is_closed=False)],
    wms_stock={"BERLIN/MUG": 8},
    guards=frozenset({"connectors_inboundmessage", "connectors_outboundmessage"}),
)  # fmt: skip


def spoilt(**parts: Any) -> Evidence:
    """The same rehearsal with some parts told otherwise."""
    return replace(CLEAN, **parts)
