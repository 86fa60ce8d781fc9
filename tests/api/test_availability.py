"""What may be sold, as a shop's own programs ask for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.models import Connection
from inventory.availability import Knob
from inventory.freshness import shelf_digest
from inventory.models import (
    AvailabilityRule,
    Channel,
    InTransit,
    Item,
    Location,
    Publication,
    StockLevel,
    StockMovement,
)
from inventory.services.opening import Opening, open_levels
from tests.api.conftest import NOW, Caller, make_key


def put(sku: str, **on_hand: int) -> Item:
    """So many on the shelf of each node."""
    item, _ = Item.objects.get_or_create(sku=sku)
    for number, (code, quantity) in enumerate(on_hand.items()):
        place, _ = Location.objects.get_or_create(
            code=code, defaults={"name": code.title(), "priority": number}
        )
        opening = Opening(
            item_id=item.pk,
            location_id=place.pk,
            quantity=quantity,
            effect_key=f"opening:{code}:{sku}",
        )
        open_levels([opening], now=NOW)
    return item


def test_answers_for_many_in_the_order_asked_and_names_the_unknown(caller: Caller) -> None:
    put("MUG", BER=12, HAM=3)
    put("PO/T", BER=4)
    put("ß-шт", BER=1)

    told = caller.get("availability", sku=["PO/T", "MUG", "NIX", "ß-шт", "MUG"]).json()

    assert [(row["sku"], row["quantity"]) for row in told["results"]] == [
        ("PO/T", 4),
        ("MUG", 15),
        ("ß-шт", 1),
    ]
    assert (told["unknown_skus"], told["channel"]) == (["NIX"], "webshop")
    assert told["results"][1]["nodes"] == [
        {"node": "BER", "available": 12, "listed": 12},
        {"node": "HAM", "available": 3, "listed": 3},
    ]


def test_explains_each_line_by_the_rules_of_the_keys_channel(
    caller: Caller, stranger: Caller, shop: Connection
) -> None:
    put("MUG", BER=12)
    rule = AvailabilityRule.objects.create(
        knob="BUFFER", value=5, channel=shop.channel, note="late pickers"
    )

    told = caller.get("availability", sku="MUG", explain=1).json()["results"][0]

    assert told["quantity"] == 7
    assert told["steps"][-1] == {
        "label": "Channel buffer",
        "change": -5,
        "after": 7,
        "why": "late pickers",
        "rule_id": rule.pk,
    }
    assert told["nodes"][0]["steps"][0]["label"] == "On hand"
    assert stranger.get("availability", sku="MUG").json()["results"][0]["quantity"] == 12


def test_a_key_asks_for_no_channel_but_its_own(caller: Caller, other_shop: Connection) -> None:
    put("MUG", BER=1)

    assert caller.get("availability", sku="MUG", channel="webshop").status_code == 200
    assert caller.get("availability", sku="MUG", channel="outlet").status_code == 404
    assert caller.get("availability/told", sku="MUG", channel="outlet").status_code == 404


def test_a_node_shows_its_part_and_changes_no_total(caller: Caller) -> None:
    put("MUG", BER=12, HAM=3)

    told = caller.get("availability", sku="MUG", node="HAM").json()["results"][0]

    assert (told["quantity"], [n["node"] for n in told["nodes"]]) == (15, ["HAM"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "sku"),
        ({"sku": [f"S{n}" for n in range(501)]}, "sku"),
        ({"sku": "MUG", "node": "NIX"}, "node"),
        ({"sku": "MUG", "explain": "perhaps"}, "explain"),
        ({"sku": "A\x00B"}, "sku[0]"),
        ({"sku": "MUG", "skus": "POT"}, "skus"),
    ],
)
def test_refuses_a_question_it_can_not_answer(
    caller: Caller, query: dict[str, Any], field: str
) -> None:
    answer = caller.get("availability", **query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("size", [1, 60])
def test_any_number_of_items_and_nodes_costs_nine_queries(
    caller: Caller, size: int, django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(size):
        put(f"S{number}", **{f"N{n}": 5 for n in range(min(size, 20))})
    skus = [f"S{number}" for number in range(size)]
    caller.get("availability", sku=skus)

    # key, items by SKU, digest, rules, categories, the channel's nodes, nodes, levels, arrivals
    with django_assert_num_queries(9):
        etag = caller.get("availability", sku=skus, explain=1)["ETag"]

    with django_assert_num_queries(3):
        again = caller.get("availability", sku=skus, explain=1, if_none_match=etag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


def _rule(channel: Channel, item: Item) -> None:
    AvailabilityRule.objects.create(knob=Knob.BUFFER, value=1, item=item, channel=channel)


def _arrive(hours: int, item: Item) -> None:
    InTransit.objects.create(
        reference="PO-1",
        item=item,
        location=Location.objects.get(code="BER"),
        quantity=4,
        expected_at=timezone.now() + timedelta(hours=hours),
    )


CHANGES: dict[str, Callable[[Channel, Item], object]] = {
    "a level": lambda _, item: StockLevel.objects.filter(item=item).update(reserved=1),
    "a rule": _rule,
    "an arrival": lambda _, item: _arrive(3, item),
    "a node's silence": lambda *_: Location.objects.filter(code="BER").update(silent_since=NOW),
    "the channel's nodes": lambda channel, _: channel.locations.add(
        Location.objects.get(code="HAM")
    ),
    "the category": lambda _, item: Item.objects.filter(pk=item.pk).update(category="cups"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_answer_is_named_anew_when_anything_it_depends_on_changes(
    caller: Caller, shop: Connection, what: str
) -> None:
    item = put("MUG", BER=9, HAM=2)
    put("POT", BER=1)
    etag = caller.get("availability", sku="MUG")["ETag"]

    StockLevel.objects.filter(item__sku="POT").update(on_hand=7)
    assert caller.get("availability", sku="MUG", if_none_match=etag).status_code == 304

    CHANGES[what](Channel.objects.get(connection=shop), item)
    after = caller.get("availability", sku="MUG", if_none_match=etag)
    assert (after.status_code, after["ETag"] == etag) == (200, False)
    assert after["Cache-Control"] == "private, no-cache"


def test_time_alone_renames_an_answer_only_when_an_arrival_comes_an_hour_nearer(
    db: None,
) -> None:
    item = put("MUG", BER=9)
    _arrive(3, item)
    at = InTransit.objects.get().expected_at

    def digest(**before: int) -> str:
        moment = at - timedelta(**before)
        return shelf_digest(item_ids=[item.pk], channel_id=None, at=moment)

    assert digest(minutes=119) == digest(minutes=61) == digest(minutes=120)
    assert digest(minutes=121) != digest(minutes=120) != digest(minutes=60)


def test_tells_what_the_channel_had_been_told_by_then(caller: Caller, shop: Connection) -> None:
    item, channel = put("MUG", BER=9), Channel.objects.get(connection=shop)
    said = [(7, -30, "SENT"), (6, -20, "FAILED"), (5, -10, "SENT"), (4, -5, "OWED")]
    for quantity, minutes, state in said:
        Publication.objects.create(
            channel=channel,
            item=item,
            quantity=quantity,
            explanation={"quantity": quantity, "steps": []},
            reason="CHANGE",
            state=state,
            changed_at=NOW + timedelta(minutes=minutes),
            sent_at=NOW + timedelta(minutes=minutes) if state == "SENT" else None,
        )

    def told(minutes: int) -> Any:
        at = (NOW + timedelta(minutes=minutes)).isoformat()
        return caller.get("availability/told", sku="MUG", at=at).json()["told"]

    assert told(-31) is None
    assert [told(minutes)["quantity"] for minutes in (-30, -15, -10, 0)] == [7, 7, 5, 5]
    assert told(0)["explanation"] == {"quantity": 5, "steps": []}
    assert told(0)["sent_at"] == "2026-11-20T11:50:00Z"
    assert caller.get("availability/told", sku="NIX").status_code == 404


def test_movements_come_newest_first_page_by_page_without_gaps(caller: Caller) -> None:
    item = put("A/B", BER=1, HAM=2)
    for number, level in enumerate([*StockLevel.objects.filter(item=item).order_by("pk")] * 2):
        StockMovement.objects.create(
            level=level,
            kind="ADJUSTED",
            effect_key=f"k{number}",
            on_hand_change=1,
            on_hand_after=9,
            reserved_after=0,
            happened_at=NOW,
        )

    first = caller.get("items/A/B/movements", limit=4).json()
    second = caller.get("items/A/B/movements", limit=4, cursor=first["next_cursor"]).json()
    at_one = caller.get("items/A/B/movements", node="HAM").json()["results"]

    kinds = [row["kind"] for row in first["results"] + second["results"]]
    assert kinds == ["ADJUSTED"] * 4 + ["COUNTED"] * 2
    assert second["next_cursor"] is None
    assert {row["node"] for row in at_one} == {"HAM"}
    assert len(at_one) == 3
    assert caller.get("items/NIX/movements").status_code == 404
    assert caller.get("items/A%00/movements").status_code == 404


def test_a_key_of_a_system_that_sells_nothing_asks_over_all_nodes(caller: Caller, db: None) -> None:
    put("MUG", BER=3)
    erp = Connection.objects.create(slug="erp", name="ERP", system="netsuite", role="ERP")
    key = Caller(caller.client, make_key(erp, "stock:read").plain)

    told = key.get("availability", sku="MUG").json()

    assert (told["channel"], told["results"][0]["quantity"]) == (None, 3)
    assert key.get("availability/told", sku="MUG").status_code == 404
    assert Channel.objects.count() == 1
