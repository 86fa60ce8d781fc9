"""Put a message on record, durably and once. The door in `webhooks.py` does the same in bulk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection as database

from connectors.systems.base import Envelope
from retailhub.kernel.trace import new_trace_id

MAX_KEY = 200
MAX_TOPIC = 80
MAX_LANE = 160

# One statement for any number of messages, each key at most once (`waves`). Of a key heard before
# the stored hash is compared: the same body counts a hit, another body is kept as a conflict.
# %b sends the arrays in binary: as text, every body would travel as twice as many hex digits.
RECEIVE_SQL = """
WITH said AS (
    -- Numbered as they came: a lane is taken by id, and the rows below are sorted by key.
    SELECT s.*, nextval('connectors_inboundmessage_id_seq') AS id
    FROM unnest(
        %(connection_id)b::bigint[], %(topic)b::text[], %(key)b::text[], %(lane)b::text[],
        %(body)b::bytea[], %(sha)b::bytea[], %(headers)b::jsonb[], %(trace_id)b::uuid[],
        %(event_at)b::timestamptz[]
    ) WITH ORDINALITY
      AS s(connection_id, topic, key, lane, body, sha, headers, trace_id, event_at, n)
), fresh AS (
    INSERT INTO connectors_inboundkey AS k (connection_id, topic, key, body_sha256, message_id)
    SELECT connection_id, topic, key, sha, id FROM said ORDER BY connection_id, topic, key
    ON CONFLICT (connection_id, topic, key) DO UPDATE SET hits = k.hits + 1
    RETURNING k.connection_id, k.topic, k.key, k.message_id, k.body_sha256, k.hits
), stored AS (
    INSERT INTO connectors_inboundmessage
        (id, connection_id, topic, key, lane, body, body_sha256, headers, trace_id, event_at,
         is_conflict_of_id)
    OVERRIDING SYSTEM VALUE
    SELECT s.id, s.connection_id, s.topic, s.key, s.lane, s.body, s.sha, s.headers, s.trace_id,
           s.event_at, CASE WHEN f.hits = 1 THEN NULL ELSE f.message_id END
    FROM said s JOIN fresh f USING (connection_id, topic, key)
    WHERE f.hits = 1 OR (f.body_sha256 <> s.sha AND NOT EXISTS (
        SELECT 1 FROM connectors_inboundmessage c
        WHERE c.is_conflict_of_id = f.message_id AND c.body_sha256 = s.sha))
    ORDER BY s.n
    RETURNING id, connection_id, topic, key, is_conflict_of_id
)
SELECT s.n, f.message_id, f.hits, st.id, st.is_conflict_of_id, s.sha = f.body_sha256
FROM said s JOIN fresh f USING (connection_id, topic, key)
LEFT JOIN stored st USING (connection_id, topic, key)
ORDER BY s.n
"""


class Intake(StrEnum):
    """What became of a delivery."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"  # known key, another body: kept, and a case opens


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message at the door, signature already checked."""

    connection_id: int
    envelope: Envelope
    body: bytes
    headers: str = "{}"  # JSON of the headers worth keeping; never a secret
    trace_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Where a delivery is on record."""

    outcome: Intake
    message_id: int


def parameters(deliveries: Sequence[Delivery]) -> dict[str, list[object]]:
    """The arrays that `RECEIVE_SQL` unnests."""
    return {
        "connection_id": [d.connection_id for d in deliveries],
        "topic": [clipped(d.envelope.topic, MAX_TOPIC) for d in deliveries],
        "key": [clipped(d.envelope.key, MAX_KEY) for d in deliveries],
        "lane": [
            clipped(f"{d.connection_id}:{d.envelope.lane or d.envelope.key}", MAX_LANE)
            for d in deliveries
        ],
        "body": [d.body for d in deliveries],
        "sha": [hashlib.sha256(d.body).digest() for d in deliveries],
        "headers": [d.headers for d in deliveries],
        "trace_id": [d.trace_id or new_trace_id() for d in deliveries],
        "event_at": [d.envelope.event_at for d in deliveries],
    }


def clipped(text: str, limit: int) -> str:
    """`text`, or its start and a digest of the whole: an over-long id still means one thing."""
    text = text.replace("\x00", "")
    if len(text) <= limit:
        return text
    return (
        text[: limit - 41] + "~" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]
    )


def waves(deliveries: Sequence[Delivery]) -> list[list[int]]:
    """Indexes in groups in which no key comes twice: one statement can't meet its own rows."""
    groups: list[list[int]] = []
    seen: list[set[tuple[int, str, str]]] = []
    for index, delivery in enumerate(deliveries):
        identity = (
            delivery.connection_id,
            clipped(delivery.envelope.topic, MAX_TOPIC),
            clipped(delivery.envelope.key, MAX_KEY),
        )
        for group, keys in zip(groups, seen, strict=True):
            if identity not in keys:
                group.append(index)
                keys.add(identity)
                break
        else:
            groups.append([index])
            seen.append({identity})
    return groups


def outcome_of(row: Sequence[object]) -> Stored:
    """Read one row of `RECEIVE_SQL`'s answer."""
    _, message_id, hits, stored_id, conflict_of, is_same = row
    if not is_same:
        return Stored(outcome=Intake.CONFLICT, message_id=int(str(stored_id or message_id)))
    outcome = Intake.STORED if hits == 1 and conflict_of is None else Intake.DUPLICATE
    return Stored(outcome=outcome, message_id=int(str(message_id)))


def receive_messages(deliveries: Sequence[Delivery]) -> list[Stored]:
    """Store every delivery, each key once for ever. Joins the caller's transaction, if any.

    A key heard before with the same body counts a hit; with another body it is kept as a conflict.
    """
    stored: dict[int, Stored] = {}
    with database.cursor() as cursor:
        for wave in waves(deliveries):
            cursor.execute(RECEIVE_SQL, parameters([deliveries[index] for index in wave]))
            stored.update(zip(wave, map(outcome_of, cursor.fetchall()), strict=True))
    return [stored[index] for index in range(len(deliveries))]
