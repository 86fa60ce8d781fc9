"""A message that ends its worker is set aside after the third: real workers, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

import pytest
from django.db import connection

from connectors.lifecycle import InboundState
from connectors.models import Connection, InboundMessage
from connectors.policy import MAX_CRASHES
from connectors.services import leases
from connectors.services.process import process_batch
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import Envelope
from exceptions.models import ExceptionCase

WORKER = """
import django; django.setup()
from django.utils import timezone
from connectors.services.process import process_batch
process_batch(limit=10, now=timezone.now())
"""


def work_and_die() -> int:
    """One worker, killed the moment it has claimed its batch."""
    database = connection.settings_dict
    place = quote(str(database["HOST"]), safe="")
    url = f"postgresql://{database['USER']}@{place}/{database['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "retailhub.settings",
        "RETAILHUB_FAILPOINTS": "inbox.claimed=kill",
    }
    return subprocess.run(
        [sys.executable, "-c", WORKER], env=environment, check=False, timeout=120
    ).returncode


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_three_vanished_workers_set_a_message_aside(
    webshop: Connection, leases_expire: Callable[[], None], now: datetime
) -> None:
    envelope = Envelope(topic="order.created", key="1", lane="1")
    receive_messages([Delivery(connection_id=webshop.pk, envelope=envelope, body=b"{}")])

    for _ in range(MAX_CRASHES):
        assert work_and_die() == -signal.SIGKILL
        leases_expire()
        assert leases.sweep_expired_leases() == 1

    row = InboundMessage.objects.get()
    assert (row.state, row.error_code, row.crashes) == (
        InboundState.DEAD,
        "connectors.poison_crash",
        MAX_CRASHES,
    )
    assert ExceptionCase.objects.get().inbound_id == row.pk
    assert process_batch(limit=10, now=now) == 0
