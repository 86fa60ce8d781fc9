"""What could this unknown code mean? Candidates by likeness, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models.functions import Greatest

from connectors.models import CodeMapping
from exceptions.models import ExceptionCase
from exceptions.models.cases import OPEN_STATES
from inventory.models import Item, Location

_ASKING = frozenset(OPEN_STATES) - {"REPLAYING"}
MOST = 4
LEAST_LIKE = 0.2


@dataclass(frozen=True)
class MappingForm:
    """The row to add, what it may be, and what it would also free."""

    table: str
    table_label: str
    external_code: str
    candidates: list[tuple[str, str, str]]
    also_fixes: int
    is_outward: bool


def mapping_form_of(case: ExceptionCase) -> MappingForm | None:
    """The form, when the case is about a row that is missing and still open."""
    table, code = case.context.get("table"), case.context.get("external_code")
    if case.code != "connectors.mapping_missing" or not table or case.state not in _ASKING:
        return None
    others = ExceptionCase.objects.filter(cause_id=case.cause_id, state__in=OPEN_STATES)
    return MappingForm(
        table=table,
        table_label=dict(CodeMapping.Table.choices).get(table, table),
        external_code=code,
        # Outward it is their code that is missing, and only they know it.
        candidates=[] if case.outbound_id else candidates(table, code),
        also_fixes=others.exclude(pk=case.pk).count(),
        is_outward=case.outbound_id is not None,
    )


def candidates(table: str, code: str) -> list[tuple[str, str, str]]:
    """Our codes that look like theirs: (code, name, reason), most alike first."""
    if table == CodeMapping.Table.SKU:
        alike = Greatest(TrigramSimilarity("sku", code), TrigramSimilarity("name", code))
        rows = Item.objects.filter(is_active=True).annotate(alike=alike)
        found = rows.filter(alike__gte=LEAST_LIKE).order_by("-alike", "sku")[:MOST]
        return [(row.sku, row.name, _percent(row.alike)) for row in found]
    if table == CodeMapping.Table.LOCATION:
        return [(row.code, row.name, "") for row in Location.objects.order_by("priority")[:MOST]]
    used = CodeMapping.objects.filter(table=table).values_list("canonical_code", flat=True)
    return [
        (ours, "", "already used") for ours in used.distinct().order_by("canonical_code")[:MOST]
    ]


def _percent(alike: float) -> str:
    return f"{round(alike * 100)} % alike"
