"""Nodes of whose stock nothing is heard: what counts of it meanwhile, until they speak again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from inventory.availability import Fallback
from inventory.models import Location, Publication
from inventory.services.tell_again import tell_again


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Since when a node has been silent, and what counts of its last number."""

    since: datetime
    fallback: Fallback
    percent: int


@transaction.atomic
def mark_silences(*, silent: Mapping[int, Silent], watched: set[int]) -> tuple[int, int]:
    """Of the `watched` nodes (by id) exactly those in `silent` are so from now on.

    What channels are told of their items is decided anew. Returns how many fell silent and how
    many speak again; saying it again changes nothing.
    """
    fell = spoke = 0
    rows = Location.objects.select_for_update(no_key=True).filter(pk__in=watched)
    for node in rows.order_by("pk"):
        now_silent = silent.get(node.pk)
        if now_silent is None and node.silent_since is None:
            continue
        before = (node.silent_since, node.fallback, node.fallback_percent)
        if now_silent is None:
            spoke += 1
            node.silent_since = None
        else:
            fell += node.silent_since is None
            node.silent_since = node.silent_since or now_silent.since
            node.fallback, node.fallback_percent = now_silent.fallback, now_silent.percent
        if before == (node.silent_since, node.fallback, node.fallback_percent):
            continue
        node.save(update_fields=["silent_since", "fallback", "fallback_percent", "updated_at"])
        tell_again(reason=Publication.Reason.FALLBACK, location_id=node.pk)
    return fell, spoke
