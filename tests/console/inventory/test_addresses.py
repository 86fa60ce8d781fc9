"""Any SKU has a page, and says nothing but itself."""

from __future__ import annotations

import pytest
from django.test import Client

from inventory.models import Channel, Item
from retailhub.console.inventory.addresses import item_href
from tests.console.inventory.reading import text_of

HOSTILE = (
    "A/B/C",
    "rules",
    "runs/1",
    "id/7",
    "..",
    "a/../b",
    "//",
    "/lead",
    "end/",
    "q?x=1#y",
    "50%25",
    "<script>alert(1)</script>",
    '"><img src=x>',
    "чашка синяя",
    "شاي-١٢",
    "杯子",
    "x" * 40,
    "X" * 80,
    "with space",
    "%2F",
    "{{ 11111111|add:22222222 }}",
)


@pytest.mark.parametrize("sku", HOSTILE)
def test_any_sku_has_a_page_and_says_nothing_but_itself(client: Client, sku: str) -> None:
    item = Item.objects.create(sku=sku, name=sku)

    answer = client.get(item_href(item.sku, item.pk))
    listed = client.get("/inventory/")
    found = client.get("/search/", {"q": sku})

    assert answer.status_code == 200
    assert answer.context["item"]["id"] == item.pk
    for html in (answer.content.decode(), listed.content.decode()):
        assert "<script>alert" not in html
        assert "<img src=x>" not in html
        assert "33333333" not in html
    assert item_href(item.sku, item.pk) in listed.content.decode().replace("&#x27;", "'")
    assert found["Location"] == item_href(item.sku, item.pk)


def test_no_item_no_page(client: Client) -> None:
    assert client.get("/inventory/NOTHING/").status_code == 404
    assert client.get("/inventory/A%00B/").status_code == 404
    assert client.get("/inventory/id/999/").status_code == 404


def test_an_item_that_lies_nowhere_or_is_switched_off_says_so(client: Client) -> None:
    Item.objects.create(sku="NEW")
    Item.objects.create(sku="OLD", is_active=False)
    Channel.objects.create(code="shop", name="Shop")

    assert "Why 0 may be sold at Shop" in text_of(client.get("/inventory/NEW/"))
    assert "OLD is switched off, so none may be sold" in text_of(client.get("/inventory/OLD/"))
    for tab in ("channels", "movements", "past"):
        assert client.get("/inventory/NEW/", {"tab": tab}).status_code == 200
