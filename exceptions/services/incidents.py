"""A connection goes down and comes back: one incident, its children, and how they drain.

Down: the case of the connection opens, or the last one again when it flaps. Cases caused by it
become its children; what is owed waits in the outbox. Back: effects go out by themselves in their
order, children are replayed by a run of the incident's own, and when all that is done the incident
closes with numbers that add up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet

from connectors.models import Connection
from exceptions.errors import NothingSelected
from exceptions.held import WAITING_STATES, Tally, tally_of
from exceptions.incidents import BACK, CAUSED, INCIDENTS
from exceptions.lifecycle import CaseState
from exceptions.models import ExceptionCase, ReplayRun
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import Problem, note, open_case, save, snapshot
from exceptions.services.clocks import pause_for_connection, resume_for_connection
from exceptions.services.proof import claim_cure
from exceptions.services.select_cases import MOST_SELECTED, select_cases
from exceptions.services.start_run import start_run

# Down again so soon after it ended is the same incident. Longer than a breaker ever waits.
SAME_WITHIN = timedelta(minutes=15)
# So long a connection answers before its children are taken again: a flap costs nobody a replay.
STEADY = timedelta(seconds=20)
# So long the incident waits for effects that were held; what waits then has its own reasons.
LONGEST_DRAIN = timedelta(minutes=30)

_CODES = {
    Connection.Health.DOWN.value: "connectors.connection_down",
    Connection.Health.SIGN_IN.value: "connectors.credentials_rejected",
}

_HOLD = """
INSERT INTO exceptions_heldeffect (incident_id, effect_id)
SELECT %(incident)s, id FROM connectors_outboundmessage
WHERE connection_id = %(connection)s AND state = ANY(%(waiting)s)
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def follow_connection(*, connection_id: int, now: datetime) -> None:
    """Open, keep or end the incident of a connection, as its health says."""
    # Two workers that see it fall at the same moment take turns here; the second finds the first's.
    row = Connection.objects.select_for_update(no_key=True).get(pk=connection_id)
    code = _CODES.get(row.health)
    if code is None:
        _rise(row, now)
    else:
        _fall(row, code, now)


def _fall(row: Connection, code: str, now: datetime) -> None:
    last = _incidents(row.pk).order_by("-pk").first()
    context: dict[str, Any] = {}
    if last is not None and _is_same(last, now):
        context = _fall_again(last, now)
    incident = open_case(
        Problem(
            code=code,
            detail=row.health_detail,
            context=context,
            connection_id=row.pk,
            connection_name=row.name,
        ),
        now=now,
    )
    _adopt(incident, row.pk)
    pause_for_connection(connection_id=row.pk, now=now)


def _incidents(connection_id: int) -> QuerySet[ExceptionCase]:
    rows = ExceptionCase.objects.filter(
        connection_id=connection_id, code__in=INCIDENTS, inbound=None, outbound=None
    )
    return rows.select_for_update(of=("self",))


def _is_same(incident: ExceptionCase, now: datetime) -> bool:
    return incident.closed_at is None or incident.closed_at >= now - SAME_WITHIN


def _fall_again(incident: ExceptionCase, now: datetime) -> dict[str, Any]:
    """The context of an incident that goes on, which is said if it was over or nearly so."""
    known: dict[str, Any] = incident.context
    if incident.closed_at is None and BACK not in known:
        return known
    before, was_closed = snapshot(incident), incident.closed_at is not None
    falls = int(known.get("falls", 1)) + 1
    incident.context = now_known = {"falls": falls}
    if was_closed:
        incident.state = CaseState.CLAIMED if incident.owner_id else CaseState.NEW
        incident.closed_at, incident.resolution = None, ""
        claim_cure(incident, now=now)
    note(incident, "down", now, text=f"For the {falls}. time in this incident.", before=before)
    save(incident, verb="new" if was_closed else "upd")
    return now_known


