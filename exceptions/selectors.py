"""Questions of the desk: who may see what, and what is in each view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection as database
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from connectors.models import Connection
from exceptions.incidents import CAUSED, INCIDENTS
from exceptions.lifecycle import ItemState
from exceptions.models import Absence, Cause, ExceptionCase, ReplayRun, Team
from exceptions.models.cases import OPEN_STATES, SILENT
from retailhub.kernel.roles import ABILITIES, Ability, Role, may
from retailhub.kernel.text import plain, whole_number

User = Any  # whoever asks: a person, or nobody
# Counting further would cost more than the number tells.
MOST_COUNTED = 10_000
# What takes somebody's attention now; what waits or sleeps does not.
BUSY_STATES = ["NEW", "CLAIMED", "REPLAYING"]


def teams_of(user: User) -> QuerySet[Team]:
    """The teams `user` belongs to."""
    return Team.objects.filter(members__pk=user.pk)


def workers() -> QuerySet[Any]:
    """People who may work on cases: active, and in a role that does."""
    roles = [role.value for role in Role if Ability.WORK_CASES in ABILITIES[role]]
    known = Q(is_superuser=True) | Exists(Group.objects.filter(user=OuterRef("pk"), name__in=roles))
    return get_user_model().objects.filter(known, is_active=True)


def present_workers(now: datetime) -> QuerySet[Any]:
    """Those of them who are not out of office."""
    away = Absence.objects.filter(begins_at__lte=now, ends_at__gt=now, person=OuterRef("pk"))
    return workers().exclude(Exists(away))


def visible_connections(user: User) -> QuerySet[Connection]:
    """The connections of the user's teams; all of them for those who see everything."""
    if may(user, Ability.SEE_EVERYTHING):
        return Connection.objects.all()
    return Connection.objects.filter(teams__members__pk=user.pk).distinct()


def visible_cases(user: User) -> QuerySet[ExceptionCase]:
    """Cases of the user's connections or teams, and those that belong to nobody."""
    if may(user, Ability.SEE_EVERYTHING):
        return ExceptionCase.objects.all()
    connections = Connection.objects.filter(teams__members__pk=user.pk).values("pk")
    return ExceptionCase.objects.filter(
        Q(connection__in=connections)
        | Q(team__in=teams_of(user).values("pk"))
        | Q(connection=None, team=None)
    )


def others_like(case: ExceptionCase) -> QuerySet[ExceptionCase]:
    """Other open cases of the same cause whose message could be corrected alike."""
    same = ExceptionCase.objects.filter(cause_id=case.cause_id, state__in=OPEN_STATES)
    return same.filter(inbound__isnull=False).exclude(pk=case.pk)


def visible_runs(user: User) -> QuerySet[ReplayRun]:
    """Replays that touch nothing beyond the connections of the user's teams, and their own."""
    if may(user, Ability.SEE_EVERYTHING):
        return ReplayRun.objects.all()
    theirs = list(visible_connections(user).values_list("pk", flat=True))
    return ReplayRun.objects.filter(
        Q(started_by_id=user.pk) | Q(connection_ids__contained_by=theirs)
    )


def of_cause(cause_id: int) -> Q:
    """Cases that are shown as ones of this cause."""
    merged = Cause.objects.filter(Q(pk=cause_id) | Q(merged_into=cause_id))
    return Q(cause__in=merged.values("pk"))


View = Callable[[QuerySet[ExceptionCase], User, datetime], QuerySet[ExceptionCase]]


def open_incidents(user: User) -> QuerySet[ExceptionCase]:
    """Incidents of connections that `user` may see, the oldest first."""
    incidents = _incidents().filter(connection__in=visible_connections(user).values("pk"))
    return incidents.select_related("connection").order_by("opened_at", "pk")


def _incidents() -> QuerySet[ExceptionCase]:
    return ExceptionCase.objects.filter(code__in=INCIDENTS, state__in=OPEN_STATES)


def without_parked(cases: QuerySet[ExceptionCase]) -> QuerySet[ExceptionCase]:
    """Those that no open incident stands for."""
    return cases.exclude(_parked())


def _parked() -> Q:
    # Open incidents are as few as connections: the database reads them once, not case by case.
    return Q(parent__in=_incidents().values("pk"), code__in=CAUSED)


VIEWS: dict[str, tuple[str, View]] = {
    "open": (
        "Open",
        lambda cases, user, now: without_parked(cases.filter(state__in=BUSY_STATES)),
    ),
    "mine": (
        "Mine",
        lambda cases, user, now: cases.filter(state__in=OPEN_STATES, owner_id=user.pk),
    ),
    "unassigned": (
        "Unassigned",
        lambda cases, user, now: without_parked(cases.filter(state="NEW", owner=None)),
    ),
    "breaching": (
        "Breaching",
        lambda cases, user, now: cases.filter(
            state__in=OPEN_STATES, paused_at=None, due_at__lt=now + timedelta(minutes=30)
        ),
    ),
    "silent": (
        "Never happened",
        lambda cases, user, now: without_parked(cases.filter(SILENT, state__in=OPEN_STATES)),
    ),
    "parked": (
        "Behind an incident",
        lambda cases, user, now: cases.filter(_parked(), state__in=OPEN_STATES),
    ),
    "waiting": ("Waiting", lambda cases, user, now: cases.filter(state="WAITING")),
    "snoozed": ("Snoozed", lambda cases, user, now: cases.filter(state="SNOOZED")),
    "resolved": (
        "Resolved",
        lambda cases, user, now: cases.filter(state__in=["RESOLVED", "IGNORED"]),
    ),
}


