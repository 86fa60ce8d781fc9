"""What does this code mean here? The mapping tables, both ways, read once per batch."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from connectors.models import CodeMapping, Connection
from connectors.services.keep_mapping import keep_mapping
from connectors.systems.base import MappingMissing
from inventory.selectors import items_by_sku, locations_by_code
from inventory.units import UnitBook

_LABELS = dict(CodeMapping.Table.choices)


class Codes:
    """The tables of one connection. Where no row says otherwise, a code means itself.

    `STRICT` tables have no such default: a shop's tax or shipping code says nothing to an ERP.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inward: dict[tuple[str, str], str] = {}
        self._outward: dict[tuple[str, str], str] = {}
        for row in CodeMapping.objects.filter(connection=connection).order_by("pk"):
            if row.direction != CodeMapping.Direction.OUTWARD:
                self._inward[row.table, row.external_code] = row.canonical_code
            if row.direction != CodeMapping.Direction.INWARD:
                self._outward[row.table, row.canonical_code] = row.external_code
        self._strict = frozenset(connection.settings.get("strict_tables", ()))
        self._items: dict[str, int | None] = {}  # by our SKU; None: there is no such item
        self._locations: dict[str, int | None] = {}  # likewise

    def canonical(self, table: str, external_code: str) -> str:
        """Our code for theirs. Raises `MappingMissing` where the table must have a row."""
        known = self._inward.get((table, external_code))
        return known if known is not None else self._itself(table, external_code)

    def external(self, table: str, code: str) -> str:
        """Their code for ours. Raises `MappingMissing` where the table must have a row."""
        known = self._outward.get((table, code))
        if known is not None:
            return known
        if self._inward.get((table, code), code) != code:
            raise self.missing(table, code)  # the same word means something else there
        return self._itself(table, code)

    def _itself(self, table: str, code: str) -> str:
        if table in self._strict:
            raise self.missing(table, code)
        return code

    def read_items(self, skus: Iterable[str]) -> None:
        """Look up the items of many SKUs at once, so that resolving each one asks nothing."""
        spelled = {self._inward.get(("SKU", sku), sku) for sku in skus} - self._items.keys()
        if spelled:
            self._items |= dict.fromkeys(spelled) | items_by_sku(spelled)

    def item_id(self, sku: str) -> int:
        """The item behind the sender's SKU. Raises `MappingMissing`."""
        found = self._items.get(self.canonical("SKU", sku))
        if found is None:
            raise self.missing("SKU", sku)
        return found

    def read_locations(self, codes: Iterable[str]) -> None:
        """Look up many locations at once."""
        spelled = {self._inward.get(("LOCATION", code), code) for code in codes}
        if spelled := spelled - self._locations.keys():
            self._locations |= dict.fromkeys(spelled) | locations_by_code(spelled)

    def location_id(self, code: str) -> int:
        """The location behind the sender's code. Raises `MappingMissing`."""
        found = self._locations.get(self.canonical("LOCATION", code))
        if found is None:
            raise self.missing("LOCATION", code)
        return found

    def unit(self, code: str, book: UnitBook) -> str:
        """Our word for the sender's unit. Raises `MappingMissing` for one that means nothing here.

        A word that the table has may still be none of the item's: its book then says so.
        """
        known = self._inward.get(("UNIT", code))
        if known is None and not book.knows(code):
            raise self.missing("UNIT", code)
        return known or code

    def missing(self, table: str, code: str) -> MappingMissing:
        """The error that names the row to add."""
        return MappingMissing(
            f"{_LABELS.get(table, table)} “{code}” has no mapping for {self._connection.name}.",
            table=table,
            external_code=code,
        )


def resolve_skus(codes: Codes, skus: Iterable[str]) -> dict[str, int]:
    """Item ids by the sender's SKU. Raises `MappingMissing` naming the first unknown one."""
    wanted = list(skus)
    codes.read_items(wanted)
    return {sku: codes.item_id(sku) for sku in wanted}


def resolve_location(codes: Codes, code: str) -> int:
    """The location's id by the sender's code. Raises `MappingMissing`."""
    codes.read_locations([code])
    return codes.location_id(code)


Row = tuple[int, str, str, bool]  # connection id, table, code, read outward


def missing_rows(wanted: Iterable[Row]) -> set[Row]:
    """Those of `wanted` that are still not there. A few queries per connection."""
    by_connection: dict[int, list[Row]] = {}
    for row in wanted:
        by_connection.setdefault(row[0], []).append(row)
    missing: set[Row] = set()
    for connection in Connection.objects.filter(pk__in=by_connection):
        rows = by_connection[connection.pk]
        codes = Codes(connection)
        codes.read_items(code for _, table, code, outward in rows if table == "SKU" and not outward)
        missing |= {row for row in rows if not _is_known(codes, row)}
    return missing


def _is_known(codes: Codes, row: Row) -> bool:
    _, table, code, is_outward = row
    try:
        if is_outward:
            codes.external(table, code)
        elif table == "SKU":
            codes.item_id(code)
        elif table == "LOCATION":
            resolve_location(codes, code)
        elif table == "UNIT":
            codes.unit(code, UnitBook("", ""))  # an item's own word is never missing
        else:
            codes.canonical(table, code)
    except MappingMissing:
        return False
    return True


@transaction.atomic
def save_mapping(
    *,
    connection_id: int,
    table: str,
    external_code: str,
    canonical_code: str,
    is_outward: bool | None = None,
) -> CodeMapping:
    """Add or correct the row that is read inward (their code) or outward (ours, as an ERP's is).

    Saying it again changes nothing. What waited for the row goes on.
    """
    role = Connection.objects.values_list("role", flat=True).get(pk=connection_id)
    if is_outward is None:
        is_outward = role == Connection.Role.ERP
    way = CodeMapping.Direction.OUTWARD if is_outward else CodeMapping.Direction.INWARD
    rows = CodeMapping.objects.filter(connection_id=connection_id, table=table)
    read = rows.filter(direction__in=[way, CodeMapping.Direction.BOTH])
    asked = {"canonical_code": canonical_code} if is_outward else {"external_code": external_code}
    row = read.filter(**asked).first() or CodeMapping(
        connection_id=connection_id,
        table=table,
        # What a shop calls it when it orders is what it hears when it is told stock.
        direction=CodeMapping.Direction.BOTH if role == Connection.Role.SHOP else way,
    )
    row.external_code, row.canonical_code = external_code, canonical_code
    if row.direction == CodeMapping.Direction.BOTH and _clashes(row, is_outward):
        # Read the other way these codes already have a row; this one keeps to its own.
        row.direction = way
    keep_mapping(row)
    return row


def _clashes(row: CodeMapping, is_outward: bool) -> bool:
    name = "external_code" if is_outward else "canonical_code"
    other = CodeMapping.Direction.INWARD if is_outward else CodeMapping.Direction.OUTWARD
    rivals = CodeMapping.objects.filter(
        connection_id=row.connection_id,
        table=row.table,
        direction__in=[other, CodeMapping.Direction.BOTH],
        **{name: getattr(row, name)},
    )
    return rivals.exclude(pk=row.pk).exists()
