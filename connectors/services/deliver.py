"""Owed -> sent: claim and intent, durable · network, no transaction · settle, fenced."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.utils import timezone

from connectors.errors import ConnectionUnusable
from connectors.lifecycle import Criticality
from connectors.models import Attempt, Connection, OutboundMessage
from connectors.policy import LEASE_MARGIN
from connectors.registry import SINKS
from connectors.services import limiter, settle
from connectors.services.claim import claim_effects
from connectors.services.clients import client_for
from connectors.services.codes import Codes
from connectors.services.credentials import account_of
from connectors.services.flight import Flight
from connectors.services.landing import let_land, seconds_to_land
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


def deliver_batch(
    *, criticalities: Iterable[Criticality], limit: int, now: datetime, until: float = 0.0
) -> int:
    """Ask for due effects, up to `limit` at once. Returns how many were claimed.

    Goes on until nothing is due or `until` (monotonic), whenever half of the calls are back: a
    system that does not answer holds up its own effects only.
    """
    wanted, claimed, may_claim, pause = list(criticalities), 0, True, GATHER_SECONDS
    flight, errors = Flight(_pool(), _ask), list[Exception]()
    while may_claim or flight:
        attempts, began = list[Attempt](), time.monotonic()
        if may_claim and len(flight) <= limit // 2:
            attempts = _claim(flight, wanted, limit - len(flight))
            errors += _settle_together(_begin(flight, attempts, now, began))
        claimed += len(attempts)
        answers = flight.land(patience=pause)
        started = time.monotonic()
        errors += _settle_together(answers)
        pause = min(max(time.monotonic() - started, GATHER_SECONDS), LONGEST_GATHER)
        may_claim = time.monotonic() < until and bool(attempts or answers or flight)
    if errors:
        raise errors[0]
    return claimed


def _claim(flight: Flight, criticalities: Sequence[Criticality], limit: int) -> list[Attempt]:
    try:
        attempts = claim_effects(criticalities, limit, away=flight.away)
    except DatabaseTrouble as error:
        if not flight:
            raise
        log.warning("no claim while calls are on their way: %s", type(error).__name__)
        return []
    failpoint("outbox.claimed")
    return attempts


def _begin(
    flight: Flight, attempts: Sequence[Attempt], now: datetime, began: float
) -> list[Answered]:
    """Ask for what was claimed; answers of our own for what can't be asked for."""
    ready, failed = _prepare(attempts, now, began)
    for claimed in ready:
        flight.begin(claimed)
    return failed


def _settle_together(answers: Sequence[Answered]) -> list[Exception]:
    """Settle in one transaction, or else one by one: a bad answer harms no other."""
    if not answers:
        return []
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
