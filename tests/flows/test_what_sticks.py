"""Each way in which an order can stick reaches an operator, and goes on when it is mended."""

from __future__ import annotations

import httpx
import pytest
from django.utils import timezone

from connectors.models import Connection, InboundMessage, OutboundMessage
from connectors.services.codes import save_mapping
from connectors.services.pause import pause_connection, resume_connection
from exceptions.models import ExceptionCase
from exceptions.services.incidents import settle_incidents
from exceptions.services.replay import replay_case
from inventory.models import Item, StockLevel
from inventory.services.count import record_count
from orders.models import Order
from tests.flows.conftest import Estate

pytestmark = pytest.mark.django_db(transaction=True)


def open_codes() -> list[str]:
    cases = ExceptionCase.objects.exclude(state__in=["RESOLVED", "IGNORED"])
    return sorted(cases.values_list("code", flat=True))


def is_delivered() -> bool:
    return Order.objects.filter(state="DELIVERED").exists()


def is_settled() -> bool:
    return is_delivered() and not OutboundMessage.objects.exclude(state="SENT").exists()


def test_an_unknown_sku_is_one_case_and_saving_the_row_frees_the_order(estate: Estate) -> None:
    estate.place(1, mix={"unknown_sku": 1})
    estate.work_until(lambda: "connectors.mapping_missing" in open_codes())
    case = ExceptionCase.objects.exclude(state="RESOLVED").get()

    save_mapping(
        connection_id=Connection.objects.get(slug="shopify-de").pk,
        table="SKU",
        external_code=case.context["external_code"],
        canonical_code="MUG-BLUE",
    )

    assert not Order.objects.exists()
    assert case.order_number
    assert case.value is not None
    estate.work_until(is_settled)
    assert open_codes() == []


def test_short_stock_holds_the_order_until_more_is_counted(estate: Estate) -> None:
    StockLevel.objects.update(on_hand=0)
    estate.place(1, sku="MUG-BLUE", quantity=2)
    estate.work_until(lambda: open_codes() == ["inventory.insufficient_stock"])
    level = StockLevel.objects.get(item__sku="MUG-BLUE", location__code="BERLIN")

    record_count(
        item_id=level.item_id,
        location_id=level.location_id,
        quantity=10,
        counted_at=timezone.now(),
        effect_key="recount",
    )

    estate.work_until(is_settled)
    assert open_codes() == []


def test_an_item_the_erp_does_not_know_waits_for_its_name_there(estate: Estate) -> None:
    Item.objects.create(sku="NEW-MUG")
    shop, erp = (Connection.objects.get(slug=slug) for slug in ("shopify-de", "netsuite"))
    save_mapping(connection_id=shop.pk, table="SKU", external_code="MUG-BLUE",
                 canonical_code="NEW-MUG")  # fmt: skip
    wms = Connection.objects.get(slug="wms-berlin")
    save_mapping(connection_id=wms.pk, table="SKU", external_code="MUG-BLUE", is_outward=True,
                 canonical_code="NEW-MUG")  # fmt: skip
    level = StockLevel.objects.filter(item__sku="MUG-BLUE").first()
    assert level is not None
    StockLevel.objects.create(item=Item.objects.get(sku="NEW-MUG"), location=level.location,
                              on_hand=5)  # fmt: skip
    estate.place(1, sku="MUG-BLUE", quantity=1)
    estate.work_until(lambda: "connectors.mapping_missing" in open_codes())

    save_mapping(connection_id=erp.pk, table="SKU", external_code="MUG-BLUE",
                 canonical_code="NEW-MUG")  # fmt: skip

    estate.work_until(is_settled)
    assert open_codes() == []


@pytest.mark.parametrize("fault", ["lost_response", "error_5xx_after"])
def test_a_lost_answer_is_looked_up_and_never_sent_twice(estate: Estate, fault: str) -> None:
    estate.control("wms", "faults", "PUT", **{fault: 1.0})
    estate.place(1)
    unsure = OutboundMessage.objects.filter(kind="fulfillment.release", state="UNKNOWN")
    estate.work_until(unsure.exists)

    estate.control("wms", "faults", "PUT", **{fault: 0.0})
    estate.work_until(is_settled)

    assert set(estate.applied("wms", "outbound.created").values()) == {1}
    release = OutboundMessage.objects.get(kind="fulfillment.release")
    assert list(release.journal.order_by("number").values_list("outcome", flat=True)) == [
        "UNKNOWN",
        "FOUND",
    ]


def test_maintenance_costs_time_and_nothing_else(estate: Estate) -> None:
    estate.control("erp", "faults", maintenance=True, retry_after_s=0.2)
    estate.place(2)
    tried = OutboundMessage.objects.filter(kind="order.post", attempts__gte=1)
    estate.work_until(tried.exists)

    estate.control("erp", "faults", maintenance=False)
    estate.work_until(lambda: Order.objects.filter(state="DELIVERED").count() == 2)
    estate.work_until(is_settled)

    assert set(estate.applied("erp", "salesorder.created").values()) == {1}


