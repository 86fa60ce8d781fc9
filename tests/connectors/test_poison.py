"""A message that ends its workers is set aside, its neighbours are not: really killed workers."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connections
from django.utils import timezone

from connectors.lifecycle import InboundState
from connectors.models import Connection, InboundMessage
from connectors.policy import MAX_CRASHES
from connectors.services import leases
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase
from retailhub.kernel import failpoint

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def work_and_die() -> int | None:
    """One worker's child, killed the moment it has claimed its batch; how it ended."""
    connections.close_all()  # a child shares no socket with us
    child = multiprocessing.get_context("fork").Process(target=_work)
    child.start()
    child.join(120)
    return child.exitcode


def _work() -> None:
    failpoint._points["inbox.claimed"] = ("kill", 1)
    process_batch(limit=10, now=timezone.now())


def send(webshop: Connection, *keys: str) -> None:
    """One message for each key, in lanes of their own."""
    envelopes = [Envelope(topic="order.created", key=key, lane=key) for key in keys]
    receive_messages(
        [Delivery(connection_id=webshop.pk, envelope=one, body=b"{}") for one in envelopes]
    )


@pytest.mark.django_db(transaction=True)
def test_a_message_that_alone_ends_its_worker_three_times_is_set_aside(
    webshop: Connection, leases_expire: Callable[[], None], now: datetime
) -> None:
    send(webshop, "1")

    for _ in range(1 + MAX_CRASHES):  # the first may have been anything's doing
        assert InboundMessage.objects.get().state == InboundState.RECEIVED
        assert work_and_die() == -signal.SIGKILL
        leases_expire()
        assert leases.sweep_expired_leases() == 1

    row = InboundMessage.objects.get()
    assert (row.state, row.error_code) == (InboundState.DEAD, "connectors.poison_crash")
    assert f"{MAX_CRASHES} times" in row.error_detail
    assert ExceptionCase.objects.get().inbound_id == row.pk
    assert process_batch(limit=10, now=now) == 0


@pytest.mark.django_db(transaction=True)
def test_neighbours_of_a_poisonous_message_come_through(
    webshop: Connection, leases_expire: Callable[[], None], now: datetime
) -> None:
    """All of its batch are suspected, then each is taken alone: only the guilty one is dead."""
    send(webshop, "0", "1", "2")
    assert work_and_die() == -signal.SIGKILL
    leases_expire()
    assert leases.sweep_expired_leases() == 3

    for _ in range(MAX_CRASHES):
        assert work_and_die() == -signal.SIGKILL
        leases_expire()
        assert leases.sweep_expired_leases() == 1
    while process_batch(limit=10, now=now):
        pass

    codes = InboundMessage.objects.order_by("id").values_list("error_code", flat=True)
    assert [code == "connectors.poison_crash" for code in codes] == [True, False, False]
