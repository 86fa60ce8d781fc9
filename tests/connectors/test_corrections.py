"""Rules that correct messages: only what meets them, only while they live, always on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from connectors import drains
from connectors.errors import RuleUnusable
from connectors.models import Connection, CorrectionHit, CorrectionRule, InboundMessage
from connectors.services.corrections import apply_rule, check_rule
from connectors.services.make_rule import conditions_of, draft_rule, end_rule, make_rule
from connectors.services.preview_rule import preview_rule
from connectors.services.receive import Delivery, receive_messages
from connectors.services.replay import replay_inbound
from connectors.systems.base import Envelope
from exceptions.models import Team
from orders.models import Order
from retailhub.kernel.changes import changes, patch_of
from tests.browser.world import order_body
from tests.conftest import Stock

PATH = "ship_to.country_code"
CONDITIONS = [{"path": PATH, "how": "equals", "value": "Austria"}]
PATCH = [{"op": "replace", "path": "/ship_to/country_code", "value": "AT"}]


@pytest.fixture
def arrives(webshop: Connection, orders_team: Team, stock: Stock) -> Callable[..., InboundMessage]:
    """An order as the door keeps it; its country may be anything."""
    stock("MUG", 500)

    def bring(number: str, country: Any = "Austria", topic: str = "order.placed") -> InboundMessage:
        body = order_body(number, "MUG", timezone.now())
        body["ship_to"]["country_code"] = country
        envelope = Envelope(topic=topic, key=f"evt-{number}", lane=f"order:{number}")
        (stored,) = receive_messages(
            [Delivery(connection_id=webshop.pk, envelope=envelope, body=json.dumps(body).encode())]
        )
        return InboundMessage.objects.get(pk=stored.message_id)

    return bring


@pytest.fixture
def rule(mia: User) -> Callable[..., CorrectionRule]:
    def make(message: InboundMessage, **more: Any) -> CorrectionRule:
        now = timezone.now()
        asked = {"conditions": CONDITIONS, "patch": PATCH, **more}
        draft = draft_rule(message=message, expires_at=now + timedelta(days=7), now=now, **asked)
        return make_rule(draft=draft, owner_id=mia.pk, reason="Names instead of codes")

    return make


@pytest.fixture
def drain_inbox(time_passes: Callable[[], None]) -> Callable[[], None]:
    """Everything that came in is taken."""

    def take() -> None:
        time_passes()
        drains.drain_inbox()

    return take


def country_of(number: str) -> str:
    ship_to = Order.objects.get(external_id=number).ship_to or {}
    said: str = ship_to["country_code"]
    return said


def test_corrects_what_meets_it_and_says_so_and_keeps_what_arrived(
    arrives: Any, rule: Any, drain_inbox: Any
) -> None:
    first = arrives("A-1")
    kept = bytes(first.body)
    made = rule(first)
    arrives("A-2", "DE")

    drain_inbox()

    assert (country_of("A-1"), country_of("A-2")) == ("AT", "DE")
    first.refresh_from_db()
    assert (bytes(first.body), first.edited_body) == (kept, None)
    assert list(CorrectionHit.objects.values_list("rule_id", "message_id")) == [(made.pk, first.pk)]


def test_an_ended_or_expired_rule_corrects_nothing_and_lists_what_it_touched(
    arrives: Any, rule: Any, drain_inbox: Any
) -> None:
    made = rule(arrives("A-1"))
    drain_inbox()
    end_rule(rule_id=made.pk)
    arrives("A-2")
    drain_inbox()
    CorrectionRule.objects.update(is_active=True, expires_at=timezone.now() - timedelta(seconds=1))
    arrives("A-3")
    drain_inbox()

    assert [country_of(n) for n in ("A-1", "A-2", "A-3")] == ["AT", "Austria", "Austria"]
    assert made.hits.count() == 1
    assert list(made.history.order_by("pk").values_list("is_active", flat=True)) == [True, False]


def test_counts_for_its_own_connection_and_topic_only(
    arrives: Any, rule: Any, shop: Connection, drain_inbox: Any
) -> None:
    made = rule(arrives("A-1"))
    CorrectionRule.objects.filter(pk=made.pk).update(topic="order.changed")
    drain_inbox()
    CorrectionRule.objects.filter(pk=made.pk).update(topic="order.placed", connection=shop)
    arrives("A-2")
    drain_inbox()

    assert (country_of("A-1"), country_of("A-2")) == ("Austria", "Austria")


def test_frees_a_stuck_message_when_it_is_replayed(
    arrives: Any, rule: Any, drain_inbox: Any
) -> None:
    stuck = arrives("A-1", 43)
    drain_inbox()
    stuck.refresh_from_db()
    assert stuck.state == "DEAD"
    rule(stuck, conditions=[{"path": PATH, "how": "equals", "value": 43}])

    replay_inbound(message_id=stuck.pk, now=timezone.now())
    drain_inbox()

    stuck.refresh_from_db()
    assert (stuck.state, country_of("A-1")) == ("PROCESSED", "AT")


def test_a_preview_counts_real_messages_and_changes_none(
    arrives: Any, rule: Any, drain_inbox: Any
) -> None:
    for n in range(3):
        arrives(f"D-{n}", "DE")
    for n in range(2):
        arrives(f"S-{n}", 43)
    drain_inbox()
    made = rule(arrives("A-1"))
    draft = CorrectionRule(
        connection=made.connection, topic=made.topic, patch=PATCH,
        conditions=[{"path": PATH, "how": "one_of", "value": ["43", "Austria"]}],
    )  # fmt: skip

    found = preview_rule(draft)

    assert (found.looked_at, found.matched, found.stuck, found.stuck_matched) == (6, 3, 2, 2)
    assert len(found.would_read) == 2
    assert [one.where for _, rows in found.samples for one in rows] == [PATH] * 3
    assert not Order.objects.filter(ship_to__country_code="AT").exists()


@pytest.mark.parametrize(
    ("condition", "found", "is_met"),
    [
        ({"how": "equals", "value": "x"}, "x", True),
        ({"how": "equals", "value": "x"}, "xy", False),
        ({"how": "equals", "value": None}, None, True),
        ({"how": "prefix", "value": "x"}, "xy", True),
        ({"how": "one_of", "value": ["1", "x"]}, 1, True),
        ({"how": "one_of", "value": ["1"]}, [1], False),
    ],
)
def test_conditions_compare_text(condition: Any, found: Any, is_met: bool) -> None:
    patch = [{"op": "add", "path": "/b", "value": 1}]
    after = apply_rule({"a": found}, [{"path": "a", **condition}], patch)
    assert (after is not None) is is_met


def test_a_patch_that_does_not_fit_leaves_the_message_as_it_is() -> None:
    patch = [{"op": "replace", "path": "/b/c", "value": 1}]
    assert apply_rule({"a": "x"}, [{"path": "a", "how": "equals", "value": "x"}], patch) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"conditions": []},
        {"conditions": "all"},
        {"conditions": [{"path": "a", "how": "matches", "value": "(a+)+$"}]},
        {"conditions": [{"path": "a", "how": "prefix", "value": ""}]},
        {"conditions": [{"path": "", "how": "equals", "value": "x"}]},
        {"conditions": CONDITIONS * 11},
        {"conditions": [{"path": "a", "how": "equals", "value": {"a": 1}}]},
        {"patch": []},
        {"patch": PATCH * 21},
        {"patch": [{"op": "move", "from": "/a", "path": "/b"}]},
        {"patch": [{"op": "add", "path": "/a", "value": [[[[]]]]}]},
        {"patch": [{"op": "add", "path": "/a", "value": "x" * 2001}]},
        {"patch": [{"op": "add", "path": "a", "value": 1}]},
        {"days": 91},
        {"days": -1},
    ],
)
def test_rules_are_bounded(broken: dict[str, Any], now: datetime) -> None:
    asked = {"conditions": CONDITIONS, "patch": PATCH, **broken}
    expires_at = now + timedelta(days=asked.pop("days", 7))
    with pytest.raises(RuleUnusable):
        check_rule(expires_at=expires_at, now=now, **asked)


def test_the_conditions_of_a_correction_are_what_was_wrong() -> None:
    made = list(changes({"a": "x", "b": 1}, {"a": "y", "b": 1, "c": 2}))
    assert conditions_of(made) == [
        {"path": "a", "how": "equals", "value": "x"},
        {"path": "c", "how": "equals", "value": None},
    ]
    assert apply_rule({"a": "x", "b": 1}, conditions_of(made), patch_of(made)) == {
        "a": "y", "b": 1, "c": 2,
    }  # fmt: skip


def test_a_rule_without_conditions_can_t_be_stored(mia: User, webshop: Connection) -> None:
    with pytest.raises(IntegrityError, match="has_a_condition"):
        CorrectionRule.objects.create(
            connection=webshop, topic="t", conditions=[], patch=PATCH, owner=mia,
            expires_at=timezone.now(),
        )  # fmt: skip
