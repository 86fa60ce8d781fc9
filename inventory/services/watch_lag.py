"""Do channels know of changes as soon as they were promised to?"""

from __future__ import annotations

from datetime import datetime, timedelta

from inventory.events import ChannelsInTime, ChannelsLate, LateChannel
from inventory.offers import lags
from retailhub.kernel.events import publish

# What was told within it counts; and what is not told yet, however long already.
WINDOW = timedelta(minutes=15)


def watch_lag(*, now: datetime, awake_since: datetime | None = None) -> int:
    """Say which channels break their promise now and which keep it. Returns how many break it.

    Time before `awake_since`, in which nothing of ours ran, is no channel's: it is to hear of what
    waited within its promise from then on.
    """
    found = lags(window=WINDOW, now=now, awake_since=awake_since)
    late = [
        LateChannel(
            channel_id=lag.channel_id,
            promised=lag.slo_seconds,
            oldest=round(lag.oldest or 0),
            p95=round(lag.sent_p95 or 0),
        )
        for lag in found
        if lag.is_late
    ]
    in_time = tuple(lag.channel_id for lag in found if not lag.is_late)
    if late:
        publish(ChannelsLate(channels=tuple(late)))
    if in_time:
        publish(ChannelsInTime(channel_ids=in_time))
    return len(late)
