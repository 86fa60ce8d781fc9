"""Questions about items, places and levels."""

from __future__ import annotations

from collections.abc import Iterable

from inventory.models import Item, Location, Reservation, StockLevel


def items_by_sku(skus: Iterable[str]) -> dict[str, int]:
    """Ids of the active items among `skus`."""
    return dict(Item.objects.filter(sku__in=list(skus), is_active=True).values_list("sku", "pk"))


def locations_by_code(codes: Iterable[str]) -> dict[str, int]:
    """Ids of the locations among `codes`."""
    return dict(Location.objects.filter(code__in=list(codes)).values_list("code", "pk"))


def available_by_node(item_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """Units that can still be promised, by (item id, location id); only active nodes."""
    levels = StockLevel.objects.filter(item_id__in=list(item_ids), location__is_active=True)
    return {
        (level.item_id, level.location_id): level.available
        for level in levels.only("item_id", "location_id", "on_hand", "reserved")
    }


def held_reservations(references: Iterable[str]) -> list[Reservation]:
    """Promises still held for `references`, oldest first."""
    held = Reservation.objects.filter(reference__in=list(references), state=Reservation.State.HELD)
    return list(held.defer("created_at", "updated_at").order_by("pk"))


def lock_levels(*, references: Iterable[str], places: Iterable[tuple[int, int]] = ()) -> None:
    """Lock the levels that promises for `references` are held at, and those at `places`.

    In key order, as everybody does: who will touch several levels in one transaction takes them
    all at first.
    """
    held = Reservation.objects.filter(reference__in=list(references), state=Reservation.State.HELD)
    wanted = {*places, *held.values_list("item_id", "location_id")}
    if not wanted:
        return
    rows = StockLevel.objects.filter(
        item_id__in={item_id for item_id, _ in wanted},
        location_id__in={location_id for _, location_id in wanted},
    )
    found = rows.values_list("pk", "item_id", "location_id")
    ids = [pk for pk, *place in found if tuple(place) in wanted]
    locked = StockLevel.objects.select_for_update().filter(pk__in=ids)
    list(locked.order_by("item_id", "location_id").values_list("pk"))
