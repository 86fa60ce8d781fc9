"""Does the source's own list hold orders that it never told us of? Found, fetched and counted.

The poller heals a lost webhook without a word. Here the list of ids is compared with what the
source told us by itself; what only our own asking brought, or nothing did, is a `MissedOrder`. An
order is looked at when it is `GRACE` old, so that a webhook which is merely behind is no loss;
windows overlap, because a shop's search may learn of an order late. What is told after all is kept
as told late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import Exists, OuterRef

from connectors.events import OrdersMissed
from connectors.models import Connection, Cursor, MissedOrder
from connectors.registry import LISTERS
from connectors.services import limiter
from connectors.services.clients import client_for
from connectors.services.credentials import account_of
from connectors.services.receive import Delivery, receive_messages
from connectors.systems.base import ASKED_FOR, ListedOrder
from connectors.systems.http import RemoteThrottled
from retailhub.kernel.errors import HubError, NeedsOperator
from retailhub.kernel.events import publish

log = logging.getLogger(__name__)

RESOURCE = "coverage"
EVERY = timedelta(minutes=2)
GRACE = timedelta(minutes=2)
OVERLAP = timedelta(minutes=15)
FIRST_WINDOW = timedelta(hours=24)
PAGES_PER_TURN = 10
# A turn ends so that the other jobs of the clock come in time; one call may outlast it.
TURN_SECONDS = 5.0
FETCH = 50
# A worker that vanishes in its turn keeps the connection from being compared for so long.
CLAIM = timedelta(minutes=2)
# So long a source goes on trying to tell us what it could not deliver.
TOLD_LATE = timedelta(hours=24)

# Which of these orders did anything tell us of, and was it the source by itself? Messages of an
# order on record share its trace; those that wait or stopped are found by their lane.
_HEARD = """
SELECT v.external_id, min(m.id), bool_or(m.key NOT LIKE %(asked_for)s)
FROM unnest(%(external_ids)s::text[], %(lanes)s::text[]) AS v(external_id, lane)
CROSS JOIN LATERAL (
    SELECT o.trace_id FROM orders_order o
    WHERE o.channel_id = %(channel_id)s AND o.external_id = v.external_id
    UNION
    SELECT w.trace_id FROM connectors_inboundmessage w
    WHERE w.lane = v.lane AND NOT (w.state IN ('PROCESSED', 'SUPERSEDED', 'IGNORED'))) t
JOIN connectors_inboundmessage m
  ON m.trace_id = t.trace_id AND m.connection_id = %(connection_id)s
