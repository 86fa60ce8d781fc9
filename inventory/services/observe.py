"""What a channel showed when we looked, beside what it was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from inventory.events import OffersCured, StockDrifted
from inventory.models import ChannelOffer, Publication
from retailhub.kernel.events import publish
from retailhub.kernel.rows import update_rows


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one offer shows by node ("" where the channel has none); None: it is not listed."""

    offer_id: int
    nodes: Mapping[str, int] | None


@transaction.atomic
def record_observations(
    *, seen: Sequence[Seen], settled_before: datetime, grace: timedelta, now: datetime
) -> None:
    """Keep what was seen at `now`, and say where it differs from what was told.

    Told later than `settled_before`, or with a newer number on its way, a difference says nothing.
    Seen once it may be a sale that we have not heard of; still there after `grace`, it is drift.
    """
    shown = {one.offer_id: one.nodes for one in seen}
    rows = ChannelOffer.objects.select_for_update(of=("self",)).filter(pk__in=shown)
    offers = list(
        rows.select_related("last").defer("last__explanation").order_by("channel_id", "item_id")
    )
    before = {offer.pk: offer.troubled_since for offer in offers}
    confirmed: list[int] = []
    for offer in offers:
        _keep(offer, shown[offer.pk], now)
        if offer.observed_quantity is None or not _is_comparable(offer, settled_before):
            continue
        if not _agrees(offer):
            _doubt(offer, grace, now)
            continue
        offer.drift_since = offer.troubled_since = None
        confirmed.append(offer.last_id or 0)
    update_rows(
        offers,
        ["observed_at", "observed_quantity", "observed_nodes", "drift_since", "troubled_since"],
    )
    Publication.objects.filter(pk__in=confirmed, observed_at=None).update(observed_at=now)
    _tell(offers, before)


def _keep(offer: ChannelOffer, nodes: Mapping[str, int] | None, now: datetime) -> None:
    offer.observed_at = now
    offer.observed_quantity = None if nodes is None else sum(nodes.values())
    offer.observed_nodes = {place: n for place, n in (nodes or {}).items() if place}


def _doubt(offer: ChannelOffer, grace: timedelta, now: datetime) -> None:
    offer.drift_since = offer.drift_since or now
    if now - offer.drift_since >= grace:
        offer.troubled_since = offer.troubled_since or now


def _tell(offers: Sequence[ChannelOffer], before: Mapping[int, datetime | None]) -> None:
    cured = [o.pk for o in offers if before[o.pk] and o.troubled_since is None]
    if cured:
        publish(OffersCured(offer_ids=tuple(cured)))
    for offer in offers:
        if offer.troubled_since and before[offer.pk] is None:
            publish(StockDrifted(offer_id=offer.pk))


def _is_comparable(offer: ChannelOffer, settled_before: datetime) -> bool:
    is_settled = offer.published_at is not None and offer.published_at <= settled_before
    is_newest = offer.last is not None and offer.last.state == Publication.State.SENT
    return is_settled and is_newest and not offer.forced


def _agrees(offer: ChannelOffer) -> bool:
    if not offer.published_nodes:
        return offer.observed_quantity == offer.published_quantity
    told: dict[str, int] = offer.published_nodes
    return all(offer.observed_nodes.get(place) == number for place, number in told.items())
