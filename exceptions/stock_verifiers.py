"""Somebody says that stock is right again. What do the shelves, channels and files say?"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from exceptions.verdict import (
    Cases,
    Finding,
    Verifier,
    cured,
    later,
    name_of,
    not_cured,
    on_their_word,
    only_a_person_knows,
)
from inventory.models import ChannelOffer, SnapshotRun, StockLevel
from inventory.offers import lags
from inventory.selectors import counted_moments
from inventory.services.watch_lag import WINDOW


def of_offers(cases: Cases) -> dict[int, Finding]:
    """Does the channel have, and show, the number it was told?"""
    offers = ChannelOffer.objects.select_related("item").in_bulk(_named(cases, "offer_id"))
    return {case.pk: _of_offer(name_of(case), offers, case.context) for case in cases}


def _of_offer(channel: str, offers: dict[int, ChannelOffer], context: dict[str, Any]) -> Finding:
    offer = offers.get(context.get("offer_id", 0))
    if offer is None:
        return on_their_word("The channel has no such offer any more")
    told, shown = offer.published_quantity, offer.observed_quantity
    if offer.troubled_since is None:
        return cured(f"{channel} was told {told} of {offer.item.sku} and took it")
    if offer.drift_since is not None:
        return not_cured(f"{channel} still shows {shown} of {offer.item.sku}, it was told {told}")
    return not_cured(f"{channel} still has not taken the newest number of {offer.item.sku}")


def of_levels(cases: Cases) -> dict[int, Finding]:
    """Is there as much as was promised?"""
    levels = _levels(cases)
    return {case.pk: _of_level(levels.get(case.context.get("level_id", 0))) for case in cases}


def _of_level(level: StockLevel | None) -> Finding:
    if level is None:
        return on_their_word("There is no such shelf any more")
    promised = level.reserved + level.allocated
    what = f"{level.on_hand} are there and {promised} are promised"
    return cured(what) if level.on_hand >= promised else not_cured(f"Still {what}")


def of_counts(cases: Cases) -> dict[int, Finding]:
    """Was the shelf counted after somebody had asked?"""
    levels = _levels(cases)
    moments = counted_moments(levels)
    found = {}
    for case in cases:
        level = levels.get(case.context.get("level_id", 0))
        counted_at = moments.get(level.pk) if level is not None else None
        if level is not None and counted_at is not None and counted_at >= case.opened_at:
            found[case.pk] = cured(f"It was counted: {level.on_hand}")
        else:
            found[case.pk] = not_cured("No count of this shelf has come in since")
    return found


def of_files(cases: Cases) -> dict[int, Finding]:
    """Was the newest file of that source applied, with every code known?"""
    slugs = {case.connection.slug for case in cases if case.connection}
    newest = SnapshotRun.objects.filter(source__in=slugs).order_by("source", "-pk")
    runs = {run.source: run for run in newest.distinct("source")}
    return {
        case.pk: _of_file(runs.get(case.connection.slug if case.connection else ""))
        for case in cases
    }


def _of_file(run: SnapshotRun | None) -> Finding:
    if run is None:
        return on_their_word("There is no file of it any more")
    if run.state in {SnapshotRun.State.READY, SnapshotRun.State.RUNNING}:
        return later(f"{run} is being applied")
    if run.state != SnapshotRun.State.APPLIED:
        return not_cured(f"{run} is still {run.state.lower()}")
    if run.unknown:
        return not_cured(f"{run.unknown} rows of {run} are still not known")
    return cured(f"{run} was applied")


def of_lags(cases: Cases) -> dict[int, Finding]:
    """Does the channel hear of changes in time now?"""
    late = {lag.channel_id for lag in lags(window=WINDOW, now=timezone.now()) if lag.is_late}
    return {
        case.pk: not_cured(f"{name_of(case)} still hears of changes too late")
        if case.context.get("channel_id") in late
        else cured(f"{name_of(case)} hears of changes in time")
        for case in cases
    }


def _levels(cases: Cases) -> dict[int, StockLevel]:
    return StockLevel.objects.in_bulk(_named(cases, "level_id"))


def _named(cases: Cases, key: str) -> set[int]:
    return {case.context[key] for case in cases if case.context.get(key)}


STOCK: dict[str, Verifier] = {
    "inventory.drift": of_offers,
    "inventory.overdrawn": of_levels,
    "inventory.recount_asked": of_counts,
    "inventory.lag": of_lags,
    "inventory.snapshot_shrank": of_files,
    "inventory.snapshot_codes": of_files,
    "inventory.snapshot_unreadable": of_files,
    "inventory.snapshot_key_reused": only_a_person_knows,
    # All shelves are compared with their movements once a day only; it closes by itself then.
    "inventory.ledger_differs": only_a_person_knows,
}
