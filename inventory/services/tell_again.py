"""Somebody wants a number told though it may not have changed: a person, a full run, a doubt."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from inventory.models import ChannelOffer, Publication

_OPEN = """
INSERT INTO inventory_channeloffer (channel_id, item_id)
SELECT %(channel_id)s, i.id FROM inventory_item i
WHERE i.is_active AND (%(item_ids)s::bigint[] IS NULL OR i.id = ANY(%(item_ids)s))
ORDER BY i.id ON CONFLICT DO NOTHING
"""


@transaction.atomic
def tell_again(
    *,
    reason: Publication.Reason,
    channel_id: int | None = None,
    item_ids: Iterable[int] | None = None,
    publication_ids: Iterable[int] | None = None,
    location_id: int | None = None,
) -> int:
    """Have the offers that fit all that is given decided anew and told, whatever was told before.

    By `publication_ids`: those whose newest number it is. By `location_id`: those whose channel
    sells from it and whose item lies there. A paused offer waits until it is resumed. Returns how
    many.
    """
    items = None if item_ids is None else sorted(set(item_ids))
    if channel_id is not None and publication_ids is None and location_id is None:
        with connection.cursor() as cursor:
            cursor.execute(_OPEN, {"channel_id": channel_id, "item_ids": items})
    offers = ChannelOffer.objects.all()
    if channel_id is not None:
        offers = offers.filter(channel_id=channel_id)
    if items is not None:
        offers = offers.filter(item_id__in=items)
    if publication_ids is not None:
        offers = offers.filter(last_id__in=list(publication_ids))
    if location_id is not None:
        offers = offers.filter(item__levels__location_id=location_id)
        elsewhere = ChannelOffer.objects.filter(channel__locations__isnull=False)
        here = ChannelOffer.objects.filter(channel__locations=location_id)
        offers = offers.exclude(pk__in=elsewhere.exclude(pk__in=here.values("pk")).values("pk"))
    # Locked in key order, as everybody does.
    locked = offers.select_for_update(of=("self",)).order_by("channel_id", "item_id")
    ids = list(locked.values_list("pk", flat=True))
    ChannelOffer.objects.filter(pk__in=ids).update(forced=reason)
    return len(ids)
