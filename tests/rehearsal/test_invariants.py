"""Each check finds what it is there for, and nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from retailhub.rehearsal.evidence import Acked, Attempt, CaseStep, Evidence, Refund
from retailhub.rehearsal.invariants import INVARIANTS, violations
from tests.rehearsal.facts import CLEAN, PARCEL, REFERENCE, effect, line, movement, spoilt, steps

ORDER, LEVEL = CLEAN.orders[0], CLEAN.levels[0]
MESSAGE, EFFECT = CLEAN.inbound[0], CLEAN.outbound[0]


def test_a_clean_rehearsal_breaks_nothing() -> None:
    assert violations(CLEAN) == {invariant.name: [] for invariant in INVARIANTS}


def more(part: str, *rows: Any) -> Evidence:
    return spoilt(**{part: [*getattr(CLEAN, part), *rows]})


def first(part: str, **changes: Any) -> Evidence:
    rows = list(getattr(CLEAN, part))
    return spoilt(**{part: [replace(rows[0], **changes), *rows[1:]]})


def without_first(part: str) -> Evidence:
    return spoilt(**{part: getattr(CLEAN, part)[1:]})


STRAY = Acked(webhook_id="w9", topic="orders/create", order_id="99")
SHOP_REFUND, SHOP_PARCEL = CLEAN.shop
ERP_ORDER, ERP_PARCEL = CLEAN.erp
CASES: dict[str, tuple[str, Evidence, str]] = {
    "an acknowledged webhook is not there": (
        "I1", more("acked", STRAY), "orders/create w9 was acknowledged and is not in the inbox"),
    "an acknowledged order is no order": (
        "I1", spoilt(orders=[]), "order 77 was acknowledged and is no order of ours"),
    "a delivery is there twice": (
        "I2", more("inbound", replace(MESSAGE, id=9)),
        "orders/create w1 is in the inbox 2 times"),
    "a message never ended": (
        "I2", first("inbound", state="WAITING"), "inbox 1 (orders/create) ended WAITING"),
    "a message ended with a person though nobody erred": (
        "I2", first("inbound", state="DEAD", has_case=True), "inbox 1 (orders/create) ended DEAD"),
    "an effect never ended": (
        "I2", first("outbound", state="UNKNOWN"),
        f"outbox 1 (order.post {REFERENCE}) ended UNKNOWN"),
    "an order stopped half-way": (
        "I2", first("orders", state="PACKED"), f"order {REFERENCE} ended PACKED"),
    "an order waits for stock and nobody knows": (
        "I2", first("orders", state="ACCEPTED", held_for="inventory.insufficient_stock"),
        f"order {REFERENCE} is short of stock and has no case"),
    "an order was called off and nobody knows": (
        "I2", spoilt(cancelled=frozenset({"77"})),
        f"order {REFERENCE} was called off, is DELIVERED, and has no case"),
    "a warehouse got the order twice": (
        "I3", more("wms", line("wms", "outbound.created", 9, reference=f"{REFERENCE}-F1")),
        f"outbound.created {REFERENCE}-F1 happened 2 times"),
    "a sales order was made twice": (
        "I3", more("erp", replace(ERP_ORDER, number=9)),
        f"salesorder.created {REFERENCE} happened 2 times"),
    "a parcel was posted twice": (
        "I3", more("erp", replace(ERP_PARCEL, number=9)),
        f"itemfulfillment.created {REFERENCE}-F1-S1 happened 2 times"),
    "a customer was told twice": (
        "I3", more("shop", replace(SHOP_PARCEL, number=9)),
        f"fulfillment.created {PARCEL} happened 2 times"),
    "something happened that nobody owed": (
        "I3", without_first("outbound"), f"salesorder.created {REFERENCE} happened and nobody"),
    "something happened that was taken back": (
        "I3", first("outbound", state="CANCELLED"),
        f"salesorder.created {REFERENCE} happened though it was taken back"),
    "what we call sent is not there": (
        "I4", spoilt(wms=[]), f"fulfillment.release {REFERENCE}-F1 is called sent and is not"),
    "what we call closed is open": (
        "I4", more("outbound", effect(9, "netsuite", "order.cancel", REFERENCE)),
        f"sales order {REFERENCE} is called closed and is open"),
    "movements do not give the level": (
        "I5", first("levels", on_hand=7), "BERLIN/MUG: the level says (7, 0), its movements"),
    "a movement does not add up": (
        "I5", spoilt(movements=[*CLEAN.movements[:2], movement("CONSUMED", (-2, -2), (7, 0))]),
        "BERLIN/MUG: a CONSUMED says (7, 0), the sum is (8, 0)"),
    "promises do not give what is reserved": (
        "I5", first("levels", held=1), "BERLIN/MUG: 0 reserved, promises hold 1"),
    "the shelf disagrees": (
        "I5", spoilt(wms_stock={"BERLIN/MUG": 6}), "BERLIN/MUG: 8 on hand, 6 on the shelf"),
    "more was promised than there was": (
        "I5", spoilt(movements=[
            movement("COUNTED", (1, 0), (1, 0)), movement("RESERVED", (0, 2), (1, 2))]),
        "BERLIN/MUG: 2 promised of 1"),
    "the order's total changed on the way in": (
        "I6", first("orders", total=Decimal("29.81")),
        f"order {REFERENCE}: 29.80 in the shop, 29.81 with us"),
    "the order's total changed on the way out": (
        "I6", first("erp_orders", total=Decimal("29.79")),
        f"sales order {REFERENCE}: 29.79 in the ERP, 29.8 with us"),
    "a refund was missed": (
        "I6", spoilt(refunds=[]), "refund 930 of 14.90 is recorded as []"),
    "a refund was recorded twice": (
        "I6", more("refunds", CLEAN.refunds[0]), "refund 930 of 14.90 is recorded as [Dec"),
    "a refund was made up": (
        "I6", more("refunds", Refund(external_id="1", amount=Decimal(1), order_id=1)),
        "refund 1 is recorded and was never given"),
    "effects changed places": (
        "I7", spoilt(erp=[replace(ERP_ORDER, number=3), ERP_PARCEL]),
        "netsuite order:1: ['order.post', 'fulfillment.post'] appeared as [3, 2]"),
    "an order jumped": (
        "I8", spoilt(steps=steps("ACCEPTED", "SHIPPED", "DELIVERED")),
        "order 1 went from ACCEPTED to SHIPPED"),
    "an order began in the middle": (
        "I8", spoilt(steps=steps("SHIPPED", "DELIVERED")), "order 1 went from new to SHIPPED"),
    "an order moved without a word": (
        "I8", spoilt(steps=CLEAN.steps[:-1]), "order 1 is DELIVERED, its timeline ends SHIPPED"),
    "the guard is off": (
        "I8", spoilt(guards=frozenset({"connectors_inboundmessage"})),
        "no guard on the states of connectors_outboundmessage"),
    "the guard had to act": (
        "I8", spoilt(refusals=["ERROR: a state moves by the table"]), "ERROR: a state moves"),
    "a case moved without a word": (
        "I9", spoilt(case_states={5: "CLAIMED"}), "case 5 is CLAIMED, its activity ends RESOLVED"),
    "a case's activity has a gap": (
        "I9", more("case_steps", CaseStep(case_id=5, before="SNOOZED", after="RESOLVED")),
        "case 5 became SNOOZED and nobody wrote it down"),
    "an effect comes from nowhere": (
        "I10", first("outbound", trace_id="?"), "outbox 1 (order.post) has no message behind it"),
    "a call carried no trace": (
        "I10", spoilt(wms=[replace(CLEAN.wms[0], trace_id="")]),
        f"outbound.created {REFERENCE}-F1 came with trace none"),
    "an attempt belongs to nothing": (
        "I10", more("attempts", Attempt(message_id=99, outcome="")),
        "an attempt belongs to no effect (99)"),
    "a lease is left": ("I12", spoilt(held={"expired leases": 2}), "2 expired leases"),
    "a message is still held": (
        "I12", first("inbound", state="PROCESSING"), "inbox 1 is PROCESSING though nobody works"),
    "an effect is still held": (
        "I12", first("outbound", state="SENDING"), "outbox 1 is SENDING though nobody works"),
    "something is parked for ever": (
        "I12", first("inbound", state="PARKED", is_overdue=True),
        "inbox 1 is parked past its deadline and has no case"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_finds_it_when(name: str) -> None:
    invariant, evidence, said = CASES[name]

    found = violations(evidence)[invariant]

    assert any(text.startswith(said) for text in found), found


def test_a_customer_who_backs_out_may_leave_work_to_a_person() -> None:
    stopped = replace(EFFECT, state="DEAD", has_case=True)
    behind = effect(9, "netsuite", "fulfillment.post", "x", state="READY")
    evidence = spoilt(
        cancelled=frozenset({"77"}),
        orders=[replace(ORDER, has_case=True)],
        outbound=[stopped, behind, *CLEAN.outbound[1:]],
    )

    assert violations(evidence)["I2"] == []


def test_a_level_that_no_warehouse_keeps_is_compared_with_nothing() -> None:
    assert violations(spoilt(levels=[replace(LEVEL, place="STORE/MUG")]))["I5"] == []
