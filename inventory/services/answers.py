"""Was this asked before? Then the first answer counts, a refusal included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

from django.db import IntegrityError, connection, transaction

from inventory.errors import (
    InsufficientStock,
    ReservationConflict,
    ReservationEnded,
    ReservationUnknown,
)
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.rows import Statement, run_together

# A shop repeats a request within minutes; a reference is its own for as long as it holds anything.
REMEMBERED = timedelta(days=30)

_REFUSALS: dict[str, type[NeedsOperator]] = {
    kind.code: kind
    for kind in (InsufficientStock, ReservationConflict, ReservationEnded, ReservationUnknown)
}

Name = tuple[str, str]  # (owner, name)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is on record under each of `names`; `told` is JSON."""

    names: tuple[Name, ...]
    fingerprint: str
    told: Mapping[str, Any]

    def to(self, fingerprint: str) -> Mapping[str, Any]:
        """The same for the same request. Raises `ReservationConflict` for another one."""
        if fingerprint == self.fingerprint:
            return self.told
        name = self.names[0][1].partition(":")
        raise ReservationConflict(
            f"The {name[0]} {name[2]} came with another request before; that one counts.",
            field=name[0],
        )


def key_name(owner: str, key: str) -> tuple[Name, ...]:
    """The name of an idempotency key, if there is one."""
    return ((owner, f"key:{key}"),) if key else ()


def reference_name(owner: str, reference: str) -> Name:
    """The name of a reservation's own reference."""
    return (owner, f"reference:{reference}")


def fingerprint_of(*parts: object) -> str:
    """Tells one request from another."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def reading(names: Iterable[Name]) -> Statement:
    """The statement that finds what was answered before under `names`; `read` reads its rows."""
    return _READ, [json.dumps(list(names))]


def read(rows: Iterable[tuple[Any, ...]]) -> dict[Name, Answer]:
    """What `reading` found."""
    return {
        (owner, name): Answer(
            names=((owner, name),), fingerprint=fingerprint, told=json.loads(told)
        )
        for owner, name, fingerprint, told in rows
    }


# Each name by the key: a planner that expects many of them would read the whole table.
_READ = """
SELECT a.* FROM jsonb_array_elements(%s::jsonb) w, LATERAL (
    SELECT owner, name, fingerprint, answer::text FROM inventory_reservationanswer
    WHERE owner = w->>0 AND name = w->>1 LIMIT 1) a
"""


def keeping(answers: Iterable[Answer]) -> Statement:
    """The statement that puts new answers on record; it fails where somebody was faster.

    The last one of a transaction, in the order of the names: those who meet here already have
    every other lock they need, so nobody waits in a circle.
    """
    rows = [(*name, a.fingerprint, a.told) for a in answers for name in a.names]
    return _KEEP, [json.dumps(sorted(rows, key=itemgetter(0, 1)))]


_KEEP = """
INSERT INTO inventory_reservationanswer (owner, name, fingerprint, answer)
SELECT v->>0, v->>1, v->>2, v->3 FROM jsonb_array_elements(%s::jsonb) v
"""


def answer_once(
    act: Callable[[], Mapping[str, Any]],
    *,
    names: Sequence[Name],
    fingerprint: str,
    takes: Sequence[Name] = (),
) -> Mapping[str, Any]:
    """What `act` says, in a transaction of its own; asking again says the same and does nothing.

    A refusal is an answer, too, and raised again. What is not refused `takes` more names. Raises
    `ReservationConflict` where one of them was used for another request.
    """
    settle = partial(_first_answer, act, names, takes, fingerprint)
    try:
        told = settle()
    except IntegrityError:  # the same was asked at the same moment: by now there is an answer
        told = settle()
    refused = told.get("refused")
    if refused is not None:
        raise _REFUSALS[refused["code"]](refused["detail"], **refused["context"])
    return told


@transaction.atomic
def _first_answer(
    act: Callable[[], Mapping[str, Any]],
    names: Sequence[Name],
    takes: Sequence[Name],
    fingerprint: str,
) -> Mapping[str, Any]:
    (rows,) = run_together(reading([*names, *takes]))
    known = read(rows)
    if before := [known[name] for name in (*names, *takes) if name in known]:
        first, *_ = [answer.to(fingerprint) for answer in before]
        return first
    taken = (*names, *takes)
    try:
        with transaction.atomic():
            told = act()
    except tuple(_REFUSALS.values()) as error:
        told = {"refused": {"code": error.code, "detail": str(error), "context": error.context}}
        taken = tuple(names)
    run_together(keeping([Answer(names=taken, fingerprint=fingerprint, told=told)]))
    return told


def forget_answers(*, now: datetime, limit: int = 5_000) -> int:
    """Forget the oldest answers nobody will ask for again. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"before": now - REMEMBERED, "limit": limit})
        return int(cursor.rowcount)


# A reference stays taken for as long as something is held under it.
_FORGET = """
DELETE FROM inventory_reservationanswer WHERE (owner, name) IN (
    SELECT a.owner, a.name FROM inventory_reservationanswer a
    WHERE a.answered_at < %(before)s AND NOT EXISTS (
        SELECT 1 FROM inventory_reservation r
        WHERE r.state = 'HELD' AND a.name LIKE 'reference:%%'
          AND r.reference = a.owner || '/' || substr(a.name, length('reference:') + 1))
    LIMIT %(limit)s)
"""
