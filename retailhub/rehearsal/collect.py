"""Reads the evidence of a finished rehearsal: ledgers from the disk, rows by plain SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from retailhub.rehearsal import producer
from retailhub.rehearsal.estate import Estate
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
from retailhub.sandbox.ledger import Ledger, read_json_lines, read_ledger

_OPEN = "('NEW', 'CLAIMED', 'REPLAYING', 'WAITING', 'SNOOZED')"

INBOUND = f"""
SELECT m.id, m.topic, m.state, m.trace_id::text AS trace_id,
       coalesce((SELECT value FROM jsonb_each_text(m.headers) WHERE key LIKE '%webhook-id' LIMIT 1),
                m.key) AS webhook_id,
       EXISTS (SELECT 1 FROM exceptions_exceptioncase c
                WHERE c.inbound_id = m.id AND c.state IN {_OPEN}) AS has_case,
       m.state = 'PARKED' AND m.deadline_at < now() AS is_overdue,
       m.error_code || ' ' || left(m.error_detail, 200) AS error
  FROM connectors_inboundmessage m ORDER BY m.id
"""  # noqa: S608 - a constant of ours
OUTBOUND = f"""
SELECT o.id, c.slug AS system, o.kind, o.lane, o.order_id, o.state, o.trace_id::text AS trace_id,
       CASE WHEN o.kind = 'shipment.notify' THEN coalesce(
                nullif(o.payload->'tracking'->>'number', ''), o.reference)
            ELSE o.reference END AS key,
       EXISTS (SELECT 1 FROM exceptions_exceptioncase x
                WHERE x.outbound_id = o.id AND x.state IN {_OPEN}) AS has_case,
       o.error_code || ' ' || left(o.error_detail, 200) AS error
  FROM connectors_outboundmessage o JOIN connectors_connection c ON c.id = o.connection_id
 ORDER BY o.id
"""  # noqa: S608 - a constant of ours
ORDERS = f"""
SELECT o.id, o.external_id, o.reference, o.state, o.total, o.held_for,
       EXISTS (SELECT 1 FROM exceptions_exceptioncase x
                WHERE x.order_id = o.id AND x.state IN {_OPEN}) AS has_case
  FROM orders_order o ORDER BY o.id
"""  # noqa: S608 - a constant of ours
STEPS = """
SELECT order_id, from_state AS before, to_state AS after
  FROM orders_orderevent WHERE to_state <> '' ORDER BY order_id, id
"""
REFUNDS = "SELECT external_id, amount, order_id FROM orders_refund ORDER BY id"
LEVELS = """
SELECT l.id, p.code || '/' || i.sku AS place, l.on_hand, l.reserved,
       coalesce((SELECT sum(r.quantity - r.consumed_quantity) FROM inventory_reservation r
                  WHERE r.item_id = l.item_id AND r.location_id = l.location_id
                    AND r.state = 'HELD'), 0)::int AS held
  FROM inventory_stocklevel l JOIN inventory_item i ON i.id = l.item_id
  JOIN inventory_location p ON p.id = l.location_id ORDER BY l.id
"""
MOVEMENTS = """
SELECT level_id, kind, on_hand_change, reserved_change, on_hand_after, reserved_after
  FROM inventory_stockmovement ORDER BY level_id, id
"""
CASE_STEPS = """
SELECT case_id, coalesce(before->>'state', '') AS before, coalesce(after->>'state', '') AS after
  FROM exceptions_caseevent ORDER BY case_id, id
"""
GUARDS = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE t.tgname LIKE 'connectors_%_moves_by_the_table' AND t.tgenabled = 'O'
"""
HELD = {
    "expired leases": """
SELECT (SELECT count(*) FROM connectors_inboundmessage WHERE lease_until < now())
     + (SELECT count(*) FROM connectors_outboundmessage WHERE lease_until < now()) AS count""",
    "transactions left open": """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
   AND state LIKE 'idle in transaction%' AND state_change < now() - interval '2 seconds'""",
    "advisory locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
}
ATTEMPTS = "SELECT message_id, outcome FROM connectors_attempt ORDER BY id"
CASES = "SELECT id, state FROM exceptions_exceptioncase ORDER BY id"
# What the database says when it refuses a state: see the trigger in connectors' migrations.
REFUSED = "a state moves by the table"


