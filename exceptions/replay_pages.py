"""How does a replay of many read: its plan, its progress, its report?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from exceptions.buttons import Button
from exceptions.lifecycle import RUN_VERBS, ItemState, RunState
from exceptions.models import BulkScope, ExceptionCase, ReplayItem, ReplayRun, RunEvent
from exceptions.rows import StateWord, person
from exceptions.selectors import visible_cases
from exceptions.services.plan_replay import Plan, words_of
from exceptions.services.runs import tally
from retailhub.kernel.roles import Ability, may

S = ItemState
RATE_WINDOW = timedelta(seconds=10)

_STATES = {
    RunState.RUNNING: ("Running", "teal", "replay"),
    RunState.PAUSED: ("Paused", "amber", "pause"),
    RunState.STOPPED: ("Stopped itself", "red", "alert"),
    RunState.CANCELLED: ("Cancelled", "gray", "minus"),
    RunState.DONE: ("Done", "green", "check"),
}
_STAGES = {
    ReplayRun.Stage.CANARY: "First few",
    ReplayRun.Stage.RAMP: "More of them",
    ReplayRun.Stage.FULL: "All that are left",
}
# verb -> (icon, colour, sentence)
_LINES = {
    "start": ("replay", "teal", "Started"),
    "widen": ("check", "green", "Went well; goes on"),
    "pause": ("pause", "amber", "Paused"),
    "resume": ("replay", "teal", "Resumed"),
    "cancel": ("minus", "gray", "Cancelled the rest"),
    "stop": ("alert", "red", "Stopped itself"),
    "finish": ("check", "green", "Finished"),
    "close": ("check", "gray", "Closed"),
}


_RESULTS = {S.SENT: "running", S.DONE: "done", S.FAILED: "failed"}
LATEST = 12


def plan_page(scope: BulkScope, plan: Plan, *, user: Any) -> dict[str, Any]:
    """What a person reads before they press."""
    newer = visible_cases(user).filter(pk__gt=scope.snapshot_max_id)
    return {
        "section": "replays",
        "scope": scope,
        "plan": plan,
        "newer": newer.count() if scope.query else 0,
        "pace": pace_text(plan),
        "back_href": reverse("queue"),
        "money": [f"{amount} {currency}" for currency, amount in plan.money.items()],
    }


def pace_text(plan: Plan) -> str:
    """`At most 5 per second (half of the NetSuite limit), about 25 seconds.`"""
    return (
        f"At most {plan.per_second:g} per second ({plan.limit}), about {span(plan.seconds)}."
        " Live work goes first, so it may take longer."
    )


def span(seconds: float) -> str:
    """`25 seconds`, `4 minutes`."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} second{'' if round(seconds) <= 1 else 's'}"
    return f"{round(seconds / 60)} minutes"


def run_rows(runs: QuerySet[ReplayRun]) -> list[dict[str, Any]]:
    """The list in three parts. Three queries, however many runs there are."""
    found = list(runs.select_related("started_by", "api_key", "incident"))
    numbers = _numbers(found)
    parts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in found:
        parts[_part(run)].append(_row(run, numbers[run.pk]))
    titles = ("Running", "Waiting for you", "Last 30 days")
    return [{"title": title, "rows": parts[title]} for title in titles if parts[title]]


def _numbers(runs: Iterable[ReplayRun]) -> dict[int, dict[str, int]]:
    rows = ReplayItem.objects.filter(run__in=[run.pk for run in runs])
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run_id, state, count in (
        rows.order_by("run", "state").values_list("run", "state").annotate(n=Count("pk"))
    ):
        found[run_id][state] = count
    return found


def _part(run: ReplayRun) -> str:
    if run.dismissed_at is not None:
        return "Last 30 days"
    waits = run.state == RunState.STOPPED or run.finished_at is not None
    return "Waiting for you" if waits else "Running"


def _row(run: ReplayRun, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "id": run.pk,
        "title": run.title,
        "href": reverse("replay-run", args=[run.pk]),
        "state": state_of(run),
        "text": f"{numbers[S.DONE]} done, {numbers[S.FAILED]} failed again, "
        f"{numbers[S.PENDING] + numbers[S.SENT]} left",
        "by": starter(run),
        "started_at": run.started_at,
    }


def state_of(run: ReplayRun) -> StateWord:
    """The pill of a run."""
    label, color, icon = _STATES[RunState(run.state)]
    return StateWord(run.state.lower(), label, color, icon)


def starter(run: ReplayRun) -> str:
    """Who began it: a person, a program by the name of its key, or an incident that ended."""
    return person(run.started_by) if run.started_by else f"{run.starter}"


def run_page(run: ReplayRun, *, user: Any, now: datetime) -> dict[str, Any]:
    """Everything on a run's page, for `user`."""
    numbers = tally(run)
    total = sum(numbers.values())
    left = numbers[S.PENDING]
    per_second = float(run.plan["per_second"])
    is_running = run.state == RunState.RUNNING
    rate = _rate(run, now)
    return {
        "section": "replays",
        "run": run,
        "state": state_of(run),
        "stage": _STAGES[ReplayRun.Stage(run.stage)] if is_running else "",
        "sentence": sentence(run, numbers),
        "bar": _bar(numbers, total),
        "tiles": _tiles(run, numbers),
        "rate": f"{rate:.1f} per second, limit {per_second:g}" if is_running else "",
        "left_text": f"about {span(left / min(rate or per_second, per_second))} left"
        if is_running and left
        else "",
        "latest": _latest(run, user),
        "starter": starter(run),
        "total": total,
        "skipped": _skipped(run),
        "failures": _failures(run),
        "newer": _newer(run, user),
        "actions": _actions(run, numbers) if may(user, Ability.REPLAY_MANY) else [],
        "open_failed": _failed_href(run) if numbers[S.FAILED] else "",
        "failed": numbers[S.FAILED],
        "events": [_event(event) for event in _events(run)],
        "money": [f"{amount} {currency}" for currency, amount in run.plan["money"].items()],
    }


