"""Stock changes, and what Amazon lists follows: one by one, as a feed, at its rate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from connectors.drains import drain_outbox, drain_stock
from connectors.models import Connection, OutboundMessage
from connectors.services import limiter
from connectors.services.read_back import read_back
from connectors.systems.amazon.adapter import PATCH_RATE
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.models import Channel, ChannelOffer, Publication
from inventory.services import full_run
from retailhub.sandbox.catalogue import ITEM_BY_CODE, opening_stock
from tests.flows.conftest import Estate
from tests.flows.systems import PATIENCE
from tests.flows.telling import count, states, tell

pytestmark = pytest.mark.django_db(transaction=True)


def listed(estate: Estate, sku: str) -> int | None:
    """What the marketplace lists, by its own ledger."""
    lines = [line for line in estate.ledger("market") if line.kind == "listing.quantity"]
    return next((int(x.detail["quantity"]) for x in reversed(lines) if x.reference == sku), None)


def with_hamburg(sku: str, berlin: int) -> int:
    """So many in Berlin, and in Hamburg what was there on the first day."""
    return berlin + opening_stock(ITEM_BY_CODE[sku], "HAMBURG")


def tell_until(is_so: Callable[[], bool], time_passes: Callable[[], None]) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        tell()
        if is_so():
            return
        owed = OutboundMessage.objects.values_list("kind", "state", "error_detail")
        assert time.monotonic() < limit, list(owed)
        time.sleep(0.1)
        time_passes()


@pytest.fixture
def market(estate: Estate) -> Channel:
    """Only Amazon is told, of every change."""
    Channel.objects.exclude(code="amazon-de").update(publish_mode="OFF")
    Channel.objects.filter(code="amazon-de").update(publish_mode="CHANGE")
    estate.control("market", "market", feed_s=0.2)
    return Channel.objects.get(code="amazon-de")


def test_few_numbers_go_to_amazon_one_by_one(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    count("MUG-BLUE", 17)
    count("PLATE-22", 5)

    tell_until(lambda: listed(estate, "PLATE-22") == with_hamburg("PLATE-22", 5), time_passes)

    assert listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 17)
    assert not estate.ledger("market").of_kind("feed.created")
    assert states("MUG-BLUE") == states("PLATE-22") == {"SENT": 1}


def test_many_numbers_go_as_a_feed_and_each_that_is_refused_is_a_case(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    estate.control("market", "market", invalid_sku="VASE-TALL")
    full_run.start_due_full_runs(now=timezone.now())

    tell_until(
        lambda: (
            not Publication.objects.filter(state="OWED").exists()
            and not OutboundMessage.objects.exclude(state="SENT").exists()
        ),
        time_passes,
    )

    assert len(estate.ledger("market").of_kind("feed.created")) == 1
    assert len(estate.ledger("market").of_kind("listing.quantity")) == 40
    assert listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 240)
    assert states("VASE-TALL") == {"FAILED": 1}
    case = ExceptionCase.objects.get()
    assert "VASE-TALL: The SKU does not match any ASIN" in case.title
    kinds = Counter(OutboundMessage.objects.values_list("kind", flat=True))
    assert kinds == {"stock.publish": 1, "stock.confirm": 1}

    estate.control("market", "market", invalid_sku="")
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    tell_until(lambda: listed(estate, "VASE-TALL") == with_hamburg("VASE-TALL", 66), time_passes)
    case.refresh_from_db()
    assert case.state == "RESOLVED"


def test_a_burst_keeps_to_amazons_rate_and_ends_with_the_newest_number(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    began = time.monotonic()
    count("MUG-BLUE", 101)
    tell_until(lambda: listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 101), time_passes)
    time.sleep(1)  # Amazon's bucket is full again, and ours begins anew
    limiter._redis().delete(f"retailhub:rate:{market.connection.pk}:{PATCH_RATE.operation}")
    for quantity in range(100, 60, -1):
        count("MUG-BLUE", quantity)
        drain_stock()
        drain_outbox()
    tell_until(lambda: listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 61), time_passes)

    seconds = time.monotonic() - began
    calls = estate.control("market", "calls", "GET")["calls"]
    patches = [call for call in calls if call["method"] == "PATCH"]
    # Ours counts when a call is let go, Amazon's when it comes in, and a full bucket regains
    # nothing. So one 429 came of a first call that had to fetch its access token on the way. What
    # ours holds back at first, three quarters of a second, is enough for calls that need not.
    assert not [call for call in patches if call["status"] == 429]
    assert len(patches) <= 5 + 5 * seconds


@pytest.mark.parametrize("fault", ["error_429", "expired_credentials", "lost_response"])
def test_whatever_happens_on_the_way_amazon_ends_with_the_newest_number(
    estate: Estate, market: Channel, time_passes: Callable[[], None], fault: str
) -> None:
    estate.control("market", "faults", "PUT", **{fault: 0.5, "retry_after_s": 0.1, "seed": 3})
    for quantity in (9, 8, 7):
        count("MUG-BLUE", quantity)
        drain_stock()
        drain_outbox()
        time_passes()
    estate.control("market", "faults", "DELETE")
    Connection.objects.update(outbound_paused_at=None, health="HEALTHY", pause_reason="")

    tell_until(
        lambda: ChannelOffer.objects.filter(
            published_quantity=with_hamburg("MUG-BLUE", 7)
        ).exists(),
        time_passes,
    )

    assert listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 7)


def looked(*, now: datetime) -> bool:
    """The channel was read back, as soon as nothing more urgent wants its rate."""
    limit = time.monotonic() + PATIENCE
    while not (found := read_back(now=now)) and time.monotonic() < limit:
        time.sleep(0.1)
    return found > 0


def test_a_number_changed_by_hand_is_drift_until_it_is_pushed_again(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    count("MUG-BLUE", 17)
    tell_until(lambda: listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 17), time_passes)
    estate.control("market", "quantity", "POST", sku="MUG-BLUE", quantity=3)
    later = timezone.now() + timedelta(minutes=5)

    assert looked(now=later)
    assert not ExceptionCase.objects.exists()  # it may be a sale that we have not heard of
    assert looked(now=later + timedelta(minutes=2))

    case = ExceptionCase.objects.get()
    assert case.title == "Amazon DE shows 3 of MUG-BLUE, it was told 161"
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    tell_until(lambda: listed(estate, "MUG-BLUE") == with_hamburg("MUG-BLUE", 17), time_passes)
    case.refresh_from_db()
    assert case.state == "RESOLVED"
    assert looked(now=timezone.now() + timedelta(minutes=10))
    offer = ChannelOffer.objects.get(channel=market)
    assert (offer.observed_quantity, offer.drift_since) == (with_hamburg("MUG-BLUE", 17), None)
    assert Publication.objects.order_by("-pk")[0].observed_at is not None
