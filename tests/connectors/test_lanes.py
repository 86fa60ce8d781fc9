"""Effects of one lane go one after the other, money first, and a newer number replaces an older."""

from __future__ import annotations

import threading

import pytest
from django.utils import timezone

from connectors.drains import drain_outbox
from connectors.lifecycle import Criticality
from connectors.models import Connection
from connectors.services.deliver import deliver_batch
from connectors.systems.base import Intent, IntentKind, Receipt
from connectors.systems.http import AnswerLost, RemoteRejected, RemoteUnavailable
from tests.connectors.conftest import Owe
from tests.connectors.outbox import Turn, state
from tests.connectors.sinks import FakeSink


def test_effects_of_one_lane_go_one_after_the_other(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    for number in range(3):
        owe(f"R{number}", lane="order:1")

    assert [deliver(), deliver(), deliver(), deliver()] == [1, 1, 1, 0]
    assert sink.sent == ["order.post:R0", "order.post:R1", "order.post:R2"]


@pytest.mark.parametrize(
    "error",
    [RemoteUnavailable("away"), AnswerLost("lost"), RemoteRejected("no")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_stops_the_head_of_a_lane_stops_the_lane(
    owe: Owe, sink: FakeSink, deliver: Turn, error: Exception
) -> None:
    owe("R0", lane="order:1")
    second = owe("R1", lane="order:1")
    sink.will_answer(error)
    deliver()
    other = owe("R2", lane="order:2")

    deliver()

    assert (state(second), second.attempts) == ("READY", 0)
    assert state(other) == "SENT"


def test_lanes_of_two_systems_do_not_wait_for_each_other(
    owe: Owe, sink: FakeSink, deliver: Turn, target: Connection
) -> None:
    twin = Connection.objects.create(
        slug="twin", name="Twin", system="fake", role="ERP", rate_per_second=1000, burst=1000
    )
    owe("R0", lane="order:1")
    owe("R1", lane="order:1", connection=twin)

    assert deliver() == 2


def test_a_system_that_does_not_answer_holds_up_its_own_effects_only(
    owe: Owe, sink: FakeSink, target: Connection
) -> None:
    other_is_sent = threading.Event()

    def hang(intent: Intent) -> Receipt:
        assert other_is_sent.wait(60), "it waits for a call to another system"
        return Receipt(external_id="slow")

    def last(intent: Intent) -> Receipt:
        other_is_sent.set()
        return Receipt(external_id="last")

    slow = owe("SLOW")
    twin = Connection.objects.create(
        slug="twin", name="Twin", system="fake", role="ERP", rate_per_second=1000, burst=1000
    )
    lane = [owe(f"R{n}", lane="order:1", connection=twin) for n in range(3)]
    sink.will_answer_to("order.post:SLOW", hang)
    sink.will_answer_to("order.post:R2", last)

    assert drain_outbox() == 4

    assert {state(row) for row in (slow, *lane)} == {"SENT"}
    asked = [key for key in sink.sent if key != "order.post:SLOW"]
    assert asked == ["order.post:R0", "order.post:R1", "order.post:R2"]


def test_money_goes_first(owe: Owe, sink: FakeSink, deliver: Turn) -> None:
    owe("S1", kind=IntentKind.PUBLISH_STOCK)
    owe("S2", kind=IntentKind.PUBLISH_STOCK)
    owe("R1")

    assert deliver_batch(criticalities=list(Criticality), limit=1, now=timezone.now()) == 1

    assert sink.sent == ["order.post:R1"]


def test_the_critical_worker_takes_money_only(owe: Owe, sink: FakeSink) -> None:
    owe("S1", kind=IntentKind.PUBLISH_STOCK)
    owe("R1")

    deliver_batch(criticalities=[Criticality.P0], limit=32, now=timezone.now())

    assert sink.sent == ["order.post:R1"]


def test_a_newer_number_replaces_the_one_nobody_began_to_send(
    owe: Owe, sink: FakeSink, deliver: Turn
) -> None:
    old = owe("MUG:1", kind=IntentKind.PUBLISH_STOCK, coalesce_key="stock:MUG")
    new = owe("MUG:2", kind=IntentKind.PUBLISH_STOCK, coalesce_key="stock:MUG")

    deliver()

    assert (state(old), state(new)) == ("SUPERSEDED", "SENT")
    assert sink.sent == ["stock.publish:MUG:2"]
