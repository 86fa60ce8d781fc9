"""The rows of `orders`, written as fast as psycopg can write them when nobody has to think."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.conf import settings
from psycopg.types.json import Jsonb

from connectors import policy
from connectors.services.process import CLAIM_SQL

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]  # by table


@dataclass
class Batch:
    """What each of the three transactions of one batch of orders leaves behind."""

    process: Rows = field(default_factory=lambda: defaultdict(list))
    reserve: Rows = field(default_factory=lambda: defaultdict(list))
    allocate: Rows = field(default_factory=lambda: defaultdict(list))
    levels: dict[int, int] = field(default_factory=dict)  # level -> units reserved afterwards
    orders: list[tuple[int, str]] = field(default_factory=list)  # order, why these nodes
    external_ids: list[str] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


class ByHand:
    """Writes again what the product wrote, with the same ids."""

    def __init__(self, columns: dict[str, list[str]], batches: Sequence[Batch]) -> None:
        self._columns, self._batches = columns, batches

    @classmethod
    def of_what_is_there(cls, size: int) -> ByHand:
        """Take down every row of the orders that are in the database now."""
        with _connect() as database:
            columns, tables = {}, {}
            for table in (*_BY_ORDER, *_OTHERS):
                cursor = database.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608 - tables of ours
                columns[table] = [column.name for column in cursor.description or ()]
                tables[table] = cursor.fetchall()
        return cls(columns, _sorted_into_batches(columns, tables, size))

    def write(self) -> None:
        """All batches, each in a claim and three transactions, as the product does."""
        with _connect() as database:
            for batch in self._batches:
                self._process(database, batch)
            for batch in self._batches:
                self._reserve(database, batch)
                self._allocate(database, batch)

    def _process(self, database: Any, batch: Batch) -> None:
        size = len(batch.orders)
        with database.transaction():
            values = {"limit": size, "crashed": False, "owner": "by hand"}
            claimed = database.execute(CLAIM_SQL, values | {"lease": policy.INBOUND_LEASE})
            ids = [row[0] for row in claimed.fetchall()]
        with database.transaction():
            database.execute(
                "SELECT id FROM orders_order WHERE external_id = ANY(%s) FOR UPDATE",
                [batch.external_ids],
            )
            self._copy(database, batch.process)
            database.execute(
                "UPDATE connectors_inboundmessage SET state = 'PROCESSED', finished_at = now(),"
                " lease_until = NULL, error_code = '' WHERE id = ANY(%s) AND state = 'PROCESSING'",
                [ids],
            )

    def _reserve(self, database: Any, batch: Batch) -> None:
        with database.transaction():
            ids = self._lock_due(database, "ACCEPTED", len(batch.orders))
            database.execute("SELECT * FROM orders_orderline WHERE order_id = ANY(%s)", [ids])
            self._held(database, batch)
            database.execute(
                "SELECT * FROM inventory_stocklevel WHERE item_id = ANY(%s)"
                " ORDER BY item_id, location_id FOR UPDATE",
                [batch.items],
            )
            self._copy(database, batch.reserve)
            database.execute(
                "UPDATE inventory_stocklevel l SET reserved = v.reserved, updated_at = now()"
                " FROM unnest(%s::bigint[], %s::int[]) AS v(id, reserved) WHERE l.id = v.id",
                [list(batch.levels), list(batch.levels.values())],
            )
            database.execute(
                "INSERT INTO inventory_stocksignal (item_id) SELECT DISTINCT unnest(%s::bigint[])",
                [batch.items],
            )
            database.execute(
                "UPDATE orders_order o SET state = 'RESERVED', sourcing = v.sourcing"
                " FROM unnest(%s::bigint[], %s::jsonb[]) AS v(id, sourcing) WHERE o.id = v.id",
                [[pk for pk, _ in batch.orders], [Jsonb(why) for _, why in batch.orders]],
            )

    def _allocate(self, database: Any, batch: Batch) -> None:
        with database.transaction():
            ids = self._lock_due(database, "RESERVED", len(batch.orders))
            database.execute("SELECT * FROM orders_orderline WHERE order_id = ANY(%s)", [ids])
            self._held(database, batch)
            self._copy(database, batch.allocate)
            database.execute(
                "UPDATE orders_order SET state = 'ALLOCATED', customer_status = 'In preparation'"
                " WHERE id = ANY(%s)",
                [ids],
            )

    def _lock_due(self, database: Any, state: str, limit: int) -> list[int]:
        rows = database.execute(
            "SELECT * FROM orders_order WHERE state = %s AND held_for = '' ORDER BY id LIMIT %s"
            " FOR UPDATE SKIP LOCKED",
            [state, limit],
        ).fetchall()
        return [row[0] for row in rows]

    def _held(self, database: Any, batch: Batch) -> None:
        database.execute(
            "SELECT * FROM inventory_reservation WHERE reference = ANY(%s) AND state = 'HELD'",
            [batch.references],
        ).fetchall()

    def _copy(self, database: Any, rows: Rows) -> None:
        for table, values in rows.items():
            columns = ", ".join(self._columns[table])
            with database.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)


# Which transaction writes which line of an order's timeline.
_STEP = {"accepted": "process", "reserved": "reserve", "allocated": "allocate"}
# Where a row names its order, and which transaction wrote it.
_BY_ORDER: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "orders_order": ("id", lambda _: "process"),
    "orders_orderline": ("order_id", lambda _: "process"),
    "orders_orderevent": ("order_id", lambda row: _STEP[row["kind"]]),
    "orders_fulfillmentorder": ("order_id", lambda _: "allocate"),
    "connectors_outboundmessage": ("order_id", lambda _: "allocate"),
}
_OTHERS = (
    "orders_customer",
    "inventory_reservation",
    "inventory_stockmovement",
    "orders_fulfillmentline",
    "exceptions_expectation",
    "retailhub_liveevent",
)


def _sorted_into_batches(
    columns: dict[str, list[str]], tables: dict[str, list[Row]], size: int
) -> list[Batch]:
    sorter = _Sorter(columns, size)
    for table, (key, step_of) in _BY_ORDER.items():
        for row in sorter.named(table, tables):
            sorter.put(table, row, row[key], step_of(row))
    for row in sorter.named("orders_customer", tables):
        sorter.put("orders_customer", row, sorter.first_order_of[row["id"]], "process")
    for row in sorter.named("orders_fulfillmentline", tables):
        order_id = sorter.order_of_part[row["fulfillment_order_id"]]
        sorter.put("orders_fulfillmentline", row, order_id, "allocate")
    promises = sorter.named("inventory_reservation", tables)
    for row in promises:
        sorter.put("inventory_reservation", row, int(row["reference"].split(":")[1]), "reserve")
    orders = {f"hold:{row['id']}": int(row["reference"].split(":")[1]) for row in promises}
    for row in sorter.named("inventory_stockmovement", tables):
        sorter.put("inventory_stockmovement", row, orders[row["effect_key"]], "reserve")
    awaited = [(row["order_id"], row) for row in sorter.named("exceptions_expectation", tables)]
    # The ERP must have it once it is accepted, each node its part once it is placed.
    sorter.put_in_turn("exceptions_expectation", awaited, ["process", "allocate"])
    hints = sorter.named("retailhub_liveevent", tables)
    told = [(int(row["entity"].split("-")[1]), row) for row in hints]
    sorter.put_in_turn("retailhub_liveevent", told, ["process", "reserve", "allocate"])
    return sorter.batches


class _Sorter:
    """Puts rows into the batch of their order."""

    def __init__(self, columns: dict[str, list[str]], size: int) -> None:
        self._columns, self._size = columns, size
        self.batches: list[Batch] = []
        self.first_order_of: dict[int, int] = {}
        self.order_of_part: dict[int, int] = {}

    def named(self, table: str, tables: dict[str, list[Row]]) -> list[dict[str, Any]]:
        return [dict(zip(self._columns[table], row, strict=True)) for row in tables[table]]

    def put(self, table: str, row: dict[str, Any], order_id: int, step: str) -> None:
        number = (order_id - 1) // self._size
        while len(self.batches) <= number:
            self.batches.append(Batch())
        batch = self.batches[number]
        self._note(batch, table, row)
        getattr(batch, step)[table].append(tuple(map(_adapted, row.values())))

    def put_in_turn(
        self, table: str, rows: Sequence[tuple[int, dict[str, Any]]], steps: Sequence[str]
    ) -> None:
        """Of each order the first row by the first step, and so on; all the rest by the last."""
        seen: dict[int, int] = defaultdict(int)
        for order_id, row in rows:
            self.put(table, row, order_id, steps[min(seen[order_id], len(steps) - 1)])
            seen[order_id] += 1

    def _note(self, batch: Batch, table: str, row: dict[str, Any]) -> None:
        match table:
            case "orders_order":
                batch.orders.append((row["id"], row["sourcing"]))
                batch.external_ids.append(row["external_id"])
                self.first_order_of.setdefault(row["customer_id"], row["id"])
                row |= {"state": "ACCEPTED", "customer_status": "Received", "sourcing": []}
            case "orders_fulfillmentorder":
                self.order_of_part[row["id"]] = row["order_id"]
            case "inventory_reservation":
                batch.items.append(row["item_id"])
                batch.references.append(row["reference"])
            case "inventory_stockmovement":
                batch.levels[row["level_id"]] = row["reserved_after"]
            case "connectors_outboundmessage":
                row["next_attempt_at"] = datetime.now(UTC)


def _adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _connect() -> psycopg.Connection[Row]:
    database = settings.DATABASES["default"]
    return psycopg.connect(
        host=database.get("HOST") or None,
        port=database.get("PORT") or None,
        dbname=database["NAME"],
        user=database.get("USER") or None,
        password=database.get("PASSWORD") or None,
        autocommit=True,
    )
