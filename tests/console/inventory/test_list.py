"""Many items: the same numbers as on their pages, and the way to them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from inventory.models import Item, Location, StockLevel
from tests.conftest import PlaceOrder, Stock, line
from tests.console.shelves import SKU


def test_the_list_shows_the_same_numbers_and_what_is_at_risk(client: Client, mug: Item) -> None:
    level = StockLevel.objects.get(item=mug, location__code="STORE-7")
    StockLevel.objects.filter(pk=level.pk).update(reserved=15)
    Location.objects.filter(code="HAMBURG").update(silent_since=timezone.now())

    answer = client.get("/inventory/")

    (row,) = answer.context["rows"]
    assert (row["on_hand"], row["reserved"], row["available"]) == (18, 20, 7)
    assert (row["short"], row["drift"]) == (12, 2)
    assert [standing.told for standing in row["standings"]] == [7, None, 9]
    risks = [risk["text"] for risk in answer.context["risks"]]
    assert risks[:3] == [
        "12 units oversold at Store Kantstraße",
        "Shopify AT shows 1 number it was not told",
        "Outlet has not heard of 1 change",
    ]
    assert risks[3].startswith("Hamburg is silent since")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("view=oversold", ["LOW"]),
        ("view=oversold&node=BERLIN", ["LOW"]),
        ("view=oversold&node=HAMBURG", []),
        ("view=drift", [SKU]),
        ("view=drift&channel=amazon-fr", []),
        ("view=stale", [SKU]),
        ("view=stale&channel=shopify-at", []),
        ("view=unpublished", ["PO/T"]),
        ("view=silent", [SKU]),
        ("view=unmapped", []),
        ("q=blue", [SKU]),
        ("q=o%2Ft", ["PO/T"]),
        ("q=MUG-BLEU", [SKU]),
        ("q=%25", []),
        ("q=nothing-like-it", []),
        ("view=nonsense", ["LOW", SKU, "PO/T"]),
        ("after=LOW", [SKU, "PO/T"]),
        ("q=%00", ["LOW", SKU, "PO/T"]),
    ],
)
def test_each_view_holds_what_its_name_says(
    client: Client, stock: Stock, mug: Item, query: str, found: list[str]
) -> None:
    low = stock("LOW", 1)
    StockLevel.objects.filter(pk=low.pk).update(reserved=2, on_hand=0)
    stock("PO/T", 4)
    Location.objects.filter(code="HAMBURG").update(silent_since=timezone.now())

    assert [row["sku"] for row in client.get(f"/inventory/?{query}").context["rows"]] == found


def test_pages_of_the_list_follow_each_other_without_gaps(client: Client, stock: Stock) -> None:
    for number in range(130):
        Item.objects.create(sku=f"S/{number:03} ß", name="")

    address, seen = "/inventory/", []
    while address:
        answer = client.get(address)
        seen += [row["sku"] for row in answer.context["rows"]]
        following = answer.context["next_href"]
        address = f"/inventory/{following}" if following else ""

    assert len(seen) == len(set(seen)) == 130


def test_what_another_system_calls_it_leads_to_the_item(
    client: Client, shop: Connection, stock: Stock
) -> None:
    stock("MUG", 1)
    shop.mappings.create(table="SKU", external_code="7001-A", canonical_code="MUG")

    assert client.get("/search/", {"q": "7001-A"})["Location"] == "/inventory/MUG/"
    assert client.get("/search/", {"q": "mug"})["Location"] == "/inventory/MUG/"


def test_lines_of_an_order_lead_to_their_items(
    client: Client, place: PlaceOrder, stock: Stock
) -> None:
    stock("A/B", 5)
    order = place("1001", line("A/B", 2))

    html = client.get(f"/orders/{order.pk}/?tab=items").content.decode()

    assert 'href="/inventory/A/B/"' in html
