"""The buttons of an item: what is pressed happens once, and what can't be says why."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from exceptions.models import ExceptionCase, Team
from inventory.models import Channel, ChannelOffer, Item, Publication, StockLevel
from inventory.services.count import record_count
from inventory.services.publish import publish_stock
from tests.conftest import Stock
from tests.console.conftest import SignedIn
from tests.console.inventory.reading import PAGE, text_of
from tests.console.shelves import SKU


def offer_of(code: str) -> ChannelOffer:
    return ChannelOffer.objects.select_related("last").get(channel__code=code)


def press(client: Client, item: Item, verb: str, channel: str = "", **values: str) -> str:
    """Press it and read the page that answers."""
    query = f"?channel={channel}" if channel else ""
    answer = client.post(f"/inventory/id/{item.pk}/{verb}/{query}", values, follow=True)
    assert answer.redirect_chain[-1][1] == 303
    return text_of(answer)


def test_a_number_that_drifted_is_told_again_to_that_channel_alone(
    client: Client, mug: Item
) -> None:
    before = offer_of("shopify-at").last

    said = press(client, mug, "push", "shopify-at")
    publish_stock(limit=100, now=timezone.now())
    publish_stock(limit=100, now=timezone.now())

    assert "Shopify AT is told the number again." in said
    again = offer_of("shopify-at").last
    assert again is not None
    assert before is not None
    assert again.pk > before.pk
    assert (again.quantity, again.reason, again.state) == (9, "PUSH", "OWED")
    assert Publication.objects.filter(reason="PUSH").count() == 1


def test_a_paused_channel_hears_nothing_until_it_is_resumed(client: Client, mug: Item) -> None:
    assert "Say why it is paused" in press(client, mug, "pause", "amazon-fr", reason="  ")
    assert offer_of("amazon-fr").paused_at is None

    said = press(client, mug, "pause", "amazon-fr", reason="Recall")

    assert f"Paused: Amazon FR is told nothing more about {SKU}." in said
    assert "Publishing is paused: Recall" in said
    assert "Resume it first" in client.get(PAGE, {"channel": "amazon-fr"}).content.decode()
    StockLevel.objects.filter(item=mug).update(on_hand=50)
    press(client, mug, "push", "amazon-fr")
    publish_stock(limit=100, now=timezone.now())
    assert not Publication.objects.filter(channel__code="amazon-fr", reason="PUSH").exists()

    press(client, mug, "resume", "amazon-fr")
    publish_stock(limit=100, now=timezone.now())
    publish_stock(limit=100, now=timezone.now())
    last = offer_of("amazon-fr").last
    assert last is not None
    assert last.reason == "PUSH"


def test_a_channel_that_is_told_no_stock_can_not_be_pushed(client: Client, mug: Item) -> None:
    Channel.objects.filter(code="outlet").update(publish_mode="OFF")

    html = client.get(PAGE, {"channel": "outlet"}).content.decode()

    assert "Outlet is told no stock. An admin can switch that on." in html
    assert "/push/?channel=outlet" not in html


def test_nothing_can_be_done_at_a_channel_one_does_not_see(
    as_: SignedIn, ana: User, orders_team: Team, mug: Item
) -> None:
    client = as_(ana)

    for verb in ("push", "pause", "resume"):
        for code in ("amazon-fr", "nowhere", "a%00b", ""):
            address = f"/inventory/id/{mug.pk}/{verb}/?channel={code}"
            assert client.post(address, {"reason": "x"}).status_code == 404
    assert "amazon-fr" not in client.get(PAGE).content.decode()
    assert not ChannelOffer.objects.exclude(forced="").exists()


def test_a_doubt_becomes_the_nodes_case_and_ends_with_the_count(
    client: Client, orders_team: Team, wms: Connection, stock: Stock, now: datetime
) -> None:
    level = stock("POT", 4)

    said = press(client, level.item, "recount", level=str(level.pk), reason="Empty box")
    press(client, level.item, "recount", level=str(level.pk), reason="Again")

    case = ExceptionCase.objects.get()
    assert "Asked: Orders has a case to count POT at WMS Berlin." in said
    assert (case.title, case.connection, case.team, case.state) == (
        "Count POT at WMS Berlin: it should hold 4",
        wms,
        orders_team,
        "NEW",
    )
    notes = case.events.filter(verb="note").order_by("pk")
    assert list(notes.values_list("text", flat=True)) == ["Empty box", "Again"]

    def count(sku: str, at: datetime, key: str) -> None:
        item = Item.objects.get(sku=sku)
        place = level.location_id
        record_count(item_id=item.pk, location_id=place, quantity=3, counted_at=at, effect_key=key)

    stock("MUG", 1)
    count("MUG", timezone.now(), "other")
    count("POT", now - timedelta(minutes=5), "before")  # counted before anybody asked
    case.refresh_from_db()
    assert case.state == "NEW"
    count("POT", timezone.now(), "after")
    case.refresh_from_db()
    assert (case.state, case.resolution) == ("RESOLVED", "by itself")


def test_a_recount_names_a_shelf_of_this_item_and_a_reason(client: Client, stock: Stock) -> None:
    pot, mug = stock("POT", 4), stock("MUG", 4)
    address = f"/inventory/id/{pot.item_id}/recount/"

    for level in (str(mug.pk), "x", "", "9" * 30):
        assert client.post(address, {"level": level, "reason": "x"}).status_code == 404
    assert "Say why you doubt" in press(client, pot.item, "recount", level=str(pot.pk))
    assert not ExceptionCase.objects.exists()
