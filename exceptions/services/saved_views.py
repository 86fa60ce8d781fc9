"""Somebody keeps a view of the queue, names it, shares it, moves it or drops it."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Max, QuerySet

from exceptions.errors import NameTaken, TooManyViews
from exceptions.models import SavedView

MOST_KEPT = 50


@transaction.atomic
def keep_view(*, owner_id: int, name: str, query: str) -> SavedView:
    """Keep a view under a name, as the last one. The same name again takes the new filters.

    Raises `TooManyViews`.
    """
    rows = _locked(owner_id)
    found = rows.filter(name=name).first()
    if found is not None:
        found.query = query
        found.save(update_fields=["query", "updated_at"])
        return found
    if rows.count() >= MOST_KEPT:
        raise TooManyViews(f"You keep {MOST_KEPT} views. Remove one first.")
    last = rows.aggregate(last=Max("position"))["last"] or 0
    return SavedView.objects.create(owner_id=owner_id, name=name, query=query, position=last + 1)


@transaction.atomic
def change_view(*, view: SavedView, name: str, team_id: int | None, is_default: bool) -> SavedView:
    """Give it another name, share it with a team or no longer, open the queue with it or not.

    Raises `NameTaken`.
    """
    rows = _locked(view.owner_id).exclude(pk=view.pk)
    if rows.filter(name=name).exists():
        raise NameTaken(f"You keep another view called “{name}”. Choose another name.")
    if is_default:
        rows.filter(is_default=True).update(is_default=False)
    view.name, view.team_id, view.is_default = name, team_id, is_default
    view.save(update_fields=["name", "team", "is_default", "updated_at"])
    return view


@transaction.atomic
def move_view(*, view: SavedView, is_up: bool) -> None:
    """Let it change places with the one before or after it. At the end nothing happens."""
    rows = _locked(view.owner_id)
    here = rows.get(pk=view.pk).position
    before = rows.filter(position__lt=here).order_by("-position")
    after = rows.filter(position__gt=here).order_by("position")
    other = (before if is_up else after).first()
    if other is None:
        return
    SavedView.objects.filter(pk=other.pk).update(position=here)
    SavedView.objects.filter(pk=view.pk).update(position=other.position)


def _locked(owner_id: int) -> QuerySet[SavedView]:
    # One change of a person's views at a time: places and names stay unique without a retry.
    get_user_model().objects.select_for_update(no_key=True).get(pk=owner_id)
    return SavedView.objects.filter(owner_id=owner_id)
