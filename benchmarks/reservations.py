"""Promises under a rush: our combining holds, PostgreSQL alone, and a row lock per request.

Everybody's clients are threads of one process and hold one unit each. The limit is pgbench with as
many clients: one conditional UPDATE and one line of the ledger in a prepared statement, no
reservation, no first answer kept. The peer locks the level, looks, and writes the same rows as we
do but for the first answer, one transaction per request and nothing of Django in between.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection as database
from django.utils import timezone

from benchmarks.estate import empty, prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from benchmarks.servers import pgbench
from inventory.models import Item, Location, StockLevel
from inventory.services.hold import Hold, HoldLine, hold_stock

PLENTY = 1_000_000_000
TABLES = (
    "inventory_reservation",
    "inventory_reservationanswer",
    "inventory_stockmovement",
    "inventory_stocksignal",
)

CONDITIONAL_UPDATE = """
\\set level random(:first, :last)
WITH taken AS (
    UPDATE inventory_stocklevel SET reserved = reserved + 1, updated_at = now()
    WHERE id = :level AND on_hand - reserved - allocated >= 1
    RETURNING id, on_hand, reserved, allocated
)
INSERT INTO inventory_stockmovement
    (level_id, kind, effect_key, reserved_change, on_hand_after, reserved_after, allocated_after,
     happened_at)
SELECT id, 'RESERVED', 'hold:' || nextval('benchmark_key'), 1, on_hand, reserved, allocated, now()
FROM taken;
"""

_numbers = count(1)


@dataclass(frozen=True)
class Rush:
    """So many clients that want one unit each, of any of so many items, for so long."""

    name: str
    clients: int
    items: int
    seconds: int


def run(*, quick: bool) -> Report:
    """The whole comparison; the last is the hot item at 32 clients."""
    prepare()
    with database.cursor() as cursor:
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS benchmark_key CACHE 100")
    seconds = 1 if quick else 3
    rushes = [
        Rush("reservations of 10,000 items", 32, 10_000, seconds),
        Rush("reservations at 128 clients", 128, 1, seconds),
        Rush("reservations", 32, 1, seconds),
    ]
    for rush in rushes[-1:] if quick else rushes:
        print(f"{rush.name}: {rush.clients} clients, {rush.items:,} items")
        sell_out(rush)
        told = report(rush.name, compare(_contestants(rush), rounds=5 if quick else 7, say=print))
        print(told.line())
    return told


def _contestants(rush: Rush) -> dict[str, Callable[[], Sample]]:
    return {
        "ours": partial(_ours, rush),
        "limit": partial(_limit, rush),
        "peer": partial(_peer, rush),
    }


def fill(items: int, on_hand: int) -> tuple[int, int]:
    """These many items with so much of each at one node; the first and last level."""
    empty(*TABLES, "inventory_stocklevel")
    node = Location.objects.order_by("pk").first()
    if node is None:
        raise RuntimeError("the demo has no node")
    Item.objects.bulk_create(
        [Item(sku=f"RUSH-{n}") for n in range(items)], ignore_conflicts=True, batch_size=5_000
    )
    rows = Item.objects.filter(sku__startswith="RUSH-").order_by("pk")[:items]
    StockLevel.objects.bulk_create(
        [StockLevel(item=item, location=node, on_hand=on_hand) for item in rows], batch_size=5_000
    )
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE inventory_stocklevel")
    return 1, items


def sell_out(rush: Rush) -> None:
    """Sell less than is wanted: exactly that is granted, or the benchmark ends here."""
    fill(1, 1_000)
    item_id = StockLevel.objects.values_list("item_id", flat=True).get()
    granted = [0] * rush.clients
    wanted = 2_000 // rush.clients

    def buy(client: int) -> None:
        for _ in range(wanted):
            granted[client] += not hold_stock(_hold(item_id), now=timezone.now()).is_refused

    _at_once([partial(buy, n) for n in range(rush.clients)])
    if sum(granted) != 1_000:
        raise RuntimeError(f"{sum(granted)} units of 1,000 were promised")
    check()


def _hold(item_id: int) -> Hold:
    number = next(_numbers)
    return Hold(
        owner="benchmark",
        reference=f"basket-{number}",
        key=f"key-{number}",
        lines=(HoldLine(item_id=item_id, quantity=1),),
        seconds=900,
    )


def _ours(rush: Rush) -> Sample:
    def act(item_id: int) -> None:
        if hold_stock(_hold(item_id), now=timezone.now()).is_refused:
            raise RuntimeError("there was plenty, and it was refused")

    return _rush(rush, lambda: act)


def _limit(rush: Rush) -> Sample:
    first, last = fill(rush.items, PLENTY)
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "update.sql"
        script.write_text(CONDITIONAL_UPDATE)
        values = {"first": str(first), "last": str(last)}
        return Sample(pgbench(script, clients=rush.clients, seconds=rush.seconds, values=values))


def _peer(rush: Rush) -> Sample:
    return _rush(rush, _locks_a_row)


def _locks_a_row() -> Callable[[int], None]:
    database.ensure_connection()
    wire: Any = database.connection

    def act(item_id: int) -> None:
        with wire.transaction():
            level = wire.execute(_LOCK, [item_id]).fetchone()
            level_id, location_id, on_hand, reserved, allocated = level
            if on_hand - reserved - allocated < 1:
                raise RuntimeError("there was plenty, and it was refused")
            wire.execute(_TAKE, [level_id])
            (key,) = wire.execute(
                _PROMISE, [f"basket-{next(_numbers)}", item_id, location_id]
            ).fetchone()
            wire.execute(_NOTE, [level_id, f"hold:{key}", on_hand, reserved + 1, allocated])

    return act


_LOCK = """
SELECT id, location_id, on_hand, reserved, allocated FROM inventory_stocklevel
WHERE item_id = %s FOR UPDATE
"""
_TAKE = "UPDATE inventory_stocklevel SET reserved = reserved + 1, updated_at = now() WHERE id = %s"
_PROMISE = """
INSERT INTO inventory_reservation (reference, item_id, location_id, quantity, state, expires_at)
VALUES (%s, %s, %s, 1, 'HELD', now() + interval '15 minutes') RETURNING id
"""
_NOTE = """
INSERT INTO inventory_stockmovement
    (level_id, kind, effect_key, reserved_change, on_hand_after, reserved_after, allocated_after,
     happened_at)
