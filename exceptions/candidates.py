"""What could this unknown code mean? Candidates by likeness, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db import connection as database
from django.db.models.functions import Greatest

from connectors.models import CodeMapping
from exceptions.groups import lacking_the_same
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from inventory.models import Item, ItemUnit, Location
from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

_ASKING = frozenset(OPEN_STATES) - {"REPLAYING"}
MOST = 3
LEAST_LIKE = 0.2
# One wrong row sends many customers the wrong thing: only a clear winner is ticked beforehand.
SURE = 0.5
LEAD = 0.15


@dataclass(frozen=True)
class MappingForm:
    """The row to add, what it may be, and what it would also free."""

    table: str
    table_label: str
    external_code: str
    candidates: list[tuple[str, str, str]]
    also_fixes: int
    is_outward: bool
    # What the sender calls the thing in words, and the candidate that is surely meant, if any.
    said_name: str = ""
    suggested: str = ""


def mapping_form_of(case: ExceptionCase) -> MappingForm | None:
    """The form, when the case is about a row that is missing and still open."""
    table, code = case.context.get("table"), case.context.get("external_code")
    if case.code != "connectors.mapping_missing" or not table or case.state not in _ASKING:
        return None
    others = lacking_the_same(case)
    name = said_name(case, code) if table == CodeMapping.Table.SKU else ""
    return MappingForm(
        table=table,
        table_label=dict(CodeMapping.Table.choices).get(table, table),
        external_code=code,
        # Outward it is their code that is missing, and only they know it.
        candidates=[] if case.lacks_their_code else candidates(table, code, name),
        also_fixes=others.exclude(pk=case.pk).count(),
        is_outward=case.lacks_their_code,
        said_name=name,
        suggested="" if case.lacks_their_code else suggested(table, code, name),
    )


def said_name(case: ExceptionCase, sku: str) -> str:
    """The words beside `sku` in the message that waits for it."""
    if case.inbound is None:
        return ""
    try:
        message = read_json(case.inbound.current_body)
    except NeedsOperator:
        return ""
    return next((name for said, name in _named(message) if said == sku), "")


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        name = value.get("title") or value.get("name")
        if isinstance(value.get("sku"), str) and isinstance(name, str):
            yield value["sku"], name[:200]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _named(item)


def suggested(table: str, code: str, name: str = "") -> str:
    """The one candidate that may be ticked beforehand: alike, and nothing else nearly as much."""
    found = _items_like(code, name) if table == CodeMapping.Table.SKU else []
    if not found or found[0].alike < SURE:
        return ""
    is_alone = len(found) < 2 or found[0].alike - found[1].alike >= LEAD
    return found[0].sku if is_alone else ""


def _items_like(code: str, name: str) -> list[Any]:
    likenesses = [TrigramSimilarity("sku", code), TrigramSimilarity("name", code)]
    if name:
        likenesses.append(TrigramSimilarity("name", name))
    rows = Item.objects.filter(is_active=True).annotate(alike=Greatest(*likenesses))
    return list(rows.filter(alike__gte=LEAST_LIKE).order_by("-alike", "sku")[:MOST])


def candidates(table: str, code: str, name: str = "") -> list[tuple[str, str, str]]:
    """Our codes that look like theirs: (code, name, reason), most alike first."""
    if table == CodeMapping.Table.SKU:
        found = _items_like(code, name)
        return [(row.sku, row.name, _percent(row.alike)) for row in found]
    if table == CodeMapping.Table.LOCATION:
        return [(row.code, row.name, "") for row in Location.objects.order_by("priority")[:MOST]]
    if table == CodeMapping.Table.UNIT:
        units = (
            Item.objects.order_by()
            .values_list("unit")
            .union(ItemUnit.objects.order_by().values_list("unit"))
        )
        alike = sorted(units, key=lambda row: (row[0][:1].lower() != code[:1].lower(), row[0]))
        return [(unit, "", "") for (unit,) in alike[:MOST]]
    used = CodeMapping.objects.filter(table=table).values_list("canonical_code", flat=True)
    return [
        (ours, "", "already used") for ours in used.distinct().order_by("canonical_code")[:MOST]
    ]


# One question for any number of codes; an index on likeness would not pay for a catalogue's size.
_CLOSEST = """
SELECT c.code, i.sku FROM unnest(%s::text[]) AS c(code) CROSS JOIN LATERAL (
    SELECT sku, greatest(similarity(sku, c.code), similarity(name, c.code)) AS alike
    FROM inventory_item WHERE is_active ORDER BY alike DESC, sku LIMIT 1) i
WHERE i.alike >= %s
"""


def closest_items(codes: Sequence[str]) -> dict[str, str]:
    """Our SKU for each of `codes` that is surely like one of ours."""
    if not codes:
        return {}
    with database.cursor() as cursor:
        cursor.execute(_CLOSEST, [list(codes), SURE])
        return dict(cursor.fetchall())


def _percent(alike: float) -> str:
    return f"{round(alike * 100)} % alike"
