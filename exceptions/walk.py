"""Going through a view case by case: which one is next, and how many are left?

A walk is all in its address: Back works, two tabs are apart, and looking writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from exceptions.models import ExceptionCase
from exceptions.presence import others
from exceptions.selectors import (
    FILTERS,
    MOST_COUNTED,
    VIEWS,
    cases_in,
    cursor_of,
    most_urgent,
    narrow,
)
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import whole_number

# What finishes a case for whoever is at it: after these a walk goes on.
GOES_ON = {
    "replay": "Replay sent.",
    "resolve": "Resolved.",
    "ignore": "Ignored.",
    "wait": "It waits.",
    "snooze": "Snoozed.",
    "assign": "Assigned.",
}
# An address holds no more; who has seen so many may see the first again.
MOST_SEEN = 500


@dataclass(frozen=True)
class Walk:
    """A view with its filters, and which cases of it were seen, in their order."""

    filters: Mapping[str, str]
    seen: tuple[int, ...] = ()

    @property
    def view(self) -> str:
        """The tab."""
        return self.filters["view"]

    @property
    def label(self) -> str:
        """The tab in words."""
        return VIEWS[self.view][0]

    @property
    def query(self) -> str:
        """The walk as the end of an address."""
        seen = ".".join(map(str, self.seen))
        return f"?{urlencode({**self.filters, 'seen': seen})}"

    @property
    def stop_url(self) -> str:
        """The list it goes through."""
        return f"{reverse('queue')}?{urlencode(self.filters)}"

    def beside(self, case_id: int) -> str:
        """That list, with a case open beside it."""
        return f"{self.stop_url}&case={case_id}"

    def past(self, case_id: int) -> Walk:
        """The walk when this case was seen too."""
        return replace(self, seen=(*self._without(case_id), case_id)[-MOST_SEEN:])

    def back_at(self, case_id: int) -> Walk:
        """The walk as it was before this case."""
        return replace(self, seen=self._without(case_id))

    def _without(self, case_id: int) -> tuple[int, ...]:
        return tuple(pk for pk in self.seen if pk != case_id)


def walk_of(request: HttpRequest) -> Walk | None:
    """The walk that a page is part of."""
    return walk_from(request.GET) if "seen" in request.GET else None


def list_beside(request: HttpRequest) -> tuple[Walk, int] | None:
    """The list that a pane is open beside, by whose address htmx asks; and which case that is."""
    htmx = getattr(request, "htmx", None)
    page = urlsplit((htmx and htmx.current_url) or "")
    if page.path != reverse("queue"):
        return None
    query = QueryDict(page.query)
    return walk_from(query), whole_number(query.get("case", "")) or 0


def walk_from(query: Mapping[str, str]) -> Walk:
    """The walk that begins, or goes on, with this address."""
    filters = {name: query[name] for name in FILTERS if query.get(name)}
    view = filters.get("view", "open")
    numbers = [whole_number(text) for text in query.get("seen", "").split(".")]
    seen = tuple(number for number in numbers if number is not None)[-MOST_SEEN:]
    return Walk({**filters, "view": view if view in VIEWS else "open"}, seen)


def ahead(walk: Walk, *, user: Any, now: datetime) -> QuerySet[ExceptionCase]:
    """What of the view was not seen yet and nobody else is editing, the most urgent first."""
    return _free(walk, user, now, "").exclude(pk__in=walk.seen)


def below(walk: Walk, case: ExceptionCase, *, user: Any, now: datetime) -> QuerySet[ExceptionCase]:
    """What comes after `case` in the list, without what somebody else is editing."""
    return _free(walk, user, now, cursor_of(case))


def _free(walk: Walk, user: Any, now: datetime, after: str) -> QuerySet[ExceptionCase]:
    cases = narrow(cases_in(walk.view, user=user, now=now), walk.filters)
    edited = others(user, now).filter(is_editing=True).values("case")
    return most_urgent(cases.exclude(pk__in=edited), after=after)


def left(walk: Walk, *, user: Any, now: datetime) -> str:
    """How many those are."""
    count = ahead(walk, user=user, now=now).order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED:,}+".replace(",", " ") if count > MOST_COUNTED else str(count)


@dataclass(frozen=True)
class Strip:
    """Where one is in a walk, and what to press."""

    text: str
    back_url: str
    skip_url: str
    reason_url: str
    stop_url: str


def strip_of(walk: Walk, case_id: int, *, user: Any, now: datetime) -> Strip:
    """The line above a case that was opened by a walk."""
    further = walk.past(case_id)
    number = len(further.seen)
    rest = left(further, user=user, now=now)
    total = str(number + int(rest)) if rest.isdecimal() else rest
    return Strip(
        text=f"{number} of {total} in {walk.label}",
        back_url=_last_url(walk),
        skip_url=next_url(further),
        reason_url=reverse("case-skip", args=[case_id]) + walk.query,
        stop_url=walk.stop_url,
    )


def _last_url(walk: Walk) -> str:
    if not walk.seen:
        return ""
    last = walk.seen[-1]
    return case_url(last, walk.back_at(last))


def case_url(case_id: int, walk: Walk | None) -> str:
    """A case, as a part of the walk if there is one."""
    return reverse("case", args=[case_id]) + (walk.query if walk else "")


def next_url(walk: Walk) -> str:
    """Leads to whatever is next then."""
    return reverse("queue-next") + walk.query


def goes_on(user: Any) -> bool:
    """Whether the next case opens by itself after an act: as chosen, or as the role works."""
    chosen = getattr(getattr(user, "preferences", None), "goes_on", None)
    return bool(chosen) if chosen is not None else not may(user, Ability.REPLAY_MANY)


def onward(request: HttpRequest, case_id: int, *, is_done: bool) -> str:
    """Where a page that was left for a while leads back to: its case, or the next one."""
    walk = walk_of(request)
    if walk is not None and is_done:
        return next_url(walk.past(case_id))
    return case_url(case_id, walk)


def said_on_the_way(walk: Walk, said: str, *, user: Any) -> str:
    """What was done, and what is left."""
    return f"{said} {left(walk, user=user, now=timezone.now())} left in {walk.label}."
