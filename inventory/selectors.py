"""Questions about items, places and levels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from inventory.availability import (
    Arrival,
    Availability,
    Fallback,
    Knob,
    NodeStock,
    NodeSums,
    Place,
    Rule,
    RuleBook,
    Silence,
    available_to_sell,
)
from inventory.models import (
    AvailabilityRule,
    Channel,
    InTransit,
    Item,
    ItemUnit,
    Location,
    Reservation,
    StockLevel,
)
from inventory.units import UnitBook

Spot = tuple[int, int]  # (item id, location id): where a level is


def items_by_sku(skus: Iterable[str]) -> dict[str, int]:
    """Ids of the active items among `skus`."""
    return dict(Item.objects.filter(sku__in=list(skus), is_active=True).values_list("sku", "pk"))


def unit_books(item_ids: Iterable[int]) -> dict[int, UnitBook]:
    """The unit each item is counted in, with its factors of others."""
    wanted = list(item_ids)
    factors: dict[int, dict[str, int]] = defaultdict(dict)
    rows = ItemUnit.objects.filter(item_id__in=wanted)
    for item_id, unit, factor in rows.values_list("item_id", "unit", "factor"):
        factors[item_id][unit.casefold()] = factor
    items = Item.objects.filter(pk__in=wanted).values_list("pk", "sku", "unit")
    return {pk: UnitBook(sku, unit, factors[pk]) for pk, sku, unit in items}


def locations_by_code(codes: Iterable[str]) -> dict[str, int]:
    """Ids of the locations among `codes`."""
    return dict(Location.objects.filter(code__in=list(codes)).values_list("code", "pk"))


def available_by_node(item_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """Units that can still be promised, by (item id, location id); only active nodes."""
    levels = StockLevel.objects.filter(item_id__in=list(item_ids), location__is_active=True)
    return {
        (level.item_id, level.location_id): level.available
        for level in levels.only("item_id", "location_id", "on_hand", "reserved", "allocated")
    }


def held_reservations(references: Iterable[str]) -> list[Reservation]:
    """Promises still held for `references`, oldest first."""
    held = Reservation.objects.filter(reference__in=list(references), state=Reservation.State.HELD)
    return list(held.defer("created_at", "updated_at").order_by("pk"))


def describe_reservation(reference: str, *, now: datetime) -> dict[str, Any]:
    """What stands under `reference`, as JSON: `lines` is empty if there never was anything.

    What was given back while other lines stand (moved to another node) is left out.
    """
    rows = Reservation.objects.filter(reference=reference).select_related("item", "location")
    found = list(rows.order_by("pk"))
    held = [row for row in found if row.state == Reservation.State.HELD]
    if held:
        found = [row for row in found if row.state != Reservation.State.RELEASED]
    ends = min((row.expires_at for row in held if row.expires_at), default=None)
    is_over = ends is not None and ends <= now
    return {
        "expires_at": ends and ends.isoformat(),
        "lines": [
            {
                "sku": row.item.sku,
                "node": row.location.code,
                "quantity": row.quantity,
                "consumed": row.consumed_quantity,
                "state": "EXPIRED" if is_over and row.state == "HELD" else row.state,
            }
            for row in found
        ],
    }


def lock_levels(*, references: Iterable[str], places: Iterable[Spot] = ()) -> None:
    """Lock the levels that promises for `references` are held at, and those at `places`.

    In key order, as everybody does: who will touch several levels in one transaction takes them
    all at first.
    """
    held = Reservation.objects.filter(reference__in=list(references), state=Reservation.State.HELD)
    _locked({*places, *held.values_list("item_id", "location_id")})


def lock_spots(spots: Iterable[Spot]) -> dict[Spot, StockLevel]:
    """The levels at `spots`, locked in key order. Those nobody knew yet begin at nothing."""
    wanted = sorted(set(spots))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [list(column) for column in zip(*wanted, strict=True)])
    return _locked(wanted)


# Not INSERT alone: it would use up ids, and wait for those who hold the rows.
_BEGIN = """
INSERT INTO inventory_stocklevel (item_id, location_id)
SELECT w.item_id, w.location_id FROM unnest(%s::bigint[], %s::bigint[]) AS w(item_id, location_id)
WHERE NOT EXISTS (SELECT 1 FROM inventory_stocklevel l
                  WHERE l.item_id = w.item_id AND l.location_id = w.location_id)
