"""What goes wrong between shelf and customer reaches an operator, and goes on when it is mended."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connectors.models import CodeMapping, Connection, InboundMessage, OutboundMessage
from connectors.services.codes import save_mapping
from connectors.services.probe import probe_open_breakers
from exceptions.models import ExceptionCase
from exceptions.services import acts
from exceptions.services.incidents import settle_incidents
from exceptions.services.replay import replay_case
from exceptions.services.sweep import GRACE, set_aside_what_was_decided
from inventory.models import Location, StockLevel
from orders.models import Order, Shipment
from retailhub.sandbox import credentials
from tests.connectors.door import shopify
from tests.flows.conftest import FAST, Estate
from tests.flows.test_what_sticks import is_settled, open_codes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent(transactional_db: None) -> User:
    return User.objects.create(username="ana")


def the_case(code: str) -> ExceptionCase:
    return ExceptionCase.objects.exclude(state__in=["RESOLVED", "IGNORED"]).get(code=code)


def press_replay(code: str, agent: User) -> ExceptionCase:
    return replay_case(case_id=the_case(code).pk, actor_id=agent.pk, now=timezone.now())


def nothing_is_promised() -> bool:
    return not StockLevel.objects.exclude(reserved=0).exists()


def test_goods_that_are_not_on_the_shelf_are_a_case_and_the_order_is_placed_again(
    estate: Estate, agent: User
) -> None:
    estate.control("wms", "progress", short_share=1)
    estate.place(1, sku="MUG-BLUE", quantity=1)
    estate.work_until(lambda: open_codes() == ["orders.node_short"])
    assert Order.objects.get().held_for == "orders.node_short"

    estate.control("wms", "progress", **FAST)
    press_replay("orders.node_short", agent)

    estate.work_until(is_settled)
    assert open_codes() == []
    assert set(estate.applied("wms", "outbound.created").values()) == {1}
    assert len(estate.applied("wms", "outbound.created")) == 2
    assert set(estate.applied("erp", "salesorder.created").values()) == {1}
    assert nothing_is_promised()


def test_what_a_node_found_still_arrives_and_a_person_hears_of_the_rest(estate: Estate) -> None:
    estate.control("wms", "progress", short_share=1)
    estate.place(1, sku="MUG-BLUE", quantity=3)

    estate.work_until(lambda: Order.objects.filter(state="DELIVERED").exists())

    assert open_codes() == ["orders.node_short"]
    assert [line.quantity for line in Shipment.objects.get().lines.all()] == [2]
    assert nothing_is_promised()
    assert not InboundMessage.objects.filter(state__in=["PARKED", "DEAD"]).exists()


def test_two_parcels_arrive_one_after_the_other(estate: Estate) -> None:
    estate.control("wms", "progress", partial_share=1)
    estate.place(1, sku="MUG-BLUE", quantity=4)

    estate.work_until(is_settled)

    assert Shipment.objects.filter(delivered_at__isnull=False).count() == 2
    assert len(estate.ledger("shop").of_kind("fulfillment.created")) == 2
    assert open_codes() == []


def test_a_node_that_cancels_by_itself_is_a_case_and_the_order_is_placed_again(
    estate: Estate, agent: User
) -> None:
    estate.control("wms", "progress", picked_s=600)
    estate.place(1)
    estate.work_until(lambda: OutboundMessage.objects.filter(state="SENT").count() == 2)
    known = OutboundMessage.objects.get(kind="fulfillment.release").external_id
    answer = httpx.post(
        f"http://127.0.0.1:{estate.systems.ports['wms']}/v1/outbound-orders/{known}/cancel",
        headers={"Authorization": f"Bearer {credentials.WMS_API_KEY}"},
        json={"reason": "broken"},
    )
    assert answer.status_code == 200, answer.text
    estate.work_until(lambda: open_codes() == ["orders.cancelled_at_node"])
    assert nothing_is_promised()

    estate.control("wms", "progress", **FAST)
    press_replay("orders.cancelled_at_node", agent)

    estate.work_until(is_settled)
    assert open_codes() == []


def test_a_count_below_what_is_promised_is_a_case_until_the_next_count(estate: Estate) -> None:
    estate.control("wms", "progress", picked_s=600)
    estate.place(1, sku="MUG-BLUE", quantity=3)
    estate.work_until(lambda: Order.objects.filter(state="ALLOCATED").exists())

    counted = {"warehouse": "BERLIN", "sku": "MUG-BLUE"}
    estate.control("wms", "stock-count", "POST", **counted, on_hand=1)
    estate.work_until(lambda: open_codes() == ["inventory.overdrawn"])
    estate.control("wms", "stock-count", "POST", **counted, on_hand=50)

    estate.work_until(lambda: open_codes() == [])
    assert StockLevel.objects.get(item__sku="MUG-BLUE", location__code="BERLIN").on_hand == 50


def test_an_order_that_no_warehouse_connection_serves_waits_for_its_row(
    estate: Estate, agent: User
) -> None:
    wms = Connection.objects.get(slug="wms-berlin")
    Location.objects.filter(code="HAMBURG").update(is_active=False)
    CodeMapping.objects.filter(connection=wms, table="LOCATION").delete()
    estate.place(1)
    estate.work_until(lambda: open_codes() == ["orders.no_node_connection"])

    save_mapping(
        connection_id=wms.pk, table="LOCATION", external_code="BERLIN", canonical_code="BERLIN"
    )
    press_replay("orders.no_node_connection", agent)

    estate.work_until(is_settled)
    assert open_codes() == []


def test_units_taken_off_after_the_node_began_are_a_case(estate: Estate) -> None:
    estate.control("wms", "progress", picked_s=600)
    (placed,) = estate.place(1, sku="MUG-BLUE", quantity=2)
    estate.work_until(lambda: Order.objects.filter(state="ALLOCATED").exists())

    lines = [{"id": placed["lines"][0]["id"], "quantity": 1}]
    estate.control("shop", f"orders/{placed['id']}/refund", "POST", lines=lines)

    estate.work_until(lambda: open_codes() == ["orders.changed_after_release"])
    assert Order.objects.get().refunds.count() == 1


def test_a_system_that_is_down_is_one_case_and_works_off_what_it_owes_when_it_is_back(
    estate: Estate,
) -> None:
    Connection.objects.filter(slug="netsuite").update(settings={"breaker_scale": 0.01, **_erp()})
    estate.control("erp", "faults", maintenance=True)
    estate.place(12)
    estate.work_until(lambda: open_codes() == ["connectors.connection_down"])

    estate.control("erp", "faults", "DELETE")

    def is_probed_and_settled() -> bool:
        probe_open_breakers(now=timezone.now())
        sent = OutboundMessage.objects.filter(kind="order.post", state="SENT").count()
        return sent == 12

    estate.work_until(is_probed_and_settled, patience=60)
    # It closes when its system has answered for a while and nothing hangs on it any more.
    settle_incidents(now=timezone.now() + timedelta(minutes=1))
    assert open_codes() == []
    assert set(estate.applied("erp", "salesorder.created").values()) == {1}


def _erp() -> dict[str, object]:
    settings: dict[str, object] = Connection.objects.get(slug="netsuite").settings
    return settings


def test_two_bodies_under_one_id_are_a_case_and_ignoring_it_keeps_the_first(
    estate: Estate, agent: User
) -> None:
    hub = estate.control("shop", "webhooks", "GET")["url"]
    for body in (b'{"id": 1}', b'{"id": 1, "note": "other"}'):
        knock = shopify(body, topic="moons/full", secret=credentials.SHOP_WEBHOOK_SECRET)
        answer = httpx.post(hub, content=knock.body, headers=dict(knock.headers))
        assert answer.status_code == 200
    estate.work_until(lambda: open_codes() == ["connectors.key_conflict"])

    case = the_case("connectors.key_conflict")
    now = timezone.now()
    acts.ignore_case(case_id=case.pk, actor_id=agent.pk, reason="theirs", now=now)
    set_aside_what_was_decided(now=now + GRACE)

    assert sorted(InboundMessage.objects.values_list("state", flat=True)) == ["IGNORED", "IGNORED"]


def test_news_of_an_order_nobody_knows_waits_and_then_asks_a_person(estate: Estate) -> None:
    answer = httpx.post(
        f"http://127.0.0.1:{estate.systems.ports['wms']}/v1/outbound-orders",
        headers={"Authorization": f"Bearer {credentials.WMS_API_KEY}"},
        json={
            "reference": "somebody-elses-F1",
            "ship_to": {"name": "A", "line1": "B", "city": "C", "country_code": "DE"},
            "lines": [{"line": "1", "sku": "MUG-BLUE", "quantity": 1}],
        },
    )
    assert answer.status_code == 201, answer.text
    waiting = InboundMessage.objects.filter(state="PARKED")
    estate.work_until(lambda: waiting.count() == 5)
    assert open_codes() == []

    now = timezone.now()
    waiting.update(deadline_at=now, next_attempt_at=now)

    estate.work_until(lambda: open_codes() == ["connectors.parent_missing"] * 5)
    assert ExceptionCase.objects.values("cause").distinct().count() == 1
