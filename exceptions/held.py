"""What hangs on an incident: orders, customers and money that wait, and what became of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db.models import Count, Q

from connectors.lifecycle import OutboundState
from exceptions.incidents import BACK, CAUSED
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from retailhub.kernel.money import format_money

WAITING_STATES = (
    OutboundState.READY.value,
    OutboundState.SENDING.value,
    OutboundState.UNKNOWN.value,
)
_STOPPED = (OutboundState.DEAD.value, OutboundState.MANUAL.value)

# While it is down, all that is owed to it; afterwards what is left of that.
_ORDERS = """
WITH asked AS (
    SELECT id, connection_id, context ? %(back)s AS is_back
    FROM exceptions_exceptioncase WHERE id = ANY(%(ids)s)
), stuck AS (
    SELECT a.id AS incident_id, o.order_id
    FROM asked a JOIN connectors_outboundmessage o ON o.connection_id = a.connection_id
    WHERE NOT a.is_back AND o.state = ANY(%(waiting)s)
    UNION
    SELECT h.incident_id, o.order_id
    FROM asked a JOIN exceptions_heldeffect h ON h.incident_id = a.id
    JOIN connectors_outboundmessage o ON o.id = h.effect_id
    WHERE a.is_back AND o.state = ANY(%(waiting)s)
    UNION
    SELECT c.parent_id, c.order_id FROM exceptions_exceptioncase c
    WHERE c.parent_id = ANY(%(ids)s) AND c.state = ANY(%(open)s) AND c.code = ANY(%(caused)s)
)
SELECT s.incident_id, o.currency, count(*), count(DISTINCT coalesce(o.customer_id, -o.id)),
       sum(o.total)
FROM stuck s JOIN orders_order o ON o.id = s.order_id
GROUP BY GROUPING SETS ((s.incident_id), (s.incident_id, o.currency))
ORDER BY s.incident_id, o.currency NULLS FIRST
"""


@dataclass
class Held:
    """How much waits. `money` by currency."""

    orders: int = 0
    customers: int = 0
    money: dict[str, Decimal] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """`41 orders · 38 customers · 12340.00 EUR wait`; empty when nothing does."""
        if not self.orders:
            return ""
        parts = [_many(self.orders, "order"), _many(self.customers, "customer")]
        parts += [format_money(amount, currency) for currency, amount in self.money.items()]
        return f"{' · '.join(parts)} wait"


def held_by(incidents: Iterable[ExceptionCase]) -> Mapping[int, Held]:
    """What waits for each, by its id. One query."""
    found = {case.pk: Held() for case in incidents}
    if not found:
        return found
    values: dict[str, Any] = {
        "ids": list(found),
        "back": BACK,
        "waiting": list(WAITING_STATES),
        "open": OPEN_STATES,
        "caused": sorted(CAUSED),
    }
    with database.cursor() as cursor:
        cursor.execute(_ORDERS, values)
        for pk, currency, orders, customers, amount in cursor.fetchall():
            if currency is None:
                found[pk].orders, found[pk].customers = orders, customers
            else:
                found[pk].money[currency] = amount
    return found


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of all that hung on an incident. The parts always add up to the whole."""

    children: int
    children_solved: int
    children_stopped: int  # for another reason: they are in the queue again
    effects: int
    effects_sent: int
    effects_stopped: int
    effects_dropped: int

    @property
    def children_waiting(self) -> int:
        """Those that only wait for the system, or for their replay."""
        return self.children - self.children_solved - self.children_stopped

    @property
    def effects_waiting(self) -> int:
        """Those that are still to go out."""
        return self.effects - self.effects_sent - self.effects_stopped - self.effects_dropped

    @property
    def effects_text(self) -> str:
        """`57 effects waited: 55 sent, 2 stopped.`"""
        parts = {
            "sent": self.effects_sent,
            "stopped": self.effects_stopped,
            "not wanted any more": self.effects_dropped,
            "still to go out": self.effects_waiting,
        }
        return _sum(_many(self.effects, "effect"), "waited", parts) if self.effects else ""

    @property
    def children_text(self) -> str:
        """`12 exceptions hung on it: 11 solved, 1 stopped for another reason.`"""
        parts = {
            "solved": self.children_solved,
            "stopped for another reason": self.children_stopped,
            "waiting": self.children_waiting,
        }
        return _sum(_many(self.children, "exception"), "hung on it", parts) if self.children else ""


def tally_of(incident: ExceptionCase) -> Tally:
    """Counted from the rows. Two queries."""
    is_open = Q(state__in=OPEN_STATES)
    of_children = incident.children.aggregate(
        children=Count("pk"),
        children_solved=Count("pk", filter=~is_open),
        children_stopped=Count("pk", filter=is_open & ~Q(code__in=CAUSED)),
    )
    of_effects = incident.held_effects.aggregate(
        effects=Count("pk"),
        effects_sent=Count("pk", filter=Q(effect__state=OutboundState.SENT)),
        effects_stopped=Count("pk", filter=Q(effect__state__in=_STOPPED)),
        effects_dropped=Count(
            "pk", filter=Q(effect__state__in=[OutboundState.CANCELLED, OutboundState.SUPERSEDED])
        ),
    )
    return Tally(**of_children, **of_effects)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _sum(whole: str, verb: str, parts: Mapping[str, int]) -> str:
    return f"{whole} {verb}: {', '.join(f'{n} {word}' for word, n in parts.items() if n)}."
