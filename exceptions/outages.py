"""How an incident reads: the banner while its connection is down, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode

from exceptions.held import held_by, tally_of
from exceptions.incidents import BACK, CAUSED, INCIDENTS
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import open_incidents

# More banners than that would hide the list they stand above.
MOST = 3


@dataclass(frozen=True)
class Banner:
    """One line above a list or a case. `href` leads to the incident."""

    color: str
    text: str
    href: str


@dataclass(frozen=True)
class Outage:
    """What hangs on an incident, for its pane."""

    facts: list[tuple[str, str]]
    children: int
    children_href: str
    run_href: str


def is_incident(case: ExceptionCase) -> bool:
    """True for the case of a connection itself."""
    return case.code in INCIDENTS


def banners(user: Any, *, connection: str = "") -> list[Banner]:
    """For every incident `user` may see, or for one connection by its slug. One query."""
    found = open_incidents(user)
    if connection:
        found = found.filter(connection__slug=connection)
    return [banner_of(incident) for incident in found[:MOST]]


def banner_of(incident: ExceptionCase) -> Banner:
    """`Amazon FR is down since 13:20. Replays wait and start when it is back.`"""
    name, href = incident.connection, reverse("case", args=[incident.pk])
    if (back_at := parse_datetime(str(incident.context.get(BACK, "")))) is not None:
        text = f"{name} answers again since {_clock(back_at)}. What waited goes out now."
        return Banner("blue", text, href)
    what = "is down" if incident.code == INCIDENTS[0] else "wants a sign-in"
    text = f"{name} {what} since {_clock(incident.opened_at)}."
    return Banner("amber", f"{text} Replays wait and start when it is back.", href)


def _clock(at: Any) -> str:
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localdate()
    return f"{local:%H:%M}" if is_today else f"{local:%d %b %H:%M}"


def banner_for(case: ExceptionCase) -> Banner | None:
    """Above a case whose connection has an open incident; none above the incident itself."""
    if case.connection_id is None or is_incident(case) or case.closed_at is not None:
        return None
    rows = ExceptionCase.objects.filter(connection_id=case.connection_id, code__in=INCIDENTS)
    incident = rows.filter(state__in=OPEN_STATES).select_related("connection").first()
    return banner_of(incident) if incident else None


def probe_fact(case: ExceptionCase) -> list[tuple[str, str, bool]]:
    """When RetailHub looks by itself whether the system answers again: (label, value, is marked).

    Nothing where it does not, as while a sign-in is rejected.
    """
    row = case.connection
    if not is_incident(case) or case.closed_at is not None or row is None or not row.is_active:
        return []
    if row.closed_until is None:
        return []
    return [("Next probe", f"{timezone.localtime(row.closed_until):%H:%M:%S}, by itself", False)]


def outage_of(case: ExceptionCase) -> Outage | None:
    """Counted from the rows: five queries, for an incident only."""
    if not is_incident(case):
        return None
    found, waits = tally_of(case), held_by([case])[case.pk].text
    facts = [
        ("Waits", waits.removesuffix(" wait") if case.closed_at is None else ""),
        ("Effects", found.effects_text),
        ("Exceptions", found.children_text),
    ]
    run = case.runs.order_by("-pk").first()
    view = "parked" if case.closed_at is None else "resolved"
    query = urlencode({"view": view, "incident": str(case.pk)})
    return Outage(
        facts=[(label, value) for label, value in facts if value],
        children=_listed(case),
        children_href=f"{reverse('queue')}?{query}",
        run_href=reverse("replay-run", args=[run.pk]) if run else "",
    )


def _listed(case: ExceptionCase) -> int:
    if case.closed_at is None:
        return case.children.filter(state__in=OPEN_STATES, code__in=CAUSED).count()
    return case.children.exclude(state__in=OPEN_STATES).count()
