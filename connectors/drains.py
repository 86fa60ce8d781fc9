"""Empty a queue: batch after batch until nothing is due or the turn is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.utils import timezone

from connectors.lifecycle import Criticality
from connectors.services import deliver, process, snapshots
from connectors.services.owe_stock import owe_stock
from inventory.services.publish import publish_stock

BATCH = 100
# Signals and offers decided in one transaction: about a tenth of a second.
STOCK_BATCH = 500
# A turn ends so that a worker also hears its other doorbells and its shutdown.
TURN_SECONDS = 20.0


def drain_inbox() -> int:
    """Process received messages. Returns how many."""
    return _drain(lambda now: process.process_batch(limit=BATCH, now=now))


def drain_outbox() -> int:
    """Send every kind of effect. Returns how many were tried."""
    return _deliver(Criticality)


def drain_critical_outbox() -> int:
    """Send P0 effects only: capacity that bulk work can't take. Returns how many were tried."""
    return _deliver([Criticality.P0])


def _deliver(criticalities: Iterable[Criticality]) -> int:
    until = time.monotonic() + TURN_SECONDS
    return deliver.deliver_batch(
        criticalities=criticalities, limit=32, now=timezone.now(), until=until
    )


def drain_stock() -> int:
    """Decide what channels are told, and owe it to them. Returns how much was looked at."""
    decided = _drain(lambda now: publish_stock(limit=STOCK_BATCH, now=now))
    return decided + owe_stock(now=timezone.now())


def run_snapshots() -> int:
    """Run every file of stock that waits. Returns how many."""
    return snapshots.run_due_snapshots(now=timezone.now())


def _drain(step: Callable[[datetime], int]) -> int:
    done, until = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        count = step(timezone.now())
        if count == 0:
            break
        done += count
    return done