def cases_in(view: str, *, user: User, now: datetime) -> QuerySet[ExceptionCase]:
    """The cases of one tab that `user` may see, unsorted."""
    return VIEWS[view][1](visible_cases(user), user, now)


# What of a filter decides which cases are meant; the rest of an address is only how they look.
FILTERS = ("view", "connection", "cause", "incident", "run", "result")
_RESULTS = frozenset(state.value for state in ItemState)


def narrow(cases: QuerySet[ExceptionCase], query: Mapping[str, str]) -> QuerySet[ExceptionCase]:
    """The cases that match every filter in `query`, in the words of the queue's address."""
    if slug := plain(query.get("connection", "")):
        cases = cases.filter(connection__slug=slug)
    if cause := query.get("cause"):
        cases = cases.filter(of_cause(whole_number(cause) or 0))
    if incident := query.get("incident"):
        cases = cases.filter(parent_id=whole_number(incident) or 0)
    if run := query.get("run"):
        result = query.get("result", "").upper()
        of_run: dict[str, Any] = {"replay_items__run_id": whole_number(run) or 0}
        if result in _RESULTS:
            of_run["replay_items__state"] = result
        cases = cases.filter(**of_run)
    return cases


# The tabs that say how many they hold; what is done is only looked up.
COUNTED = [view for view in VIEWS if view != "resolved"]


def counts(*, user: User, now: datetime, views: Sequence[str] = COUNTED) -> dict[str, int]:
    """How many cases each of these tabs holds, none counted beyond `MOST_COUNTED` + 1. One query.

    Every tab stops counting by itself, so that a rare one is exact however full another is.
    """
    found = [cases_in(view, user=user, now=now).order_by().values("pk") for view in views]
    asked = [some[: MOST_COUNTED + 1].query.sql_with_params() for some in found]
    columns = ", ".join(
        f"(SELECT count(*) FROM ({sql}) tab)"  # noqa: S608 - Django's own text, its values apart
        for sql, _ in asked
    )
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [value for _, values in asked for value in values])
        return dict(zip(views, cursor.fetchone(), strict=True))


def shown(count: int) -> int | str:
    """A count as pages say it."""
    return count if count <= MOST_COUNTED else f"{MOST_COUNTED:,}+".replace(",", " ")


def most_urgent(cases: QuerySet[ExceptionCase], *, after: str = "") -> QuerySet[ExceptionCase]:
    """The most harmful to let wait first; going on after the cursor of a row."""
    cases = cases.select_related("connection", "owner", "cause", "outbound__connection", "inbound")
    cursor = _read_cursor(after)
    if cursor is not None:
        is_late, harm, pk = cursor
        cases = cases.filter(
            Q(is_late__lt=is_late)
            | Q(is_late=is_late, harm__lt=harm)
            | Q(is_late=is_late, harm=harm, pk__gt=pk)
        )
    return cases.order_by("-is_late", "-harm", "pk")


def cursor_of(case: ExceptionCase) -> str:
    """Where to go on after `case`."""
    return f"{int(case.is_late)}_{case.harm!r}_{case.pk}"


def _read_cursor(text: str) -> tuple[bool, float, int] | None:
    try:
        is_late, harm, pk = text.split("_")
        found = bool(int(is_late)), float(harm), int(pk)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found[1]) else None


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A cause, and what its cases cost together. `currency` is empty where they have several."""

    cause: Cause
    cases: int
    money: Decimal | None
    currency: str
    worst: int


def causes_by_damage(cases: QuerySet[ExceptionCase], *, most: int) -> list[Damage]:
    """Causes of `cases`, the one at the top whose cases together cost most to let wait."""
    # Grouped without their causes, which are read for the few that are shown.
    groups = (
        cases.order_by()
        .values(shown=Coalesce("cause__merged_into", "cause"))
        .annotate(
            cases=Count("pk"),
            money=Sum("value"),
            last_currency=Max("currency"),
            first_currency=Min("currency", filter=~Q(currency="")),
            first_due=Min("due_at"),
            worst=Max("severity"),
            total=Sum("harm"),
        )
    )
    worst = list(groups.order_by("-total", "first_due", "shown")[:most])
    causes = Cause.objects.select_related("connection").in_bulk([row["shown"] for row in worst])
    return [
        Damage(
            cause=causes[row["shown"]],
            cases=row["cases"],
            money=row["money"],
            currency=row["last_currency"]
            if row["first_currency"] in {None, row["last_currency"]}
            else "",
            worst=row["worst"],
        )
        for row in worst
    ]
