"""Orders: the list, and one order's journey from the channel's first byte to the last effect."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from exceptions.models.cases import OPEN_STATES
from exceptions.rows import row_of
from exceptions.selectors import most_urgent, visible_cases, visible_connections
from orders.models import Order
from retailhub.console import journey
from retailhub.console.awaited import awaited_of
from retailhub.console.rail import stages_of
from retailhub.console.words import fulfillment_word, order_state_word, payment_word
from retailhub.kernel.money import to_cents
from retailhub.kernel.text import whole_number

PAGE = 60
VIEWS: dict[str, tuple[str, Q]] = {
    "all": ("All", Q()),
    "held": ("On hold", ~Q(held_for="")),
    "working": ("In work", Q(state__in=["ACCEPTED", "RESERVED", "ALLOCATED", "PICKED", "PACKED"])),
    "shipped": ("Shipped", Q(state="SHIPPED")),
    "delivered": ("Delivered", Q(state__in=["DELIVERED", "RECONCILED"])),
    "cancelled": ("Cancelled", Q(state="CANCELLED")),
}


def visible_orders(request: HttpRequest) -> QuerySet[Order]:
    """Orders of the channels this person may see."""
    channels = visible_connections(request.user).exclude(channel=None).values("channel")
    return Order.objects.filter(channel__in=channels)


@require_GET
def order_list(request: HttpRequest) -> HttpResponse:
    """Newest first, by state; keyset paging, so new orders never shift a page."""
    view = request.GET.get("view", "all")
    view = view if view in VIEWS else "all"
    orders = visible_orders(request).filter(VIEWS[view][1])
    rows = _page(orders, request.GET.get("after", ""))
    has_more = len(rows) > PAGE
    rows = rows[:PAGE]
    after = {"view": view, "after": str(rows[-1].pk)} if has_more else {}
    context = {
        "section": "orders",
        "tabs": [
            {"label": label, "count": None, "href": f"?view={slug}", "current": slug == view}
            for slug, (label, _) in VIEWS.items()
        ],
        "chips": [],
        "rows": [_row(order) for order in rows],
        "total_text": "Newest first",
        "next_href": f"?{urlencode(after)}" if has_more else "",
    }
    is_more = getattr(request, "htmx", None) and request.GET.get("after")
    return render(request, f"console/order_list.html{'#rows' if is_more else ''}", context)


def _page(orders: QuerySet[Order], after: str) -> list[Order]:
    if (last := whole_number(after)) is not None:
        orders = orders.filter(pk__lt=last)
    open_cases = Count("cases", filter=Q(cases__state__in=OPEN_STATES))
    rows = orders.select_related("channel", "customer").annotate(open_cases=open_cases)
    return list(rows.order_by("-pk")[: PAGE + 1])


def _row(order: Order) -> dict[str, Any]:
    return {
        "id": order.pk,
        "number": order.number,
        "href": reverse("order", args=[order.pk]),
        "channel": order.channel.name,
        "customer": order.customer.name if order.customer else "",
        "total": f"{to_cents(order.total, order.currency)} {order.currency}",
        "state": order_state_word(order),
        "payment": payment_word(order),
        "fulfilment": fulfillment_word(order),
        "placed_at": order.placed_at,
        "cases": getattr(order, "open_cases", 0),
    }


@require_GET
def order_detail(request: HttpRequest, order_id: int) -> HttpResponse:
    """Everything about one order."""
    order = get_object_or_404(
        visible_orders(request).select_related("channel__connection", "customer"), pk=order_id
    )
    tab = request.GET.get("tab", "timeline")
    tab = tab if tab in journey.TABS else "timeline"
    cases = most_urgent(visible_cases(request.user).filter(order=order, state__in=OPEN_STATES))
    context = {
        "section": "orders",
        "order": _head(order),
        "stages": stages_of(order),
        "cases": [row_of(case, timezone.now()) for case in cases],
        "facts": _facts(order),
        "awaited": awaited_of(order, timezone.now()),
        "tab": tab,
        "tabs": [
            {"label": label, "count": None, "href": f"?tab={slug}", "current": slug == tab}
            for slug, label in journey.TABS.items()
        ],
        **journey.tab_context(order, tab),
    }
    fragment = "#order_tab" if getattr(request, "htmx", None) else ""
    return render(request, f"console/order_detail.html{fragment}", context)


def _head(order: Order) -> dict[str, Any]:
    return {**_row(order), "held": _held(order), "trace_id": str(order.trace_id)}


def _held(order: Order) -> str:
    quiet = {
        "orders.awaiting_payment": "Waiting for the payment",
        "orders.test_order": "A test order: it is kept, nothing is sent",
        "orders.fulfilled_elsewhere": "Sent by somebody else before we heard of it",
    }
    if not order.held_for:
        return ""
    return f"On hold: {order.hold_detail or quiet.get(order.held_for, order.held_for)}"


def _facts(order: Order) -> list[tuple[str, str, bool]]:
    ship_to = order.ship_to or {}
    place = " ".join(filter(None, [ship_to.get("postal_code"), ship_to.get("city")]))
    facts = [
        ("Customer sees", order.customer_status, False),
        ("Ship to", ", ".join(filter(None, [place, ship_to.get("country_code")])), False),
        ("Shipping", order.shipping_method, False),
        ("Reference", order.reference, False),
    ]
    if order.difference:
        facts.append((f"Difference: {order.difference_reason}", str(order.difference), True))
    return facts
