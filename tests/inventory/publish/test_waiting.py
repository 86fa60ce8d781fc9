"""Small changes and paused offers wait, and a full run tells everything."""

from __future__ import annotations

from datetime import datetime, timedelta

from inventory.models import Channel, ChannelOffer, Publication
from inventory.services.tell_again import tell_again
from inventory.telling import Mode
from tests.inventory.publish.conftest import Count
from tests.inventory.publish.telling import decide, told

R = Publication.Reason


def test_small_changes_wait_for_the_threshold_or_for_their_time(
    market: Channel, count: Count, now: datetime
) -> None:
    Channel.objects.update(publish_mode=Mode.THRESHOLD, publish_wait_seconds=600)
    count("MUG", 100)
    decide(now)
    count("MUG", 99)
    decide(now)

    offer = ChannelOffer.objects.get()
    assert [n for _, n, _, _ in told(market)] == [100]
    assert offer.pending_since is not None
    since = offer.pending_since

    assert decide(since + timedelta(seconds=599)) == 0
    assert decide(since + timedelta(seconds=600)) == 1
    offer.refresh_from_db()
    assert offer.pending_since is None
    assert told(market)[-1][1:3] == (99, R.THRESHOLD)
    assert Publication.objects.order_by("-pk")[0].changed_at == since


def test_a_change_that_is_taken_back_while_it_waits_is_not_told(
    market: Channel, count: Count, now: datetime
) -> None:
    Channel.objects.update(publish_mode=Mode.THRESHOLD)
    for quantity in (100, 99, 100):
        count("MUG", quantity)
        decide(now)

    assert [n for _, n, _, _ in told(market)] == [100]
    assert ChannelOffer.objects.get().pending_since is None


def test_a_full_run_tells_everything_changed_or_not(
    market: Channel, count: Count, now: datetime
) -> None:
    Channel.objects.update(publish_mode=Mode.FULL)
    count("MUG", 7)
    count("PLATE", 3)
    assert decide(now) == 4
    assert told(market) == []

    for _ in range(2):
        assert tell_again(reason=R.FULL, channel_id=market.pk) == 2
        decide(now)

    assert [(n, r) for _, n, r, _ in told(market)] == [(7, R.FULL), (3, R.FULL)] * 2


def test_a_paused_offer_waits_and_remembers_since_when(
    market: Channel, count: Count, now: datetime
) -> None:
    count("MUG", 7)
    decide(now)
    ChannelOffer.objects.update(paused_at=now, pause_reason="Recall")
    count("MUG", 0)
    tell_again(reason=R.PUSH, channel_id=market.pk)

    decide(now)

    offer = ChannelOffer.objects.get()
    assert [n for _, n, _, _ in told(market)] == [7]
    assert offer.pending_since is not None
    assert offer.forced == R.PUSH
