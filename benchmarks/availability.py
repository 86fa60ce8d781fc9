"""What may be sold of 500 items over 20 nodes, explained: one process and its own PostgreSQL.

The limit is one statement that reads the same rows and does the bare sum in the database: no rule,
no explanation. The peer asks item by item and node by node, the way the ORM invites one to.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from django.db import connection as database
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.estate import empty, prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from inventory.availability import Knob
from inventory.models import AvailabilityRule, Channel, InTransit, Item, Location, StockLevel
from inventory.selectors import availability, items_by_sku

ITEMS, NODES = 500, 20
_FILL = """
INSERT INTO inventory_stocklevel (created_at, updated_at, item_id, location_id, on_hand, reserved)
SELECT now(), now(), i.id, l.id, 5 + (i.id * l.id) % 20, (i.id + l.id) % 4
FROM inventory_item i, inventory_location l WHERE l.code LIKE 'N%'
"""
_BARE = """
SELECT i.sku, sum(greatest(s.on_hand - s.reserved - s.allocated, 0))
FROM inventory_item i JOIN inventory_stocklevel s ON s.item_id = i.id
JOIN inventory_location l ON l.id = s.location_id AND l.is_active
WHERE i.sku = ANY(%s) AND i.is_active GROUP BY i.sku
"""


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    skus, channel = fill()
    with CaptureQueriesContext(database) as few:
        ask(skus[:1], channel)
    with CaptureQueriesContext(database) as many:
        ask(skus, channel)
    print(f"queries: {len(few)} for 1 item, {len(many)} for {len(skus)} items × {NODES} nodes")
    calls = 5 if quick else 20
    contestants: dict[str, Callable[[], Sample]] = {
        "ours": partial(_round, skus, calls, partial(ask, channel=channel)),
        "limit": partial(_round, skus, calls, bare),
        "peer": partial(_round, skus[: ITEMS // 25], 1, partial(one_by_one, channel=channel)),
    }
    return report("availability", compare(contestants, rounds=5 if quick else 9, say=print))


def fill() -> tuple[list[str], Channel]:
    """Items, nodes and levels; a rule of each kind, and one of five hundred items' own."""
    empty("inventory_stocklevel", "inventory_location", "inventory_item")
    Location.objects.bulk_create(
        Location(code=f"N{n:02}", name=f"Node {n}", priority=n) for n in range(NODES)
    )
    skus = [f"SKU-{n:05}" for n in range(ITEMS)]
    Item.objects.bulk_create(Item(sku=sku, name=sku) for sku in skus)
    channel = Channel.objects.order_by("pk")[0]
    with database.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute("ANALYZE")
    general = ((Knob.SAFETY_STOCK, 2), (Knob.BUFFER, 1), (Knob.END_WHEN, 1), (Knob.HORIZON, 48))
    rules = [AvailabilityRule(knob=knob, value=value) for knob, value in general]
    own = Item.objects.order_by("pk").values_list("pk", flat=True)
    rules += [AvailabilityRule(knob=Knob.SAFETY_STOCK, value=3, item_id=pk) for pk in own]
    AvailabilityRule.objects.bulk_create(rules)
    return skus, channel


def ask(skus: Sequence[str], channel: Channel) -> int:
    """Ours: with every line of every sum."""
    items = items_by_sku(skus)
    found = availability(item_ids=items.values(), channel_ids=[channel.pk], at=timezone.now())
    return sum(one.quantity for one in found.values())


def bare(skus: Sequence[str]) -> int:
    """The database alone."""
    with database.cursor() as cursor:
        cursor.execute(_BARE, [list(skus)])
        return sum(units for _, units in cursor.fetchall())


def one_by_one(skus: Sequence[str], channel: Channel) -> int:
    """The same number, asked for where it is needed."""
    return sum(_one(sku, channel) for sku in skus)


def _one(sku: str, channel: Channel) -> int:
    item, now = Item.objects.get(sku=sku, is_active=True), timezone.now()
    nodes = channel.locations.filter(is_active=True) or Location.objects.filter(is_active=True)
    total = sum(_at(item, node, channel, now) for node in nodes)
    total -= _knob(Knob.BUFFER, item, channel, None)
    return 0 if total <= _knob(Knob.END_WHEN, item, channel, None) else total


def _at(item: Item, node: Location, channel: Channel, now: datetime) -> int:
    level = StockLevel.objects.filter(item=item, location=node).first()
    left = level.available if level else 0
    hours = _knob(Knob.HORIZON, item, channel, node)
    coming = InTransit.objects.filter(
        item=item, location=node, received_quantity__lt=F("quantity"), expected_at__gt=now
    )
    left += sum(one.outstanding for one in coming) if hours else 0
    return max(left - _knob(Knob.SAFETY_STOCK, item, channel, node), 0)


def _knob(knob: Knob, item: Item, channel: Channel, node: Location | None) -> int:
    rules = AvailabilityRule.objects.filter(
        Q(item=None) | Q(item=item),
        Q(channel=None) | Q(channel=channel),
        Q(location=None) | Q(location=node),
        knob=knob,
        is_active=True,
    )
    winner = rules.order_by(F("item").asc(nulls_last=True), "-pk").first()
    return winner.value if winner else 0


def _round(skus: Sequence[str], calls: int, answer: Callable[[Sequence[str]], int]) -> Sample:
    took: list[float] = []
    spent = time.process_time()
    for _ in range(calls):
        started = time.perf_counter()
        if answer(skus) <= 0:
            raise RuntimeError("nothing may be sold: the sum was not done")
        took.append(time.perf_counter() - started)
    spent = time.process_time() - spent
    return Sample(
        len(skus) * calls / sum(took),
        p50_ms=statistics.median(took) * 1000,
        p99_ms=percentile(sorted(took), 0.99) * 1000,
        cpu_ms_per_item=spent * 1000 / (len(skus) * calls),
    )
