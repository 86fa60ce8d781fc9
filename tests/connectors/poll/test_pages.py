"""What a lost webhook should have brought comes in all the same, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from connectors.models import Connection, Cursor, InboundMessage
from connectors.services import limiter, poll
from connectors.services.poll import poll_due_connections
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope, PollPage
from tests.conftest import connect
from tests.connectors.poll.sources import FakeSource, page
from tests.connectors.turns import Clock
from tests.racing import at_once


def test_reads_all_pages_back_to_a_day_ago_and_remembers_how_far(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.extend([page("a", "b", cursor="p2"), page("c")])

    assert poll_due_connections(now=now) == 1

    overlap = timedelta(minutes=5) + timedelta(seconds=120)
    since = now - timedelta(hours=24) - overlap
    assert source.asked == [("polled", "", since), ("polled", "p2", since)]
    assert set(InboundMessage.objects.values_list("key", flat=True)) == {"a", "b", "c"}
    cursor = Cursor.objects.get()
    assert (cursor.position, cursor.seen_until, cursor.began_at) == ("", now, None)
    assert cursor.due_at == now + timedelta(seconds=60)


def test_asks_again_when_its_time_has_come_with_an_overlap(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    poll_due_connections(now=now)

    assert poll_due_connections(now=now + timedelta(seconds=59)) == 0
    assert poll_due_connections(now=now + timedelta(seconds=60)) == 1

    assert source.asked[1][2] == now - timedelta(minutes=5) - timedelta(seconds=120)


def test_what_a_webhook_brought_before_is_a_duplicate(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    envelope = Envelope(topic="t", key="a", lane="a")
    receive_messages([Delivery(connection_id=polled.pk, envelope=envelope, body=b"a")])
    source.script.append(page("a"))

    poll_due_connections(now=now)

    assert InboundMessage.objects.count() == 1


def test_a_long_list_is_read_in_short_turns_and_goes_on_where_it_stopped(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    pages = poll.PAGES_PER_TURN
    source.script.extend(page(f"k{n}", cursor=f"p{n}") for n in range(pages + 2))

    poll_due_connections(now=now)

    cursor = Cursor.objects.get()
    assert (len(source.asked), cursor.position) == (pages, f"p{pages - 1}")
    due_at = now + timedelta(seconds=1)
    assert (cursor.due_at, cursor.seen_until) == (due_at, now - timedelta(hours=24))
    poll_due_connections(now=now + timedelta(seconds=10))
    cursor.refresh_from_db()
    assert [place for _, place, _ in source.asked[pages:]] == [
        f"p{pages - 1}",
        f"p{pages}",
        f"p{pages + 1}",
    ]
    assert len({since for _, _, since in source.asked}) == 1
    # What changed while it was being read may not be in it.
    assert (cursor.seen_until, cursor.position) == (now, "")
    assert InboundMessage.objects.count() == pages + 2


def test_a_turn_ends_in_time_and_who_waited_longest_comes_first(
    source: FakeSource, polled: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect("another", "Another", "fake", "SHOP", poll_seconds=60)
    clock = Clock()
    monkeypatch.setattr(poll, "time", clock)
    monkeypatch.setattr(FakeSource, "poll", _slowly(FakeSource.poll, clock))
    source.script.extend([page("a", cursor="p2"), page("b")])

    assert poll_due_connections(now=now) == 1
    assert poll_due_connections(now=now + timedelta(seconds=10)) == 1

    assert [slug for slug, _, _ in source.asked] == ["polled", "another"]
    polled_cursor = Cursor.objects.get(connection=polled)
    assert polled_cursor.position == "p2"


def _slowly(asked: Callable[..., PollPage], clock: Clock) -> Callable[..., PollPage]:
    """A page takes as long as a turn may."""

    def ask(*args: object) -> PollPage:
        clock.now += poll.TURN_SECONDS
        return asked(*args)

    return ask


def test_the_pause_that_a_source_asks_for_is_kept(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    source.script.append(page("a", cursor="p2", wait=30))

    poll_due_connections(now=now)

    assert poll_due_connections(now=now + timedelta(seconds=29)) == 0
    assert poll_due_connections(now=now + timedelta(seconds=30)) == 1
    assert [place for _, place, _ in source.asked] == ["", "p2"]


def test_a_poll_gives_way_to_effects_and_goes_on_when_they_leave_room(
    source: FakeSource, polled: Connection, now: datetime
) -> None:
    Connection.objects.filter(pk=polled.pk).update(rate_per_second=0.1, burst=4)
    polled.refresh_from_db()
    limiter._redis().delete(f"retailhub:rate:{polled.pk}")
    with limiter.slot(polled):  # takes the one token there is
        poll_due_connections(now=now)
    assert source.asked == []
    assert Cursor.objects.get().due_at == now + timedelta(seconds=1)

    Connection.objects.filter(pk=polled.pk).update(rate_per_second=1_000_000)
    poll_due_connections(now=now + timedelta(seconds=1))

    assert len(source.asked) == 1
    polled.refresh_from_db()
    assert (polled.health, polled.breaker_trips) == ("HEALTHY", 0)


@pytest.mark.django_db(transaction=True)
def test_two_clocks_ask_once(source: FakeSource, polled: Connection, now: datetime) -> None:
    asked = at_once([lambda: poll_due_connections(now=now)] * 3)

    assert sorted(map(str, asked)) == ["0", "0", "1"]
    assert len(source.asked) == 1
