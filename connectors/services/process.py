"""Received -> processed: claim in batches, read, apply, settle; one bad message harms nobody."""

from __future__ import annotations

import itertools
import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import OperationalError, transaction
from django.db import connection as database

from connectors import policy
from connectors.errors import KeyConflict
from connectors.events import MessageFinished, MessagesStopped
from connectors.lifecycle import InboundState
from connectors.models import CorrectionRule, InboundMessage
from connectors.services import parked
from connectors.services.apply import FactRunner
from connectors.services.corrections import keep_hits, live_rules
from connectors.services.reading import read_body
from connectors.systems.base import MappingMissing, Reading
from retailhub.kernel.errors import NeedsOperator, RetryLater
from retailhub.kernel.events import publish
from retailhub.kernel.failpoint import failpoint

log = logging.getLogger(__name__)


def worker_name() -> str:
    """Who holds a lease. Asked each time: a worker's children are copies of what it imported."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


CLAIM_SQL = """
WITH pick AS (
    SELECT m.id FROM connectors_inboundmessage m
    JOIN connectors_connection c ON c.id = m.connection_id AND c.inbound_paused_at IS NULL
    WHERE m.state IN ('RECEIVED', 'WAITING', 'PARKED') AND m.next_attempt_at <= now()
      AND m.crashes = 0
      AND NOT EXISTS (
        SELECT 1 FROM connectors_inboundmessage p
        WHERE p.lane = m.lane AND p.id < m.id
          -- Neither dead nor parked ones: what needs them is parked until they are mended.
          AND p.state IN ('RECEIVED', 'PROCESSING', 'WAITING'))
    ORDER BY m.next_attempt_at, m.id LIMIT %(limit)s
    FOR UPDATE OF m SKIP LOCKED)
UPDATE connectors_inboundmessage m
SET state = 'PROCESSING', attempts = m.attempts + 1, lease_token = m.lease_token + 1,
    lease_owner = %(owner)s, lease_until = now() + %(lease)s::interval
FROM pick WHERE m.id = pick.id
RETURNING m.id, m.connection_id, m.topic, m.key, m.lane, m.body, m.edited_body, m.trace_id,
    m.received_at, m.event_at, m.is_conflict_of_id, m.attempts, m.generation, m.deadline_at,
    m.lease_token
