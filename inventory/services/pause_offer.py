"""A person stops telling a channel about an item, for a reason, and later goes on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from inventory.models import ChannelOffer, Publication


@transaction.atomic
def pause_offer(*, channel_id: int, item_id: int, reason: str, now: datetime) -> ChannelOffer:
    """Tell nothing more about it; what changes meanwhile is told when it goes on."""
    ChannelOffer.objects.get_or_create(channel_id=channel_id, item_id=item_id)
    offer = _locked(channel_id, item_id)
    offer.paused_at, offer.pause_reason = offer.paused_at or now, reason[:200]
    offer.save(update_fields=["paused_at", "pause_reason"])
    if offer.last_id is not None:
        Publication.objects.filter(pk=offer.last_id, state=Publication.State.OWED).update(
            state=Publication.State.SUPERSEDED
        )
    return offer


@transaction.atomic
def resume_offer(*, channel_id: int, item_id: int) -> bool:
    """Go on, and tell how it stands now. Says whether it was paused."""
    offer = _locked(channel_id, item_id)
    if offer.paused_at is None:
        return False
    offer.paused_at, offer.pause_reason, offer.forced = None, "", Publication.Reason.PUSH
    offer.save(update_fields=["paused_at", "pause_reason", "forced"])
    return True


def _locked(channel_id: int, item_id: int) -> ChannelOffer:
    return ChannelOffer.objects.select_for_update().get(channel_id=channel_id, item_id=item_id)
