"""Ask the source what changed: what a lost webhook should have brought comes all the same."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from connectors.models import Connection, Cursor
from connectors.registry import SOURCES
from connectors.services import breaker
from connectors.services.clients import client_for
from connectors.services.credentials import account_of
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.http import CredentialsRejected, RemoteThrottled
from retailhub.kernel.errors import HubError, NeedsOperator

log = logging.getLogger(__name__)

# The window always reaches back over what may have been written late or with a skewed clock.
FIXED_OVERLAP = timedelta(minutes=5)
FIRST_WINDOW = timedelta(hours=24)
MAX_PAGES = 40
RESOURCE = "orders"


def poll_due_connections(*, now: datetime) -> int:
    """Poll every connection whose time has come. Returns how many were asked."""
    asked = 0
    for connection in Connection.objects.filter(
        is_active=True, poll_seconds__gt=0, inbound_paused_at=None
    ).order_by("pk"):
        cursor, _ = Cursor.objects.get_or_create(
            connection=connection, resource=RESOURCE, defaults={"seen_until": now - FIRST_WINDOW}
        )
        pause = timedelta(seconds=connection.poll_seconds)
        if cursor.polled_at is None or cursor.polled_at + pause <= now:
            asked += 1
            _poll_alone(connection, cursor, now)
    return asked


def _poll_alone(connection: Connection, cursor: Cursor, now: datetime) -> None:
    try:
        _poll(connection, cursor, now)
    except OperationalError:
        raise
    except Exception:  # our bug with one system must not keep the others from being asked
        log.exception("polling %s failed", connection.slug)
        Cursor.objects.filter(pk=cursor.pk).update(polled_at=now, position="")


def _poll(connection: Connection, cursor: Cursor, now: datetime) -> None:
    """Read all pages since the overlap. The window moves only when the last page is stored."""
    overlap = FIXED_OVERLAP + 2 * timedelta(seconds=connection.poll_seconds)
    since = cursor.seen_until - overlap
    try:
        finished = _read_pages(connection, cursor, since, now)
    except HubError as error:
        log.warning("polling %s: %s", connection.slug, error)
        _note(connection, error, now)
        # A place in a list that the system does not know any more would be refused for ever.
        position = "" if isinstance(error, NeedsOperator) else cursor.position
        Cursor.objects.filter(pk=cursor.pk).update(polled_at=now, position=position)
        return
    columns = {"polled_at": now, "position": cursor.position}
    if finished:
        columns |= {"position": "", "seen_until": now}
    Cursor.objects.filter(pk=cursor.pk).update(**columns)


def _note(connection: Connection, error: HubError, now: datetime) -> None:
    if isinstance(error, CredentialsRejected):
        breaker.note_sign_in_needed(connection, str(error), now=now)
    elif not isinstance(error, RemoteThrottled):
        breaker.note_failure(connection, str(error), now=now)


def _read_pages(connection: Connection, cursor: Cursor, since: datetime, now: datetime) -> bool:
    source = SOURCES[connection.system]
    account = account_of(connection, now=now)
    for _ in range(MAX_PAGES):
        page = source.poll(client_for(connection), account, cursor.position, since)
        with transaction.atomic():
            receive_messages(
                [
                    Delivery(connection_id=connection.pk, envelope=m.envelope, body=m.body)
                    for m in page.messages
                ]
            )
        cursor.position = page.cursor
        if not page.has_more:
            return True
    return False
