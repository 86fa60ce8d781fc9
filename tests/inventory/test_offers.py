"""How late are channels, what was seen there, and when is that somebody's problem?"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import Connection
from exceptions.buttons import buttons_of
from exceptions.late import lag_facts
from exceptions.models import ExceptionCase
from inventory.models import Channel, ChannelOffer, Item, Publication
from inventory.offers import lags, unseen_offers
from inventory.services.observe import Seen, record_observations
from inventory.services.pause_offer import pause_offer, resume_offer
from inventory.services.publish import publish_stock
from inventory.services.told import note_told
from inventory.services.watch_lag import watch_lag
from inventory.telling import Mode
from tests.conftest import Stock

GRACE = timedelta(minutes=1)


@pytest.fixture
def market(shop: Connection) -> Channel:
    assert shop.channel is not None
    Channel.objects.filter(pk=shop.channel.pk).update(publish_mode=Mode.CHANGE, slo_seconds=60)
    return Channel.objects.get(pk=shop.channel.pk)


def told(market: Channel, sku: str, *, changed: datetime, after: float) -> Publication:
    """A number that reached the channel so many seconds after the stock changed."""
    item, _ = Item.objects.get_or_create(sku=sku)
    sent = changed + timedelta(seconds=after)
    row = Publication.objects.create(
        channel=market, item=item, quantity=7, explanation={}, reason="CHANGE", state="SENT",
        changed_at=changed, sent_at=sent,
    )  # fmt: skip
    ChannelOffer.objects.update_or_create(
        channel=market, item=item,
        defaults={"last": row, "published_quantity": 7, "published_at": sent},
    )  # fmt: skip
    return row


def look(offer: ChannelOffer, quantity: int | None, at: datetime) -> ChannelOffer:
    nodes = None if quantity is None else {"": quantity}
    record_observations(
        seen=[Seen(offer_id=offer.pk, nodes=nodes)], settled_before=at, grace=GRACE, now=at
    )
    offer.refresh_from_db()
    return offer


def test_lag_is_measured_from_the_change_to_the_channel(market: Channel, now: datetime) -> None:
    for number in range(1, 101):
        told(market, f"S{number}", changed=now - timedelta(minutes=5), after=number)
    told(market, "OLD", changed=now - timedelta(hours=2), after=3000)

    (lag,) = lags(window=timedelta(minutes=15), now=now)

    assert (lag.sent, lag.seen, lag.oldest) == (100, 0, None)
    assert [lag.sent_p50, lag.sent_p95, lag.sent_p99] == pytest.approx([50.5, 95.05, 99.01])


def test_what_is_not_told_grows_older_and_breaks_the_promise_until_it_is(
    market: Channel, stock: Stock
) -> None:
    stock("MUG", 7)
    publish_stock(limit=10, now=timezone.now())
    soon = timezone.now() + timedelta(seconds=30)

    assert watch_lag(now=soon) == 0
    (lag,) = lags(window=timedelta(minutes=15), now=soon)
    assert lag.oldest == pytest.approx(30, abs=15)

    late = soon + timedelta(seconds=60)
    assert watch_lag(now=late) == watch_lag(now=late + GRACE) == 1
    case = ExceptionCase.objects.get()
    assert case.title == "Shopify DE does not hear of stock changes in time"
    assert case.detail == "It is to hear within 1 min; what changed 2 min ago it does not know yet."
    facts = {label: (text, is_bad) for label, text, is_bad in lag_facts(case, late)}
    assert facts.keys() == {"Behind"}
    assert re.fullmatch(r"1 m, since \d\d \w+ \d\d:\d\d", facts["Behind"][0])
    assert facts["Behind"][1]

    note_told(taken=Publication.objects.values_list("pk", flat=True), now=timezone.now())
    assert watch_lag(now=late) == 0
    case.refresh_from_db()
    assert case.state == "RESOLVED"


def test_the_time_in_which_nothing_ran_is_no_channels(
    market: Channel, stock: Stock, now: datetime
) -> None:
    told(market, "POT", changed=now - timedelta(hours=2), after=7_190)
    stock("MUG", 7)
    publish_stock(limit=10, now=timezone.now())
    Publication.objects.filter(state="OWED").update(changed_at=now - timedelta(hours=2))

    assert watch_lag(now=now, awake_since=now - timedelta(seconds=50)) == 0
    assert watch_lag(now=now, awake_since=now - timedelta(seconds=70)) == 1
    assert watch_lag(now=now) == 1

    note_told(taken=Publication.objects.filter(state="OWED").values_list("pk", flat=True), now=now)
    (lag,) = lags(window=GRACE, now=now, awake_since=now - timedelta(seconds=50))
    assert lag.oldest is None
    assert lag.sent_p99 == pytest.approx(50, abs=1)


def test_a_number_that_differs_once_may_be_a_sale_and_twice_is_drift(
    market: Channel, ana: User, now: datetime
) -> None:
    told(market, "MUG", changed=now - timedelta(hours=1), after=1)
    offer = ChannelOffer.objects.get()

    assert look(offer, 5, now).drift_since == now
    assert not ExceptionCase.objects.exists()
    look(offer, 5, now + GRACE)
    look(offer, 4, now + 2 * GRACE)

    case = ExceptionCase.objects.get()
    assert case.title == "Shopify DE shows 5 of MUG, it was told 7"
    push, *_ = buttons_of(case, user=ana)
    assert (push.verb, push.label, push.disabled_reason) == ("replay", "Push again", "")
    assert look(offer, 7, now + 3 * GRACE).drift_since is None
    case.refresh_from_db()
    assert case.state == "RESOLVED"
    assert Publication.objects.get().observed_at == now + 3 * GRACE


def test_a_difference_says_nothing_while_a_newer_number_is_on_its_way(
    market: Channel, now: datetime
) -> None:
    row = told(market, "MUG", changed=now - timedelta(hours=1), after=1)
    newer = Publication.objects.create(
        channel=market, item=row.item, quantity=5, explanation={}, reason="CHANGE", changed_at=now
    )
    ChannelOffer.objects.update(last=newer)
    offer = ChannelOffer.objects.get()

    for minutes in range(3):
        assert look(offer, 5, now + minutes * GRACE).drift_since is None

    assert not ExceptionCase.objects.exists()


def test_those_in_doubt_are_looked_at_first_and_then_the_longest_unseen(
    market: Channel, now: datetime
) -> None:
    for sku, seen in (("A", 60), ("B", 50), ("C", None), ("D", 10)):
        told(market, sku, changed=now - timedelta(hours=2), after=1)
        seen_at = None if seen is None else now - timedelta(minutes=seen)
        ChannelOffer.objects.filter(item__sku=sku).update(observed_at=seen_at)
    ChannelOffer.objects.filter(item__sku="D").update(drift_since=now - timedelta(minutes=10))

    asked = {"channel_id": market.pk, "told_before": now, "doubted_before": now - GRACE}
    first = unseen_offers(seen_before=now - timedelta(minutes=55), limit=3, **asked)  # type: ignore[arg-type]

    assert [offer.sku for offer in first] == ["D", "C", "A"]


def test_a_paused_offer_is_no_late_channel_and_hears_how_it_stands_when_it_goes_on(
    market: Channel, stock: Stock, now: datetime
) -> None:
    level = stock("MUG", 7)
    offer = pause_offer(channel_id=market.pk, item_id=level.item_id, reason="Recall", now=now)
    while publish_stock(limit=10, now=timezone.now()):
        pass

    assert offer.pause_reason == "Recall"
    assert watch_lag(now=timezone.now() + timedelta(hours=1)) == 0
    assert not Publication.objects.exists()

    assert resume_offer(channel_id=market.pk, item_id=level.item_id)
    assert not resume_offer(channel_id=market.pk, item_id=level.item_id)
    publish_stock(limit=10, now=timezone.now())
    assert [(p.quantity, p.reason) for p in Publication.objects.all()] == [(7, "PUSH")]
