"""What 3 channels are told of 500 changed items over 5 nodes: decided, explained, on record.

The limit is the same decision as one statement written by hand: the bare sum and each node's part,
a row for each number that changed, the one before overtaken, the offer moved on; no rule, and no
look at what the channel was told before. The peer takes signal by signal and
channel by channel with the ORM, and may use our own sum. A unit is one item at one channel.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.estate import empty, prepare
from benchmarks.measure import Report, Sample, compare, percentile, report
from inventory.models import Channel, ChannelOffer, Item, Location, Publication, StockSignal
from inventory.selectors import availability
from inventory.services.publish import publish_stock
from inventory.telling import Mode

ITEMS, NODES, CHANNELS = 500, 5, 3
_FILL = """
INSERT INTO inventory_stocklevel (created_at, updated_at, item_id, location_id, on_hand)
SELECT now(), now(), i.id, l.id, 50 FROM inventory_item i, inventory_location l
"""
_CHANGE = """
WITH picked AS (SELECT id FROM inventory_item ORDER BY id LIMIT %s), changed AS (
    UPDATE inventory_stocklevel SET on_hand = on_hand + 1
    WHERE item_id IN (SELECT id FROM picked) RETURNING item_id)
INSERT INTO inventory_stocksignal (item_id) SELECT DISTINCT item_id FROM changed
"""
_BY_HAND = """
WITH heard AS (
    DELETE FROM inventory_stocksignal RETURNING item_id, changed_at
), sums AS (
    SELECT s.item_id, min(h.changed_at) AS changed_at,
           sum(greatest(s.on_hand - s.reserved - s.allocated, 0)) AS quantity,
           jsonb_agg(jsonb_build_object(
               'code', l.code, 'quantity', greatest(s.on_hand - s.reserved - s.allocated, 0),
               'steps', jsonb_build_array(jsonb_build_object(
                   'label', 'On hand', 'change', s.on_hand, 'after', s.on_hand, 'why', '',
                   'rule_id', null)))) AS nodes
    FROM heard h JOIN inventory_stocklevel s ON s.item_id = h.item_id
    JOIN inventory_location l ON l.id = s.location_id AND l.is_active GROUP BY s.item_id
), overtaken AS (
    UPDATE inventory_publication p SET state = 'SUPERSEDED'
    FROM inventory_channeloffer o JOIN sums s USING (item_id)
    WHERE p.id = o.last_id AND p.state = 'OWED'
), told AS (
    INSERT INTO inventory_publication
        (channel_id, item_id, quantity, nodes, explanation, reason, changed_at)
    SELECT c.id, s.item_id, s.quantity, '{}',
           jsonb_build_object('quantity', s.quantity, 'nodes', s.nodes, 'listed', '{}'::jsonb,
                              'steps', '[]'::jsonb), 'CHANGE', s.changed_at
    FROM sums s CROSS JOIN inventory_channel c WHERE c.publish_mode <> 'OFF'
    RETURNING id, channel_id, item_id
), moved AS (
    INSERT INTO inventory_channeloffer (channel_id, item_id, last_id)
    SELECT channel_id, item_id, id FROM told
    ON CONFLICT (channel_id, item_id) DO UPDATE SET last_id = excluded.last_id
    RETURNING id
)
SELECT count(*) FROM moved
"""


def run(*, quick: bool) -> Report:
    """The whole comparison."""
    prepare()
    fill()
    asked = []
    for count in (1, ITEMS):
        change(count)
        with CaptureQueriesContext(database) as questions:
            decide()
        asked.append(len(questions))
    print(f"queries: {asked[0]} for 1 item, {asked[1]} for {ITEMS} items x {CHANNELS} channels")
    turns = 2 if quick else 6
    contestants: dict[str, Callable[[], Sample]] = {
        "ours": partial(_round, ITEMS, turns, decide),
        "limit": partial(_round, ITEMS, turns, by_hand),
        "peer": partial(_round, ITEMS // 10, 1, one_by_one),
    }
    return report("publication", compare(contestants, rounds=5 if quick else 9, say=print))


def fill() -> None:
    """Items at every node, and channels without a system, so that only the decision is measured."""
    empty("inventory_stocklevel", "inventory_location", "inventory_item", "inventory_stocksignal")
    Channel.objects.update(publish_mode=Mode.OFF)
    for number in range(CHANNELS):
        Channel.objects.update_or_create(
            code=f"bench-{number}", defaults={"name": "Bench", "publish_mode": Mode.CHANGE}
        )
    Location.objects.bulk_create(Location(code=f"N{n}", name=f"Node {n}") for n in range(NODES))
    Item.objects.bulk_create(Item(sku=f"SKU-{n:05}") for n in range(ITEMS))
    with database.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute("ANALYZE")


def change(count: int) -> None:
    """The stock of so many items changes everywhere."""
    with database.cursor() as cursor:
        cursor.execute(_CHANGE, [count])


def decide() -> None:
    """Ours."""
    publish_stock(limit=ITEMS, now=timezone.now())


def by_hand() -> None:
    """The database alone."""
    with database.cursor() as cursor:
        cursor.execute(_BY_HAND)


def one_by_one() -> None:
    """The obvious way, a signal and a channel at a time."""
    for signal in StockSignal.objects.order_by("pk"):
        for channel in Channel.objects.exclude(publish_mode=Mode.OFF):
            _tell(signal, channel)
        signal.delete()


@transaction.atomic
def _tell(signal: StockSignal, channel: Channel) -> None:
    ChannelOffer.objects.get_or_create(channel=channel, item_id=signal.item_id)
    offer = ChannelOffer.objects.select_for_update().get(channel=channel, item_id=signal.item_id)
    key, now = (signal.item_id, channel.pk), timezone.now()
    found = availability(item_ids=[signal.item_id], channel_ids=[channel.pk], at=now)[key]
    before = offer.last
    if before is not None and before.quantity == found.quantity:
        return
    offer.last = Publication.objects.create(
        channel=channel,
        item_id=signal.item_id,
        quantity=found.quantity,
        explanation=found.as_json(),
        reason=Publication.Reason.CHANGE,
        changed_at=signal.changed_at,
    )
    offer.save()
    if before is not None and before.state == Publication.State.OWED:
        before.state = Publication.State.SUPERSEDED
        before.save()


def _round(items: int, turns: int, act: Callable[[], None]) -> Sample:
    took: list[float] = []
    spent = 0.0
    for _ in range(turns):
        change(items)
        before = Publication.objects.count()
        started, cpu = time.perf_counter(), time.process_time()
        act()
        took.append(time.perf_counter() - started)
        spent += time.process_time() - cpu
        if Publication.objects.count() - before != items * CHANNELS:
            raise RuntimeError("not every changed number was decided")
    units = items * CHANNELS
    return Sample(
        units * turns / sum(took),
        p50_ms=statistics.median(took) * 1000,
        p99_ms=percentile(sorted(took), 0.99) * 1000,
        cpu_ms_per_item=spent * 1000 / (units * turns),
    )
