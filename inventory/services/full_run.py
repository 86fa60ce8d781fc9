"""Every number of a channel is told, changed or not: by the clock, by a person, and at first."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from inventory.models import Channel, Publication
from inventory.services.tell_again import tell_again
from inventory.telling import Mode


def start_due_full_runs(*, now: datetime) -> int:
    """Begin what is due: a channel's schedule, or its first run once it hears of stock at all.

    Returns how many were begun.
    """
    hearing = Channel.objects.exclude(publish_mode=Mode.OFF)
    scheduled = Q(full_run_minutes__gt=0, full_run_at__isnull=False)
    started = 0
    for channel in hearing.filter(scheduled | Q(full_run_at=None)).order_by("pk"):
        started += start_full_run(channel_id=channel.pk, now=now, only_if_due=True)
    return started


@transaction.atomic
def start_full_run(*, channel_id: int, now: datetime, only_if_due: bool = False) -> bool:
    """Begin one now, whoever else does. Says whether it was begun here."""
    channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    if channel.publish_mode == Mode.OFF:
        return False
    is_due = channel.full_run_at is None or (
        channel.full_run_minutes > 0
        and (now - channel.full_run_at).total_seconds() >= channel.full_run_minutes * 60
    )
    if only_if_due and not is_due:
        return False
    Channel.objects.filter(pk=channel_id).update(full_run_at=now)
    tell_again(reason=Publication.Reason.FULL, channel_id=channel_id)
    return True
