"""An item's page: the numbers are those one gets by hand, and say where they come from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from connectors.models import Connection
from exceptions.models import Team
from inventory.models import Channel, ChannelOffer, Item
from tests.conftest import PlaceOrder, Stock, line
from tests.console.conftest import SignedIn
from tests.console.inventory.reading import PAGE, lines_of, text_of


def test_the_waterfall_is_the_sum_by_hand(client: Client, mug: Item) -> None:
    answer = client.get(PAGE, {"channel": "amazon-fr"})

    assert lines_of(answer) == [
        ("On hand", 18, 18),
        ("Promised", -5, 13),
        ("Set aside by the node", -1, 12),
        ("Safety stock", -2, 10),
        ("Offered by all nodes", 0, 10),
        ("Channel buffer", -3, 7),
        ("May be sold", 0, 7),
    ]
    read = text_of(answer)
    assert "Why 7 may be sold at Amazon FR" in read
    assert "orders come in late there" in read
    assert "Hamburg −1" in read


def test_the_bars_float_where_the_line_before_ended(client: Client, mug: Item) -> None:
    bars = {o.label: o.bar for o in client.get(PAGE, {"channel": "amazon-fr"}).context["lines"]}

    assert (bars["On hand"].x, bars["On hand"].width) == (0, 1000)
    assert (bars["Promised"].x, bars["Promised"].width) == (pytest.approx(722.2), 277.8)
    assert bars["Set aside by the node"].joint == pytest.approx(722.2)
    assert (bars["May be sold"].x, bars["May be sold"].width) == (0, pytest.approx(388.9))


def test_a_node_explains_its_own_part(client: Client, mug: Item) -> None:
    answer = client.get(PAGE, {"channel": "amazon-fr", "node": "BERLIN"})

    assert lines_of(answer) == [
        ("On hand", 9, 9),
        ("Promised", -3, 6),
        ("Safety stock", -2, 4),
        ("Berlin offers", 0, 4),
    ]
    rows = [(r["name"], r["offers"], r["listed"]) for r in answer.context["by_node"]]
    assert rows == [("Berlin", 4, 4), ("Hamburg", 3, 3), ("Store Kantstraße", 3, 0)]


def test_the_rule_that_won_stands_beside_those_it_beat(client: Client, mug: Item) -> None:
    here = client.get(PAGE, {"channel": "amazon-fr"}).context["contests"]
    there = client.get(PAGE, {"channel": "outlet"}).context["contests"]

    def buffers(rows: Any) -> list[tuple[str, list[str]]]:
        return [
            (row["winner"]["scope"], [loser["scope"] for loser in row["losers"]])
            for row in rows
            if row["knob"] == "Channel buffer"
        ]

    assert buffers(here) == [("Channel Amazon FR", ["Everywhere"])]
    assert buffers(there) == [("Everywhere", [])]
    safety = next(row for row in here if row["knob"] == "Safety stock")
    assert safety["where"] == "Berlin"


def test_channels_say_what_they_were_told_show_and_lack(client: Client, mug: Item) -> None:
    rows = client.get(PAGE, {"tab": "channels"}).context["standings"]

    assert [(r.channel.name, r.computed, r.told, r.difference, r.state.label) for r in rows] == [
        ("Amazon FR", 7, 7, 0, "Told"),
        ("Outlet", 9, None, None, "Late"),
        ("Shopify AT", 9, 9, 2, "Shows another"),
    ]
    assert rows[0].lag_text == "4 s"
    # Whoever opens the page sees the channel in trouble first.
    assert "but shows 11 : +2" in text_of(client.get(PAGE))


def test_late_is_later_than_the_channel_was_promised(client: Client, mug: Item) -> None:
    def outlet(**promise: int) -> tuple[str, int]:
        Channel.objects.filter(code="outlet").update(**promise)
        rows = client.get(PAGE, {"tab": "channels"}).context["standings"]
        return rows[1].state.label, len(client.get("/inventory/?view=stale").context["rows"])

    assert outlet(slo_seconds=60) == ("Late", 1)
    assert outlet(slo_seconds=86_400) == ("On its way", 0)
    assert outlet(slo_seconds=0) == ("On its way", 0)


@pytest.mark.parametrize("how", ["switched off", "no address"])
def test_a_channel_that_takes_no_stock_is_never_late(client: Client, mug: Item, how: str) -> None:
    if how == "switched off":
        Channel.objects.filter(code="outlet").update(publish_mode="OFF")
    else:
        Connection.objects.filter(slug="outlet").update(base_url="")

    rows = client.get(PAGE, {"tab": "channels"}).context["standings"]
    answer = client.get("/inventory/?view=stale")

    assert rows[1].state.label == "Takes no stock"
    assert answer.context["rows"] == []
    assert "Outlet has not heard" not in text_of(answer)


def test_a_look_from_before_the_last_number_says_nothing_of_drift(
    client: Client, mug: Item
) -> None:
    early = timezone.now() - timedelta(days=1)
    ChannelOffer.objects.filter(channel__code="shopify-at").update(observed_at=early)

    rows = client.get(PAGE, {"tab": "channels"}).context["standings"]

    assert [row.difference for row in rows] == [0, None, None]


def test_movements_are_told_in_words_newest_first(client: Client, mug: Item) -> None:
    read = text_of(client.get(PAGE, {"tab": "movements"}))

    order = ["1 set aside by the node", "2 promised", "3 promised", "3 counted (+3)"]
    assert [read.index(words) for words in order] == sorted(read.index(words) for words in order)
    assert "Hamburg · WMS Hamburg · Damaged · happened" in read
    assert "Then 6 on hand, 2 promised, 1 set aside: 3 free" in read
    only = text_of(client.get(PAGE, {"tab": "movements", "node": "STORE-7"}))
    assert "3 counted (+3)" in only
    assert "set aside by" not in only


def test_movements_page_without_gaps(client: Client, stock: Stock) -> None:
    level = stock("POT", 1)
    for number in range(120):
        level.movements.create(
            kind="ADJUSTED",
            effect_key=f"k{number}",
            on_hand_after=number,
            reserved_after=0,
            happened_at=timezone.now(),
        )

    address, seen = "/inventory/POT/?tab=movements", []
    while address:
        answer = client.get(address)
        seen += [row["on_hand"] for row in answer.context["movements"]]
        following = answer.context["next_href"]
        address = f"/inventory/POT/{following}" if following else ""

    assert seen == [*range(119, -1, -1), 1]


def test_says_what_a_channel_had_been_told_at_that_moment_and_why(
    client: Client, mug: Item
) -> None:
    offer = ChannelOffer.objects.get(channel__code="amazon-fr")
    mug.levels.update(on_hand=0, reserved=0, allocated=0)
    assert offer.published_at is not None

    def at(moment: Any) -> Any:
        asked = f"{timezone.localtime(moment):%Y-%m-%dT%H:%M:%S}"
        query = {"tab": "past", "channel": "amazon-fr", "at": asked}
        return client.get(PAGE, query)

    then = at(offer.published_at + timedelta(seconds=1))
    assert lines_of(then)[-2:] == [("Channel buffer", -3, 7), ("Told to Amazon FR", 0, 7)]
    before = text_of(at(offer.published_at - timedelta(minutes=1)))
    assert "it had not been told anything yet" in before
    knew = at(timezone.now() + timedelta(seconds=1)).context["levels_then"]
    assert [(row["node"], row["free"]) for row in knew] == [
        ("Berlin", 6),
        ("Hamburg", 3),
        ("Store Kantstraße", 3),
    ]
    wrong = client.get(PAGE, {"tab": "past", "at": "yesterday"})
    assert "Use a day and a time" in text_of(wrong)
    for strange in ("0001-01-01T00:00", "9999-12-31T23:59", "2026-13-45T99:99", "\x00"):
        assert client.get(PAGE, {"tab": "past", "at": strange}).status_code == 200


def test_promises_lead_to_orders_one_may_see(
    as_: SignedIn, mia: User, ben: User, finance_team: Team, place: PlaceOrder, stock: Stock
) -> None:
    stock("MUG", 5)
    order = place("1001", line("MUG", 2))

    seen = as_(mia).get("/inventory/MUG/").content.decode()
    hidden = as_(ben).get("/inventory/MUG/").content.decode()

    assert f'href="/orders/{order.pk}/"' in seen
    assert "An order of another team" in hidden
    assert "#1001" not in hidden


def test_a_person_sees_only_the_channels_of_their_connections(
    as_: SignedIn, ben: User, finance_team: Team, mug: Item
) -> None:
    client = as_(ben)
    finance_team.connections.add(Connection.objects.get(slug="outlet"))

    for address in ("/inventory/", PAGE, f"{PAGE}?tab=channels", f"{PAGE}?tab=past"):
        read = text_of(client.get(address))
        assert "Outlet" in read, address
        assert "Amazon FR" not in read, address
    chosen = client.get(PAGE, {"channel": "amazon-fr"}).context["channel"]
    assert chosen.code == "outlet"


def test_what_was_seen_before_a_number_was_told_is_not_what_the_channel_shows(
    client: Client, mug: Item, now: datetime
) -> None:
    assert "told 3 m ago · shows 7 · now 7" in text_of(client.get(PAGE))

    offers = ChannelOffer.objects.filter(channel__code="amazon-fr")
    offers.update(published_at=now, observed_at=now - timedelta(minutes=1), observed_quantity=18)

    read = text_of(client.get(PAGE))
    assert "told now · now 7" in read
    assert "shows 18" not in read
