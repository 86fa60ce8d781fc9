"""When is a rehearsal over? When nothing is left to do anywhere, twice in a row."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import httpx
import psycopg

from retailhub.rehearsal.estate import Estate

# What still moves by itself. An effect behind one that waits for a person does not.
MOVING = """
SELECT 'inbox ' || lower(state) AS what, count(*)::int FROM connectors_inboundmessage
 WHERE state IN ('RECEIVED', 'PROCESSING', 'WAITING', 'PARKED')
   AND error_code <> 'connectors.mapping_missing'
 GROUP BY state
UNION ALL
SELECT 'outbox ' || lower(state), count(*)::int FROM connectors_outboundmessage o
 WHERE state IN ('READY', 'SENDING', 'UNKNOWN')
   AND NOT EXISTS (SELECT 1 FROM connectors_outboundmessage p
        WHERE p.connection_id = o.connection_id AND p.lane = o.lane AND p.id < o.id
          AND p.state IN ('DEAD', 'MANUAL'))
 GROUP BY state
UNION ALL
SELECT 'orders ' || lower(state), count(*)::int FROM orders_order
 WHERE state IN ('ACCEPTED', 'RESERVED') AND held_for = '' GROUP BY state
UNION ALL
SELECT 'open attempts', count(*)::int FROM connectors_attempt WHERE finished_at IS NULL
"""
# Seven lost answers in a row put an effect off for an hour. After the storm nobody waits for that.
HURRY = """
UPDATE connectors_outboundmessage SET next_attempt_at = now() + interval '30 seconds'
 WHERE id IN (
    SELECT id FROM connectors_outboundmessage
     WHERE state IN ('READY', 'UNKNOWN') AND next_attempt_at > now() + interval '30 seconds'
     FOR UPDATE SKIP LOCKED)
"""
SPECIMENS = """
SELECT 'inbox', id, topic, state, attempts, crashes, error_code, left(error_detail, 120)
  FROM connectors_inboundmessage WHERE state NOT IN ('PROCESSED', 'SUPERSEDED', 'IGNORED')
UNION ALL
SELECT 'outbox', id, kind || ' ' || reference, state, attempts, failures, error_code,
       left(error_detail, 120)
  FROM connectors_outboundmessage WHERE state NOT IN ('SENT', 'CANCELLED', 'SUPERSEDED')
UNION ALL
SELECT 'connection', id, slug, health, 0, breaker_trips, '', left(health_detail, 120)
  FROM connectors_connection WHERE health <> 'HEALTHY' OR outbound_paused_at IS NOT NULL
LIMIT 40
"""
LOOK_EVERY = 0.5
QUIET_LOOKS = 3


class Quiet:
    """Looks now and then, cheaply, and says whether everything has come to rest."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._looked = 0.0
        self._in_a_row = 0
        self.moving: dict[str, int] = {}
        self.is_calm = False  # the faults are over

    @property
    def is_at_rest(self) -> bool:
        """Nothing moved the last few times we looked."""
        return self._in_a_row >= QUIET_LOOKS

    def __call__(self) -> bool:
        if time.monotonic() - self._looked < LOOK_EVERY:
            return self.is_at_rest
        self._looked = time.monotonic()
        try:
            self.moving = self._moving()
        except (psycopg.Error, httpx.HTTPError):
            self._in_a_row = 0
            return False
        self._in_a_row = self._in_a_row + 1 if not self.moving else 0
        return self.is_at_rest

    def specimens(self) -> list[str]:
        """Rows that did not come to rest, for the one who must find out why."""
        with contextlib.suppress(psycopg.Error), self._connect() as database:
            found = database.execute(SPECIMENS).fetchall()
            return ["  ".join(str(part) for part in row) for row in found]
        return ["the database does not answer"]

    def _moving(self) -> dict[str, int]:
        moving = self._outside()
        with self._connect() as database:
            if self.is_calm:
                database.execute(HURRY)
            rows: list[Any] = database.execute(MOVING).fetchall()
        return moving | {what: count for what, count in rows if count}

    def _outside(self) -> dict[str, int]:
        """What the simulated systems have still to do or to tell."""
        control = self._estate.control
        counts = {
            "shop webhooks": control("shop", "/webhooks")["pending"],
            "wms webhooks": control("wms", "/webhooks")["pending"],
            "wms orders on the floor": control("wms", "/progress")["open"],
        }
        return {what: count for what, count in counts.items() if count}

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._estate.database_url, connect_timeout=3)
