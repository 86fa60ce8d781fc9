"""Stock changed -> what each channel is told, where it is worth telling. The newest number wins.

Signals are an item's, however many came; the offers they touch are locked before stock is read, so
who decides later has read later. A decision, and what is owed for it, commit together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from inventory.availability import Availability, Step
from inventory.events import OffersChanged, StockOffered
from inventory.models import Channel, ChannelOffer, Item, Publication
from inventory.selectors import availability
from inventory.telling import Knobs, Mode, is_worth_telling
from retailhub.kernel.events import publish
from retailhub.kernel.rows import insert_rows, update_rows

_CLAIM = """
WITH heard AS (
    SELECT id, item_id, changed_at FROM inventory_stocksignal
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (DELETE FROM inventory_stocksignal s USING heard WHERE s.id = heard.id)
SELECT item_id, min(changed_at), count(*) FROM heard GROUP BY item_id
"""
# What somebody asked to be told, and what has waited as long as its channel allows.
_DUE = """
SELECT o.id FROM inventory_channeloffer o
JOIN inventory_channel c ON c.id = o.channel_id AND c.publish_mode <> 'OFF'
WHERE o.forced <> '' AND o.paused_at IS NULL
UNION
SELECT o.id FROM inventory_channeloffer o
JOIN inventory_channel c ON c.id = o.channel_id AND c.publish_mode IN ('CHANGE', 'THRESHOLD')
WHERE o.paused_at IS NULL AND o.pending_since <= %(now)s - make_interval(
      secs => CASE c.publish_mode WHEN 'CHANGE' THEN 0 ELSE c.publish_wait_seconds END)
LIMIT %(limit)s
"""
_OPEN_OFFERS = """
INSERT INTO inventory_channeloffer (channel_id, item_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING
"""
# All that a decision looks at, of thousands of offers.
_READ = (
    *("channel_id", "item_id", "pending_since", "forced", "paused_at"),
    *("last_id", "last__quantity", "last__nodes"),
)
_NOT_SOLD = Availability(0, (), (Step("Not sold any more", 0, 0),), {})


@transaction.atomic
def publish_stock(*, limit: int, now: datetime) -> int:
    """Decide for up to `limit` signals; with none left, for offers that are due without one.

    Returns how many signals or offers were looked at: 0 when there is nothing to do.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [limit])
        heard = cursor.fetchall()
    channels = {c.pk: c for c in Channel.objects.exclude(publish_mode=Mode.OFF).order_by("pk")}
    changed = {item_id: changed_at for item_id, changed_at, _ in heard}
    offers = _offers_of(channels, changed) if heard else _due_offers(limit, now)
    _decide(offers, channels, changed, now)
    return sum(count for *_, count in heard) if heard else len(offers)


def _offers_of(
    channels: Mapping[int, Channel], changed: Mapping[int, datetime]
) -> list[ChannelOffer]:
    known = _locked(channel_id__in=channels, item_id__in=changed)
    there = {(offer.channel_id, offer.item_id) for offer in known}
    sold = Item.objects.filter(pk__in=changed, is_active=True).values_list("pk", flat=True)
    missing = sorted({(c, i) for c in channels for i in sold} - there)
    if not missing:
        return known
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_OFFERS, [list(column) for column in zip(*missing, strict=True)])
    return _locked(channel_id__in=channels, item_id__in=changed)


def _due_offers(limit: int, now: datetime) -> list[ChannelOffer]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "limit": limit})
        ids = [pk for (pk,) in cursor.fetchall()]
    return _locked(skip=True, pk__in=ids) if ids else []


def _locked(*, skip: bool = False, **which: object) -> list[ChannelOffer]:
    # In key order, as everybody does.
    rows = ChannelOffer.objects.select_for_update(of=("self",), skip_locked=skip).filter(**which)
    return list(rows.select_related("last").only(*_READ).order_by("channel_id", "item_id"))


