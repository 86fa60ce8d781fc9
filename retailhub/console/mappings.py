"""Mapping tables: what is unmapped and what waits for it, and every row."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from connectors.models import CodeMapping
from connectors.services.codes import save_mapping
from exceptions.candidates import closest_items
from exceptions.models.cases import OPEN_STATES
from exceptions.selectors import visible_cases, visible_connections
from inventory.selectors import items_by_sku, locations_by_code
from retailhub.kernel.roles import Ability, may
from retailhub.kernel.text import plain, whole_number

PAGE = 100
_DESCRIPTIONS = {
    "SKU": "What each system calls our items. Where no row says otherwise, a SKU means itself.",
    "LOCATION": "What each system calls our nodes. A warehouse serves the nodes it maps.",
    "TAX_CODE": "What an ERP calls the taxes a shop charges.",
    "SHIPPING_METHOD": "What a warehouse or an ERP calls the shipping a shop promised.",
}


@require_GET
def mapping_list(request: HttpRequest, table: str = "SKU") -> HttpResponse:
    """One table: what lacks a row first."""
    return _page(request, table.upper())


def _page(
    request: HttpRequest, table: str, *, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    known = dict(CodeMapping.Table.choices)
    table = table if table in known else "SKU"
    connections = visible_connections(request.user).order_by("name")
    chosen = request.GET.get("connection", "") or request.POST.get("connection", "")
    rows = CodeMapping.objects.filter(table=table, connection__in=connections.values("pk"))
    if (connection_id := whole_number(chosen)) is not None:
        rows = rows.filter(connection_id=connection_id)
    shown, next_href = _rows(request, rows)
    context = {
        "section": "mappings",
        "tables": _tables(table),
        "table": {
            "slug": table.lower(),
            "label": known[table],
            "description": _DESCRIPTIONS[table],
        },
        "connections": [(str(c.pk), c.name, str(c.pk) == chosen) for c in connections],
        "unmapped": _unmapped(request, table),
        "rows": shown,
        "form": _form(request, table, chosen, errors),
        "total_text": f"{len(shown)} rows shown",
        "next_href": next_href,
    }
    return render(request, "console/mapping_list.html", context, status=status)


def _tables(current: str) -> list[dict[str, Any]]:
    return [
        {
            "label": label,
            "count": None,
            "href": reverse("mappings", args=[slug.lower()]),
            "current": slug == current,
        }
        for slug, label in CodeMapping.Table.choices
    ]


def _form(
    request: HttpRequest, table: str, connection: str, errors: dict[str, str] | None
) -> dict[str, Any] | None:
    if not may(request.user, Ability.EDIT_MAPPINGS):
        return None
    return {
        "url": reverse("mapping-save", args=[table.lower()]),
        "external_code": request.POST.get("external_code", ""),
        "internal_code": request.POST.get("internal_code", ""),
        "connection": connection,
        "errors": errors or {},
    }


def _rows(request: HttpRequest, rows: QuerySet[CodeMapping]) -> tuple[list[dict[str, Any]], str]:
    after = request.GET.get("after", "")
    if (last := whole_number(after)) is not None:
        rows = rows.filter(pk__lt=last)
    found = list(rows.select_related("connection").order_by("-pk")[: PAGE + 1])
    shown = [
        {
            "id": row.pk,
            "connection": row.connection.name,
            "external_code": row.external_code,
            "internal_code": row.canonical_code,
            "name": "",
            "used": None,
            "last_used": row.updated_at,
            "by": "",
            "delete_url": "",
        }
        for row in found[:PAGE]
    ]
    return shown, f"?after={shown[-1]['id']}" if len(found) > PAGE else ""


def _unmapped(request: HttpRequest, table: str) -> list[dict[str, Any]]:
    cases = visible_cases(request.user).filter(
        code="connectors.mapping_missing",
        state__in=OPEN_STATES,
        context__table=table,
        outbound=None,
    )
    groups = (
        cases.values("context__external_code", "connection_id", "connection__name")
        .annotate(cases=Count("pk"), last_seen=Max("opened_at"))
        .order_by("-cases", "context__external_code", "connection_id")[:30]
    )
    codes = [str(group["context__external_code"]) for group in groups]
    suggestions = closest_items(codes) if table == CodeMapping.Table.SKU else {}
    return [
        {
            "external_code": group["context__external_code"],
            "connection": group["connection__name"],
            "connection_id": group["connection_id"],
            "seen": group["cases"],
            "last_seen": group["last_seen"],
            "cases": group["cases"],
            "suggestion": suggestions.get(group["context__external_code"], ""),
        }
        for group in groups
    ]


@require_POST
def mapping_save(request: HttpRequest, table: str) -> HttpResponse:
    """Save one row; what waited for it goes on by itself."""
    if not may(request.user, Ability.EDIT_MAPPINGS):
        raise PermissionDenied("Needs the lead role to edit mappings.")
    table = table.upper()
    number = request.POST.get("connection", "")
    connection = get_object_or_404(visible_connections(request.user), pk=whole_number(number) or 0)
    external_code = plain(request.POST.get("external_code", ""))
    internal_code = plain(request.POST.get("internal_code", ""))
    errors = _errors(table, external_code, internal_code)
    if errors:
        return _page(request, table, errors=errors, status=422)
    save_mapping(
        connection_id=connection.pk,
        table=table,
        external_code=external_code,
        canonical_code=internal_code,
    )
    messages.info(
        request, f"Saved: {external_code} means {internal_code}. What waited for it goes on."
    )
    return HttpResponseRedirect(reverse("mappings", args=[table.lower()]))


def _errors(table: str, external_code: str, internal_code: str) -> dict[str, str]:
    errors = {}
    if table not in CodeMapping.Table.values:
        errors["external_code"] = "There is no such table."
    if not external_code:
        errors["external_code"] = "Say what the other system calls it."
    known = {"SKU": items_by_sku, "LOCATION": locations_by_code}.get(table)
    if not internal_code:
        errors["internal_code"] = "Say what it means to us."
    elif known is not None and internal_code not in known({internal_code}):
        errors["internal_code"] = f"There is no {internal_code} here. Check the spelling."
    return errors
