"""Stock changes, and what each channel shows follows: over real HTTP, with faults."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
from django.utils import timezone

from connectors.drains import drain_outbox, drain_stock
from connectors.models import CodeMapping, Connection, OutboundMessage
from connectors.services.codes import save_mapping
from connectors.services.read_back import read_back
from exceptions.models import ExceptionCase
from exceptions.services.replay import replay_case
from inventory.ledger import prove_levels
from inventory.models import (
    Channel,
    ChannelOffer,
    Item,
    Location,
    Publication,
    StockLevel,
    StockMovement,
)
from inventory.services import full_run
from inventory.services.count import record_count
from retailhub.sandbox.catalogue import ITEM_BY_CODE, PLACE
from tests.flows.conftest import Estate

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "shopify-de"
UNNAMED = {"MUG-WINTER", "CANDLE-PINE", "LAMP-TABLE-DIM"}


@pytest.fixture(autouse=True)
def _only_the_shop_is_told(estate: Estate) -> None:
    Channel.objects.exclude(code=SHOP).update(publish_mode="OFF")


def count(sku: str, quantity: int, at: str = "BERLIN") -> None:
    """The warehouse counts."""
    now = timezone.now()
    record_count(
        item_id=Item.objects.get(sku=sku).pk,
        location_id=Location.objects.get(code=at).pk,
        quantity=quantity,
        counted_at=now,
        effect_key=f"count:{sku}:{at}:{now.timestamp()}",
    )


def shown(estate: Estate, sku: str, at: str = "BERLIN") -> int | None:
    """What the shop really shows, by its own ledger of what was set."""
    reference = str(ITEM_BY_CODE[sku].inventory_item_id)
    lines = [
        line
        for line in estate.ledger("shop")
        if line.kind == "inventory.set"
        and line.reference == reference
        and line.detail["location_id"] == PLACE[at].shop_location_id
    ]
    return int(lines[-1].detail["quantity"]) if lines else None


def tell() -> None:
    """Decide, send, and do it again until nothing is left to do."""
    while drain_stock() + drain_outbox():
        pass


def states(sku: str) -> Counter[str]:
    return Counter(Publication.objects.filter(item__sku=sku).values_list("state", flat=True))


def test_every_number_of_a_channel_is_told_at_first_and_what_it_cannot_name_is_a_case(
    estate: Estate,
) -> None:
    full_run.start_due_full_runs(now=timezone.now())

    tell()

    # Two nodes for each of 38 items; three items have other names in the shop.
    assert len(estate.ledger("shop").of_kind("inventory.set")) == 2 * 38
    offers = ChannelOffer.objects.filter(published_quantity=65_000)
    assert offers.count() == 34
    cases = ExceptionCase.objects.order_by("pk").values_list("code", "context__external_code")
    assert set(cases) == {("connectors.mapping_missing", code) for code in UNNAMED}


def test_a_look_at_many_numbers_stays_within_the_points_of_one_query(estate: Estate) -> None:
    """The shop refuses a query of more than 1,000 points, and then nobody sees a drift."""
    full_run.start_due_full_runs(now=timezone.now())
    tell()

    assert read_back(now=timezone.now() + timedelta(minutes=10)) == 25


def test_a_saved_row_frees_the_numbers_that_waited_for_it(estate: Estate) -> None:
    full_run.start_due_full_runs(now=timezone.now())
    tell()

    save_mapping(
        connection_id=Connection.objects.get(slug=SHOP).pk,
        table="SKU",
        external_code="MUG-XMAS-26",
        canonical_code="MUG-WINTER",
    )
    tell()

    assert shown(estate, "MUG-WINTER") == 40_000
    closed = ExceptionCase.objects.get(context__external_code="MUG-WINTER")
    assert closed.state == "RESOLVED"
    assert ExceptionCase.objects.exclude(state="RESOLVED").count() == 2


def test_a_count_reaches_the_shop_node_by_node(estate: Estate) -> None:
    count("MUG-BLUE", 17)
    count("MUG-BLUE", 4, at="HAMBURG")

    tell()

    assert (shown(estate, "MUG-BLUE"), shown(estate, "MUG-BLUE", "HAMBURG")) == (17, 4)
    assert states("MUG-BLUE") == {"SENT": 1}


def test_what_the_warehouse_writes_off_receives_and_counts_is_booked(estate: Estate) -> None:
    shelf = {"warehouse": "BERLIN", "sku": "MUG-BLUE"}
    level = StockLevel.objects.get(item__sku="MUG-BLUE", location__code="BERLIN")
    before = level.on_hand

    def booked(number: int) -> bool:
        level.refresh_from_db()
        return level.on_hand == number

    more = {"kind": "adjusted", "quantity": -3, "reason": "Broken"}
    estate.control("wms", "stock-movement", "POST", **shelf, **more)
    more = {"kind": "received", "quantity": 12, "reference": "PO-9"}
    estate.control("wms", "stock-movement", "POST", **shelf, **more)
    estate.work_until(lambda: booked(before + 9))
    estate.control("wms", "stock-count", "POST", **shelf, on_hand=17)
    estate.work_until(lambda: booked(17))

    lines = StockMovement.objects.filter(level=level, source="wms-berlin").order_by("pk")
    kinds = [(line.kind, line.on_hand_change, line.reason) for line in lines]
    assert sorted(kinds[:2]) == [("ADJUSTED", -3, "Broken"), ("RECEIVED", 12, "PO-9")]
    assert kinds[2][0] == "COUNTED"
    assert prove_levels(most=1).differing == 0


def test_a_node_that_is_not_mapped_is_a_case_that_names_it(estate: Estate) -> None:
    CodeMapping.objects.filter(connection__slug=SHOP, canonical_code="HAMBURG").delete()

    count("MUG-BLUE", 17)
    count("PLATE-22", 3)
    tell()

    case = ExceptionCase.objects.get()
    assert case.title == "Location “HAMBURG” is not mapped for Shopify DE"
    assert shown(estate, "MUG-BLUE") == 17  # the node that is mapped hears its number


def test_a_number_moved_in_the_shop_is_seen_and_set_again(estate: Estate) -> None:
    count("MUG-BLUE", 17)
    tell()
    estate.control("shop", "orders", "POST", count=1, sku="MUG-BLUE", quantity=2, topics=[],
                   seed=7)  # fmt: skip

    count("MUG-BLUE", 16)
    tell()

    assert shown(estate, "MUG-BLUE") == 16
    assert states("MUG-BLUE") == {"SENT": 2, "SUPERSEDED": 1}
    offer = ChannelOffer.objects.get(item__sku="MUG-BLUE")
    assert (offer.published_quantity, offer.refusals, offer.drift_since) == (25_016, 0, None)
    assert not ExceptionCase.objects.exists()
    assert set(OutboundMessage.objects.values_list("state", flat=True)) == {"SENT"}


@pytest.mark.parametrize(
    "fault", ["error_429", "error_5xx_before", "error_5xx_after", "lost_response", "broken_json"]
)
def test_whatever_happens_on_the_way_the_shop_ends_with_the_newest_number(
    estate: Estate, time_passes: Callable[[], None], fault: str
) -> None:
    estate.control("shop", "faults", "PUT", **{fault: 0.6, "retry_after_s": 0.1, "seed": 5})
    for quantity in (9, 8, 7, 6):
        count("MUG-BLUE", quantity)
        drain_stock()
        drain_outbox()
        time_passes()
    estate.control("shop", "faults", "DELETE")
    for _ in range(5):
        time_passes()
        tell()

    assert shown(estate, "MUG-BLUE") == 6
    assert ChannelOffer.objects.get(item__sku="MUG-BLUE").published_nodes["BERLIN"] == 6
    assert not OutboundMessage.objects.exclude(state__in=["SENT", "SUPERSEDED"]).exists()


# --- Amazon -------------------------------------------------------------------------------------


def listed(estate: Estate, sku: str) -> int | None:
    """What the marketplace lists, by its own ledger."""
    lines = [line for line in estate.ledger("market") if line.kind == "listing.quantity"]
    return next((int(x.detail["quantity"]) for x in reversed(lines) if x.reference == sku), None)


def tell_until(is_so: Callable[[], bool], time_passes: Callable[[], None]) -> None:
    for _ in range(60):
        tell()
        if is_so():
            return
        time.sleep(0.1)
        time_passes()
    raise AssertionError(list(OutboundMessage.objects.values_list("kind", "state", "error_detail")))


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

    tell_until(lambda: listed(estate, "PLATE-22") == 25_005, time_passes)

    assert listed(estate, "MUG-BLUE") == 25_017
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
    assert listed(estate, "MUG-BLUE") == 65_000
    assert states("VASE-TALL") == {"FAILED": 1}
    case = ExceptionCase.objects.get()
    assert "VASE-TALL: The SKU does not match any ASIN" in case.title
    kinds = Counter(OutboundMessage.objects.values_list("kind", flat=True))
    assert kinds == {"stock.publish": 1, "stock.confirm": 1}

    estate.control("market", "market", invalid_sku="")
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    tell_until(lambda: listed(estate, "VASE-TALL") == 65_000, time_passes)
    case.refresh_from_db()
    assert case.state == "RESOLVED"


def test_a_burst_keeps_to_amazons_rate_and_ends_with_the_newest_number(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    began = time.time()
    for quantity in range(100, 60, -1):
        count("MUG-BLUE", quantity)
        drain_stock()
        drain_outbox()
    tell_until(lambda: listed(estate, "MUG-BLUE") == 25_061, time_passes)

    seconds = time.time() - began
    calls = httpx.get(f"http://127.0.0.1:{estate.ports['market']}/_sandbox/calls").json()["calls"]
    patches = [call for call in calls if call["method"] == "PATCH"]
    # Two clocks that tick at the same rate may disagree once.
    assert sum(call["status"] == 429 for call in patches) <= 1
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

    tell_until(lambda: ChannelOffer.objects.filter(published_quantity=25_007).exists(), time_passes)

    assert listed(estate, "MUG-BLUE") == 25_007


def looked(*, now: datetime) -> bool:
    """The channel was read back, as soon as nothing more urgent wants its rate."""
    for _ in range(200):
        if read_back(now=now):
            return True
        time.sleep(0.1)
    return False


def test_a_number_changed_by_hand_is_drift_until_it_is_pushed_again(
    estate: Estate, market: Channel, time_passes: Callable[[], None]
) -> None:
    count("MUG-BLUE", 17)
    tell_until(lambda: listed(estate, "MUG-BLUE") == 25_017, time_passes)
    estate.control("market", "quantity", "POST", sku="MUG-BLUE", quantity=3)
    later = timezone.now() + timedelta(minutes=5)

    assert looked(now=later)
    assert not ExceptionCase.objects.exists()  # it may be a sale that we have not heard of
    assert looked(now=later + timedelta(minutes=2))

    case = ExceptionCase.objects.get()
    assert case.title == "Amazon DE shows 3 of MUG-BLUE, it was told 25017"
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    tell_until(lambda: listed(estate, "MUG-BLUE") == 25_017, time_passes)
    case.refresh_from_db()
    assert case.state == "RESOLVED"
    assert looked(now=timezone.now() + timedelta(minutes=10))
    offer = ChannelOffer.objects.get(channel=market)
    assert (offer.observed_quantity, offer.drift_since) == (25_017, None)
    assert Publication.objects.order_by("-pk")[0].observed_at is not None
