"""What if no doorbell rings? Each worker process looks at the rows by itself, every second or two.

Celery delivers doorbells and restarts dead processes; this thread makes sure that a broker that is
down, flushed or forgetful costs latency and never work.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from celery.signals import worker_process_init, worker_process_shutdown
from django.conf import settings
from django.db import OperationalError, connection

from connectors.drains import drain_critical_outbox, drain_inbox, drain_outbox, drain_stock
from exceptions.drains import drive_replays, send_notices
from orders.drains import advance_orders
from retailhub.mail.send import send_mail
from retailhub.schedule import run_due_jobs

log = logging.getLogger(__name__)

_stop = threading.Event()

# Money first. The worker of the p0 queue looks at nothing else.
CRITICAL: Sequence[Callable[[], int]] = (drain_critical_outbox,)
EVERYTHING: Sequence[Callable[[], int]] = (
    drain_inbox,
    advance_orders,
    drain_stock,
    drain_outbox,
    drive_replays,
    send_notices,
    send_mail,
    run_due_jobs,
)


def install() -> None:
    """Start a watcher in every worker process that begins."""
    worker_process_init.connect(_start, weak=False)
    worker_process_shutdown.connect(lambda **_: _stop.set(), weak=False)


def _start(**_: object) -> None:
    is_critical = os.environ.get("RETAILHUB_WORKER_LOOKS") == "p0" or "p0" in _queues(sys.argv)
    looks = CRITICAL if is_critical else EVERYTHING
    threading.Thread(target=watch, args=(looks,), name="watcher", daemon=True).start()


def _queues(arguments: Sequence[str]) -> list[str]:
    for flag, value in pairwise(arguments):
        if flag in {"-Q", "--queues"}:
            return value.split(",")
    return []


def watch(looks: Sequence[Callable[[], int]]) -> None:
    """Look, and look again at once while there is work; else wait about a second."""
    while not _stop.is_set():
        found = 0
        for look in looks:
            found += _look(look)
        if found == 0:
            # Not all workers at the same moment.
            _stop.wait(settings.WORKER_LOOK_SECONDS * random.uniform(0.7, 1.3))  # noqa: S311


def _look(look: Callable[[], int]) -> int:
    try:
        return look()
    except OperationalError as error:  # the database is away; the next look finds it again
        log.warning("no database: %s", error)
        connection.close()
        time.sleep(1)
        return 0
    except Exception:  # our bug: said once per second, never the end of the watcher
        log.exception("a look at the rows failed")
        connection.close()
        time.sleep(1)
        return 0
