"""Small changes and paused offers wait, and a full run tells everything."""

from __future__ import annotations

from datetime import datetime, timedelta

from inventory.models import Channel, ChannelOffer, Publication, StockSignal
from inventory.offers import lags
from inventory.services.tell_again import tell_again
from inventory.services.told import note_told
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
    due = since + timedelta(seconds=600)
    assert Publication.objects.order_by("-pk")[0].changed_at == due


def test_what_may_wait_is_late_only_after_its_wait(
    market: Channel, count: Count, now: datetime
) -> None:
    """By default it may wait for longer than a channel is promised changes that matter."""
    Channel.objects.update(publish_mode=Mode.THRESHOLD, slo_seconds=300)
    count("MUG", 100)
    decide(now)
    note_told(taken=Publication.objects.values_list("pk", flat=True), now=now)
    count("MUG", 99)
    decide(now)
    since = ChannelOffer.objects.get().pending_since
    assert since is not None
    due = since + timedelta(seconds=900)

    assert behind(due - timedelta(seconds=1)) == (None, False)
    assert behind(due + timedelta(seconds=300)) == (300, False)
    assert behind(due + timedelta(seconds=301)) == (301, True)

    decide(due + timedelta(seconds=5))
    assert behind(due + timedelta(seconds=6)) == (6, False)
    note_told(taken=Publication.objects.filter(state="OWED").values_list("pk", flat=True), now=due)
    assert behind(due + timedelta(seconds=7)) == (None, False)


def test_a_change_that_matters_is_not_as_old_as_the_small_one_before_it(
    market: Channel, count: Count, now: datetime
) -> None:
    Channel.objects.update(publish_mode=Mode.THRESHOLD)
    count("MUG", 100)
    decide(now)
    count("MUG", 99)
    decide(now)
    count("MUG", 3)
    heard = StockSignal.objects.get().changed_at
    decide(now)

    small = Publication.objects.order_by("-pk")[0]
    assert (small.quantity, small.changed_at) == (3, heard)


def behind(at: datetime) -> tuple[int | None, bool]:
    (lag,) = lags(window=timedelta(minutes=15), now=at)
    return None if lag.oldest is None else round(lag.oldest), lag.is_late


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
