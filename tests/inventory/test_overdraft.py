"""A shortage names its cause, from the ledger around the moment it came about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exceptions.models import ExceptionCase
from inventory.models import Channel, Publication, StockLevel
from inventory.overdraft import Cause, Evidence, cause_of, in_words
from inventory.services.move import Kind, move_stock
from tests.conftest import Stock
from tests.inventory.levels import count, moved
from tests.inventory.promises import promise

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def evidence(**more: Any) -> Evidence:
    facts = {
        "kind": "COUNTED",
        "short": 2,
        "happened_at": NOON,
        "heard_at": NOON + timedelta(seconds=20),
        "counted": 3,
        "expected": 8,
    }
    return Evidence(**{**facts, **more})


@pytest.mark.parametrize(
    ("more", "cause", "words"),
    [
        (
            {"promised_since": 2},
            Cause.RACE,
            "2 promised after the count of 20 Nov 12:00 UTC was taken, heard 20 s later.",
        ),
        (
            {"promised_since": 4, "heard_at": NOON + timedelta(hours=3)},
            Cause.LAG,
            "The news of 20 Nov 12:00 UTC came 3 h late; 4 were promised meanwhile.",
        ),
        (
            {"published": 8, "existed": 3},
            Cause.BUFFER,
            "A channel offered 8 when 3 were there. A larger buffer prevents it.",
        ),
        (
            {"promised_since": 1},
            Cause.WRONG_COUNT,
            "The count says 3, the ledger 8: 5 that no movement explains.",
        ),
        (
            {"kind": "ADJUSTED", "reason": "Broken"},
            Cause.TAKEN,
            "5 were taken off although promised (Broken).",
        ),
        (
            {"source": "hand:Ana", "promised_since": 9},
            Cause.HAND_EDIT,
            "Ana changed the stock by hand from 8 to 3.",
        ),
        (
            {"drift": -4},
            Cause.HAND_EDIT,
            "The level was changed outside the ledger: -4 that no movement explains.",
        ),
    ],
)
def test_the_cause_and_its_words(more: dict[str, Any], cause: Cause, words: str) -> None:
    assert cause_of(evidence(**more)) == cause
    assert in_words(evidence(**more)) == words


def the_case() -> ExceptionCase:
    return ExceptionCase.objects.get(code="inventory.overdrawn")


def test_promises_made_while_the_count_was_on_its_way(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now)

    count(mugs, 3, now - timedelta(seconds=30))

    case = the_case()
    assert case.title == "More is promised than is there: 1 × MUG at WMS Berlin"
    assert case.context["cause"] == "RACE"
    assert "4 promised after the count" in case.detail


def test_a_count_heard_late(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now - timedelta(minutes=30))

    count(mugs, 3, now - timedelta(hours=2))

    assert the_case().context["cause"] == "LAG"


def test_a_count_that_no_movement_explains(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now - timedelta(minutes=30))

    count(mugs, 3, now)

    case = the_case()
    assert case.context["cause"] == "WRONG_COUNT"
    assert (case.context["evidence"]["counted"], case.context["evidence"]["expected"]) == (3, 5)


def test_a_channel_that_offered_more_than_there_was(
    stock: Stock, channel: Channel, now: datetime
) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now - timedelta(minutes=50))
    then = now - timedelta(minutes=30)
    Publication.objects.create(
        channel=channel,
        item_id=mugs.item_id,
        quantity=5,
        explanation={},
        reason="CHANGE",
        changed_at=then,
        decided_at=then,
    )

    count(mugs, 3, now)

    assert the_case().context["cause"] == "BUFFER"


def test_a_level_edited_behind_the_ledger(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now - timedelta(minutes=30))
    StockLevel.objects.filter(pk=mugs.pk).update(on_hand=2)

    count(mugs, 3, now)

    case = the_case()
    assert case.context["cause"] == "HAND_EDIT"
    assert "-3 that no movement explains" in case.detail


def test_damage_of_what_is_promised_and_the_cure(stock: Stock, now: datetime) -> None:
    mugs = stock("MUG", 5)
    promise("A", MUG=4, now=now - timedelta(minutes=30))

    move_stock([moved(mugs, Kind.ADJUSTED, now, "broken", on_hand=-2, reason="Broken")])
    case = the_case()
    assert "2 were taken off although promised (Broken)." in case.detail

    move_stock([moved(mugs, Kind.RETURNED, now, "back", on_hand=1)])
    case.refresh_from_db()
    assert case.state == "RESOLVED"