def _adopt(incident: ExceptionCase, connection_id: int) -> None:
    # Whoever has one of them in hand adds it at the next look: the breaker's or the clock's.
    stands_alone = Q(parent=None) | Q(parent__closed_at__isnull=False)
    orphans = ExceptionCase.objects.filter(
        stands_alone, connection_id=connection_id, code__in=CAUSED, state__in=OPEN_STATES
    )
    free = orphans.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    ids = list(free.values_list("pk", flat=True))
    ExceptionCase.objects.filter(pk__in=ids).update(parent=incident)


def _rise(row: Connection, now: datetime) -> None:
    incident = _incidents(row.pk).filter(state__in=OPEN_STATES).first()
    if incident is not None and BACK not in incident.context:
        _adopt(incident, row.pk)
        before = snapshot(incident)
        incident.context = {**incident.context, BACK: now.isoformat()}
        held = _hold(incident)
        note(incident, "back", now, text=_promise(held), before=before)
        save(incident)
    resume_for_connection(connection_id=row.pk, now=now)
    if incident is not None:
        _close_if_done(incident, now)


def _hold(incident: ExceptionCase) -> int:
    values: dict[str, Any] = {
        "incident": incident.pk,
        "connection": incident.connection_id,
        "waiting": list(WAITING_STATES),
    }
    with database.cursor() as cursor:
        cursor.execute(_HOLD, values)
    return incident.held_effects.filter(effect__state__in=WAITING_STATES).count()


def _promise(held: int) -> str:
    if not held:
        return "Nothing waited for it in the outbox."
    what = "1 effect that waited goes" if held == 1 else f"{held} effects that waited go"
    return f"{what} out by {'itself' if held == 1 else 'themselves'}, in order."


def settle_incidents(*, now: datetime) -> int:
    """Drain incidents whose systems answer again, and close those that are done. Returns how many.

    One that can't be looked at keeps no other from it.
    """
    rows = ExceptionCase.objects.filter(code__in=INCIDENTS, state__in=OPEN_STATES)
    ids = list(rows.filter(context__has_key=BACK).order_by("pk").values_list("pk", flat=True))
    return sum(_settle(pk, now) for pk in ids)


@transaction.atomic
def _settle(incident_id: int, now: datetime) -> bool:
    rows = ExceptionCase.objects.select_for_update(of=("self",), skip_locked=True)
    incident = rows.filter(pk=incident_id, state__in=OPEN_STATES).first()
    if incident is None or BACK not in incident.context:
        return False
    if _close_if_done(incident, now):
        return True
    if now - _back_at(incident) >= STEADY:
        _drain(incident, now)
    return False


def _back_at(incident: ExceptionCase) -> datetime:
    return datetime.fromisoformat(incident.context[BACK])


def _drain(incident: ExceptionCase, now: datetime) -> None:
    """Take each child again once, for every time the system came back."""
    runs = ReplayRun.objects.filter(incident=incident, started_at__gte=_back_at(incident))
    if runs.filter(finished_at=None).exists():
        return
    children = incident.children.filter(code__in=CAUSED, state__in=OPEN_STATES)
    fresh = children.exclude(replay_items__run__in=runs).exclude(state=CaseState.REPLAYING)
    chosen = fresh.filter(pk__in=fresh.order_by("pk").values("pk")[:MOST_SELECTED])
    try:
        with transaction.atomic():
            scope = select_cases(chosen, by=incident, now=now)
            start_run(scope_id=scope.pk, by=incident, now=now, reason="Its system answers again.")
    except NothingSelected:
        return  # there is none, or none can go: a person sees them behind the incident


def _close_if_done(incident: ExceptionCase, now: datetime) -> bool:
    found = tally_of(incident)
    is_late = now - _back_at(incident) >= LONGEST_DRAIN
    if found.children_waiting or (found.effects_waiting and not is_late):
        return False
    before = snapshot(incident)
    incident.state, incident.closed_at = CaseState.RESOLVED, now
    incident.resolution = "by itself"
    claim_cure(incident, now=now, text="Its system answers, and what waited is done")
    note(incident, "resolved", now, text=_report(found), before=before)
    save(incident, verb="gone")
    return True


def _report(found: Tally) -> str:
    return " ".join(line for line in (found.effects_text, found.children_text) if line)
