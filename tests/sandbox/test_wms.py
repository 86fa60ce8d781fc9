"""The warehouse ships what it is asked, each time it is asked."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.sandbox.estate import Hub, Running, eventually

pytestmark = pytest.mark.asyncio

ORDERS = "/v1/outbound-orders"


def outbound(**changes: Any) -> dict[str, Any]:
    lines = [
        {"line": "1", "sku": "MUG-BLUE", "quantity": 2},
        {"line": "2", "sku": "PEN-BRASS", "quantity": 1},
    ]
    ship_to = {"name": "Ada Vogel", "line1": "Am Markt 1", "city": "Berlin", "country_code": "DE"}
    return {"reference": "FO-1", "ship_to": ship_to, "lines": lines, **changes}


async def create(wms: Running, **changes: Any) -> httpx.Response:
    return await wms.client.post(ORDERS, json=outbound(**changes))


async def level(wms: Running, sku: str = "MUG-BLUE") -> dict[str, Any]:
    query = {"warehouse": "BERLIN", "sku": sku}
    row: dict[str, Any] = (await wms.client.get("/v1/stock", params=query)).json()["stock"][0]
    return row


async def test_asking_twice_ships_twice_and_the_ledger_shows_it(wms: Running) -> None:
    await wms.set("/progress", is_paused=True)

    first, second = await create(wms), await create(wms)

    assert (first.status_code, second.status_code) == (201, 201)
    found = (await wms.client.get(ORDERS, params={"reference": "FO-1"})).json()["outbound_orders"]
    assert [order["id"] for order in found] == [first.json()["id"], second.json()["id"]]
    assert wms.ledger.count_by_reference("outbound.created") == {"FO-1": 2}


async def test_an_order_goes_all_the_way_and_tells_each_step_in_order(
    wms: Running, hub: Hub
) -> None:
    before = await level(wms)

    await create(wms)
    heard = await hub.wait_for(5)

    events = [h.json for h in heard]
    assert [event["type"] for event in events] == [
        "order.received",
        "order.picked",
        "order.packed",
        "order.shipped",
        "order.delivered",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert [h.headers["webhook-id"] for h in heard] == [event["id"] for event in events]
    shipped = events[3]["data"]
    assert shipped["tracking_url"].endswith(shipped["tracking_number"])
    assert not shipped["is_partial"]
    assert shipped["lines"][0] == {"line": "1", "sku": "MUG-BLUE", "quantity": 2}
    after = await level(wms)
    assert (after["on_hand"], after["allocated"]) == (before["on_hand"] - 2, before["allocated"])


async def test_a_partial_shipment_comes_in_two_parts(wms: Running, hub: Hub) -> None:
    await wms.set("/progress", partial_share=1)
    order = (await create(wms)).json()

    await eventually(lambda: any(h.json["type"] == "order.delivered" for h in hub.heard))

    shipped = [h.json["data"] for h in hub.heard if h.json["type"] == "order.shipped"]
    assert [data["is_partial"] for data in shipped] == [True, False]
    assert len({data["tracking_number"] for data in shipped}) == 2
    units = sum(line["quantity"] for data in shipped for line in data["lines"])
    assert units == 3
    seen = (await wms.client.get(f"{ORDERS}/{order['id']}")).json()
    assert [line["shipped_quantity"] for line in seen["lines"]] == [2, 1]


async def test_a_short_line_is_told_and_the_rest_is_shipped(wms: Running, hub: Hub) -> None:
    await wms.control("/stock-count", warehouse="BERLIN", sku="MUG-BLUE", on_hand=1)
    order = (await create(wms)).json()
    await wms.control(f"{ORDERS[3:]}/{order['id']}/advance", to="delivered")

    heard = await hub.wait_for(7)

    short = next(h.json["data"] for h in heard if h.json["type"] == "order.short")
    assert short["lines"] == [
        {
            "line": "1",
            "sku": "MUG-BLUE",
            "quantity": 2,
            "picked_quantity": 1,
            "short_quantity": 1,
            "reason": "not_on_shelf",
        }
    ]
    shipped = next(h.json["data"] for h in heard if h.json["type"] == "order.shipped")
    assert [line["quantity"] for line in shipped["lines"]] == [1, 1]
    row = await level(wms)
    assert (row["on_hand"], row["allocated"]) == (0, 0)


async def test_an_order_with_nothing_on_the_shelf_ends_short(wms: Running, hub: Hub) -> None:
    await wms.control("/stock-count", warehouse="BERLIN", sku="MUG-BLUE", on_hand=0)
    line = {"line": "1", "sku": "MUG-BLUE", "quantity": 1}
    order = (await create(wms, lines=[line])).json()

    await eventually(lambda: any(h.json["type"] == "order.short" for h in hub.heard))

    seen = (await wms.client.get(f"{ORDERS}/{order['id']}")).json()
    assert (seen["status"], seen["shipments"]) == ("short", [])


async def test_can_be_cancelled_until_it_is_picked(wms: Running) -> None:
    await wms.set("/progress", is_paused=True)
    early, late = (await create(wms)).json(), (await create(wms, reference="FO-2")).json()
    await wms.control(f"/outbound-orders/{late['id']}/advance", to="picked")

    answers = [
        await wms.client.post(f"{ORDERS}/{order['id']}/cancel") for order in (early, early, late)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[2].json()["error"]["code"] == "already_picked"
    assert len(wms.ledger.of_kind("outbound.cancelled")) == 1
    assert (await level(wms))["allocated"] == 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"reference": ""}, "invalid", "reference"),
        ({"warehouse": "MUNICH"}, "unknown_warehouse", "warehouse"),
        ({"service": "PIGEON"}, "invalid", "service"),
        ({"ship_to": {"name": "A"}}, "invalid", "ship_to.line1"),
        ({"lines": []}, "invalid", "lines"),
        ({"lines": [{"line": 1, "sku": "NOPE", "quantity": 1}]}, "unknown_sku", "lines[0].sku"),
        (
            {"lines": [{"line": 1, "sku": "MUG-BLUE", "quantity": 0}]},
            "invalid",
            "lines[0].quantity",
        ),
    ],
)
async def test_a_bad_order_is_422_and_names_the_field(
    wms: Running, changes: dict[str, Any], code: str, field: str
) -> None:
    answer = await create(wms, **changes)

    assert answer.status_code == 422
    assert (answer.json()["error"]["code"], answer.json()["error"]["field"]) == (code, field)
    assert wms.ledger.of_kind("outbound.created") == []


async def test_needs_its_key_and_a_json_body(wms: Running) -> None:
    anonymous = await wms.client.get("/v1/ping", headers={"Authorization": "Bearer x"})

    assert anonymous.status_code == 401
    assert (await wms.client.post(ORDERS, content=b"{")).status_code == 400
    assert (await wms.client.get(f"{ORDERS}/ob_404")).status_code == 404
    assert (await wms.client.get("/v1/ping")).json() == {"status": "ok"}


async def test_a_count_corrects_the_book_and_is_told(wms: Running, hub: Hub) -> None:
    before = await level(wms)

    await wms.control("/stock-count", warehouse="BERLIN", sku="MUG-BLUE", on_hand=12)

    data = (await hub.wait_for(1))[0].json["data"]
    assert (data["on_hand"], data["previous_on_hand"]) == (12, before["on_hand"])
    assert (await level(wms))["available"] == 12


async def test_what_broke_or_came_in_is_told_and_changes_the_book(wms: Running, hub: Hub) -> None:
    before = (await level(wms))["on_hand"]
    shelf = {"warehouse": "BERLIN", "sku": "MUG-BLUE"}

    await wms.control("/stock-movement", kind="adjusted", quantity=-3, reason="Broken", **shelf)
    await wms.control("/stock-movement", kind="received", quantity=12, reference="PO-9", **shelf)

    told = [(h.json["type"], h.json["sequence"], h.json["data"]) for h in await hub.wait_for(2)]
    assert sorted(told) == [
        ("stock.adjusted", 1, {**shelf, "quantity": -3, "reason": "Broken"}),
        ("stock.received", 2, {**shelf, "quantity": 12, "reference": "PO-9"}),
    ]
    assert (await level(wms))["on_hand"] == before + 9


async def test_the_emptiest_shelf_is_filled_up_when_it_runs_low(wms: Running, hub: Hub) -> None:
    full = (await level(wms))["on_hand"]
    shelf = {"warehouse": "BERLIN", "sku": "MUG-BLUE"}
    await wms.control("/stock-count", on_hand=round(full * 0.4), **shelf)
    await wms.control("/stock-count", warehouse="BERLIN", sku="PEN-BRASS", on_hand=30)
    await hub.wait_for(2)

    await wms.set("/progress", delivery_interval_s=0.01)

    told = (await hub.wait_for(3))[-1].json
    assert told["type"] == "stock.received"
    data = {"warehouse": "BERLIN", "sku": "PEN-BRASS", "quantity": 75, "reference": "PO-00001"}
    assert told["data"] == data
    await asyncio.sleep(0.3)
    assert len(hub.heard) == 3


async def test_never_writes_off_what_is_picked(wms: Running, hub: Hub) -> None:
    shelf = {"warehouse": "BERLIN", "sku": "MUG-BLUE"}
    await wms.control("/stock-movement", kind="adjusted", quantity=-1_000_000, **shelf)

    assert (await level(wms))["on_hand"] == 0
