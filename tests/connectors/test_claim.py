"""Whatever waits, something is always sent, and one long queue never hides another's."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from connectors.lifecycle import Criticality, OutboundState
from connectors.models import Attempt, Connection, OutboundMessage
from connectors.services import deliver
from connectors.services.claim import PER_CONNECTION, claim_effects
from connectors.services.landing import seconds_to_land

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _modest(wms: Connection, erp: Connection) -> None:
    Connection.objects.update(concurrency=4)


def owe(
    connection: Connection, count: int, *, due_at: datetime, lane: str = ""
) -> list[OutboundMessage]:
    """So many effects, due at `due_at`, each in a lane of its own unless one is named."""
    return OutboundMessage.objects.bulk_create(
        OutboundMessage(
            connection=connection,
            kind="fulfillment.release",
            effect_key=f"{uuid4()}",
            lane=lane or f"{uuid4()}",
            reference="r",
            criticality=Criticality.P0,
            payload={},
            trace_id=uuid4(),
            next_attempt_at=due_at,
            deadline_at=due_at + timedelta(days=3),
        )
        for _ in range(count)
    )


def in_doubt(message: OutboundMessage, seconds_ago: float) -> None:
    """An answer of `message` was lost so long ago; asked for again, it worked."""
    lost = timezone.now() - timedelta(seconds=seconds_ago)
    Attempt.objects.create(
        message=message, number=1, lease_token=1, started_at=lost, finished_at=lost,
        outcome=Attempt.Outcome.UNKNOWN,
    )  # fmt: skip
    for state in (OutboundState.SENDING, OutboundState.SENT):
        OutboundMessage.objects.filter(pk=message.pk).update(state=state)


def claim(limit: int = 32) -> list[OutboundMessage]:
    return [attempt.message for attempt in claim_effects([Criticality.P0], limit)]


def test_old_rows_that_were_put_off_never_stop_the_others(wms: Connection, now: datetime) -> None:
    # The oldest rows by number, due again after many younger ones: nothing was claimed any more.
    owe(wms, PER_CONNECTION, due_at=now - timedelta(seconds=5))
    owe(wms, 300, due_at=now - timedelta(minutes=5))

    assert len(claim()) == PER_CONNECTION


def test_a_long_queue_leaves_room_for_the_others(
    wms: Connection, erp: Connection, now: datetime
) -> None:
    owe(erp, 500, due_at=now - timedelta(hours=1))
    owe(wms, 3, due_at=now - timedelta(seconds=1))

    claimed = Counter(message.connection.slug for message in claim())

    assert claimed == {"netsuite": PER_CONNECTION, "wms-berlin": 3}


def test_calls_that_are_away_count_for_their_connection(
    wms: Connection, erp: Connection, now: datetime
) -> None:
    owe(erp, 40, due_at=now - timedelta(hours=1))
    owe(wms, 40, due_at=now - timedelta(seconds=1))
    Connection.objects.update(concurrency=4)

    away = {erp.pk: PER_CONNECTION - 2, wms.pk: PER_CONNECTION + 1}
    found = claim_effects([Criticality.P0], 32, away=away)

    assert [attempt.message.connection for attempt in found] == [erp, erp]


def test_what_another_worker_took_is_not_taken_again(wms: Connection, now: datetime) -> None:
    owe(wms, 40, due_at=now - timedelta(minutes=1))

    taken = [message.pk for _ in range(4) for message in claim()]

    assert len(taken) == len(set(taken)) == 40


def test_only_the_head_of_a_lane_is_claimed(wms: Connection, now: datetime) -> None:
    first, *_ = owe(wms, 3, due_at=now - timedelta(minutes=1), lane="order:1")

    assert [message.pk for message in claim()] == [first.pk]
    assert claim() == []


@pytest.mark.parametrize("state", [OutboundState.DEAD, OutboundState.MANUAL])
def test_a_stopped_head_stops_its_lane_only(
    wms: Connection, now: datetime, state: OutboundState
) -> None:
    stopped, _ = owe(wms, 2, due_at=now - timedelta(minutes=1), lane="order:1")
    (other,) = owe(wms, 1, due_at=now - timedelta(minutes=1), lane="order:2")
    OutboundMessage.objects.filter(pk=stopped.pk).update(state=OutboundState.SENDING)
    OutboundMessage.objects.filter(pk=stopped.pk).update(state=state)

    assert [message.pk for message in claim()] == [other.pk]


@pytest.mark.parametrize(("seconds_ago", "waits"), [(10, 110), (110, 10), (121, None)])
def test_an_effect_waits_for_what_the_one_before_it_may_still_do(
    erp: Connection, now: datetime, seconds_ago: float, waits: float | None
) -> None:
    posted, close, other = owe(erp, 3, due_at=now - timedelta(hours=1))
    OutboundMessage.objects.filter(pk__in=[posted.pk, close.pk]).update(lane="order:1", order_id=1)
    OutboundMessage.objects.filter(pk=other.pk).update(lane="order:2", order_id=2)
    in_doubt(posted, seconds_ago)

    landing = seconds_to_land([close.pk, other.pk])

    assert landing == ({close.pk: pytest.approx(waits, abs=5)} if waits else {})


def test_it_is_put_off_without_being_asked_for(erp: Connection, now: datetime) -> None:
    posted, close = owe(erp, 2, due_at=now - timedelta(hours=1))
    OutboundMessage.objects.update(lane="order:1", order_id=1)
    in_doubt(posted, 10)

    deliver.deliver_batch(criticalities=[Criticality.P0], limit=32, now=timezone.now())

    close.refresh_from_db()
    assert (close.state, close.failures) == (OutboundState.READY, 0)
    assert close.next_attempt_at > timezone.now() + timedelta(seconds=90)
