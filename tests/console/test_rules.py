"""Rules over HTTP: nobody saves one before having seen what it changes, and then channels hear."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from inventory.models import AvailabilityRule, Channel, Item, Location, StockSignal
from retailhub.kernel.roles import Role
from tests.conftest import Stock, person
from tests.console.conftest import SignedIn
from tests.console.inventory.reading import text_of
from tests.console.shelves import tell_of_a_mug, three_channels

NEW = "/inventory/rules/new/"


@pytest.fixture
def mug(db: None) -> Item:
    """The mug with a history: 7 at Amazon FR, 9 at the two others."""
    return tell_of_a_mug(three_channels(), now=timezone.now())


@pytest.fixture
def client(as_: SignedIn, db: None) -> Client:
    """Somebody of operations."""
    return as_(person("oda", "Oda", Role.OPS))


def seen_in(answer: Any) -> str:
    """What the page lets one confirm."""
    found = re.search(r'name="seen" value="([^"]*)"', answer.content.decode())
    assert found is not None
    return found[1].replace("&#x27;", "'").replace("&#39;", "'")


def test_a_rule_is_kept_only_after_its_effect_was_seen(client: Client, mug: Item) -> None:
    StockSignal.objects.all().delete()
    wanted = {"knob": "BUFFER", "value": "8", "sku": mug.sku, "note": "recall"}

    tried = client.post(NEW, wanted)

    effect = tried.context["effect"]
    assert (effect.offers, effect.looked_at, effect.changed, effect.to_zero) == (3, 3, 3, 0)
    assert [(c["channel"], c["before"], c["after"]) for c in tried.context["changes"]] == [
        ("Amazon FR", 7, 2),
        ("Outlet", 9, 2),
        ("Shopify AT", 9, 2),
    ]
    assert "3 of 3 offers change" in text_of(tried)
    assert not AvailabilityRule.objects.filter(note="recall").exists()
    assert not StockSignal.objects.exists()

    kept = client.post(NEW, {**wanted, "seen": seen_in(tried)}, follow=True)

    rule = AvailabilityRule.objects.get(note="recall")
    assert (rule.item, rule.value, rule.history.get().history_user.username) == (mug, 8, "oda")
    assert list(StockSignal.objects.values_list("item_id", flat=True)) == [mug.pk]
    assert "Saved: Keep 8 back from the channel." in text_of(kept)


def test_a_rule_changed_after_the_look_is_shown_again(client: Client, mug: Item) -> None:
    wanted = {"knob": "MAX_LISTED", "value": "1"}
    seen = seen_in(client.post(NEW, wanted))

    again = client.post(NEW, {**wanted, "value": "0", "seen": seen})

    assert "3 go to zero" in text_of(again)
    assert not AvailabilityRule.objects.filter(knob="MAX_LISTED").exists()


def test_changing_and_removing_a_rule_shows_what_comes_back(client: Client, mug: Item) -> None:
    rule = AvailabilityRule.objects.get(channel__code="amazon-fr")
    values = {"knob": "BUFFER", "value": "7", "channel": str(rule.channel_id)}

    changed = client.post(f"/inventory/rules/{rule.pk}/save/", values)
    removed = client.post(f"/inventory/rules/{rule.pk}/remove/")

    def numbers(answer: Any) -> list[tuple[str, int, int]]:
        return [(c["channel"], c["before"], c["after"]) for c in answer.context["changes"]]

    assert numbers(changed) == [("Amazon FR", 7, 3)]
    # Without it the rule for everywhere counts again.
    assert numbers(removed) == [("Amazon FR", 7, 9)]
    rule.refresh_from_db()
    assert (rule.value, rule.is_active) == (3, True)

    client.post(f"/inventory/rules/{rule.pk}/remove/", {"seen": seen_in(removed)})

    rule.refresh_from_db()
    assert rule.is_active is False
    assert client.get(f"/inventory/rules/{rule.pk}/").status_code == 404
    assert "orders come in late" not in client.get("/inventory/rules/").content.decode()


def test_moving_a_rule_wakes_what_it_held_for_and_what_it_holds_for(
    client: Client, stock: Stock
) -> None:
    for sku, category in (("A", "mugs"), ("B", "pots"), ("C", "lamps")):
        stock(sku, 5)
        Item.objects.filter(sku=sku).update(category=category)
    Channel.objects.create(code="shop", name="Shop")
    rule = AvailabilityRule.objects.create(knob="BUFFER", value=1, category="mugs")
    StockSignal.objects.all().delete()

    address, values = f"/inventory/rules/{rule.pk}/save/", {"knob": "BUFFER", "value": "1"}
    values["category"] = "pots"
    client.post(address, {**values, "seen": seen_in(client.post(address, values))})

    woken = StockSignal.objects.values_list("item__sku", flat=True)
    assert sorted(woken) == ["A", "B"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sku": "NIX"}, "There is no item NIX"),
        ({"sku": "MUG-BLUE", "category": "mugs"}, "Name an item or a category, not both"),
        ({"knob": "SHARE", "value": "101"}, "Use 100 or less"),
        ({"value": "-1"}, "greater than or equal to 0"),
        ({"value": ""}, "This field is required"),
        ({"value": "99999999999"}, ""),
        ({"knob": "BOGUS"}, "not one of the available choices"),
        ({"channel": "999999"}, "not one of the available choices"),
        ({"note": "x" * 201}, ""),
        ({"category": "a\x00b"}, ""),
    ],
)
def test_what_does_not_go_together_is_said_and_nothing_is_kept(
    client: Client, mug: Item, changes: dict[str, str], told: str
) -> None:
    before = AvailabilityRule.objects.count()

    answer = client.post(NEW, {"knob": "BUFFER", "value": "1", **changes})

    assert answer.status_code == 422
    if changes.get("channel") is None and "BOGUS" not in changes.values():
        assert told in text_of(answer)
    assert AvailabilityRule.objects.count() == before


def test_a_channel_s_rule_names_no_node(client: Client, mug: Item) -> None:
    node = Location.objects.get(code="BERLIN")

    answer = client.post(NEW, {"knob": "BUFFER", "value": "1", "location": str(node.pk)})

    assert answer.status_code == 422
    assert "This rule is a channel's: leave the node empty" in text_of(answer).replace(
        "&#x27;", "'"
    )


def test_those_who_may_not_edit_read(as_: SignedIn, ana: User, mug: Item) -> None:
    client = as_(ana)

    html = client.get("/inventory/rules/").content.decode()

    assert "Keep 3 back from the channel" in html
    assert "<form" not in html.split("<main")[1].replace('<form method="get"', "")
    assert client.post(NEW, {"knob": "BUFFER", "value": "1"}).status_code == 403


def test_rules_are_found_and_paged(client: Client, mug: Item) -> None:
    AvailabilityRule.objects.bulk_create(
        AvailabilityRule(knob="BUFFER", value=n, note=f"n{n}") for n in range(120)
    )

    first = client.get("/inventory/rules/")
    second = client.get(f"/inventory/rules/{first.context['next_href']}")

    assert (len(first.context["rules"]), len(second.context["rules"])) == (100, 24)
    assert len(client.get("/inventory/rules/?q=returns").context["rules"]) == 1


def test_the_preview_is_bounded_and_says_so(
    client: Client, mug: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.preview.MOST_OFFERS", 6)
    for number in range(5):
        Item.objects.create(sku=f"Z{number}")

    tried = client.post(NEW, {"knob": "MAX_LISTED", "value": "2"})

    assert (tried.context["effect"].offers, tried.context["effect"].looked_at) == (18, 6)
    assert "Only the first 6 of 18 offers were tried" in text_of(tried)