def _decide(
    offers: Sequence[ChannelOffer],
    channels: Mapping[int, Channel],
    changed: Mapping[int, datetime],
    now: datetime,
) -> None:
    offers = [offer for offer in offers if offer.channel_id in channels]
    if not offers:
        return
    sums = availability(item_ids={o.item_id for o in offers}, channel_ids=channels, at=now)
    told: list[tuple[ChannelOffer, Publication]] = []
    noted: list[ChannelOffer] = []
    for offer in offers:
        channel, before = channels[offer.channel_id], offer.pending_since
        found = sums.get((offer.item_id, offer.channel_id), _NOT_SOLD)
        made = _publication(offer, channel, found, changed.get(offer.item_id), now)
        if made is not None:
            told.append((offer, made))
        elif offer.pending_since != before:
            noted.append(offer)
    update_rows(noted, ["pending_since"])
    _write(told)


def _publication(
    offer: ChannelOffer,
    channel: Channel,
    found: Availability,
    changed_at: datetime | None,
    now: datetime,
) -> Publication | None:
    """What the channel is told, or None; then `pending_since` says since when it should know."""
    last = offer.last
    nodes = _by_node(last, found) if channel.publish_by_node else {}
    is_same = last is not None and (last.quantity, last.nodes) == (found.quantity, nodes)
    since = min(filter(None, (offer.pending_since, changed_at)), default=now)
    told = None if last is None else last.quantity
    is_worth = is_worth_telling(
        _knobs(channel), told=told, number=found.quantity, waited=now - since
    )
    if offer.paused_at is not None or not (offer.forced or (is_worth and not is_same)):
        offer.pending_since = None if is_same else since
        return None
    usual = Publication.Reason.THRESHOLD if channel.publish_mode == Mode.THRESHOLD else None
    return Publication(
        channel_id=offer.channel_id,
        item_id=offer.item_id,
        quantity=found.quantity,
        nodes=nodes,
        explanation=found.as_json(),
        reason=offer.forced or usual or Publication.Reason.CHANGE,
        changed_at=_owed_since(channel, since, changed_at, now),
        decided_at=now,
    )


def _owed_since(
    channel: Channel, since: datetime, changed_at: datetime | None, now: datetime
) -> datetime:
    """When the channel should have begun to hear of it: what may wait is not late while it does.

    `since` is the first change that it does not know, `changed_at` the one that is decided now.
    """
    if channel.publish_mode == Mode.CHANGE:
        return since
    if channel.publish_mode == Mode.FULL:
        return now
    return min(changed_at or now, since + _knobs(channel).longest_wait)


def _by_node(last: Publication | None, found: Availability) -> dict[str, int]:
    # A node that offers nothing any more still shows what it was told before.
    return dict.fromkeys(last.nodes if last else (), 0) | dict(found.listed)


def _knobs(channel: Channel) -> Knobs:
    return Knobs(
        mode=Mode(channel.publish_mode),
        threshold=channel.publish_threshold,
        step=channel.publish_step,
        percent=channel.publish_percent,
        longest_wait=timedelta(seconds=channel.publish_wait_seconds),
    )


def _write(told: Sequence[tuple[ChannelOffer, Publication]]) -> None:
    if not told:
        return
    before = [offer.last_id for offer, _ in told if offer.last_id is not None]
    for (offer, _), row in zip(told, insert_rows(made for _, made in told), strict=True):
        offer.last_id, offer.pending_since, offer.forced = row.pk, None, ""
    update_rows([offer for offer, _ in told], ["last", "pending_since", "forced"])
    Publication.objects.filter(pk__in=before, state=Publication.State.OWED).update(
        state=Publication.State.SUPERSEDED
    )
    publish(OffersChanged(item_ids=_sorted(offer.item_id for offer, _ in told)))
    publish(StockOffered(channel_ids=_sorted(offer.channel_id for offer, _ in told)))


def _sorted(ids: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)))