"""

# The same for those who saw a worker vanish; a partial index finds them in any backlog.
_CRASHED = ("m.crashes = 0", "m.crashes > 0")
_turns = itertools.count(1)


class LeaseLost(Exception):
    """Another worker took the message over; whatever we did must not count."""


@dataclass
class Work:
    """One claimed message on its way through."""

    message: InboundMessage
    reading: Reading | None = None
    error: Exception | None = None
    state: InboundState = InboundState.PROCESSED
    note: str = ""
    rules: Sequence[int] = ()
    fields: dict[str, Any] = field(default_factory=dict)


def process_batch(*, limit: int, now: datetime) -> int:
    """Take up to `limit` due messages to their end. Returns how many were taken."""
    # Those who saw a worker vanish come first every other turn: a flood can't starve them.
    crashed_first = next(_turns) % 2 == 0
    for crashed in (crashed_first, not crashed_first):
        # Taken alone it can harm only itself, and shows whether it was the one.
        messages = _claim(1 if crashed else limit, crashed)
        if messages:
            failpoint("inbox.claimed")
            _run(messages, now)
            return len(messages)
    return 0


@transaction.atomic(durable=True)
def _claim(limit: int, crashed: bool) -> list[InboundMessage]:
    rows = InboundMessage.objects.raw(
        CLAIM_SQL.replace(*_CRASHED) if crashed else CLAIM_SQL,
        {"limit": limit, "owner": worker_name(), "lease": str(policy.INBOUND_LEASE)},
    )
    # Prefetched, not joined: the messages of a connection share one instance of it.
    return sorted(rows.prefetch_related("connection"), key=attrgetter("pk"))


def _run(messages: Sequence[InboundMessage], now: datetime) -> None:
    works = _read_all(messages)
    try:
        _apply(works, now)
    except LeaseLost:
        log.warning("lease lost on a batch of %d; another worker has it", len(works))
    except Exception as error:
        # Something broke the shared transaction: everybody gets one of their own.
        log.warning("a batch of %d is done one by one: %s", len(works), type(error).__name__)
        for message in messages:
            _run_alone(message, now)


def _run_alone(message: InboundMessage, now: datetime) -> None:
    (work,) = _read_all([message])
    try:
        _apply([work], now)
    except LeaseLost:
        log.warning("lease lost on message %d; another worker has it", message.pk)
    except OperationalError as error:  # somebody else's lock: nobody's fault
        log.warning("message %d met another's lock", message.pk)
        _end_alone(Work(message, error=error), now)
    except Exception as error:  # our bug: shown to a person, never retried for ever
        log.exception("message %d failed unexpectedly", message.pk)
        _end_alone(Work(message, error=error), now)


@transaction.atomic(durable=True)
def _end_alone(work: Work, now: datetime) -> None:
    _settle([work], now)


def _read_all(messages: Sequence[InboundMessage]) -> list[Work]:
    rules = list(live_rules(message.connection_id for message in messages))
    return [_read(message, rules) for message in messages]


def _read(message: InboundMessage, rules: Sequence[CorrectionRule]) -> Work:
    work = Work(message)
    try:
        if message.is_conflict_of_id is not None and message.generation == 0:
            work.error = KeyConflict(
                f"Message {message.key} came again with another body. Which one counts?"
            )
            return work
        read = read_body(message, rules=rules)
        work.reading, work.rules = read.reading, read.rules
    except (NeedsOperator, RetryLater) as error:
        work.error = error
    except Exception as error:  # a mapping must never raise anything else: our bug
        log.exception("message %d can't be read", message.pk)
        work.error = error
    return work


@transaction.atomic(durable=True)
def _apply(works: Sequence[Work], now: datetime) -> None:
    runner = FactRunner(now)
    for work in works:
        if work.error is None and work.reading is not None:
            if work.reading.ignored:
                work.state, work.note = InboundState.IGNORED, work.reading.ignored
            else:
                runner.add(work.message, work.reading.facts)
    for message_id, (state, error) in runner.run().items():
        work = next(w for w in works if w.message.pk == message_id)
        work.state, work.error = state, error
        work.note = runner.notes.get(message_id, work.note)
    failpoint("inbox.before_settle")
    _settle(works, now)
    failpoint("inbox.before_commit")


def _settle(works: Sequence[Work], now: datetime) -> None:
    """Write every end, fenced by the lease token. Raises `LeaseLost` when one was taken."""
    for work in works:
        work.fields = _end(work, now)
    done = [w for w in works if w.fields["state"] in _QUIET]
    for state in {w.fields["state"] for w in done}:
        same = [w for w in done if w.fields["state"] == state]
        _write_many(same, state, now)
    for work in works:
        if work.fields["state"] not in _QUIET:
            _write_one(work)
    keep_hits([(rule_id, work.message.pk) for work in works for rule_id in work.rules])
    if done:
        publish(MessageFinished(message_ids=tuple(w.message.pk for w in done)))
    wanting = [work.message for work in works if work.fields.get("needs_person")]
    stopped = [one.pk for one in wanting if not parked.drop_older_snapshots(one, now)]
    if stopped:
        publish(MessagesStopped(message_ids=tuple(stopped)))


_QUIET = frozenset({InboundState.PROCESSED, InboundState.SUPERSEDED, InboundState.IGNORED})


def _write_many(works: Sequence[Work], state: InboundState, now: datetime) -> None:
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE connectors_inboundmessage m"
            " SET state = %s, finished_at = %s, lease_until = NULL,"
            " error_code = '', error_detail = v.note"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v(id, token, note)"
            " WHERE m.id = v.id AND m.lease_token = v.token AND m.state = 'PROCESSING'",
            [
                state,
                now,
                [w.message.pk for w in works],
                [w.message.lease_token for w in works],
                [w.note for w in works],
            ],
        )
        if cursor.rowcount != len(works):
            raise LeaseLost


def _write_one(work: Work) -> None:
    columns = {k: v for k, v in work.fields.items() if k != "needs_person"}
    changed = InboundMessage.objects.filter(
        pk=work.message.pk,
        lease_token=work.message.lease_token,
        state=InboundState.PROCESSING,
    ).update(lease_until=None, **columns)
    if changed != 1:
        raise LeaseLost


def _end(work: Work, now: datetime) -> dict[str, Any]:
    """The columns of a message's end, from what stopped it."""
    error, message = work.error, work.message
    if error is None:
        return {"state": work.state}
    said = {
        "error_code": getattr(error, "code", "connectors.unexpected"),
        "error_detail": str(error)
        if isinstance(error, NeedsOperator | RetryLater)
        else f"{type(error).__name__}: something we did not foresee.",
        "error_context": getattr(error, "context", {}),
    }
    if isinstance(error, MappingMissing):
        # Not dead: saving the row frees it. Until then nothing is due.
        return {
            **said,
            "state": InboundState.PARKED,
            "needs_person": True,
            "next_attempt_at": now + timedelta(days=3650),
            "finished_at": None,
        }
    if isinstance(error, RetryLater):
        return {**said, **_wait(message, error, now)}
    is_contended = isinstance(error, OperationalError)
    is_ours = not isinstance(error, NeedsOperator) and message.attempts < policy.MAX_UNFORESEEN
    if is_contended or is_ours:
        wait = policy.INBOUND_RETRY.wait(message.attempts)
        return {
            **said,
            "state": InboundState.WAITING,
            "next_attempt_at": now + timedelta(seconds=wait),
        }
    return {**said, "state": InboundState.DEAD, "finished_at": now, "needs_person": True}


def _wait(message: InboundMessage, error: RetryLater, now: datetime) -> dict[str, Any]:
    """Park for a prerequisite; after the deadline a person is asked, and it goes on waiting."""
    # Somebody who took it again waits for the answer, so they are told at once.
    patience = policy.PARK_DEADLINE if message.generation == 0 else timedelta(0)
    deadline = message.deadline_at or now + patience
    seconds = error.after or policy.PARKED.wait(message.attempts)
    return {
        "state": InboundState.PARKED,
        # Asked once, not with every try; again when it still waits a day later.
        "deadline_at": now + policy.PARK_REMINDER if now >= deadline else deadline,
        "next_attempt_at": now + timedelta(seconds=seconds),
        "needs_person": now >= deadline,
    }
