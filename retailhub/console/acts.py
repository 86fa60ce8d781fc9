"""Who did what, of everything that is on record: cases, replays, rules, people and configuration.

Acts live where they belong, in tables that only grow. Here they are read together, newest first,
in one statement whose branches each stop at the length of a page.

What was done to people, their roles and passwords, is read from the log that Django's admin keeps.
No trigger guards that one: whoever may write to the database can rewrite it. What is done in
another way (`manage.py changepassword`, one's own password) is not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Lower
from django.utils.dateparse import parse_datetime

from exceptions.models import (
    CaseEvent,
    Cause,
    CauseEvent,
    Erasure,
    ProgramAct,
    RuleSet,
    RunEvent,
)
from exceptions.selectors import visible_cases, visible_runs
from retailhub.kernel.roles import Ability, may

Rows = QuerySet[Any, Any]
Change = tuple[str, str, str]  # what, from, to
# Of every branch, under names that no table has.
_COLUMNS = ("act_at", "act_kind", "act_number", "act_on", "act_by", "act_verb")


@dataclass
class Act:
    """One act: `kind` and `thing` say to what it was done, `number` which row of its table it is.

    `who` is empty where RetailHub did it by itself, `key` names the API key it came through.
    """

    moment: datetime
    kind: str
    number: int
    thing: str
    who: int | None
    what: str
    text: str = ""
    changes: tuple[Change, ...] = ()
    key: str = ""

    @property
    def cursor(self) -> str:
        """Where to go on after it."""
        return f"{self.moment.isoformat()}_{self.kind}_{self.number}"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which acts: whose, on what, which, and when; empty ones ask nothing."""

    who: int | None = None
    kind: str = ""
    thing: int | None = None
    what: str = ""
    since: datetime | None = None
    until: datetime | None = None


def kinds_for(user: Any) -> dict[str, str]:
    """What acts are done to that `user` may read about, and how one calls it."""
    kinds = {"case": "Case", "cause": "Cause", "replay": "Replay"}
    if not may(user, Ability.SEE_EVERYTHING):
        return kinds
    configuration = {slug: _label(slug) for slug in sorted(_histories())}
    return (
        kinds
        | {"erasure": "Erased text", "rules": "Ownership rules", "person": "Person"}
        | configuration
    )


def acts(*, user: Any, wanted: Wanted, after: str = "", most: int) -> list[Act]:
    """The newest `most` acts that `user` may see, going on after a cursor."""
    kinds = [kind for kind in kinds_for(user) if wanted.kind in {"", kind}]
    branches = [_newest(_of(kind, user), wanted, _read_cursor(after), kind, most) for kind in kinds]
    return _with_details([Act(*row) for row in _merged(branches, most)])


def _merged(branches: Sequence[Rows], most: int) -> Rows | Sequence[Any]:
    if len(branches) < 2:
        return branches[0] if branches else []
    together = branches[0].union(*branches[1:], all=True)
    return together.order_by("-act_at", "act_kind", "-act_number")[:most]


def _newest(
    rows: Rows, wanted: Wanted, after: tuple[datetime, str, int] | None, kind: str, most: int
) -> Rows:
    asked = {
        "act_by": wanted.who,
        "act_on_key": wanted.thing,
        "act_verb": wanted.what or None,
        "act_at__gte": wanted.since,
        "act_at__lt": wanted.until,
    }
    rows = rows.filter(**{name: value for name, value in asked.items() if value is not None})
    if after is not None:
        rows = rows.filter(_beyond(after, kind))
    return rows.order_by("-act_at", "-act_number").values_list(*_COLUMNS)[:most]


def _beyond(after: tuple[datetime, str, int], kind: str) -> Q:
    moment, last_kind, number = after
    if kind > last_kind:
        return Q(act_at__lte=moment)
    same = Q(act_at=moment, act_number__lt=number) if kind == last_kind else Q(pk__in=())
    return Q(act_at__lt=moment) | same


def _read_cursor(text: str) -> tuple[datetime, str, int] | None:
    moment, _, rest = text.partition("_")
    kind, _, number = rest.partition("_")
    try:
        found = parse_datetime(moment)
        return (found, kind, int(number)) if found is not None and found.tzinfo else None
    except ValueError:
        return None


def _of(kind: str, user: Any) -> Rows:
    """All acts of a kind, with the columns that every kind has."""
    if kind == "case":
        rows = CaseEvent.objects.filter(_within("case", visible_cases(user), user))
        return _columns(rows, kind, "at", "case_id", "actor_id", F("verb"))
    if kind == "cause":
        seen = Cause.objects.filter(pk__in=visible_cases(user).values("cause"))
        lines = CauseEvent.objects.filter(_within("cause", seen, user))
        return _columns(lines, kind, "at", "cause_id", "actor_id", Lower("verb"))
    if kind == "replay":
        runs = RunEvent.objects.filter(_within("run", visible_runs(user), user))
        return _columns(runs, kind, "at", "run_id", "actor_id", F("verb"))
    if kind in _WHOLE:
        read, at, thing, who, verb = _WHOLE[kind]
        return _columns(read(), kind, at, thing, who, verb)
    history = _histories()[kind].objects.all()
    return _columns(history, kind, "history_date", "id", "history_user_id", _CHANGED)