def test_a_rejected_sign_in_pauses_the_connection_and_loses_nothing(estate: Estate) -> None:
    estate.control("wms", "faults", expired_credentials=1.0)
    estate.place(1)
    estate.work_until(lambda: open_codes() == ["connectors.credentials_rejected"])
    wms = Connection.objects.get(slug="wms-berlin")
    assert wms.outbound_paused_at is not None

    estate.control("wms", "faults", expired_credentials=0.0)
    resume_connection(connection_id=wms.pk, now=timezone.now())

    estate.work_until(is_settled)
    settle_incidents(now=timezone.now())
    assert open_codes() == []
    incident = ExceptionCase.objects.get(code="connectors.credentials_rejected")
    assert incident.events.latest("pk").text == "1 effect waited: 1 sent."


def test_a_paused_connection_keeps_what_comes_in(estate: Estate) -> None:
    shop = Connection.objects.get(slug="shopify-de")
    pause_connection(connection_id=shop.pk, reason="stock-taking", now=timezone.now())
    estate.place(1)
    estate.work_until(InboundMessage.objects.filter(topic="orders/create").exists)
    assert not Order.objects.exists()

    resume_connection(connection_id=shop.pk, now=timezone.now())

    estate.work_until(is_settled)


def test_a_refusal_is_a_case_whose_replay_makes_the_effect_once(estate: Estate) -> None:
    erp = Connection.objects.get(slug="netsuite")
    Connection.objects.filter(pk=erp.pk).update(settings={})
    estate.place(1)
    estate.work_until(lambda: "connectors.rejected" in open_codes())
    Connection.objects.filter(pk=erp.pk).update(settings=erp.settings)

    case = ExceptionCase.objects.get(code="connectors.rejected")
    replay_case(case_id=case.pk, actor_id=None, now=timezone.now())
    estate.work_until(is_settled)

    assert set(estate.applied("erp", "salesorder.created").values()) == {1}
    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "replay")


def test_a_cancelled_order_stops_at_the_node_and_then_in_the_erp(estate: Estate) -> None:
    estate.control("wms", "progress", received_s=0.05, picked_s=600)
    (placed,) = estate.place(1)
    estate.work_until(lambda: OutboundMessage.objects.filter(state="SENT").count() == 2)

    estate.control("shop", f"orders/{placed['id']}/cancel", "POST", reason="customer")
    estate.work_until(lambda: Order.objects.filter(state="CANCELLED").exists())
    estate.work_until(
        lambda: OutboundMessage.objects.filter(kind="order.cancel", state="SENT").exists()
    )

    assert len(estate.ledger("wms").of_kind("outbound.cancelled")) == 1
    assert set(StockLevel.objects.values_list("reserved", flat=True)) == {0}
    assert open_codes() == []


def test_a_cancellation_after_picking_is_a_case(estate: Estate) -> None:
    estate.control("wms", "progress", received_s=0.05, picked_s=0.05, packed_s=600)
    (placed,) = estate.place(1)
    estate.work_until(lambda: Order.objects.filter(state="PICKED").exists())

    estate.control("shop", f"orders/{placed['id']}/cancel", "POST", reason="customer")

    estate.work_until(lambda: open_codes() == ["connectors.rejected"])
    assert not OutboundMessage.objects.filter(kind="order.cancel").exists()


def test_a_broken_body_is_kept_and_names_what_is_wrong(estate: Estate) -> None:
    estate.control("shop", "faults", malformed_body=1.0)
    estate.place(1)
    estate.control("shop", "faults", malformed_body=0.0)

    estate.work_until(lambda: "connectors.invalid_body" in open_codes())
    estate.work_until(is_settled)

    case = ExceptionCase.objects.filter(code="connectors.invalid_body").first()
    assert case is not None
    assert case.detail.startswith("The body is not JSON")
    assert case.inbound is not None
    assert len(case.inbound.body) > 0


def test_duplicates_and_disorder_change_nothing(estate: Estate) -> None:
    for system in ("shop", "wms"):
        estate.control(system, "faults", duplicate_delivery=1.0, out_of_order=0.5,
                       out_of_order_s=0.3)  # fmt: skip
    estate.place(4)

    estate.work_until(lambda: Order.objects.filter(state="DELIVERED").count() == 4)
    estate.work_until(is_settled)

    assert set(estate.applied("erp", "salesorder.created").values()) == {1}
    assert set(estate.applied("wms", "outbound.created").values()) == {1}
    assert set(estate.applied("shop", "fulfillment.created").values()) == {1}
    assert open_codes() == []


def test_nobody_comes_in_without_a_signature(estate: Estate) -> None:
    hub = estate.control("shop", "webhooks", "GET")["url"]
    answer = httpx.post(hub, json={"id": 1}, headers={"x-shopify-topic": "orders/create"})

    assert answer.status_code == 401
    assert not InboundMessage.objects.exists()