ORDER BY 1, 2 ON CONFLICT DO NOTHING
"""


def _locked(wanted: Iterable[Spot]) -> dict[Spot, StockLevel]:
    spots = set(wanted)
    if not spots:
        return {}
    rows = StockLevel.objects.filter(
        item_id__in={item_id for item_id, _ in spots},
        location_id__in={location_id for _, location_id in spots},
    )
    found = rows.values_list("pk", "item_id", "location_id")
    ids = [pk for pk, *spot in found if tuple(spot) in spots]
    locked = StockLevel.objects.select_for_update().filter(pk__in=ids)
    return {(r.item_id, r.location_id): r for r in locked.order_by("item_id", "location_id")}


def lock_channel(channel_id: int) -> None:
    """One at a time may say what a channel is told next."""
    rows = Channel.objects.select_for_update(no_key=True).filter(pk=channel_id)
    list(rows.values_list("pk"))


def rule_book() -> RuleBook:
    """The rules in force."""
    return RuleBook(rules_in_force())


def rules_in_force() -> list[Rule]:
    """The rows of the rule table that count."""
    rows = AvailabilityRule.objects.filter(is_active=True).order_by("pk")
    columns = ("pk", "knob", "value", "item_id", "category", "channel_id", "location_id", "note")
    return [Rule(pk, Knob(knob), *others) for pk, knob, *others in rows.values_list(*columns)]


def availability(
    *,
    item_ids: Iterable[int],
    channel_ids: Iterable[int] = (),
    at: datetime,
    rules: RuleBook | None = None,
) -> dict[tuple[int, int | None], Availability]:
    """What may be sold, by (item id, channel id), in a number of queries that is always the same.

    Without channels: of each item over all active nodes, by (item id, None). `rules` tries others
    than those in force. Active items only; an item that lies nowhere may be sold 0 times.
    """
    rules = rules or rule_book()
    return read_shelf(item_ids=item_ids, channel_ids=channel_ids).ask(rules, at=at)


@dataclass(frozen=True)
class Shelf:
    """What lies where and who may sell it, read once: it answers for any rules."""

    categories: Mapping[int, str]
    served: Mapping[int | None, frozenset[int] | None]
    stock: Mapping[int, Sequence[NodeStock]]

    def ask(self, rules: RuleBook, *, at: datetime) -> dict[tuple[int, int | None], Availability]:
        """What may be sold under `rules`, by (item id, channel id)."""
        known: NodeSums = {}
        return {
            (item_id, channel_id): available_to_sell(
                self._nodes(item_id, channel_id),
                rules,
                Place(item_id, category, channel_id),
                at=at,
                known=known,
            )
            for channel_id in self.served
            for item_id, category in self.categories.items()
        }

    def _nodes(self, item_id: int, channel_id: int | None) -> Sequence[NodeStock]:
        rows, chosen = self.stock.get(item_id, ()), self.served[channel_id]
        return rows if chosen is None else [row for row in rows if row.location_id in chosen]


def read_shelf(*, item_ids: Iterable[int], channel_ids: Iterable[int] = ()) -> Shelf:
    """The stock of these items, those that are active, for these channels or for nobody."""
    items = Item.objects.filter(pk__in=list(item_ids), is_active=True)
    categories = dict(items.order_by("pk").values_list("pk", "category"))
    return Shelf(categories, _served(channel_ids), _stock_by_item(categories))


def _served(channel_ids: Iterable[int]) -> dict[int | None, frozenset[int] | None]:
    asked = list(channel_ids)
    if not asked:
        return {None: None}
    return dict(nodes_of_channels(asked).items())


def nodes_of_channels(channel_ids: Iterable[int]) -> dict[int, frozenset[int] | None]:
    """The nodes each channel sells from; None for all of them."""
    asked = list(channel_ids)
    chosen: dict[int, set[int]] = defaultdict(set)
    rows = Channel.locations.through.objects.filter(channel_id__in=asked)
    for channel_id, location_id in rows.values_list("channel_id", "location_id"):
        chosen[channel_id].add(location_id)
    return {pk: frozenset(chosen[pk]) if pk in chosen else None for pk in asked}


def _stock_by_item(item_ids: Iterable[int]) -> Mapping[int, list[NodeStock]]:
    wanted = list(item_ids)
    nodes = {node.pk: node for node in Location.objects.filter(is_active=True)}
    levels = StockLevel.objects.filter(item_id__in=wanted, location_id__in=nodes)
    columns = ("item_id", "location_id", "on_hand", "reserved", "allocated")
    numbers = {(row[0], row[1]): row[2:] for row in levels.values_list(*columns)}
    arrivals = _arrivals(wanted)
    stock: dict[int, list[NodeStock]] = defaultdict(list)
    for place in numbers.keys() | arrivals.keys():  # nothing may lie yet where something will
        item_id, location_id = place
        if node := nodes.get(location_id):
            on_hand, reserved, allocated = numbers.get(place, (0, 0, 0))
            coming = arrivals.get(place, ())
            stock[item_id].append(
                NodeStock(node.pk, node.code, on_hand, reserved, allocated, coming, _silence(node))
            )
    order = {node.pk: (node.priority, node.code) for node in nodes.values()}
    for rows in stock.values():
        rows.sort(key=lambda row: order[row.location_id])
    return stock


def _silence(node: Location) -> Silence | None:
    if node.silent_since is None:
        return None
    return Silence(node.silent_since, Fallback(node.fallback), node.fallback_percent)


def _arrivals(item_ids: Iterable[int]) -> dict[tuple[int, int], list[Arrival]]:
    rows = InTransit.objects.filter(
        item_id__in=list(item_ids), received_quantity__lt=F("quantity")
    ).order_by("expected_at", "pk")
    coming: dict[tuple[int, int], list[Arrival]] = defaultdict(list)
    for item_id, location_id, quantity, received, expected_at in rows.values_list(
        "item_id", "location_id", "quantity", "received_quantity", "expected_at"
    ):
        coming[item_id, location_id].append(Arrival(quantity - received, expected_at))
    return coming


def counted_moments(level_ids: Iterable[int]) -> dict[int, datetime]:
    """When each of these levels was last counted: also by a file that left it as it was."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [list(level_ids)])
        return {level_id: at for level_id, at in cursor.fetchall() if at is not None}


_COUNTED = """
SELECT l.id, greatest(l.counted_at, max(m.counted_at)) FROM inventory_stocklevel l
LEFT JOIN inventory_snapshotmark m
    ON m.location_id = l.location_id AND m.is_all_but <> (l.item_id = ANY (m.item_ids))
WHERE l.id = ANY (%s) GROUP BY l.id
"""
