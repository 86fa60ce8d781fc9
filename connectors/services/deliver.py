"""Owed -> sent: claim and intent, durable · network, no transaction · settle, fenced."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.utils import timezone

from connectors.errors import ConnectionUnusable
from connectors.lifecycle import Criticality
from connectors.models import Attempt, Connection, OutboundMessage
from connectors.policy import LEASE_MARGIN
from connectors.registry import SINKS
from connectors.services import limiter, settle
from connectors.services.clients import client_for
from connectors.services.codes import Codes
from connectors.services.credentials import account_of
from connectors.services.landing import let_land, seconds_to_land
from connectors.services.process import worker_name
from connectors.systems.base import Account, Intent, IntentKind, Receipt, Sink
from connectors.systems.http import HttpClient, RemoteThrottled
from connectors.systems.network import deadline_in
from connectors.systems.stock import rate_of
from retailhub.kernel.errors import HubError, NeedsOperator
from retailhub.kernel.failpoint import failpoint
from retailhub.kernel.trace import tracing

log = logging.getLogger(__name__)

# How long an answer waits for the database before it is given up, in steps of seconds.
SETTLE_PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)
# Answers gather for as long as it takes to write them, and so ride along for nothing.
GATHER_SECONDS, LONGEST_GATHER = 0.05, 0.2
# Fair across connections: one slow or busy account never fills a whole claim, unless it takes so
# many calls at once that it would be idle between two claims.
PER_CONNECTION = 16

CLAIM_SQL = """
WITH due AS (
    -- Each connection's own first rows: a long queue of one hides nobody else's.
    SELECT d.id, d.criticality, d.next_attempt_at
    FROM connectors_connection c CROSS JOIN LATERAL (
        SELECT o.id, o.criticality, o.next_attempt_at FROM connectors_outboundmessage o
        WHERE o.connection_id = c.id AND o.state IN ('READY', 'UNKNOWN')
          AND o.next_attempt_at <= now() AND o.criticality = ANY(%(criticality)s)
          AND NOT EXISTS (
            SELECT 1 FROM connectors_outboundmessage p
            WHERE p.connection_id = o.connection_id AND p.lane = o.lane AND p.id < o.id
              AND p.state NOT IN ('SENT', 'CANCELLED', 'SUPERSEDED'))
        ORDER BY o.criticality, o.next_attempt_at, o.id
        LIMIT greatest(%(per_connection)s, 2 * c.concurrency)
        FOR UPDATE OF o SKIP LOCKED) d
    WHERE c.is_active AND c.outbound_paused_at IS NULL AND c.closed_until IS NULL
), pick AS (
    SELECT id FROM due ORDER BY criticality, next_attempt_at, id LIMIT %(limit)s
), claimed AS (
    UPDATE connectors_outboundmessage o
    SET must_look_up = must_look_up OR state = 'UNKNOWN', state = 'SENDING',
        attempts = o.attempts + 1, lease_token = lease_token + 1, lease_owner = %(owner)s,
        lease_until = now() + make_interval(secs => c.timeout_seconds) + %(margin)s::interval
    FROM pick, connectors_connection c
    WHERE o.id = pick.id AND c.id = o.connection_id
    RETURNING o.id, o.attempts, o.lease_token, o.must_look_up
)
INSERT INTO connectors_attempt (message_id, number, lease_token, is_look_up)
SELECT id, attempts, lease_token, must_look_up FROM claimed RETURNING id
"""

_Books: TypeAlias = dict[int, tuple[Codes, Account]]  # by connection, read once per batch


@dataclass(frozen=True)
class Claimed:
    """One effect this worker may now ask for, with everything the network needs."""

    message: OutboundMessage
    attempt: Attempt
    sink: Sink
    http: HttpClient
    account: Account
    intent: Intent
    begin_before: float  # monotonic; a call that begins later could outlive the lease
    end_before: float


@dataclass(frozen=True)
class Answered:
    """What came of asking."""

    message: OutboundMessage
    attempt: Attempt
    receipt: Receipt | None
    error: Exception | None
    was_look_up: bool
    milliseconds: int


def deliver_batch(*, criticalities: Iterable[Criticality], limit: int, now: datetime) -> int:
    """Ask for up to `limit` due effects. Returns how many were claimed."""
    began = time.monotonic()
    attempts = _claim(list(criticalities), limit)
    failpoint("outbox.claimed")
    if not attempts:
        return 0
    ready, failed = _prepare(attempts, now, began)
    for answered in failed:
        settle.settle_answer(answered, now=now)
    waiting = {_pool().submit(_ask, claimed) for claimed in ready}
    errors, pause = list[Exception](), GATHER_SECONDS
    while waiting:
        wait(waiting, return_when=FIRST_COMPLETED)
        done, waiting = wait(waiting, timeout=pause)
        started = time.monotonic()
        errors += _settle_together([future.result() for future in done])
        pause = min(max(time.monotonic() - started, GATHER_SECONDS), LONGEST_GATHER)
    if errors:
        raise errors[0]
    return len(attempts)


def _settle_together(answers: Sequence[Answered]) -> list[Exception]:
    """Settle in one transaction, or else one by one: a bad answer harms no other."""
    try:
        failpoint("outbox.before_settle")
        settle.settle_answers(answers, now=timezone.now())
        failpoint("outbox.after_settle")
    except Exception as error:
        log.warning("%d answers are settled one by one: %s", len(answers), type(error).__name__)
        return [trouble for answered in answers if (trouble := _settle_alone(answered))]
    return []


def _settle_alone(answered: Answered) -> Exception | None:
    # One that can't be settled stays leased and becomes unknown; the others don't share its fate.
    try:
        _settle_patiently(answered)
    except Exception as error:
        key, why = answered.message.effect_key, type(error).__name__
        log.warning("effect %s could not be settled: %s", key, why)
        return error
    return None


def _settle_patiently(answered: Answered) -> None:
    """Settle, though the database restarts or somebody holds a lock: to lose an answer that is in
    hand costs the lease, the settle time and a look-up.
    """
    for pause in SETTLE_PAUSES:
        try:
            settle.settle_answer(answered, now=timezone.now())
        except (OperationalError, InterfaceError) as error:
            log.warning("settling %s again: %s", answered.message.effect_key, type(error).__name__)
            database.close_if_unusable_or_obsolete()
            time.sleep(pause)
        else:
            return
    settle.settle_answer(answered, now=timezone.now())


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Threads only wait for the network; rows are touched by the caller alone.
    return ThreadPoolExecutor(max_workers=32, thread_name_prefix="deliver")


@transaction.atomic(durable=True)
def _claim(criticalities: Sequence[Criticality], limit: int) -> list[Attempt]:
    with database.cursor() as cursor:
        cursor.execute(
            CLAIM_SQL,
            {
                "criticality": [str(c) for c in criticalities],
                "limit": limit,
                "per_connection": PER_CONNECTION,
                "owner": worker_name(),
                "margin": str(LEASE_MARGIN),
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    rows = Attempt.objects.filter(pk__in=ids).select_related("message")
    rows = rows.prefetch_related("message__connection")
    return list(rows.order_by("message__criticality", "message_id"))


def _prepare(
    attempts: Sequence[Attempt], now: datetime, began: float
) -> tuple[list[Claimed], list[Answered]]:
    ready: list[Claimed] = []
    failed: list[Answered] = []
    books: _Books = {}
    landing = seconds_to_land([attempt.message_id for attempt in attempts])
    for attempt in attempts:
        message = attempt.message
        try:
            let_land(landing.get(message.pk))
            ready.append(_claimed(attempt, books, began, now))
        except HubError as error:
            failed.append(Answered(message, attempt, None, error, False, 0))
        except Exception as error:  # our bug, but surely before anything was sent
            log.exception("effect %s can't be prepared", message.effect_key)
            unready = NeedsOperator(
                f"It could not be prepared: {type(error).__name__}.", code="connectors.unexpected"
            )
            failed.append(Answered(message, attempt, None, unready, False, 0))
    return ready, failed


def _claimed(attempt: Attempt, books: _Books, began: float, now: datetime) -> Claimed:
    message, connection = attempt.message, attempt.message.connection
    if connection.pk not in books:
        books[connection.pk] = (Codes(connection), account_of(connection, now=now))
    codes, account = books[connection.pk]
    return Claimed(
        message=message,
        attempt=attempt,
        sink=_sink(connection),
        http=client_for(connection),
        account=account,
        intent=_intent(message, codes),
        begin_before=began + LEASE_MARGIN.total_seconds(),
        end_before=began + LEASE_MARGIN.total_seconds() + connection.timeout_seconds,
    )


def _sink(connection: Connection) -> Sink:
    try:
        return SINKS[connection.system]
    except KeyError:
        raise ConnectionUnusable(
            f"{connection.name} ({connection.system}) can't be sent anything."
        ) from None


def _intent(message: OutboundMessage, codes: Codes) -> Intent:
    return Intent(
        kind=IntentKind(message.kind),
        effect_key=message.effect_key,
        payload=message.payload,
        trace_id=str(message.trace_id),
        codes=codes,
    )


def _ask(claimed: Claimed) -> Answered:
    """The network, in a thread of its own. Touches no row."""
    message, started = claimed.message, time.monotonic()
    with tracing(message.trace_id):
        try:
            with limiter.slot(message.connection, rate_of(claimed.sink, claimed.intent)):
                failpoint("outbox.before_send")
                receipt, was_look_up = _look_up_or_send(claimed)
                failpoint("outbox.after_send")
            error: Exception | None = None
        except HubError as caught:
            receipt, error = None, caught
            was_look_up = claimed.attempt.is_look_up and not isinstance(caught, NeedsOperator)
        except Exception as caught:
            log.exception("effect %s failed unexpectedly", message.effect_key)
            receipt, error, was_look_up = None, caught, False
    took = int((time.monotonic() - started) * 1000)
    return Answered(message, claimed.attempt, receipt, error, was_look_up, took)


def _look_up_or_send(claimed: Claimed) -> tuple[Receipt | None, bool]:
    left = claimed.end_before - time.monotonic()
    if time.monotonic() > claimed.begin_before:
        # We were stopped or starved. Somebody else may have the lease by now, and have sent it.
        raise RemoteThrottled("The lease is as good as over; the call was not made.", after=0.0)
    with deadline_in(left):
        return _call(claimed)


def _call(claimed: Claimed) -> tuple[Receipt | None, bool]:
    if not claimed.attempt.is_look_up:
        return claimed.sink.send(claimed.http, claimed.account, claimed.intent), False
    # The only way out of doubt: look first. An absent effect is sent by the next claim.
    return claimed.sink.look_up(claimed.http, claimed.account, claimed.intent), True


def sweep_expired_leases(*, now: datetime) -> int:
    """An expired lease means a call whose end nobody saw: its effect becomes unknown."""
    with transaction.atomic(durable=True), database.cursor() as cursor:
        cursor.execute(
            "SELECT o.id FROM connectors_outboundmessage o WHERE o.state = 'SENDING'"
            " AND o.lease_until < now() ORDER BY o.id FOR UPDATE SKIP LOCKED LIMIT 200"
        )
        ids = [row[0] for row in cursor.fetchall()]
        rows = OutboundMessage.objects.filter(pk__in=ids).select_related("connection")
        for row in rows.order_by("pk"):
            settle.settle_crash(row, now=now)
        return len(ids)