GROUP BY v.external_id
"""


def check_coverage(*, now: datetime) -> int:
    """Compare the connections that are due. Returns how many orders were found missing."""
    found, until = 0, time.monotonic() + TURN_SECONDS
    for cursor in _due_cursors(now):
        if time.monotonic() >= until:
            break
        if _claim(cursor, now):
            found += _check_alone(cursor, until, now)
    return found


def _due_cursors(now: datetime) -> list[Cursor]:
    connections = Connection.objects.filter(
        system__in=LISTERS, is_active=True, poll_seconds__gt=0, closed_until=None
    ).exclude(health=Connection.Health.SIGN_IN)
    begun = Cursor.objects.filter(connection=OuterRef("pk"), resource=RESOURCE)
    Cursor.objects.bulk_create(
        [
            Cursor(connection=row, resource=RESOURCE, seen_until=now - FIRST_WINDOW, due_at=now)
            for row in connections.filter(~Exists(begun))
        ],
        ignore_conflicts=True,
    )
    due = Cursor.objects.filter(connection__in=connections, resource=RESOURCE, due_at__lte=now)
    return list(due.select_related("connection").order_by("due_at", "pk"))


def _claim(cursor: Cursor, now: datetime) -> bool:
    found = Cursor.objects.filter(pk=cursor.pk, due_at=cursor.due_at)
    return found.update(due_at=now + CLAIM) == 1


def _check_alone(cursor: Cursor, turn_ends: float, now: datetime) -> int:
    slug, due_at, found = cursor.connection.slug, now + EVERY, 0
    try:
        found = _check(cursor, turn_ends, now)
    except OperationalError:
        raise
    except RemoteThrottled as error:  # effects go first: it goes on where it stopped
        due_at = now + timedelta(seconds=error.after or 1.0)
    except HubError as error:  # the poller tells the breaker what it sees of the same system
        log.warning("comparing with %s: %s", slug, error)
        if isinstance(error, NeedsOperator):
            cursor.position, cursor.began_at = "", None
    except Exception:  # our bug with one system must not keep the others from being compared
        log.exception("comparing with %s failed", slug)
        cursor.position, cursor.began_at = "", None
    cursor.due_at = due_at
    cursor.save(update_fields=["position", "began_at", "seen_until", "due_at"])
    return found


def _check(cursor: Cursor, turn_ends: float, now: datetime) -> int:
    """Read on for this turn. The window moves on when its last page has been compared."""
    connection = cursor.connection
    _note_told_late(connection, now)
    if not cursor.position:
        cursor.began_at = now
    until = (cursor.began_at or now) - GRACE
    # What was placed before we were connected was never to be told to us.
    since = max(cursor.seen_until - OVERLAP, connection.created_at)
    lister, http = LISTERS[connection.system], client_for(connection)
    account, found = account_of(connection, now=now), 0
    for _ in range(PAGES_PER_TURN if since < until else 0):
        with limiter.spare_slot(connection):
            page = lister.list_orders(http, account, (since, until), cursor.position)
        found += _compare(connection, page.orders, now)
        cursor.position = page.cursor if page.has_more else ""
        if not page.has_more:
            cursor.seen_until, cursor.began_at = until, None
        if not page.has_more or time.monotonic() >= turn_ends:
            break
    return found


def _compare(connection: Connection, listed: Sequence[ListedOrder], now: datetime) -> int:
    lanes = {one.external_id: f"{connection.pk}:{one.lane}" for one in listed}
    heard = _heard(connection, lanes)
    silent = [one for one in listed if not heard.get(one.external_id, (0, False))[1]]
    ids = [one.external_id for one in silent]
    known = set(
        MissedOrder.objects.filter(connection=connection, external_id__in=ids).values_list(
            "external_id", flat=True
        )
    )
    missing = [one for one in silent if one.external_id not in known]
    return sum(
        _take(connection, missing[start : start + FETCH], heard, now)
        for start in range(0, len(missing), FETCH)
    )


def _heard(connection: Connection, lanes: Mapping[str, str]) -> dict[str, tuple[int, bool]]:
    """The first message about each order that any tells of, and whether the source told it.

    `lanes` maps the source's id of an order to the lane of its messages.
    """
    with database.cursor() as cursor:
        cursor.execute(
            _HEARD,
            {
                "external_ids": list(lanes),
                "lanes": list(lanes.values()),
                "channel_id": connection.channel_id,
                "connection_id": connection.pk,
                "asked_for": f"{ASKED_FOR}%",
            },
        )
        return {name: (message_id, told) for name, message_id, told in cursor.fetchall()}


def _take(
    connection: Connection,
    missing: Sequence[ListedOrder],
    heard: dict[str, tuple[int, bool]],
    now: datetime,
) -> int:
    """Fetch what polling has not brought either, and put all of it on record as missed."""
    unknown = [one.external_id for one in missing if one.external_id not in heard]
    fetched = _fetch(connection, unknown, now) if unknown else []
    with transaction.atomic():
        stored = receive_messages(fetched)
        brought = {pk: message_id for pk, (message_id, _) in heard.items()} | {
            delivery.envelope.entity_id: one.message_id
            for delivery, one in zip(fetched, stored, strict=True)
        }
        rows = MissedOrder.objects.bulk_create(
            [
                MissedOrder(
                    connection=connection,
                    external_id=one.external_id,
                    number=one.number[:80],
                    placed_at=one.placed_at,
                    found_at=now,
                    message_id=brought[one.external_id],
                )
                for one in missing
                if one.external_id in brought  # else it was deleted meanwhile
            ]
        )
        if rows:
            publish(OrdersMissed(missed_ids=tuple(row.pk for row in rows)))
    return len(rows)


def _fetch(connection: Connection, external_ids: Sequence[str], now: datetime) -> list[Delivery]:
    lister, account = LISTERS[connection.system], account_of(connection, now=now)
    with limiter.spare_slot(connection):
        messages = lister.fetch_orders(client_for(connection), account, external_ids)
    return [
        Delivery(connection_id=connection.pk, envelope=m.envelope, body=m.body) for m in messages
    ]


def _note_told_late(connection: Connection, now: datetime) -> None:
    recent = MissedOrder.objects.filter(
        connection=connection, told_at=None, found_at__gte=now - TOLD_LATE
    )
    lanes = dict(recent.order_by("-found_at")[:500].values_list("external_id", "message__lane"))
    told = [name for name, (_, is_told) in _heard(connection, lanes).items() if is_told]
    recent.filter(external_id__in=told).update(told_at=now)
