"""What became of a publication: the channel has it, refused it, or showed another number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from inventory.events import OffersChanged, OffersCured, StockDrifted, StockRefused
from inventory.models import ChannelOffer, Publication
from retailhub.kernel.events import publish

# Said of a publication that a newer one has replaced, too: it was on its way, so it was told.
_TAKEN = """
WITH taken AS (
    UPDATE inventory_publication p SET state = 'SENT', sent_at = %(now)s, error_code = '',
           error_detail = ''
    FROM (SELECT id FROM inventory_publication WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE) l
    WHERE p.id = l.id RETURNING p.id, p.channel_id, p.item_id, p.quantity, p.nodes
)
UPDATE inventory_channeloffer o
SET published_quantity = t.quantity, published_nodes = t.nodes, published_at = %(now)s,
    refusals = 0, drift_since = NULL, troubled_since = NULL
FROM taken t WHERE o.channel_id = t.channel_id AND o.item_id = t.item_id
"""
# So often in a row a channel may show another number before a person is told.
MANY_REFUSALS = 3


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The channel took the others but not this one, or the call could not name it there."""

    publication_id: int
    code: str
    detail: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Overtaken:
    """Somebody else moved the number: what the channel shows, by node where it has nodes."""

    publication_id: int
    quantity: int
    nodes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A whole call that needs a person; its case is the call's."""

    publication_ids: Sequence[int]
    code: str
    detail: str


@transaction.atomic
def note_told(
    *,
    taken: Iterable[int] = (),
    failed: Failed | None = None,
    refused: Sequence[Refused] = (),
    overtaken: Sequence[Overtaken] = (),
    now: datetime,
) -> None:
    """Write what a channel answered, by publication. Saying it again changes nothing more.

    A number that was overtaken is not told: what the channel shows is kept, and the number is
    decided again.
    """
    ids = sorted(set(taken))
    # Offers before publications, in key order, as who decides does.
    of = {*ids, *(r.publication_id for r in refused), *(o.publication_id for o in overtaken)}
    offers = _lock_offers(of)
    if failed is not None:
        _fail(failed.publication_ids, failed.code, failed.detail)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_TAKEN, {"ids": ids, "now": now})
        cured = {offers[pk].pk for pk in ids if pk in offers and offers[pk].troubled_since}
        if cured:
            publish(OffersCured(offer_ids=tuple(sorted(cured))))
    for one in refused:
        _refuse(one, offers, now)
    for late in overtaken:
        _see(late, offers, now)
    if offers:
        publish(OffersChanged(item_ids=tuple(sorted({o.item_id for o in offers.values()}))))


def _lock_offers(publication_ids: Iterable[int]) -> dict[int, ChannelOffer]:
    rows = Publication.objects.filter(pk__in=list(publication_ids))
    places = {(c, i): pk for pk, c, i in rows.values_list("pk", "channel_id", "item_id")}
    offers = ChannelOffer.objects.select_for_update().filter(
        channel_id__in={c for c, _ in places}, item_id__in={i for _, i in places}
    )
    locked = offers.order_by("channel_id", "item_id")
    return {places[key]: row for row in locked if (key := (row.channel_id, row.item_id)) in places}


def _fail(publication_ids: Sequence[int], code: str, detail: str) -> None:
    Publication.objects.filter(pk__in=publication_ids, state=Publication.State.OWED).update(
        state=Publication.State.FAILED, error_code=code, error_detail=detail[:500]
    )


def _refuse(one: Refused, offers: Mapping[int, ChannelOffer], now: datetime) -> None:
    _fail([one.publication_id], one.code, one.detail)
    offer = offers.get(one.publication_id)
    if offer is not None and offer.last_id == one.publication_id:
        offer.troubled_since = offer.troubled_since or now
        offer.save(update_fields=["troubled_since"])
        publish(
            StockRefused(
                offer_id=offer.pk, code=one.code, detail=one.detail, context=dict(one.context)
            )
        )


def _see(late: Overtaken, offers: Mapping[int, ChannelOffer], now: datetime) -> None:
    Publication.objects.filter(pk=late.publication_id, state=Publication.State.OWED).update(
        state=Publication.State.SUPERSEDED
    )
    offer = offers.get(late.publication_id)
    if offer is None:
        return
    offer.observed_quantity, offer.observed_nodes = late.quantity, dict(late.nodes)
    offer.observed_at = now
    offer.refusals += 1
    offer.drift_since = offer.drift_since or now
    offer.forced = offer.forced or Publication.Reason.DRIFT
    is_drift = offer.refusals == MANY_REFUSALS
    if is_drift:
        offer.troubled_since = offer.troubled_since or now
    offer.save(
        update_fields=[
            "observed_quantity", "observed_nodes", "observed_at", "refusals", "drift_since",
            "forced", "troubled_since",
        ]
    )  # fmt: skip
    if is_drift:
        publish(StockDrifted(offer_id=offer.pk))
