"""One item: how many may be sold where and why, what channels know of it, and how it came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from inventory.availability import Availability, Place, RuleBook
from inventory.models import Channel, ChannelOffer, Item, Location, StockLevel
from inventory.selectors import availability, rule_book
from retailhub.console.inventory.acts import buttons_of
from retailhub.console.inventory.aside import coming, promises
from retailhub.console.inventory.ledger import movements_page
from retailhub.console.inventory.offers import Standing, offers_of, standings, visible_channels
from retailhub.console.inventory.past import answer_at, levels_at, moment_in, recent_answers
from retailhub.console.inventory.rule_words import contest_rows, contests, words_by_id
from retailhub.console.inventory.waterfall import by_node, node_waterfall, waterfall
from retailhub.kernel.text import plain, whole_number

TABS = {"why": "Why", "channels": "Channels", "movements": "Movements", "past": "Past answers"}


_LOUDNESS = {"red": 0, "amber": 1, "green": 2}


@require_GET
def item_detail(request: HttpRequest, sku: str) -> HttpResponse:
    """The item of this SKU."""
    if "\x00" in sku:
        raise Http404
    return _page(request, get_object_or_404(Item, sku=sku))


@require_GET
def item_by_id(request: HttpRequest, item_id: int) -> HttpResponse:
    """The same for a SKU that no address can hold."""
    return _page(request, get_object_or_404(Item, pk=item_id))


@dataclass
class ItemPage:
    """What every tab needs, read once."""

    request: HttpRequest
    item: Item
    now: datetime
    levels: list[StockLevel] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    offers: dict[int, ChannelOffer] = field(default_factory=dict)
    sums: Mapping[tuple[int, int | None], Availability] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HttpRequest, item: Item) -> ItemPage:
        """Read it: always the same number of queries."""
        page = cls(request, item, timezone.now())
        page.channels = list(visible_channels(request.user))
        levels = StockLevel.objects.filter(item=item).select_related("location")
        page.levels = list(levels.order_by("location__priority", "location__code"))
        page.offers = {o.channel_id: o for o in offers_of([item.pk], page.channels)}
        ids = [channel.pk for channel in page.channels]
        page.sums = availability(item_ids=[item.pk], channel_ids=ids, at=page.now, rules=page.book)
        return page

    @cached_property
    def book(self) -> RuleBook:
        """The rules in force."""
        return rule_book()

    @cached_property
    def standings(self) -> list[Standing]:
        """Where it stands at each channel."""
        computed = {
            channel_id: found.quantity
            for (_, channel_id), found in self.sums.items()
            if channel_id is not None
        }
        return standings(self.channels, self.offers, computed, now=self.now)

    @cached_property
    def channel(self) -> Channel | None:
        """The one asked for; else the one in trouble, or the first."""
        asked = self.request.GET.get("channel", "")
        found = next((c for c in self.channels if c.code == asked), None)
        if found is not None or not self.standings:
            return found
        return min(self.standings, key=lambda s: _LOUDNESS.get(s.state.color, 3)).channel

    @cached_property
    def chosen(self) -> Standing | None:
        """Where it stands at that channel."""
        return next((s for s in self.standings if s.channel == self.channel), None)

    @cached_property
    def names(self) -> dict[str, str]:
        """The nodes by code."""
        return dict(Location.objects.values_list("code", "name"))

    def address(self, **changes: str) -> str:
        """This page with other parameters; those of one tab only stay with it."""
        chosen = {"channel": self.channel.code if self.channel else "", "tab": ""}
        query = {name: value for name, value in {**chosen, **changes}.items() if value}
        return f"?{urlencode(query)}"


def _page(request: HttpRequest, item: Item) -> HttpResponse:
    page = ItemPage.of(request, item)
    tab = request.GET.get("tab", "why")
    tab = tab if tab in TABS else "why"
    held, has_more = promises(request, item)
    context = {
        "section": "inventory",
        "item": _head(page),
        "tab": tab,
        "tabs": [
            {"label": label, "count": None, "href": page.address(tab=slug), "current": slug == tab}
            for slug, label in TABS.items()
        ],
        "tiles": [_tile(page, standing) for standing in page.standings],
        "channel": page.channel,
        "actions": buttons_of(request.user, item, page.chosen, page.levels),
        "promises": held,
        "more_promises": has_more,
        "coming": coming(item),
        **_TABS[tab](page),
    }
    fragment = "#item_tab" if getattr(request, "htmx", None) else ""
    return render(request, f"inventory/item_detail.html{fragment}", context)


def _head(page: ItemPage) -> dict[str, Any]:
    item, levels = page.item, page.levels
    return {
        "id": item.pk,
        "sku": item.sku,
        "name": item.name,
        "category": item.category,
        "unit": item.unit,
        "is_active": item.is_active,
        "on_hand": sum(level.on_hand for level in levels),
        "reserved": sum(level.reserved for level in levels),
        "allocated": sum(level.allocated for level in levels),
        "short": [
            (level.location.name, -level.available) for level in levels if level.available < 0
        ],
        "silent": [
            (level.location.name, level.location.silent_since)
            for level in levels
            if level.location.silent_since and level.location.is_active
        ],
    }


def _tile(page: ItemPage, standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "href": page.address(channel=standing.channel.code),
        "current": standing.channel == page.channel,
    }


def _why(page: ItemPage) -> dict[str, Any]:
    """The sum for the chosen channel, or for nobody in particular."""
    channel_id = page.channel.pk if page.channel else None
    found = page.sums.get((page.item.pk, channel_id))
    if found is None:
        return {"lines": [], "why_title": f"{page.item.sku} is switched off, so none may be sold"}
    nodes = {level.location_id: level.location.name for level in page.levels}
    place = Place(page.item.pk, page.item.category, channel_id)
    contested = contests(page.book, place, nodes)
    words = words_by_id(r.id for _, _, winner, losers in contested for r in (winner, *losers))
    told = found.as_json()
    asked = plain(page.request.GET.get("node", ""))
    node = next((n for n in told["nodes"] if n["code"] == asked), None)
    who = page.channel.name if page.channel else "all channels"
    if node is not None:
        where = page.names.get(asked, asked)
        title = f"Why {where} offers {node['quantity']}"
        lines = node_waterfall(node, end=f"{where} offers", rules=words)
    else:
        title = f"Why {found.quantity} may be sold at {who}"
        lines = waterfall(told, end="May be sold", rules=words, names=page.names)
    return {
        "why_title": title,
        "chosen": page.chosen,
        "lines": lines,
        "node": asked if node is not None else "",
        "by_node": _linked(page, by_node(told, page.names).rows),
        "node_labels": by_node(told, page.names).labels,
        "all_nodes_href": page.address(),
        "contests": contest_rows(contested, words),
    }


def _linked(page: ItemPage, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "href": page.address(node=row["code"])} for row in rows]


def _channels(page: ItemPage) -> dict[str, Any]:
    return {"standings": page.standings}


def _movements(page: ItemPage) -> dict[str, Any]:
    node = plain(page.request.GET.get("node", ""))
    chosen = [level for level in page.levels if level.location.code == node] or page.levels
    before = whole_number(page.request.GET.get("after", ""))
    lines, following = movements_page(page.request, [level.pk for level in chosen], before)
    node = node if chosen is not page.levels else ""
    query = {"tab": "movements", "node": node}
    return {
        "movements": lines,
        "node": node,
        "node_choices": [
            {
                "label": level.location.name,
                "href": page.address(tab="movements", node=level.location.code),
                "current": level.location.code == node,
            }
            for level in page.levels
        ],
        "all_nodes_href": page.address(tab="movements"),
        "next_href": page.address(**query, after=str(following)) if following else "",
    }


def _past(page: ItemPage) -> dict[str, Any]:
    text = plain(page.request.GET.get("at", ""))
    at = moment_in(text)
    if page.channel is None:
        return {"asked": text}
    before = whole_number(page.request.GET.get("after", ""))
    recent = recent_answers(page.item, page.channel, before)
    following = str(recent[-2]["id"]) if len(recent) > 20 else ""
    context = {
        "asked": text,
        "at": at,
        "at_error": bool(text) and at is None,
        "recent": [
            {**row, "href": page.address(tab="past", at=row["asked"]) if row["asked"] else ""}
            for row in recent[:20]
        ],
        "next_href": page.address(tab="past", after=following) if following else "",
    }
    return {**context, **_answer(page, page.channel, at)} if at else context


def _answer(page: ItemPage, channel: Channel, at: datetime) -> dict[str, Any]:
    answer = answer_at(page.item, channel, at)
    then = {"answer": answer, "levels_then": levels_at(page.levels, at)}
    if answer is None:
        return then
    told = answer.explanation
    ids = {s.get("rule_id") for n in told.get("nodes", ()) for s in n["steps"]}
    ids |= {s.get("rule_id") for s in told.get("steps", ())}
    words = words_by_id(pk for pk in ids if pk)
    lines = waterfall(told, end=f"Told to {channel.name}", rules=words, names=page.names)
    return {**then, "lines": lines, "why_title": f"Why {channel.name} was told {answer.quantity}"}


_TABS: dict[str, Callable[[ItemPage], dict[str, Any]]] = {
    "why": _why,
    "channels": _channels,
    "movements": _movements,
    "past": _past,
}
