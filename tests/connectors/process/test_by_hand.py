"""What a person corrects, takes again or sets aside."""

from __future__ import annotations

import json
from datetime import datetime

from connectors.models import InboundMessage
from connectors.services.replay import replay_inbound, set_aside_inbound
from exceptions.models import ExceptionCase
from orders.models import Order
from tests.conftest import Stock
from tests.connectors.door import order_payload
from tests.connectors.outbox import Act
from tests.connectors.process.inbox import Hear, process, refund, state


def test_who_takes_it_again_is_told_at_once_that_it_still_waits(
    hear: Hear, now: datetime, time_passes: Act
) -> None:
    row = hear(refund(), "refund.created")
    process()

    assert replay_inbound(message_id=row.pk, now=now)
    time_passes()
    process()

    assert state(row) == "PARKED"
    assert ExceptionCase.objects.get().code == "connectors.parent_missing"


def test_a_corrected_body_is_applied_and_the_original_stays(
    hear: Hear, stock: Stock, now: datetime, time_passes: Act
) -> None:
    stock("MUG", 5)
    row = hear(order_payload(total="ten"))
    process()
    assert state(row) == "DEAD"

    replay_inbound(message_id=row.pk, now=now, edited_body=json.dumps(order_payload()).encode())
    time_passes()
    process()

    assert state(row) == "PROCESSED"
    assert b'"ten"' in bytes(row.body)
    assert Order.objects.get().total == 10
    assert ExceptionCase.objects.get().state == "RESOLVED"


def test_a_conflicting_body_waits_for_a_person_and_is_applied_only_by_replay(
    hear: Hear, stock: Stock, now: datetime, time_passes: Act
) -> None:
    stock("MUG", 5)
    hear(order_payload(), key="k")
    changed = hear(order_payload(updated_at="2026-11-21T00:00:00Z", note="2"), key="k")
    process()
    process()
    rows = InboundMessage.objects.order_by("pk")
    assert [row.state for row in rows] == ["PROCESSED", "DEAD"]
    assert changed.pk == rows[1].pk or rows[1].is_conflict_of_id == rows[0].pk

    replay_inbound(message_id=rows[1].pk, now=now)
    time_passes()
    process()

    assert Order.objects.get().note == "2"


def test_a_message_that_was_set_aside_is_tried_no_more(
    hear: Hear, now: datetime, time_passes: Act
) -> None:
    row = hear(refund(), "refund.created")
    process()

    assert set_aside_inbound(message_id=row.pk, now=now)
    assert not set_aside_inbound(message_id=row.pk, now=now)
    time_passes()

    assert process() == 0
    assert state(row) == "IGNORED"
    assert not replay_inbound(message_id=row.pk, now=now)
