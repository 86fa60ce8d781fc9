"""One source that fails keeps no other from being compared, and every window is read to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from connectors.models import Connection, Cursor, InboundMessage, MissedOrder
from connectors.registry import LISTERS, SOURCES
from connectors.services import coverage
from connectors.services.coverage import EVERY, GRACE, OVERLAP, check_coverage
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import (
    Account,
    Envelope,
    ListedOrder,
    OrderList,
    PolledMessage,
)
from connectors.systems.http import CredentialsRejected, HttpClient, RemoteThrottled
from inventory.models import Channel
from tests.conftest import connect
from tests.connectors.turns import Clock
from tests.racing import at_once

Window = tuple[datetime, datetime]


class FakeLister:
    """A list of its own, in pages of two; scripted errors come first."""

    def __init__(self) -> None:
        self.orders: list[ListedOrder] = []
        self.windows: list[tuple[Window, str]] = []
        self.fetched: list[str] = []
        self.errors: list[Exception] = []

    def list_orders(
        self, http: HttpClient, account: Account, window: Window, cursor: str
    ) -> OrderList:
        if self.errors:
            raise self.errors.pop(0)
        self.windows.append((window, cursor))
        found = [one for one in self.orders if window[0] <= one.placed_at <= window[1]]
        start = int(cursor or 0)
        more = start + 2 < len(found)
        return OrderList(
            orders=found[start : start + 2], cursor=str(start + 2) if more else "", has_more=more
        )

    def fetch_orders(
        self, http: HttpClient, account: Account, external_ids: Sequence[str]
    ) -> list[PolledMessage]:
        self.fetched += external_ids
        known = {one.external_id for one in self.orders}
        return [
            PolledMessage(envelope=envelope(name, f"poll:{name}:1"), body=b"{}")
            for name in external_ids
            if name in known and name != "deleted"
        ]

    def has(self, name: str, placed_at: datetime) -> None:
        self.orders.append(
            ListedOrder(
                external_id=name, number=f"#{name}", placed_at=placed_at, lane=f"order:{name}"
            )
        )


def envelope(name: str, key: str) -> Envelope:
    return Envelope(topic="orders/updated", key=key, lane=f"order:{name}", entity_id=name)


@pytest.fixture
def lister(monkeypatch: pytest.MonkeyPatch) -> FakeLister:
    fake = FakeLister()
    monkeypatch.setitem(LISTERS, "fake", fake)
    monkeypatch.setitem(SOURCES, "fake", SOURCES["shopify"])
    return fake


@pytest.fixture
def source(lister: FakeLister, db: None, now: datetime) -> Connection:
    channel = Channel.objects.create(code="fake", name="Fake")
    row = connect("fake", "Fake", "fake", "SHOP", poll_seconds=60, channel=channel)
    Connection.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=9))
    return row


def tell(source: Connection, name: str, key: str) -> None:
    receive_messages([Delivery(connection_id=source.pk, envelope=envelope(name, key), body=b"{}")])


def test_tells_the_told_from_the_silent(
    lister: FakeLister, source: Connection, now: datetime
) -> None:
    old = now - timedelta(hours=1)
    for name in ("told", "polled", "silent", "deleted"):
        lister.has(name, old)
    tell(source, "told", "event-1:told")
    tell(source, "told", "poll:told:1")
    tell(source, "polled", "poll:polled:1")

    assert check_coverage(now=now) == 2

    missed = dict(MissedOrder.objects.values_list("external_id", "message__key"))
    assert missed == {"polled": "poll:polled:1", "silent": "poll:silent:1"}
    assert lister.fetched == ["silent", "deleted"]
    assert InboundMessage.objects.count() == 4


def test_looks_at_nothing_that_is_younger_than_a_webhook_may_be(
    lister: FakeLister, source: Connection, now: datetime
) -> None:
    lister.has("young", now - GRACE + timedelta(microseconds=1))

    assert check_coverage(now=now) == 0
    assert check_coverage(now=now + EVERY) == 1


def test_windows_overlap_and_each_loss_is_found_once(
    lister: FakeLister, source: Connection, now: datetime
) -> None:
    lister.has("silent", now - timedelta(minutes=3))

    assert [check_coverage(now=now + EVERY * n) for n in range(3)] == [1, 0, 0]

    first, second = (window for window, _ in lister.windows[:2])
    assert first[1] - second[0] == OVERLAP


def test_a_window_with_many_pages_goes_on_where_a_turn_ended(
    lister: FakeLister, source: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "PAGES_PER_TURN", 1)
    for number in range(5):
        lister.has(f"o{number}", now - timedelta(hours=1))

    assert [check_coverage(now=now + EVERY * n) for n in range(3)] == [2, 2, 1]

    assert [cursor for _, cursor in lister.windows] == ["", "2", "4"]
    assert len({window for window, _ in lister.windows}) == 1


def test_a_slow_source_does_not_keep_the_other_jobs_waiting(
    lister: FakeLister, source: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(coverage, "time", clock)
    for number in range(5):
        lister.has(f"o{number}", now - timedelta(hours=1))
    listing = lister.list_orders

    def slowly(*asked: Any) -> OrderList:
        clock.now += coverage.TURN_SECONDS
        return listing(*asked)

    monkeypatch.setattr(lister, "list_orders", slowly)

    assert check_coverage(now=now) == 2  # one page, and the rest in later turns
    assert Cursor.objects.get(resource="coverage").position == "2"


def test_waits_for_effects_and_goes_on_where_it_stopped(
    lister: FakeLister, source: Connection, now: datetime
) -> None:
    lister.has("silent", now - timedelta(hours=1))
    lister.errors = [RemoteThrottled("Later.", after=3.0)]

    assert check_coverage(now=now) == 0
    assert Cursor.objects.get(resource="coverage").due_at == now + timedelta(seconds=3)
    assert check_coverage(now=now + timedelta(seconds=3)) == 1


@pytest.mark.parametrize("error", [CredentialsRejected("No."), ValueError("our bug")])
def test_a_source_that_fails_is_asked_again_and_harms_no_other(
    lister: FakeLister, source: Connection, now: datetime, error: Exception
) -> None:
    other = Channel.objects.create(code="other", name="Other")
    row = connect("other", "Other", "fake", "SHOP", poll_seconds=60, channel=other)
    Connection.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=9))
    lister.has("silent", now - timedelta(hours=1))
    lister.errors = [error]

    assert check_coverage(now=now) == 1
    assert check_coverage(now=now + EVERY) == 1


@pytest.mark.parametrize(
    "columns",
    [{"is_active": False}, {"poll_seconds": 0}, {"health": "SIGN_IN"}, {"system": "custom"}],
)
def test_who_cannot_be_asked_is_not_compared(
    lister: FakeLister, source: Connection, now: datetime, columns: dict[str, object]
) -> None:
    Connection.objects.update(**columns)

    check_coverage(now=now)

    assert lister.windows == []


def test_an_order_is_missed_once(source: Connection, lister: FakeLister, now: datetime) -> None:
    lister.has("silent", now - timedelta(hours=1))
    check_coverage(now=now)
    row = MissedOrder.objects.get()
    row.pk = None

    with (
        pytest.raises(IntegrityError, match="connectors_missedorder_found_once"),
        transaction.atomic(),
    ):
        row.save()


@pytest.mark.django_db(transaction=True)
def test_two_clocks_compare_a_connection_once(
    lister: FakeLister, source: Connection, now: datetime
) -> None:
    lister.has("silent", now - timedelta(hours=1))
    check_coverage(now=now - timedelta(minutes=10))
    Cursor.objects.update(due_at=now)
    lister.windows.clear()

    ends = at_once([lambda: check_coverage(now=now)] * 4)

    assert ends == [0, 0, 0, 0]
    assert len(lister.windows) == 1
