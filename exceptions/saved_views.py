"""The views somebody keeps, and those of their teams: for the menu and for their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from exceptions.models import SavedView
from exceptions.rows import person
from exceptions.selectors import FILTERS, VIEWS, teams_of
from retailhub.kernel.text import plain

# What of an address a view keeps: which cases are meant, and how they are grouped.
KEPT = (*FILTERS, "group")
LONGEST = 500


def canonical(query: Mapping[str, str]) -> str:
    """The part of an address that a view keeps, in the same order for everybody."""
    view = query.get("view", "")
    found = {name: plain(query.get(name, "")) for name in KEPT}
    found["view"] = view if view in VIEWS else "open"
    return urlencode({name: value for name, value in found.items() if value})


def in_words(query: str) -> str:
    """`Mine · connection shopify-de`."""
    values = QueryDict(query)
    rest = [f"{name} {values[name]}" for name in KEPT[1:] if name in values]
    return " · ".join([VIEWS.get(values.get("view", ""), ("Open",))[0], *rest])


def own_views(user: Any) -> QuerySet[SavedView]:
    """One's own, in one's own order."""
    return SavedView.objects.filter(owner=user.pk).select_related("team").order_by("position", "pk")


def views_for(user: Any) -> list[SavedView]:
    """One's own first, then what colleagues share with one's teams. One query."""
    theirs = Q(team__in=teams_of(user).values("pk"), owner__is_active=True)
    found = SavedView.objects.filter(Q(owner=user.pk) | theirs).select_related("owner", "team")
    rows = found.order_by("position", "name", "pk")
    return sorted(rows, key=lambda row: row.owner_id != user.pk)


def menu_of(views: Sequence[SavedView], user: Any, query: str) -> dict[str, Any]:
    """The menu on the queue, open at `query`."""
    return {
        "query": query,
        "name": next((row.name for row in views if row.query == query), ""),
        "rows": [
            {
                "name": row.name,
                "href": f"/queue/?{row.query}",
                "by": "" if row.owner_id == user.pk else person(row.owner),
                "current": row.query == query,
            }
            for row in views
        ],
    }
