"""The shop hears of a parcel once."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.systems.base import Account, IntentKind
from connectors.systems.http import AnswerLost, HttpClient, RemoteRejected
from connectors.systems.shopify import Shopify
from tests.connectors.systems.conftest import MakeIntent
from tests.connectors.systems.remote import Remote, Scripted

SHIPMENT: dict[str, Any] = {
    "order_external_id": "9120000000000017",
    "reference": "shopify-de-9120000000000017-F1-S1",
    "tracking": {"carrier": "DHL", "number": "00340", "url": "https://dhl.example/00340"},
    "lines": [
        {"external_id": "64", "sku": "MUG-BLUE", "quantity": 3},
        {"external_id": "65", "sku": "TEA", "quantity": 1},
    ],
    "notify_customer": True,
}


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def part(number: int, status: str, **left: int) -> dict[str, Any]:
    lines = [
        {
            "id": gid("FulfillmentOrderLineItem", f"{number}{name[1:]}"),
            "remainingQuantity": units,
            "lineItem": {"id": gid("LineItem", name[1:])},
        }
        for name, units in left.items()
    ]
    return {"id": gid("FulfillmentOrder", number), "status": status, "lineItems": {"nodes": lines}}


def order(*parts: Any, fulfillments: Any = ()) -> Scripted:
    found = {
        "id": gid("Order", 17),
        "fulfillments": list(fulfillments),
        "fulfillmentOrders": {"nodes": list(parts)},
    }
    return Scripted(200, {"data": {"order": found}})


CREATED = Scripted(
    200,
    {
        "data": {
            "fulfillmentCreate": {"fulfillment": {"id": gid("Fulfillment", 5)}, "userErrors": []}
        }
    },
)


def test_spreads_a_parcel_over_what_the_shop_has_left(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(
        order(
            part(1, "CLOSED", _64=9),
            part(2, "OPEN", _64=2, _66=5),
            part(3, "IN_PROGRESS", _64=2, _65=1),
        ),
        CREATED,
    )

    receipt = Shopify().send(http, account, intent(IntentKind.NOTIFY_SHIPMENT, SHIPMENT))

    assert receipt.external_id == gid("Fulfillment", 5)
    asked = remote.asked[1].json["variables"]["fulfillment"]
    assert asked == {
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": gid("FulfillmentOrder", 2),
                "fulfillmentOrderLineItems": [
                    {"id": gid("FulfillmentOrderLineItem", 264), "quantity": 2}
                ],
            },
            {
                "fulfillmentOrderId": gid("FulfillmentOrder", 3),
                "fulfillmentOrderLineItems": [
                    {"id": gid("FulfillmentOrderLineItem", 364), "quantity": 1},
                    {"id": gid("FulfillmentOrderLineItem", 365), "quantity": 1},
                ],
            },
        ],
        "trackingInfo": {"company": "DHL", "number": "00340", "url": "https://dhl.example/00340"},
        "notifyCustomer": True,
    }
    assert remote.asked[0].json["variables"] == {"id": gid("Order", "9120000000000017")}
    assert remote.asked[1].headers["x-trace-id"] == "0199a0b1-0000-7000-8000-000000000001"


def test_ships_nothing_when_too_little_is_left(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(order(part(2, "OPEN", _64=2, _65=1)))

    with pytest.raises(RemoteRejected, match="nothing left to fulfil for 1 × MUG-BLUE"):
        Shopify().send(http, account, intent(IntentKind.NOTIFY_SHIPMENT, SHIPMENT))

    assert len(remote.asked) == 1


def test_is_not_told_twice_without_a_look() -> None:
    assert IntentKind.NOTIFY_SHIPMENT not in Shopify.repeatable


def test_does_not_know_whether_a_lost_answer_shipped(
    remote: Remote, http: HttpClient, account: Account, intent: MakeIntent
) -> None:
    remote.will_answer(order(part(2, "OPEN", _64=3, _65=1)), Scripted(drops=True))

    with pytest.raises(AnswerLost):
        Shopify().send(http, account, intent(IntentKind.NOTIFY_SHIPMENT, SHIPMENT))


def fulfillment(number: int, status: str, tracking: str) -> dict[str, Any]:
    return {
        "id": gid("Fulfillment", number),
        "status": status,
        "trackingInfo": [{"number": tracking, "url": None, "company": "DHL"}],
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, 2), ({"tracking": None}, 3), ({"tracking": {"number": "00341"}}, None)],
)
def test_finds_the_parcel_by_tracking_number_or_our_reference(
    remote: Remote,
    http: HttpClient,
    account: Account,
    intent: MakeIntent,
    changes: dict[str, Any],
    expected: int | None,
) -> None:
    remote.will_answer(
        order(
            fulfillments=[
                fulfillment(1, "CANCELLED", "00340"),
                fulfillment(2, "SUCCESS", "00340"),
                fulfillment(3, "SUCCESS", SHIPMENT["reference"]),
            ]
        )
    )

    found = Shopify().look_up(http, account, intent(IntentKind.NOTIFY_SHIPMENT, SHIPMENT | changes))

    assert (found and found.external_id) == (expected and gid("Fulfillment", expected))
