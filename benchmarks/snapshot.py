"""A file of stock in which 5 % differ: compared and merged, while orders go on being promised.

The limit is PostgreSQL's own COPY of as many rows into a bare table with the level's two indexes.
The peer is Django's `bulk_create(update_conflicts=True)`, of fewer rows, per row the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, partial

from django.db import connection as database
from django.utils import timezone

from benchmarks.estate import empty, prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from connectors.models import Connection
from connectors.services.snapshots import run_due_snapshots, take_snapshot
from inventory.ledger import prove_levels
from inventory.models import Item, Location, SnapshotRun, StockLevel
from inventory.services.reserve import Held, PromiseRequest, Wanted, promise_stock
from retailhub.kernel.trace import new_trace_id

LOCATIONS = 20
CHANGED = 0.05
TABLES = (
    "inventory_snapshotpart",
    "inventory_snapshotmark",
    "inventory_snapshotrun",
    "inventory_stocksignal",
    "inventory_reservation",
    "inventory_stockmovement",
    "inventory_stocklevel",
)


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    items = 5_000 if quick else 50_000
    stage = Stage(items)
    contestants: dict[str, Callable[[], Sample]] = {
        "ours": stage.merge,
        "limit": stage.copy,
        "peer": partial(stage.bulk_create, 2_000 if quick else 10_000),
    }
    rounds = compare(contestants, rounds=5, say=print)
    waits = sorted(stage.waits)
    print(
        f"reservations beside it: {len(waits)}, p50 {percentile(waits, 0.5):.1f} ms,"
        f" p99 {percentile(waits, 0.99):.1f} ms, longest {waits[-1]:.1f} ms"
    )
    begun = time.perf_counter()
    proof = prove_levels(most=1)
    print(
        f"proved {proof.levels} levels by {proof.movements} movements in"
        f" {time.perf_counter() - begun:.1f} s: {proof.differing} differ"
    )
    return report("snapshot", rounds)


class Stage:
    """A catalogue at twenty locations, its levels, and the next file."""

    def __init__(self, items: int) -> None:
        empty(*TABLES)
        self.waits: list[float] = []
        self._dice = random.Random(846)  # noqa: S311 - dice
        self._wms = Connection.objects.filter(role="WAREHOUSE").order_by("pk")[0]
        Location.objects.bulk_create(
            (Location(code=f"N{n:02}", name=f"Node {n}") for n in range(LOCATIONS)),
            ignore_conflicts=True,
        )
        Item.objects.bulk_create(
            (Item(sku=f"SKU-{n:06}") for n in range(items)), ignore_conflicts=True
        )
        self._skus = [f"SKU-{n:06}" for n in range(items)]
        self._numbers = [100] * (items * LOCATIONS)
        self._files = 0
        begun = time.perf_counter()
        self._apply()
        seconds = time.perf_counter() - begun
        print(f"first file: {len(self._numbers)} levels made in {seconds:.1f} s")
        with database.cursor() as cursor:
            cursor.execute("ANALYZE")
        names = Item.objects.filter(sku__startswith="SKU-").order_by("sku")
        self._item_ids = list(names.values_list("pk", flat=True))
        self._node_id = Location.objects.get(code="N00").pk

    def merge(self) -> Sample:
        """The next file, 5 % of it new, from its stored bytes to the last mark."""
        for _ in range(int(len(self._numbers) * CHANGED)):
            self._numbers[self._dice.randrange(len(self._numbers))] += 1
        self._take()
        stop = threading.Event()
        buyer = threading.Thread(target=self._buy, args=(stop,))
        buyer.start()
        begun = time.perf_counter()
        run_due_snapshots(now=timezone.now())
        seconds = time.perf_counter() - begun
        stop.set()
        buyer.join()
        run = SnapshotRun.objects.latest("pk")
        if run.state != "APPLIED" or run.changed + run.unchanged != len(self._numbers):
            raise RuntimeError(f"{run}: {run.state} {run.error}, {run.changed} changed")
        return Sample(len(self._numbers) / seconds)

    def _apply(self) -> None:
        self._take()
        run_due_snapshots(now=timezone.now())

    def _take(self) -> None:
        self._files += 1
        take_snapshot(
            self._chunks(),
            connection=self._wms,
            key=f"file {self._files} {timezone.now().isoformat()}",
            counted_at=timezone.now() - timedelta(seconds=1),
        )

    def _chunks(self) -> Iterator[bytes]:
        yield b"sku,location,quantity\n"
        for node in range(LOCATIONS):
            start = node * len(self._skus)
            yield "".join(
                f"{sku},N{node:02},{self._numbers[start + n]}\n" for n, sku in enumerate(self._skus)
            ).encode()

    def _buy(self, stop: threading.Event) -> None:
        """One order after the other, of things that the file changes too."""
        dice = random.Random(1)  # noqa: S311 - dice
        while not stop.is_set():
            item_id = dice.choice(self._item_ids)
            want = Wanted(reference=f"b{dice.random()}", item_id=item_id, quantity=1)
            request = PromiseRequest(key=want.reference, wanted=(want,), trace_id=new_trace_id())
            begun = time.perf_counter()
            promise_stock([request], choose=self._here, now=timezone.now())
            self.waits.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.005)
        database.close()

    def _here(self, request: PromiseRequest, room: object) -> list[Held]:
        return [Held(wanted=w, location_id=self._node_id, quantity=1) for w in request.wanted]

    def copy(self) -> Sample:
        """As many bare rows as the file has, by COPY, into a table with the level's indexes."""
        with database.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS bare_level")
            cursor.execute(
                "CREATE TABLE bare_level (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
                " item_id bigint, location_id bigint, on_hand int, UNIQUE (item_id, location_id))"
            )
            blocks = self._bare_rows
            begun = time.perf_counter()
            with cursor.copy("COPY bare_level (item_id, location_id, on_hand) FROM STDIN") as copy:
                for block in blocks:
                    copy.write(block)
            seconds = time.perf_counter() - begun
            cursor.execute("DROP TABLE bare_level")
        return Sample(len(self._numbers) / seconds)

    @cached_property
    def _bare_rows(self) -> list[bytes]:
        rows = StockLevel.objects.order_by("pk").values_list("item_id", "location_id", "on_hand")
        lines = [f"{a}\t{b}\t{c}\n" for a, b, c in rows.iterator(chunk_size=50_000)]
        return ["".join(lines[n : n + 20_000]).encode() for n in range(0, len(lines), 20_000)]

    def bulk_create(self, count: int) -> Sample:
        """The usual way: rows in Python, conflicts updated, no ledger."""
        rows = list(StockLevel.objects.order_by("pk")[:count])
        begun = time.perf_counter()
        StockLevel.objects.bulk_create(
            (
                StockLevel(item_id=row.item_id, location_id=row.location_id, on_hand=row.on_hand)
                for row in rows
            ),
            update_conflicts=True,
            unique_fields=["item", "location"],
            update_fields=["on_hand"],
            batch_size=1_000,
        )
        return Sample(count / (time.perf_counter() - begun))
