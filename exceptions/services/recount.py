"""Somebody doubts a number: the team of the node is asked to count, until it has counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from connectors.models import Connection
from connectors.services.owe import node_connections
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from exceptions.services.cases import Problem, close_cured, note, open_case, snapshot
from inventory.models import StockLevel
from inventory.selectors import counted_moments

CODE = "inventory.recount_asked"


@transaction.atomic
def ask_recount(*, level_id: int, actor_id: int, reason: str, now: datetime) -> ExceptionCase:
    """A case for whoever looks after the node; asking again adds the reason to the open one."""
    level = StockLevel.objects.select_related("item", "location").get(pk=level_id)
    served_by = node_connections().get(level.location.code, 0)
    connection = Connection.objects.filter(pk=served_by).first()
    case = open_case(
        Problem(
            code=CODE,
            detail=f"{level.item.sku} at {level.location.name}",
            context={
                "level_id": level.pk,
                "sku": level.item.sku,
                "node": level.location.name,
                "on_hand": level.on_hand,
            },
            subject={"level_id": level.pk},
            connection_id=connection.pk if connection else None,
            connection_name=connection.name if connection else "",
        ),
        now=now,
    )
    note(case, "note", now, text=reason, actor_id=actor_id, before=snapshot(case))
    return case


def close_counted(*, item_ids: Iterable[int] | None = None, now: datetime) -> int:
    """Close the cases of shelves that were counted after somebody had asked; None: of any item."""
    asked = ExceptionCase.objects.filter(code=CODE, state__in=OPEN_STATES)
    since = dict(asked.values_list("context__level_id", "opened_at"))
    if since and item_ids is not None:
        levels = StockLevel.objects.filter(pk__in=since, item_id__in=list(item_ids))
        since = {pk: since[pk] for pk in levels.values_list("pk", flat=True)}
    if not since:
        return 0
    done = [pk for pk, at in counted_moments(since).items() if at >= since[pk]]
    if not done:
        return 0
    return close_cured(asked.filter(context__level_id__in=done), how="by itself", now=now)
