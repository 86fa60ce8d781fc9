"""One mug with a history: three nodes, three channels, rules, promises, and a wrong number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.models import Connection
from inventory.models import (
    AvailabilityRule,
    Channel,
    ChannelOffer,
    InTransit,
    Item,
    Location,
    Publication,
    Reservation,
    StockLevel,
    StockMovement,
)
from inventory.selectors import availability
from inventory.services.opening import Opening, open_levels

SKU = "MUG-BLUE"
NODES = (("BERLIN", "Berlin", 9), ("HAMBURG", "Hamburg", 6), ("STORE-7", "Store Kantstraße", 3))


def tell_of_a_mug(channels: Sequence[Channel], *, now: datetime, order_id: int = 0) -> Item:
    """18 there, 5 promised, 1 set aside, 2 kept back: 10 in all, 7 for the first channel."""
    item = Item.objects.create(sku=SKU, name="Mug, blue, 0.3 l", category="mugs")
    for priority, (code, name, quantity) in enumerate(NODES, 1):
        place, _ = Location.objects.get_or_create(
            code=code, defaults={"name": name, "priority": priority}
        )
        opening = Opening(
            item_id=item.pk,
            location_id=place.pk,
            quantity=quantity,
            effect_key=f"opening:{code}:{SKU}",
        )
        open_levels([opening], now=now - timedelta(days=2))
    berlin, hamburg, _ = StockLevel.objects.filter(item=item).order_by("location__priority")
    _promise(berlin, 3, f"order:{order_id}:1", now - timedelta(hours=3))
    _promise(hamburg, 2, "basket:7f3a", now - timedelta(minutes=12), now + timedelta(minutes=8))
    _set_aside(hamburg, 1, now - timedelta(hours=1))
    InTransit.objects.create(
        reference="PO-4711",
        item=item,
        location=berlin.location,
        quantity=24,
        expected_at=now + timedelta(days=2),
        source="NetSuite",
    )
    _rules(item, channels[0], berlin.location)
    _publish(item, channels, now)
    return item


def _promise(
    level: StockLevel, units: int, reference: str, at: datetime, ends: datetime | None = None
) -> None:
    Reservation.objects.create(
        reference=reference,
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=units,
        expires_at=ends,
    )
    level.reserved += units
    _move(level, "RESERVED", at, reserved_change=units)


def _set_aside(level: StockLevel, units: int, at: datetime) -> None:
    level.allocated += units
    _move(level, "ALLOCATED", at, allocated_change=units, source="WMS Hamburg", reason="Damaged")


def _move(level: StockLevel, kind: str, at: datetime, **more: Any) -> None:
    level.save()
    StockMovement.objects.create(
        level=level,
        kind=kind,
        effect_key=f"{kind}:{level.pk}:{at.isoformat()}",
        on_hand_after=level.on_hand,
        reserved_after=level.reserved,
        allocated_after=level.allocated,
        happened_at=at,
        **more,
    )


def _rules(item: Item, channel: Channel, berlin: Location) -> None:
    rules: tuple[dict[str, Any], ...] = (
        {"knob": "SAFETY_STOCK", "value": 2, "location": berlin, "note": "returns desk"},
        {"knob": "BUFFER", "value": 1},
        {"knob": "BUFFER", "value": 3, "channel": channel, "note": "orders come in late there"},
        {"knob": "END_WHEN", "value": 1},
    )
    for rule in rules:
        AvailabilityRule.objects.create(**rule)


def _publish(item: Item, channels: Sequence[Channel], now: datetime) -> None:
    """The first shows what it was told, the second another number, the third is not told yet."""
    sums = availability(item_ids=[item.pk], channel_ids=[c.pk for c in channels], at=now)
    first, second, third = (sums[item.pk, channel.pk] for channel in channels)
    ages = ((channels[0], first, 3, 0), (channels[1], second, 40, 2))
    for channel, found, minutes, beyond in ages:
        told = _tell(item, channel, found.as_json(), now - timedelta(minutes=minutes))
        ChannelOffer.objects.create(
            channel=channel,
            item=item,
            last=told,
            published_quantity=told.quantity,
            published_at=told.sent_at,
            observed_quantity=told.quantity + beyond,
            observed_at=now - timedelta(minutes=1),
        )
    owed = _tell(item, channels[2], third.as_json(), now - timedelta(minutes=20), state="OWED")
    ChannelOffer.objects.create(channel=channels[2], item=item, last=owed)


def _tell(
    item: Item, channel: Channel, explanation: dict[str, Any], at: datetime, state: str = "SENT"
) -> Publication:
    return Publication.objects.create(
        channel=channel,
        item=item,
        quantity=explanation["quantity"],
        nodes=explanation["listed"],
        explanation=explanation,
        reason="CHANGE",
        state=state,
        changed_at=at - timedelta(seconds=4),
        decided_at=at - timedelta(seconds=3),
        sent_at=at if state == "SENT" else None,
    )


def three_channels() -> list[Channel]:
    """Each with the connection that speaks for it."""
    found = []
    for code, name, system in (
        ("amazon-fr", "Amazon FR", "custom"),
        ("shopify-at", "Shopify AT", "shopify"),
        ("outlet", "Outlet", "custom"),
    ):
        channel = Channel.objects.create(code=code, name=name, publish_mode="CHANGE")
        Connection.objects.create(
            slug=code,
            name=name,
            system=system,
            role=Connection.Role.SHOP,
            channel=channel,
            base_url=f"https://{code}.example.org",
        )
        found.append(channel)
    return found