def _within(name: str, visible: QuerySet[Any], user: Any) -> Q:
    # Whoever sees everything needs no look at each row's case.
    everything = may(user, Ability.SEE_EVERYTHING)
    return Q() if everything else Q(**{f"{name}__in": visible.values("pk")})


_CHANGED = Case(
    When(history_type="+", then=Value("create")),
    When(history_type="-", then=Value("remove")),
    default=Value("change"),
)


_LOGGED = Case(
    When(action_flag=ADDITION, then=Value("create")),
    When(action_flag=DELETION, then=Value("remove")),
    default=Value("change"),
)


def _logged() -> Rows:
    people = get_user_model()._meta
    return LogEntry.objects.filter(
        content_type__app_label=people.app_label, content_type__model=people.model_name
    )


# Kinds that are not narrowed to what somebody sees: who sees everything reads all of them.
_WHOLE: dict[str, tuple[Callable[[], Rows], str, str, str, Any]] = {
    "erasure": (Erasure.objects.all, "at", "event__case_id", "actor_id", Value("erase")),
    "rules": (RuleSet.objects.all, "applied_at", "number", "applied_by_id", Value("apply")),
    "person": (_logged, "action_time", "object_id", "user_id", _LOGGED),
}


def _columns(rows: Rows, kind: str, at: str, thing: str, who: str, verb: Any) -> Rows:
    text = CharField()
    found: Rows = rows.annotate(
        act_at=F(at),
        act_kind=Value(kind, output_field=text),
        act_number=F("pk"),
        act_on=Cast(thing, text),
        act_by=F(who),
        act_verb=Cast(verb, text),
        act_on_key=F(thing),
    )
    return found


@cache
def _histories() -> dict[str, Any]:
    """The history of each configuration, by the name of what it is about."""
    found: list[Any] = [model for model in apps.get_models() if hasattr(model, "history_type")]
    return {model.instance_type._meta.model_name: model for model in found}


def _label(kind: str) -> str:
    return str(_histories()[kind].instance_type._meta.verbose_name).capitalize()


# --- What an act changed -------------------------------------------------------------------------


def _with_details(found: Sequence[Act]) -> list[Act]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for act in found:
        numbers[act.kind].append(act.number)
    for kind, pks in numbers.items():
        said = {pk: (text, changes) for pk, text, changes in _told(kind, pks)}
        for act in found:
            if act.kind == kind:
                act.text, act.changes = said.get(act.number, ("", ()))
    keys = _keys(numbers["case"])
    for act in found:
        act.key = keys.get(act.number, "") if act.kind == "case" else ""
    return list(found)


def _keys(pks: Sequence[int]) -> dict[int, str]:
    through = ProgramAct.objects.filter(event__in=pks)
    return dict(through.values_list("event_id", "api_key__name"))


Told = tuple[int, str, tuple[Change, ...]]


def _told(kind: str, pks: Sequence[int]) -> list[Told]:
    if kind in {"case", "replay"}:
        model: Any = CaseEvent if kind == "case" else RunEvent
        rows = model.objects.filter(pk__in=pks).values_list("pk", "text", "before", "after")
        return [
            (pk, text, _differing(before, after) if before else ())
            for pk, text, before, after in rows
        ]
    if kind == "cause":
        lines = CauseEvent.objects.filter(pk__in=pks)
        pairs = lines.values_list("pk", "reason", "cause__title", "other__title")
        return [(pk, reason, (("cause", one, other),)) for pk, reason, one, other in pairs]
    if kind == "erasure":
        reasons = Erasure.objects.filter(pk__in=pks).values_list("pk", "reason")
        return [(pk, reason, ()) for pk, reason in reasons]
    if kind == "person":
        logged = _logged().filter(pk__in=pks)
        return [(row.pk, f"{row.object_repr}: {row.get_change_message()}", ()) for row in logged]
    return [] if kind == "rules" else _history_told(_histories()[kind], pks)


def _history_told(model: Any, pks: Sequence[int]) -> list[Told]:
    older = model.objects.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
    newest = Subquery(older.order_by("-history_id").values("history_id")[:1])
    rows = list(model.objects.filter(pk__in=pks).annotate(older=newest))
    was = model.objects.in_bulk([row.older for row in rows if row.older is not None])
    return [(row.pk, "", _differing(_values(was.get(row.older)), _values(row))) for row in rows]


def _values(row: Any) -> dict[str, Any]:
    if row is None:
        return {}
    names = [field.attname for field in row._meta.concrete_fields]
    skipped = ("id", "created_at")
    return {
        name: getattr(row, name)
        for name in names
        if not name.startswith("history_") and name not in skipped
    }


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What changed. Of what began with this act, only what is not empty."""
    return tuple(
        (name.removesuffix("_id").replace("_", " "), _said(before.get(name)), _said(value))
        for name, value in sorted(after.items())
        if (before.get(name) or None) != (value or None)
    )


def _said(value: Any) -> str:
    return "" if value in (None, "", [], {}) else str(value)
