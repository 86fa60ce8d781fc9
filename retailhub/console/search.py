"""Any id leads somewhere: order number, external id, tracking, trace, effect key, SKU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from connectors.models import CodeMapping, ExternalReference, InboundMessage, OutboundMessage
from exceptions.rows import state_word
from exceptions.saved_views import in_words, views_for
from exceptions.selectors import visible_cases, visible_connections
from inventory.models import Item
from orders.models import Order
from retailhub.console.inventory.addresses import item_href
from retailhub.console.orders import visible_orders
from retailhub.console.words import item_word, order_state_word
from retailhub.kernel.text import plain

MOST = 20
LEAST_LETTERS = 3  # of a part of a name; fewer are in everything
Result = dict[str, Any]


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """One hit jumps straight to it, several are grouped."""
    text = plain(request.GET.get("q", ""))
    groups = _groups(request, text)
    everything = {result["href"] for group in groups for result in group["results"]}
    if len(everything) == 1:
        return HttpResponseRedirect(everything.pop())
    return render(request, "console/search.html", {"search_query": text, "groups": groups})


@require_GET
def search_options(request: HttpRequest) -> JsonResponse:
    """For the command palette: what matches `q`; without one, the views of the person."""
    text = plain(request.GET.get("q", ""))
    groups = _groups(request, text) if text else _views(request)
    shown = [
        {
            "label": group["label"],
            "options": [
                {"href": row["href"], "title": row["title"], "sub": row["sub"]}
                for row in group["results"]
            ],
        }
        for group in groups
    ]
    return JsonResponse({"groups": shown})


def _groups(request: HttpRequest, text: str) -> list[dict[str, Any]]:
    hits = {label: find(request, text) for label, find in _FINDERS.items()} if text else {}
    if len(text) >= LEAST_LETTERS and not any(hits.values()):
        hits["Items"] = _items_like(text)
    return [
        {"label": label, "count": len(found), "href": "", "results": found}
        for label, found in hits.items()
        if found
    ]


def _views(request: HttpRequest) -> list[dict[str, Any]]:
    rows = [
        {
            "href": f"{reverse('queue')}?{view.query}",
            "title": view.name,
            "sub": in_words(view.query),
        }
        for view in views_for(request.user)
    ]
    return [{"label": "Views", "results": rows}] if rows else []


def _orders(request: HttpRequest, text: str) -> list[Result]:
    orders = visible_orders(request)
    ids = set(orders.filter(number__in=_spellings(text)).values_list("pk", flat=True)[:MOST])
    ids |= set(orders.filter(external_id=text).values_list("pk", flat=True)[:MOST])
    ids |= set(orders.filter(reference=text).values_list("pk", flat=True)[:MOST])
    ids |= set(
        orders.filter(fulfillment_orders__shipments__tracking_number=text).values_list(
            "pk", flat=True
        )[:MOST]
    )
    ids |= set(
        orders.filter(fulfillment_orders__reference=text).values_list("pk", flat=True)[:MOST]
    )
    if (trace_id := _uuid(text)) is not None:
        ids |= set(orders.filter(trace_id=trace_id).values_list("pk", flat=True)[:MOST])
    ids |= _owners(request, text)
    rows = orders.filter(pk__in=ids).select_related("channel").order_by("-pk")[:MOST]
    return [_order(row) for row in rows]


def _owners(request: HttpRequest, text: str) -> set[int]:
    """Orders behind what another system calls by `text`."""
    mine = visible_connections(request.user).values("pk")
    names = ExternalReference.objects.filter(external_id=text, connection__in=mine)
    owed = OutboundMessage.objects.filter(connection__in=mine)
    references = list(names.values_list("reference", flat=True)[:MOST])
    found = owed.filter(reference__in=references) | owed.filter(effect_key=text)
    return {pk for pk in found.values_list("order_id", flat=True)[:MOST] if pk}


def _order(row: Order) -> Result:
    return {
        "href": reverse("order", args=[row.pk]),
        "title": row.number,
        "sub": f"{row.channel.name} · {row.external_id}",
        "state": order_state_word(row),
    }


def _cases(request: HttpRequest, text: str) -> list[Result]:
    cases = visible_cases(request.user).select_related("owner")
    found = cases.filter(order_number__in=_spellings(text))
    if (trace_id := _uuid(text)) is not None:
        found = found | cases.filter(trace_id=trace_id)
    messages = InboundMessage.objects.filter(key=text).values_list("pk", flat=True)[:MOST]
    found = found | cases.filter(inbound_id__in=list(messages))
    found = found | cases.filter(context__external_code=text)
    return [
        {
            "href": reverse("case", args=[row.pk]),
            "title": row.title,
            "sub": f"{row.order_number} · {row.code}",
            "state": state_word(row),
        }
        for row in found.order_by("-pk")[:MOST]
    ]


def _items(request: HttpRequest, text: str) -> list[Result]:
    """Items of this SKU, or that some system one sees calls so."""
    mine = visible_connections(request.user).values("pk")
    names = CodeMapping.objects.filter(
        table=CodeMapping.Table.SKU, external_code=text, connection__in=mine
    )
    codes = list(names.values_list("canonical_code", flat=True)[:MOST])
    found = Item.objects.filter(Q(sku__iexact=text) | Q(sku__in=codes))
    return [_item(row) for row in found.order_by("sku")[:MOST]]


def _items_like(text: str) -> list[Result]:
    """Items whose SKU or name has it in it; asked only when it is nothing's whole name."""
    found = Item.objects.filter(Q(sku__icontains=text) | Q(name__icontains=text))
    return [_item(row) for row in found.order_by("sku")[:MOST]]


def _item(row: Item) -> Result:
    href = item_href(row.sku, row.pk)
    return {"href": href, "title": row.sku, "sub": row.name, "state": item_word(row)}


def _spellings(text: str) -> list[str]:
    """An order number as people type it: without its sign, in small letters."""
    plain = text.lstrip("#")
    return [f"{sign}{word}" for sign in ("", "#") for word in {plain, plain.upper()}]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_FINDERS: dict[str, Callable[[HttpRequest, str], list[Result]]] = {
    "Orders": _orders,
    "Exceptions": _cases,
    "Items": _items,
}
