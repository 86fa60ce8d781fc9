"""Every item: what is at risk on top, then what lies, what may be sold, and what channels know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Upper
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import visible_cases
from inventory.models import Channel, ChannelOffer, Item, StockLevel
from inventory.selectors import availability
from retailhub.console.inventory.addresses import item_href
from retailhub.console.inventory.offers import (
    DRIFTS,
    Standing,
    is_late,
    is_told,
    offers_of,
    standings,
    visible_channels,
)
from retailhub.console.inventory.risk import OVERSOLD, risks
from retailhub.kernel.text import plain

PAGE = 60
MOST_ALIKE = 10
_MINE = Q(item=OuterRef("pk"))

Items = QuerySet[Item]


def _levels(items: Items, condition: Q, node: str) -> Items:
    rows = StockLevel.objects.filter(_MINE, condition)
    return items.filter(Exists(rows.filter(location__code=node) if node else rows))


def _offers(items: Items, condition: Q, channels: Sequence[Channel]) -> Items:
    return items.filter(Exists(ChannelOffer.objects.filter(_MINE, condition, channel__in=channels)))


def _unmapped(items: Items, request: HttpRequest) -> Items:
    cases = visible_cases(request.user).filter(
        code="connectors.mapping_missing", state__in=OPEN_STATES, context__table="SKU"
    )
    codes = cases.exclude(outbound=None).values_list("context__external_code", flat=True)
    return items.filter(sku__in=[code for code in codes.distinct()[:500] if code])


def _unpublished(items: Items, channels: Sequence[Channel]) -> Items:
    told = ChannelOffer.objects.filter(_MINE, channel__in=channels, published_at__isnull=False)
    return items.filter(Exists(StockLevel.objects.filter(_MINE, on_hand__gt=0)), ~Exists(told))


_Narrow = Callable[[Items, HttpRequest, Sequence[Channel], datetime, str], Items]
VIEWS: dict[str, tuple[str, _Narrow]] = {
    "all": ("All", lambda items, *_: items),
    "oversold": ("Oversold", lambda items, _r, _c, _n, node: _levels(items, OVERSOLD, node)),
    "drift": ("Drift", lambda items, _r, channels, *_: _offers(items, DRIFTS, channels)),
    "stale": (
        "Stale",
        lambda items, _r, chosen, now, _: _offers(
            items, is_late(now), [channel for channel in chosen if is_told(channel)]
        ),
    ),
    "silent": (
        "Silent",
        lambda items, _r, _c, _n, node: _levels(
            items, Q(location__silent_since__isnull=False, location__is_active=True), node
        ),
    ),
    "unmapped": ("Unmapped", lambda items, request, *_: _unmapped(items, request)),
    "unpublished": ("Not published", lambda items, _r, chosen, *_: _unpublished(items, chosen)),
}


@require_GET
def item_list(request: HttpRequest) -> HttpResponse:
    """Items by SKU; keyset paging, nothing is counted."""
    now, text = timezone.now(), plain(request.GET.get("q", ""))
    view, asked = "all", request.GET.get("view", "all")
    if asked in VIEWS:
        view = asked
    else:
        messages.info(request, f"There is no view “{asked[:40]}”; showing all items.")
    channels = list(visible_channels(request.user))
    chosen = [c for c in channels if c.code == request.GET.get("channel")] or channels
    keep = {name: plain(request.GET.get(name, "")) for name in ("q", "channel", "node")}
    keep = {"view": view, **keep}
    items = VIEWS[view][1](Item.objects.all(), request, chosen, now, keep["node"])
    found, is_guess = _search(items, text, plain(request.GET.get("after", "")))
    context = {
        **_frame(keep),
        "risks": risks(chosen, now=now),
        "channels": channels,
        "query": text,
        "view": view,
        "is_guess": is_guess,
        "rows": _rows(found[:PAGE], channels, now),
        "next_href": _address(keep, after=found[PAGE - 1].sku) if len(found) > PAGE else "",
    }
    is_more = getattr(request, "htmx", None) and request.GET.get("after")
    return render(request, f"inventory/item_list.html{'#rows' if is_more else ''}", context)


def _frame(keep: dict[str, str]) -> dict[str, Any]:
    chips = (("q", "Search"), ("channel", "Channel"), ("node", "Node"))
    return {
        "section": "inventory",
        "tabs": [
            {
                "label": label,
                "count": None,
                "href": _address(keep, view=slug),
                "current": slug == keep["view"],
            }
            for slug, (label, _) in VIEWS.items()
        ],
        "chips": [
            {"label": label, "value": keep[name], "clear_href": _address(keep, **{name: ""})}
            for name, label in chips
            if keep[name]
        ],
    }


def _address(keep: dict[str, str], **changes: str) -> str:
    query = {name: value for name, value in {**keep, **changes}.items() if value}
    return f"?{urlencode(query)}"


def _search(items: Items, text: str, after: str) -> tuple[list[Item], bool]:
    """A page of what holds `text`, by SKU; if nothing does, what is spelled most alike."""
    page = items.filter(sku__gt=after) if after else items
    if text:
        page = page.filter(Q(sku__icontains=text) | Q(name__icontains=text))
    found = list(page.order_by("sku")[: PAGE + 1])
    if found or after or len(text) < 3:
        return found, False
    alike = items.annotate(upper_sku=Upper("sku"), upper_name=Upper("name")).filter(
        Q(upper_sku__trigram_word_similar=text.upper())
        | Q(upper_name__trigram_word_similar=text.upper())
    )
    return list(alike.order_by("sku")[:MOST_ALIKE]), True


def _rows(
    items: Sequence[Item], channels: Sequence[Channel], now: datetime
) -> list[dict[str, Any]]:
    ids = [item.pk for item in items]
    sums = availability(item_ids=ids, at=now)
    offers: dict[int, dict[int, ChannelOffer]] = {pk: {} for pk in ids}
    for offer in offers_of(ids, channels):
        offers[offer.item_id][offer.channel_id] = offer
    levels = StockLevel.objects.filter(item_id__in=ids).values("item_id").order_by("item_id")
    totals: dict[int, Any] = {
        row["item_id"]: row
        for row in levels.annotate(
            there=Sum("on_hand"),
            promised=Sum("reserved"),
            changed=Max("updated_at"),
            short=Sum(F("reserved") + F("allocated") - F("on_hand"), filter=OVERSOLD),
        )
    }
    return [
        _row(
            item,
            totals.get(item.pk, {}),
            sums[item.pk, None].quantity if (item.pk, None) in sums else None,
            standings(channels, offers[item.pk], {}, now=now),
        )
        for item in items
    ]


def _row(
    item: Item, totals: dict[str, Any], available: int | None, told: list[Standing]
) -> dict[str, Any]:
    drifts = [standing.difference for standing in told if standing.difference]
    return {
        "id": item.pk,
        "sku": item.sku,
        "name": item.name,
        "is_active": item.is_active,
        "href": item_href(item.sku, item.pk),
        "on_hand": totals.get("there", 0),
        "reserved": totals.get("promised", 0),
        "available": available,
        "short": totals.get("short") or 0,
        "standings": told,
        "drift": max(drifts, key=abs) if drifts else 0,
        "changed_at": totals.get("changed"),
    }
