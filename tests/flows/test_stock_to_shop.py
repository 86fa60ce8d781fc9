"""Stock changes, and what the shop shows follows: over real HTTP, with faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from connectors.drains import drain_outbox, drain_stock
from connectors.models import CodeMapping, Connection, OutboundMessage
from connectors.services.codes import save_mapping
from connectors.services.read_back import read_back
from exceptions.models import ExceptionCase
from inventory.ledger import prove_levels
from inventory.models import Channel, ChannelOffer, StockLevel, StockMovement
from inventory.services import full_run
from retailhub.sandbox.catalogue import ITEM_BY_CODE, ITEMS, PLACE, PLACES, opening_stock
from tests.flows.conftest import Estate
from tests.flows.telling import count, states, tell

pytestmark = pytest.mark.django_db(transaction=True)
SHOP = "shopify-de"
UNNAMED = {"MUG-WINTER", "CANDLE-PINE", "LAMP-TABLE-DIM"}


@pytest.fixture(autouse=True)
def _only_the_shop_is_told(estate: Estate) -> None:
    Channel.objects.exclude(code=SHOP).update(publish_mode="OFF")


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


def test_every_number_of_a_channel_is_told_at_first_and_what_it_cannot_name_is_a_case(
    estate: Estate,
) -> None:
    full_run.start_due_full_runs(now=timezone.now())

    tell()

    # Two nodes for each of 38 items; three items have other names in the shop.
    assert len(estate.ledger("shop").of_kind("inventory.set")) == 2 * 38
    told = dict(ChannelOffer.objects.values_list("item__sku", "published_quantity"))
    named = [item for item in ITEMS if item.code not in UNNAMED]
    assert {item.code: told[item.code] for item in named} == {
        item.code: sum(opening_stock(item, place.code) for place in PLACES) for item in named
    }
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

    assert shown(estate, "MUG-WINTER") == opening_stock(ITEM_BY_CODE["MUG-WINTER"], "BERLIN")
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
    assert (offer.published_quantity, offer.refusals, offer.drift_since) == (16 + 144, 0, None)
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
