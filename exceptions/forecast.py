"""Which team will miss a deadline if it goes on as in the last hour?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

WINDOW = timedelta(hours=1)

# Cases are taken in the order of their deadlines. One that stands is nobody's turn.
_FORECAST = """
WITH line AS (
    SELECT team_id, due_at,
           row_number() OVER (PARTITION BY team_id ORDER BY due_at, id) AS place
    FROM exceptions_exceptioncase
    WHERE state IN ('NEW', 'CLAIMED', 'REPLAYING') AND paused_at IS NULL
), drained AS (
    SELECT team_id, count(*) AS closed FROM exceptions_exceptioncase
    WHERE closed_at > %(since)s AND closed_at <= %(now)s
    GROUP BY team_id
)
SELECT line.team_id, count(*), coalesce(max(closed), 0),
       min(due_at) FILTER (WHERE will_miss), count(*) FILTER (WHERE will_miss)
FROM line
LEFT JOIN drained ON drained.team_id IS NOT DISTINCT FROM line.team_id,
LATERAL (
    SELECT due_at > %(now)s
       AND (closed IS NULL
            OR due_at < %(now)s + (%(now)s - %(since)s) * (place::float / closed)) AS will_miss
) AS judged
GROUP BY line.team_id
"""


@dataclass(frozen=True)
class Forecast:
    """A team's line: how many wait, how many it closed in the window, and what that leads to."""

    waiting: int
    closed: int
    will_miss: int
    first_miss_at: datetime | None

    def text(self, now: datetime) -> str:
        """As one says it."""
        if self.first_miss_at is None:
            return "Keeps its deadlines"
        minutes = max(int((self.first_miss_at - now).total_seconds() // 60), 0)
        return f"{self.will_miss} will breach, the first in {minutes} min, at the present rate"


def forecasts(*, now: datetime, window: timedelta = WINDOW) -> dict[int | None, Forecast]:
    """By team; None is what belongs to nobody. What is over already is not foretold."""
    with connection.cursor() as cursor:
        cursor.execute(_FORECAST, {"now": now, "since": now - window})
        return {
            team_id: Forecast(waiting, closed, will_miss, first)
            for team_id, waiting, closed, first, will_miss in cursor.fetchall()
        }
