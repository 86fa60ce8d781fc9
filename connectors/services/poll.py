"""Ask the source what changed: what a lost webhook should have brought comes all the same.

Polling lives on what effects leave: their budget, their breaker, and short turns of a worker. A
long list is read over many turns, and goes on where it stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from connectors.models import Connection, Cursor
from connectors.registry import SOURCES
from connectors.services import breaker, limiter
from connectors.services.clients import client_for
from connectors.services.credentials import account_of
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import PollPage
from connectors.systems.http import CredentialsRejected, RemoteThrottled
from retailhub.kernel.errors import HubError, NeedsOperator

log = logging.getLogger(__name__)

# The window always reaches back over what may have been written late or with a skewed clock.
FIXED_OVERLAP = timedelta(minutes=5)
FIRST_WINDOW = timedelta(hours=24)
RESOURCE = "orders"
# A turn ends so that the other jobs of the clock come in time; one call may outlast it.
TURN_SECONDS = 5.0
PAGES_PER_TURN = 10
# A worker that vanishes in its turn keeps the connection from being asked for so long.
CLAIM = timedelta(minutes=2)


def poll_due_connections(*, now: datetime) -> int:
    """Poll connections whose time has come, the longest due first. Returns how many were asked."""
    asked, until = 0, time.monotonic() + TURN_SECONDS
    for cursor in _due_cursors(now):
        if time.monotonic() >= until:
            break
        if _claim(cursor, now):
            asked += 1
            _poll_alone(cursor, until, now)
    return asked


def _due_cursors(now: datetime) -> list[Cursor]:
    # What needs a sign-in or is failing would only be refused again.
    connections = Connection.objects.filter(
        is_active=True, poll_seconds__gt=0, inbound_paused_at=None, closed_until=None
    ).exclude(health=Connection.Health.SIGN_IN)
    Cursor.objects.bulk_create(
        [
            Cursor(connection=row, resource=RESOURCE, seen_until=now - FIRST_WINDOW, due_at=now)
            for row in connections.exclude(cursors__resource=RESOURCE)
        ],
        ignore_conflicts=True,
    )
    due = Cursor.objects.filter(connection__in=connections, resource=RESOURCE, due_at__lte=now)
    return list(due.select_related("connection").order_by("due_at", "pk"))


def _claim(cursor: Cursor, now: datetime) -> bool:
    # Two clocks may have read the same row; one of them finds it as it was.
    found = Cursor.objects.filter(pk=cursor.pk, due_at=cursor.due_at)
    return found.update(due_at=now + CLAIM) == 1


def _poll_alone(cursor: Cursor, until: float, now: datetime) -> None:
    slug, pause = cursor.connection.slug, timedelta(seconds=cursor.connection.poll_seconds)
    try:
        _poll(cursor, until, now)
    except OperationalError:
        raise
    except RemoteThrottled as error:  # nobody's fault: it goes on where it stopped
        _end_turn(cursor, now + timedelta(seconds=error.after or 0.0))
    except HubError as error:
        log.warning("polling %s: %s", slug, error)
        _note(cursor.connection, error, now)
        # A place in a list that the system does not know any more would be refused for ever.
        _end_turn(cursor, now + pause, forget=isinstance(error, NeedsOperator))
    except Exception:  # our bug with one system must not keep the others from being asked
        log.exception("polling %s failed", slug)
        _end_turn(cursor, now + pause, forget=True)


def _poll(cursor: Cursor, until: float, now: datetime) -> None:
    """Read on for this turn. The window moves only when the last page is stored."""
    pause = timedelta(seconds=cursor.connection.poll_seconds)
    if not cursor.position:
        cursor.began_at = now
    for page in _pages(cursor, now):
        if not page.has_more:
            # What changed since the listing began may not be in it.
            cursor.seen_until = cursor.began_at or now
            _end_turn(cursor, now + pause, forget=True)
            return
        if page.wait or time.monotonic() >= until:
            break
    # Behind those who have waited since before this turn.
    _end_turn(cursor, now + timedelta(seconds=max(page.wait, 1.0)))


def _pages(cursor: Cursor, now: datetime) -> Iterator[PollPage]:
    connection = cursor.connection
    overlap = FIXED_OVERLAP + 2 * timedelta(seconds=connection.poll_seconds)
    since = cursor.seen_until - overlap
    source, http = SOURCES[connection.system], client_for(connection)
    account = account_of(connection, now=now)
    for _ in range(PAGES_PER_TURN):
        with limiter.spare_slot(connection):
            page = source.poll(http, account, cursor.position, since)
        breaker.note_success(connection, now=now)
        _keep(cursor, page)
        yield page


@transaction.atomic
def _keep(cursor: Cursor, page: PollPage) -> None:
    """What a page brought and the place after it, together: nothing is skipped or read for ever."""
    connection_id = cursor.connection_id
    receive_messages(
        [
            Delivery(connection_id=connection_id, envelope=m.envelope, body=m.body)
            for m in page.messages
        ]
    )
    cursor.position = page.cursor
    cursor.save(update_fields=["position", "began_at"])


def _end_turn(cursor: Cursor, due_at: datetime, *, forget: bool = False) -> None:
    if forget:
        cursor.position, cursor.began_at = "", None
    cursor.due_at = due_at
    cursor.save(update_fields=["position", "began_at", "seen_until", "due_at"])


def _note(connection: Connection, error: HubError, now: datetime) -> None:
    if isinstance(error, CredentialsRejected):
        breaker.note_sign_in_needed(connection, str(error), now=now)
    else:
        breaker.note_failure(connection, str(error), now=now)