def _latest(run: ReplayRun, user: Any) -> list[dict[str, Any]]:
    """What was sent last, the newest first: where it stands, on the order it is about."""
    mine = visible_cases(user).values("pk")
    sent = run.items.filter(state__in=_RESULTS, case__in=mine).select_related("case")
    return [
        {
            "order_number": item.case.order_number or "–",
            "title": item.case.title,
            "href": reverse("case", args=[item.case_id]),
            "result": _RESULTS[ItemState(item.state)],
            "at": item.ended_at or item.sent_at,
        }
        for item in sent.order_by("-number")[:LATEST]
    ]


def sentence(run: ReplayRun, numbers: dict[ItemState, int]) -> str:
    """Where it stands in one line; the numbers in it add up to all that were selected."""
    if run.stop_reason and run.state == RunState.STOPPED:
        return run.stop_reason
    parts = [f"{numbers[S.DONE]} done", f"{numbers[S.FAILED]} failed again"]
    parts += [f"{numbers[S.SKIPPED]} skipped"]
    more = ((S.CANCELLED, "not sent"), (S.SENT, "running"), (S.PENDING, "left"))
    parts += [f"{numbers[state]} {word}" for state, word in more if numbers[state]]
    return ", ".join(parts) + "."


def _bar(numbers: dict[ItemState, int], total: int) -> list[dict[str, Any]]:
    colors = ((S.DONE, "green"), (S.FAILED, "red"), (S.SENT, "teal"), (S.SKIPPED, "gray"))
    at, bar = 0.0, []
    for state, color in colors:
        width = round(100 * numbers[state] / max(total, 1), 2)
        bar.append({"x": f"{at:.2f}", "width": f"{width:.2f}", "color": color})
        at += width
    return bar


def _tiles(run: ReplayRun, numbers: dict[ItemState, int]) -> list[dict[str, Any]]:
    left = numbers[S.PENDING] + numbers[S.SENT]
    tiles = [
        {"label": "Done", "value": numbers[S.DONE], "note": "closed by this replay"},
        {"label": "Failed again", "value": numbers[S.FAILED], "note": "open again for their owner"},
        {"label": "Left", "value": left, "note": f"{numbers[S.SENT]} on their way"},
        {"label": "Skipped", "value": numbers[S.SKIPPED], "note": "left out, and why is below"},
    ]
    if numbers[S.CANCELLED]:
        tiles.append({"label": "Not sent", "value": numbers[S.CANCELLED], "note": "cancelled"})
    return tiles


def _rate(run: ReplayRun, now: datetime) -> float:
    recent = run.items.filter(sent_at__gte=now - RATE_WINDOW).count()
    lived = min((now - run.started_at).total_seconds(), RATE_WINDOW.total_seconds())
    return recent / max(lived, 1.0)


def _skipped(run: ReplayRun) -> list[tuple[int, str]]:
    rows = run.items.filter(state=S.SKIPPED).order_by("why").values_list("why")
    return [(count, words_of(why)) for why, count in rows.annotate(n=Count("pk"))]


def _failures(run: ReplayRun) -> list[tuple[int, str]]:
    rows = run.items.filter(state=S.FAILED).values_list("failed_as__title")
    return [(count, title) for title, count in rows.annotate(n=Count("pk")).order_by("-n")[:20]]


def _newer(run: ReplayRun, user: Any) -> int:
    """How many of the same causes came since: they are no part of this run."""
    causes = ExceptionCase.objects.filter(replay_items__run=run).values("cause_id")
    newer = visible_cases(user).filter(cause__in=causes, pk__gt=run.scope.snapshot_max_id)
    return newer.count()


def _failed_href(run: ReplayRun) -> str:
    return f"{reverse('queue')}?view=open&run={run.pk}&result=failed"


def _actions(run: ReplayRun, numbers: dict[ItemState, int]) -> list[Button]:
    state, buttons = RunState(run.state), []
    pending, failed = numbers[S.PENDING], numbers[S.FAILED]
    offers = (
        ("pause", "Pause", state in RUN_VERBS["pause"][0]),
        ("resume", "Resume", state in RUN_VERBS["resume"][0]),
        ("cancel", f"Cancel the {pending} not sent yet", pending and run.finished_at is None),
        ("again", f"Replay the {failed}", failed and run.finished_at is not None),
        ("close", "Close this replay", run.finished_at and run.dismissed_at is None),
    )
    for verb, label, is_offered in offers:
        if is_offered:
            url = reverse("replay-act", args=[run.pk, verb])
            buttons.append(Button(verb, label, "", url, primary=verb in {"resume", "again"}))
    return buttons


def _events(run: ReplayRun) -> QuerySet[RunEvent]:
    return run.events.select_related("actor").order_by("-pk")[:50]


def _event(event: RunEvent) -> dict[str, Any]:
    icon, color, text = _LINES.get(event.verb, ("open", "gray", event.verb.capitalize()))
    by = person(event.actor) if event.actor else ""
    return {
        "icon": icon,
        "color": color,
        "text": text,
        "detail": event.text,
        "at": event.at,
        "by": by,
    }