def collect(made: Estate) -> Evidence:
    """Everything the checks need, read once."""
    shop, erp, wms = (read_ledger(made.sandbox_data / name) for name in ("shop", "erp", "wms"))
    acked = [Acked(**line) for line in read_json_lines(made.producer_data / producer.LEDGER)]
    with psycopg.connect(made.database_url, row_factory=dict_row) as database:

        def rows(query: str) -> list[dict[str, Any]]:
            return database.execute(query.encode()).fetchall()

        return Evidence(
            acked=[*acked, *_acked(shop), *_acked(wms)],
            placed={
                line["order_id"]: Decimal(line["total"])
                for line in read_json_lines(made.producer_data / producer.PLACED)
            },
            cancelled=frozenset(line.reference for line in shop.of_kind("order.cancelled")),
            inbound=[Inbound(**row) for row in rows(INBOUND)],
            outbound=[Outbound(**row) for row in rows(OUTBOUND)],
            attempts=[Attempt(**row) for row in rows(ATTEMPTS)],
            orders=[Order(**row) for row in rows(ORDERS)],
            steps=[Step(**row) for row in rows(STEPS)],
            refunds=[Refund(**row) for row in rows(REFUNDS)],
            levels=[Level(**row) for row in rows(LEVELS)],
            movements=[Movement(**row) for row in rows(MOVEMENTS)],
            case_states={row["id"]: row["state"] for row in rows(CASES)},
            case_steps=[CaseStep(**row) for row in rows(CASE_STEPS)],
            shop=shop.lines,
            erp=erp.lines,
            wms=wms.lines,
            erp_orders=list(_erp_orders(made)),
            wms_stock={
                place: int(row["on_hand"]) for place, row in _state(made, "wms", "stock").items()
            },
            guards=frozenset(row["relname"] for row in rows(GUARDS)),
            refusals=_refusals(made),
            held={what: int(rows(query)[0]["count"]) for what, query in HELD.items()},
        )


def _acked(ledger: Ledger) -> list[Acked]:
    """What a simulated system's own courier was told is safe."""
    return [
        Acked(webhook_id=line.key, topic=line.detail["topic"], order_id=line.reference)
        for line in ledger.of_kind("webhook.acked")
    ]


def _state(made: Estate, system: str, table: str) -> dict[str, dict[str, Any]]:
    """The records of a simulated system as its state file leaves them."""
    records: dict[str, dict[str, Any]] = {}
    for name, key, record in read_json_lines(made.sandbox_data / system / "state.jsonl"):
        if name == table:
            records[key] = record
    return {key: record for key, record in records.items() if record is not None}


def _erp_orders(made: Estate) -> Iterator[ErpOrder]:
    for record in _state(made, "erp", "records").values():
        if record["_type"] == "salesOrder":
            yield ErpOrder(
                reference=str(record.get("externalId") or record["id"]),
                total=_total(record),
                is_closed=record["orderStatus"]["id"] in {"C", "H"},
            )


def _total(record: dict[str, Any]) -> Decimal:
    """What the ERP adds up: line amounts, the taxes beside them, shipping."""
    parts = [line["amount"] for line in record["item"]["items"]]
    parts += [tax["taxAmount"] for tax in (record.get("taxDetails") or {}).get("items", [])]
    return sum((Decimal(str(part)) for part in [*parts, record.get("shippingCost", 0)]), Decimal(0))


def _refusals(made: Estate) -> Sequence[str]:
    """What the guard of the states had to refuse: nothing of ours may even have tried."""
    log = made.postgres_log.read_text(errors="replace").splitlines()
    return [line for line in log if "ERROR" in line and REFUSED in line]