VALUES (%s, 'RESERVED', %s, 1, %s, %s, %s, now())
"""


def _rush(rush: Rush, client: Callable[[], Callable[[int], None]]) -> Sample:
    """Threads that act as fast as they can; then every unit is accounted for."""
    fill(rush.items, PLENTY)
    items = list(StockLevel.objects.order_by("pk").values_list("item_id", flat=True))
    taken: list[list[float]] = [[] for _ in range(rush.clients)]
    gate = threading.Barrier(rush.clients)

    def act(number: int) -> None:
        once = client()
        mine = taken[number]
        wanted = _walk(items, number)
        gate.wait(timeout=60)
        end = time.perf_counter() + rush.seconds
        while (began := time.perf_counter()) < end:
            once(next(wanted))
            mine.append(time.perf_counter() - began)

    spent = time.process_time()
    _at_once([partial(act, n) for n in range(rush.clients)])
    spent = time.process_time() - spent
    check()
    all_taken = sorted(seconds for mine in taken for seconds in mine)
    return Sample(
        len(all_taken) / rush.seconds,
        percentile(all_taken, 0.5) * 1000,
        percentile(all_taken, 0.99) * 1000,
        spent * 1000 / len(all_taken),
    )


def _walk(items: list[int], number: int) -> Iterator[int]:
    # A stride that shares no factor with the number of items comes to all of them.
    at = number * 317
    while True:
        yield items[at % len(items)]
        at += 7_919


def _at_once(acts: list[Callable[[], None]]) -> None:
    failed: list[Exception] = []

    def run_one(act: Callable[[], None]) -> None:
        with closing(database):
            try:
                act()
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=run_one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


# Levels whose promises, ledger or room do not agree with what they say.
_WRONG = """
SELECT count(*) FROM inventory_stocklevel l
LEFT JOIN (SELECT item_id, location_id, sum(quantity) AS units FROM inventory_reservation
           WHERE state = 'HELD' GROUP BY 1, 2) r USING (item_id, location_id)
LEFT JOIN (SELECT level_id, sum(reserved_change) AS units, max(reserved_after) AS most
           FROM inventory_stockmovement GROUP BY 1) m ON m.level_id = l.id
WHERE l.reserved <> coalesce(r.units, 0) OR l.reserved <> coalesce(m.units, 0)
   OR l.reserved <> coalesce(m.most, 0) OR l.reserved > l.on_hand
"""


def check() -> None:
    """Raises unless nothing was oversold, lost or made up."""
    with database.cursor() as cursor:
        cursor.execute(_WRONG)
        (wrong,) = cursor.fetchone()
    if wrong:
        raise RuntimeError(f"{wrong} levels do not agree with their promises and their ledger")
